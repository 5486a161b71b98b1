// otpost: what pages can do beyond HTML. Everything works without it.
(() => {
  "use strict";

  const on = (type, handle) => document.addEventListener(type, handle);
  const byId = (id) => (id ? document.getElementById(id) : null);
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

  // Says something next to what was pressed, then what stood there before.
  function say(button, words) {
    const label = button.querySelector("span") || button;
    if (!words || label.dataset.was !== undefined) return;
    label.dataset.was = label.textContent;
    label.textContent = words;
    setTimeout(() => {
      label.textContent = label.dataset.was;
      delete label.dataset.was;
    }, 2000);
  }

  // The text of a field, or of all lines of a list.
  function textOf(element) {
    if (!element) return "";
    if ("value" in element && element.matches("input, textarea")) return element.value;
    const lines = [...element.querySelectorAll("li")].map((line) => line.textContent.trim());
    return lines.length ? lines.join("\n") + "\n" : element.textContent.trim();
  }

  async function copy(button) {
    const source = byId(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(textOf(source));
    } catch {
      // Not a secure context: select the text instead, and leave the rest to the person.
      if (source && source.select) source.select();
      else if (source) getSelection().selectAllChildren(source);
      return;
    }
    say(button, button.dataset.done);
  }

  function download(button) {
    const url = URL.createObjectURL(new Blob([textOf(byId(button.dataset.download))], { type: "text/plain" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = button.dataset.name || "codes.txt";
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  function showPassword(button) {
    const field = byId(button.dataset.show);
    const label = button.querySelector("span");
    if (!field || !label) return;
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    button.dataset.words = button.dataset.words || label.textContent;
    label.textContent = shown ? button.dataset.hide : button.dataset.words;
  }

  // The switch "All" of a group of switches.
  function group(changed) {
    const box = changed.closest("[data-group]");
    if (!box) return;
    const all = box.querySelector("[data-all]");
    const each = [...box.querySelectorAll("input[type=checkbox]")].filter((one) => one !== all);
    if (changed === all) each.forEach((one) => (one.checked = all.checked));
    const ticked = each.filter((one) => one.checked).length;
    all.checked = ticked === each.length;
    all.indeterminate = ticked > 0 && ticked < each.length;
  }

  on("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
    else if (button.dataset.copy) copy(button);
    else if (button.dataset.download) download(button);
    else if (button.dataset.show) showPassword(button);
    else if (button.hasAttribute("data-print")) print();
  });

  on("change", (event) => {
    if (event.target.matches("[data-group] input[type=checkbox]")) group(event.target);
    const form = event.target.closest("form[data-submit]");
    if (form) form.requestSubmit();
  });

  // Appearance changes without leaving the page, so that nothing that was typed is lost.
  on("submit", async (event) => {
    const form = event.target;
    const button = event.submitter;
    if (!form.hasAttribute("data-theme-form") || !button) return;
    event.preventDefault();
    const fields = new URLSearchParams(new FormData(form, button));
    const answer = await fetch(form.action, { method: "POST", body: fields, redirect: "manual" });
    if (answer.type !== "opaqueredirect" && !answer.ok) return form.submit();
    const now = fields.get("theme");
    if (now) document.documentElement.dataset.theme = now;
    else delete document.documentElement.dataset.theme;
    const next = { "": "light", light: "dark", dark: "" }[now];
    const words = { "": "auto", light: "light", dark: "dark" }[now];
    for (const other of document.querySelectorAll("form[data-theme-form] button")) {
      other.value = next;
      other.textContent = other.dataset[words];
    }
  });

  // Countdowns show what is left; at nothing, the button that waits for one can be pressed.
  const ends = new WeakMap();
  function tick() {
    for (const shown of document.querySelectorAll("[data-countdown]")) {
      if (!ends.has(shown)) ends.set(shown, Date.now() + Number(shown.dataset.countdown) * 1000);
      const left = Math.max(0, Math.ceil((ends.get(shown) - Date.now()) / 1000));
      shown.textContent = clock(left);
      if (left > 0) continue;
      delete shown.dataset.countdown;
      const line = shown.closest("[id]");
      const button = line && document.querySelector(`[data-wait="${line.id}"]`);
      if (button) {
        button.removeAttribute("aria-disabled");
        button.removeAttribute("aria-describedby");
        line.hidden = true;
      }
    }
  }

  // Times as this clock has them, in the page's language: today at 08:41, 14 November.
  function localise(time) {
    const page = document.documentElement.lang;
    const same = (own) => own.split("-")[0] === page.split("-")[0];
    const lang = navigator.languages.find(same) || page;
    const at = new Date(time.dateTime);
    const write = (wish) => new Intl.DateTimeFormat(lang, wish).format(at);
    const midnight = (date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
    const now = new Date();
    const ago = (midnight(now) - midnight(at)) / 86400000;
    const date = write({ dateStyle: "long" });
    let day = date;
    if (ago === 0 || ago === 1) day = new Intl.RelativeTimeFormat(lang, { numeric: "auto" }).format(-ago, "day");
    else if (at.getFullYear() === now.getFullYear()) day = write({ day: "numeric", month: "long" });
    const exact = write({ dateStyle: "long", timeStyle: "short" });
    time.textContent = time.dataset.when === "day" ? day : exact.replace(date, day);
    delete time.dataset.when;
  }

  // Also after htmx has put something new into the page.
  function ready() {
    for (const element of document.querySelectorAll("[data-js]")) element.hidden = false;
    document.querySelectorAll("time[data-when]").forEach(localise);
    for (const all of document.querySelectorAll("[data-group] [data-all]:not([data-seen])")) {
      all.dataset.seen = "";
      const one = all.closest("[data-group]").querySelector("input[type=checkbox]:not([data-all])");
      if (one) group(one);
    }
    const first = document.querySelector("[data-focus]");
    if (first) {
      first.removeAttribute("data-focus");
      first.focus();
    }
    for (const toast of document.querySelectorAll(".toast")) setTimeout(() => toast.remove(), 8000);
    tick();
    for (const tab of document.querySelectorAll(".tabs [aria-current]")) tab.scrollIntoView({ block: "nearest", inline: "center" });
  }

  // What was just done is said once, and goes away by itself.
  const toast = document.querySelector(".toast");
  if (toast) {
    const here = new URL(location.href);
    here.searchParams.delete("done");
    history.replaceState(history.state, "", here);
    setTimeout(() => toast.remove(), 8000);
  }
  on("htmx:after:swap", ready);
  ready();
  setInterval(tick, 1000);
})();

// What a scenario is given.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { Reports, originsIn, scripts, settings } from './browser.mjs';
import { gate } from './gate.mjs';
import { Inbox } from './inbox.mjs';
import { shrink } from './png.mjs';

/** How long a page may take for one thing. */
const PATIENCE = 10_000;

const WIDTHS = [1280, 390];
const SCHEMES = ['light', 'dark'];
const LOCALES = ['en', 'de', 'qps'];

export class Scenario {
  /** Addresses, credentials and paths: whatever the test handed over. */
  input;

  #browser;
  #emit;
  #selfSigned;
  #reports;
  #folder;
  #window;
  #windows = new WeakMap();

  constructor({ browser, emit, input, selfSigned, folder }) {
    this.input = input;
    this.#browser = browser;
    this.#emit = emit;
    this.#selfSigned = selfSigned;
    this.#folder = folder;
    this.#reports = new Reports(originsIn(input));
  }

  /** The page that the helpers act upon. */
  get page() {
    return this.#window?.page;
  }

  /**
   * A fresh window of somebody without cookies, who now has `ctx.page`. Options: `width`, `height`, `scheme`, `locale`,
   * `js`, and any of Playwright's own (`storageState` takes a login along). Windows opened before stay open; `use` gets
   * back to one. Gives the window's page.
   */
  async open({ width, height, scheme = 'light', locale = 'en', js = true, ...own } = {}) {
    const context = await this.#browser.newContext({
      ...settings({ width, height, scheme, locale }),
      ignoreHTTPSErrors: this.#selfSigned,
      ...own,
    });
    context.setDefaultTimeout(PATIENCE);
    await this.#reports.attach(context);
    const page = await context.newPage();
    this.#window = await this.#windowOf(page, { js, locale, scheme });
    this.#windows.set(page, this.#window);
    return page;
  }

  /** Goes on with a page that `open` gave, or with another tab of the same window. */
  async use(page) {
    if (!this.#windows.has(page)) {
      this.#windows.set(page, await this.#windowOf(page, this.#window));
    }
    this.#window = this.#windows.get(page);
    await page.bringToFront();
  }

  /** One more tab with the same cookies, which now is `ctx.page`. */
  async tab() {
    const page = await this.page.context().newPage();
    await this.use(page);
    return page;
  }

  /** Goes to an address, or to a path below `input.base`; gives the answer. */
  async goto(target) {
    return this.page.goto(new URL(target, this.input.base).href);
  }

  /** Types into the field with this label, in place of what is there. */
  async fill(label, value) {
    await this.page.getByLabel(label, { exact: true }).fill(value);
  }

  /** Clicks the button, link, tab or menu item with this name. */
  async click(name) {
    const { page } = this;
    const roles = ['button', 'link', 'tab', 'menuitem'].map((role) => page.getByRole(role, { name, exact: true }));
    await roles.reduce((any, one) => any.or(one)).click();
  }

  /** Waits until the page shows this text (a string or a regular expression), also across elements and in noscript. */
  async see(text, timeout = PATIENCE) {
    const deadline = performance.now() + timeout;
    const there = (shown) => (text instanceof RegExp ? text.test(shown) : shown.includes(text));
    while (!there(await this.text())) {
      if (performance.now() > deadline) throw new Error(`the page does not show ${text}`);
      await pause(20);
    }
  }

  /** What the page shows, spaces and line ends as single spaces. */
  async text() {
    // A page that is being left has no text.
    const shown = await this.page.evaluate(() => document.body?.innerText ?? '').catch(() => '');
    // Where a word may be parted is no part of it.
    return shown.replaceAll('\u00ad', '').replace(/\s+/g, ' ');
  }

  /** Fails with `message` unless `condition` holds. */
  check(condition, message) {
    if (!condition) throw new Error(message);
  }

  /** Fails unless both are the same as JSON. */
  equal(actual, expected, what = 'value') {
    const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`);
  }

  /** Does one step. When it fails, its name, the address, what the page says and a picture are printed. */
  async step(name, work) {
    const begun = performance.now();
    try {
      const result = await work();
      this.#emit({ type: 'step', name, ok: true, ms: since(begun) });
      return result;
    } catch (error) {
      // The innermost step tells.
      if (!error.told) {
        error.told = true;
        const scene = await this.#scene(name);
        this.#emit({ type: 'step', name, ok: false, ms: since(begun), error: plain(error.message), ...scene });
      }
      throw error;
    }
  }

  /** Hands a value to the test. */
  tell(name, value) {
    this.#emit({ type: 'value', name, value });
  }

  /** Texts that come from now on to the inbox file at `input.inbox`, or at a path. */
  inbox(path = this.input.inbox) {
    return Inbox.at(path);
  }

  /** Takes what pages complained about since, so that it does not fail the scenario: an expected complaint. */
  takeReports(kind) {
    return this.#reports.take(kind);
  }

  /** Saves a picture of the whole page; gives its path. */
  async shot(name, folder = this.#folder) {
    await mkdir(folder, { recursive: true });
    const path = join(folder, `${name.replace(/[^\w.-]+/g, '-')}.png`);
    await this.page.screenshot({ path, fullPage: true, animations: 'disabled' });
    return path;
  }

  /**
   * Looks at the page as it stands, without loading it anew, in each scheme and width. Gives the violations; fails no
   * step. `shots` is a folder for a picture of each, and `named` gives its name where the usual one will not do.
   */
  async look(name, { schemes = SCHEMES, widths = WIDTHS, shots, named } = {}) {
    const { page, locale, scheme: own } = this.#window;
    const before = page.viewportSize();
    const all = [];
    for (const width of widths) {
      await page.setViewportSize({ ...before, width });
      for (const scheme of schemes) {
        const begun = performance.now();
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
        const violations = await gate(this.#window, this.#reports);
        if (shots) await this.#small(named?.(width, scheme) ?? `${name}-${locale}-${width}-${scheme}`, shots);
        this.#emit({ type: 'look', page: name, url: page.url(), scheme, width, locale, ms: since(begun), violations });
        all.push(...violations.map((violation) => ({ ...violation, scheme, width, locale })));
      }
    }
    await page.setViewportSize(before);
    await page.emulateMedia({ colorScheme: own, reducedMotion: 'reduce' });
    return all;
  }

  /** As `look`, and fails when there is any violation. */
  async gate(name, options) {
    const violations = await this.look(name, options);
    if (violations.length > 0) throw new Error(`${name}: ${told(violations)}`);
  }

  /**
   * Looks at pages in each language as well: `pages` is a list of `{name, url}` or `{name, open: async (ctx) => ...}`.
   * The windows of all languages begin with the cookies of `ctx.page`. All pages are looked at before it fails.
   */
  async matrix(pages, { locales = LOCALES, ...options } = {}) {
    const window = this.#window;
    const storageState = await this.page.context().storageState();
    const all = [];
    for (const language of locales) {
      await this.open({ locale: language, storageState });
      try {
        for (const { name, url, open } of pages) {
          if (open) await open(this);
          else await this.goto(url);
          all.push(...(await this.look(name, options)).map((violation) => ({ page: name, ...violation })));
        }
      } finally {
        await this.page.context().close();
        this.#window = window;
      }
    }
    if (all.length > 0) throw new Error(told(all));
  }

  async #small(name, folder) {
    await mkdir(folder, { recursive: true });
    // Nothing below the pointer, where the last click was.
    await this.page.mouse.move(0, 0);
    const picture = await this.page.screenshot({ fullPage: true, animations: 'disabled' });
    await writeFile(join(folder, `${name.replace(/[^\w.-]+/g, '-')}.png`), shrink(picture));
  }

  async #windowOf(page, { js, locale, scheme }) {
    const cdp = await page.context().newCDPSession(page);
    // By Playwright's own option the checks of the gate could not run either.
    if (!js) await scripts(cdp, false);
    return { page, cdp, js, locale, scheme };
  }

  async #scene(step) {
    if (!this.page || this.page.isClosed()) return {};
    const text = await this.page
      .evaluate(() => (document.querySelector('main') ?? document.body).innerText.slice(0, 2000))
      .catch((error) => `cannot be read: ${error.message}`);
    const screenshot = await this.shot(`failed-${step}`).catch((error) => `cannot be taken: ${error.message}`);
    return { url: this.page.url(), text, screenshot };
  }
}

function since(begun) {
  return Math.round(performance.now() - begun);
}

/** Without the colours that Playwright puts into its messages. */
export function plain(message) {
  return message.replace(/\x1b\[\d+m/g, '');
}

/** Violations in lines, the same of several widths and schemes as one. */
export function told(violations) {
  const lines = new Map();
  for (const { page, rule, what, where, locale, width, scheme } of violations) {
    const line = `${page ? `${page}: ` : ''}${rule} at ${where}: ${what}`;
    lines.set(line, [...(lines.get(line) ?? []), `${locale} ${width} ${scheme}`]);
  }
  return [`${violations.length} violations`, ...[...lines].map(([line, seen]) => `  ${line} (${seen.join('; ')})`)].join('\n');
}

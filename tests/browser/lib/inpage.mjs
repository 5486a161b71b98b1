// What is looked at from inside a page. Playwright sends `install` there as text, so it uses nothing from outside.

/** Defines `window.otpostLook`. */
export function install() {
  if (window.otpostLook) return;

  const FOCUSABLE =
    'a[href],area[href],button,input,select,textarea,summary,iframe,audio[controls],video[controls],[contenteditable=""],[contenteditable=true],[tabindex]';
  const ROLES = ['button', 'link', 'checkbox', 'radio', 'switch', 'tab', 'menuitem', 'option'];
  const TARGETS = `${FOCUSABLE},${ROLES.map((role) => `[role=${role}]`).join(',')}`;

  /** A short way to say which element is meant. */
  const name = (el) => {
    const id = el.id ? `#${el.id}` : '';
    const cls = !id && el.classList?.length ? `.${[...el.classList].join('.')}` : '';
    const words = (el.getAttribute('aria-label') ?? el.textContent ?? '').trim().replace(/\s+/g, ' ').slice(0, 40);
    return `${el.localName}${id}${cls}${words ? ` "${words}"` : ''}`;
  };

  const shown = (el) =>
    el.checkVisibility({ visibilityProperty: true }) && el.getClientRects().length > 0 && !el.closest('[inert]');

  const reachable = (el) => {
    if (el.matches(':disabled, input[type=hidden]') || el.tabIndex < 0 || !shown(el)) return false;
    const modal = document.querySelector('dialog:modal');
    if (modal && !modal.contains(el)) return false;
    if (el.type === 'radio' && el.name) {
      // One stop for the group: the chosen one, or else any.
      const group = [...document.querySelectorAll(`input[type=radio][name="${CSS.escape(el.name)}"]`)].filter(
        (other) => other.form === el.form && !other.disabled,
      );
      return el === (group.find((other) => other.checked) ?? group[0]);
    }
    return true;
  };

  // A pixel of a canvas turns any notation of a colour into numbers.
  const brush = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', {
    willReadFrequently: true,
  });
  const known = new Map();
  const rgba = (colour) => {
    if (!known.has(colour)) {
      brush.clearRect(0, 0, 1, 1);
      brush.fillStyle = colour;
      brush.fillRect(0, 0, 1, 1);
      known.set(colour, [...brush.getImageData(0, 0, 1, 1).data]);
    }
    return known.get(colour);
  };
  const luminance = ([r, g, b]) => {
    const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const contrast = (a, b) => {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
  };
  const behind = (el) => {
    for (let at = el.parentElement; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18, 255] : [255, 255, 255, 255];
  };

  const LOOKS = [
    'outlineStyle', 'outlineWidth', 'outlineColor', 'boxShadow', 'backgroundColor', 'color', 'textDecorationLine',
    'textDecorationThickness', 'borderTopColor', 'borderTopWidth', 'borderBottomColor', 'borderBottomWidth', 'opacity',
  ];
  const look = (el, pseudo) => {
    const style = getComputedStyle(el, pseudo);
    return LOOKS.map((property) => style[property]).join('|');
  };
  /** Everything whose look may tell that `el` has the focus. */
  const around = (el) => {
    const near = [el, ...(el.labels ?? []), el.nextElementSibling];
    for (let at = el.parentElement, n = 0; at && at !== document.body && n < 3; at = at.parentElement, n += 1) near.push(at);
    return near.filter(Boolean);
  };
  const looks = (el) => around(el).flatMap((at) => [look(at), look(at, '::before'), look(at, '::after')]);

  /** Why the focus on `el` cannot be seen, or nothing. `before` is how things looked without it. */
  const hidden = (el, before) => {
    const box = el.getBoundingClientRect();
    const labelled = [...(el.labels ?? [])].some((label) => label.getBoundingClientRect().width > 1);
    if (box.width <= 1 && box.height <= 1 && !labelled) return { rule: 'focus-hidden', what: 'has the focus and no size' };
    const style = getComputedStyle(el);
    const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
    const ring = outlined ? rgba(style.outlineColor) : undefined;
    if (ring && style.outlineStyle !== 'auto' && ring[3] > 0) {
      const ratio = contrast(ring, behind(el));
      if (ratio >= 3) return undefined;
      return { rule: 'focus-faint', what: `the outline has a contrast of ${ratio.toFixed(2)}, 3 is needed` };
    }
    if (ring && style.outlineStyle === 'auto') return undefined;
    const now = looks(el);
    if (now.some((text, index) => text !== before[index])) return undefined;
    return { rule: 'focus-invisible', what: 'looks the same with and without the focus' };
  };

  let walk;
  const onFocus = (event) => {
    const el = event.target;
    if (!walk || walk.visited.has(el)) return;
    walk.visited.add(el);
    for (const animation of document.getAnimations()) {
      // An endless one cannot be finished, and says nothing about the focus.
      try { animation.finish(); } catch { animation.cancel(); }
    }
    const problem = hidden(el, walk.before.get(el) ?? looks(el));
    if (problem) walk.problems.push({ ...problem, where: name(el) });
  };

  /** Begins a walk by Tab; how many stops there are. */
  const begin = () => {
    document.activeElement?.blur();
    const stops = [...document.querySelectorAll(FOCUSABLE)].filter(reachable);
    walk = { stops, visited: new Set(), problems: [], before: new Map(stops.map((el) => [el, looks(el)])) };
    document.addEventListener('focusin', onFocus, true);
    return stops.length;
  };

  const unvisited = () => walk.stops.filter((el) => !walk.visited.has(el));

  /** Ends the walk: what could not be seen or not be reached, and what something else covers. */
  const end = () => {
    document.removeEventListener('focusin', onFocus, true);
    const problems = walk.problems;
    for (const el of unvisited()) problems.push({ rule: 'focus-unreachable', what: 'Tab does not get there', where: name(el) });
    for (const el of walk.stops) {
      el.focus();
      const box = el.getBoundingClientRect();
      if (box.width <= 1 || box.height <= 1 || document.activeElement !== el) continue;
      const points = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.1], [0.5, 0.9]];
      const free = points.some(([x, y]) => {
        const top = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
        return top && (el.contains(top) || top.contains(el) || [...(el.labels ?? [])].some((label) => label.contains(top)));
      });
      if (!free) problems.push({ rule: 'focus-obscured', what: 'is covered or outside of the window when it has the focus', where: name(el) });
    }
    document.activeElement?.blur();
    window.scrollTo(0, 0);
    walk = undefined;
    return problems;
  };

  /** Targets below 24 x 24 CSS pixels (WCAG 2.2, 2.5.8), but for links within a sentence. */
  const small = () => {
    const problems = [];
    for (const el of document.querySelectorAll(TARGETS)) {
      if (el.matches(':disabled, input[type=hidden], iframe, [tabindex="-1"]') || !shown(el)) continue;
      const boxes = [el, ...(el.labels ?? [])].map((at) => at.getBoundingClientRect());
      // Hidden from view until it has the focus, as a link that skips to the content; its label may be what is clicked.
      const seen = boxes.filter((box) => box.width > 1 && box.height > 1 && box.bottom > 0);
      if (seen.length === 0 || seen.some((box) => box.width >= 23.99 && box.height >= 23.99)) continue;
      if (el.matches('a') && getComputedStyle(el).display === 'inline' && inSentence(el)) continue;
      const { width, height } = seen[0];
      problems.push({
        rule: 'target-size',
        what: `is ${width.toFixed(0)} x ${height.toFixed(0)} pixels, at least 24 x 24 are needed`,
        where: name(el),
      });
    }
    return problems;
  };
  const inSentence = (link) =>
    [...link.parentElement.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && /\p{L}/u.test(node.data));

  /** What is wider than the window. */
  const overflow = () => {
    const root = document.documentElement;
    if (root.scrollWidth <= root.clientWidth && document.body.scrollWidth <= root.clientWidth) return [];
    const clipped = (el) => {
      for (let at = el.parentElement; at && at !== document.body; at = at.parentElement) {
        if (getComputedStyle(at).overflowX !== 'visible') return true;
      }
      return false;
    };
    const wide = [...document.body.querySelectorAll('*')].filter((el) => {
      const box = el.getBoundingClientRect();
      return box.width > 0 && (box.right > root.clientWidth + 0.5 || box.left < -0.5) && shown(el) && !clipped(el);
    });
    const innermost = wide.filter((el) => !wide.some((other) => other !== el && el.contains(other)));
    const scroll = Math.max(root.scrollWidth, document.body.scrollWidth);
    return [
      {
        rule: 'overflow',
        what: `the page is ${scroll} pixels wide in a window of ${root.clientWidth}`,
        where: innermost.slice(0, 5).map(name).join(', ') || 'body',
      },
    ];
  };

  /** Ids that two elements have: for axe it is only something to review, and a label would belong to either. */
  const twins = () => {
    const ids = [...document.querySelectorAll('[id]')].map((el) => el.id);
    const twice = new Set(ids.filter((id, index) => ids.indexOf(id) !== index));
    return [...twice].map((id) => ({ rule: 'duplicate-id', what: 'more than one element has this id', where: `#${id}` }));
  };

  window.otpostLook = { twins, begin, left: () => unvisited().length, end, small, overflow };
}

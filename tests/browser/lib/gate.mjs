// Everything that a page must hold, as a list of what it does not.
import { readFile } from 'node:fs/promises';

import { scripts } from './browser.mjs';
import { install } from './inpage.mjs';

const AXE = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Narrower than any phone; nothing may need to be scrolled sideways (WCAG 2.1, 1.4.10). */
const NARROWEST = 320;

/** What axe finds: WCAG 2.2 AA and its best practices. */
export async function axe(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  const violations = await page.evaluate(async (tags) => {
    const found = await window.axe.run(document, {
      runOnly: { type: 'tag', values: tags },
      resultTypes: ['violations'],
    });
    return found.violations.map(({ id, help, nodes }) => ({
      id,
      help,
      where: nodes.map((node) => node.target.flat().join(' ')),
      why: nodes[0]?.failureSummary ?? '',
    }));
  }, TAGS);
  return violations.map(({ id, help, where, why }) => ({
    rule: `axe:${id}`,
    what: `${help}. ${why.replace(/\s+/g, ' ')}`,
    where: where.join(', '),
  }));
}

/** Walks over the page by Tab: each stop is reached, and can be seen when it has the focus. */
export async function focusWalk(page, cdp) {
  const stops = await page.evaluate(() => window.otpostLook.begin());
  let left = stops;
  // The walk may begin in the middle and pass the browser's own controls, and areas that scroll are stops too.
  for (let round = 0; left > 0 && round < 3; round += 1) {
    const keys = [];
    for (let n = 0; n < stops + 3; n += 1) {
      const key = { key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 };
      // Sent in one go: the browser keeps their order.
      keys.push(cdp.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...key }));
      keys.push(cdp.send('Input.dispatchKeyEvent', { type: 'keyUp', ...key }));
    }
    await Promise.all(keys);
    left = await page.evaluate(() => window.otpostLook.left());
  }
  return page.evaluate(() => window.otpostLook.end());
}

/** What is wider than the window at this width. */
export async function overflowAt(page, width) {
  const before = page.viewportSize();
  if (before.width !== width) await page.setViewportSize({ ...before, width });
  await page.evaluate(install);
  const problems = await page.evaluate(() => window.otpostLook.overflow());
  if (before.width !== width) await page.setViewportSize(before);
  return problems;
}

/** All checks of the page as it stands. `cdp` is a session with it, `reports` is what was heard of it. */
export async function gate({ page, cdp, js }, reports) {
  // The checks need scripts. Those of the page did not run, and do not now.
  if (!js) await scripts(cdp, true);
  try {
    await page.evaluate(install);
    const { width } = page.viewportSize();
    const problems = [
      ...(await axe(page)),
      ...(await page.evaluate(() => [...window.otpostLook.small(), ...window.otpostLook.twins()])),
      ...(await overflowAt(page, width)),
      // As a phone too, not for each of the widths.
      ...(width > NARROWEST && width < 600 ? await overflowAt(page, NARROWEST) : []),
      ...(await focusWalk(page, cdp)),
    ];
    const heard = reports.take().map(({ kind, url, text }) => ({ rule: kind, what: text, where: url }));
    return [...problems, ...heard];
  } finally {
    if (!js) await scripts(cdp, false);
  }
}

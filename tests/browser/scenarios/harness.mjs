// What the harness itself is tried with: input.way says how.
import { appendFile } from 'node:fs/promises';

const ways = {
  /** Waits for a text that does not come. */
  async fails(ctx) {
    await ctx.step('open the page', () => ctx.goto('/'));
    await ctx.step('find the way', () =>
      ctx.step('see what is not there', () => ctx.see('A text that nobody wrote', 200)),
    );
  },

  /** Never ends. */
  async hangs(ctx) {
    await ctx.goto('/');
    ctx.tell('pid', process.pid);
    await new Promise((resolve) => setInterval(resolve, 1 << 30));
  },

  /** Complains without being asked, or after saying that it will. */
  async complains(ctx) {
    await ctx.goto('/');
    await ctx.page.evaluate(() => console.error('not as it should be'));
    if (ctx.input.expected) ctx.tell('taken', ctx.takeReports('console-error'));
  },

  /** Reads codes that come while it waits. */
  async reads(ctx) {
    const line = (to, text) => `${JSON.stringify({ at: '2026-01-05T10:20:30Z', to, text, reference: 'r' })}\n`;
    await appendFile(ctx.input.inbox, line('+447700900981', '999999 from before'));
    const inbox = await ctx.inbox();
    const code = inbox.code({ to: '+447700900982' });
    await appendFile(ctx.input.inbox, line('+447700900983', '111111 for somebody else'));
    const whole = Buffer.from(line('+447700900982', '204060 – your code for Büro\n@portal.example #204060'));
    const half = whole.indexOf(0xc3) + 1;
    await appendFile(ctx.input.inbox, whole.subarray(0, half));
    await appendFile(ctx.input.inbox, whole.subarray(half));
    ctx.tell('code', await code);
    ctx.tell('waiting', await inbox.waiting());
  },
};

export default (ctx) => ways[ctx.input.way](ctx);

// Every screen of self-service and every state of it, looked at in both schemes, both widths and all languages.
//
// `part` names a file in screens/. A look takes a third of a second, so that without `full` English is looked at in all four
// ways and the other languages on a light phone. `shots` is a folder for pictures.
import { Postbox } from '../lib/postbox.mjs';
import { People } from '../lib/people.mjs';
import { plain, told } from '../lib/scenario.mjs';

const PHONE = { widths: [390], schemes: ['light'] };

export default async function screens(ctx) {
  const { part, full = false, shots, mailServer, daemon } = ctx.input;
  const { prepare, pages } = await import(new URL(`../screens/${part}.mjs`, import.meta.url));
  const [postbox, port] = await Postbox.start(mailServer);
  try {
    const people = new People(ctx);
    const stop = () => {
      try {
        process.kill(daemon, 'SIGKILL');
      } catch {
        // It is stopped.
      }
    };
    const tools = { postbox, daemon: { stop } };
    await ctx.step('people and portals', async () => {
      const from = 'otpost <otpost@hafenwerk.example>';
      await people.admin('mail-set', { host: '127.0.0.1', port, security: 'none', from });
      await prepare(people, tools);
    });
    const all = pages(people, ctx, tools);
    const found = [];
    // One that cannot be reached is told with the rest.
    const missed = (name, locale) => (error) => {
      found.push({ page: name, rule: 'not-reached', what: plain(error.message), where: ctx.page.url(), locale, width: 0 });
    };
    const look = async ({ name, open, german }, locale) => {
      const step = `${name} in ${locale}`;
      await ctx.step(step, async () => {
        await open();
        const pictured = shots && (locale === 'en' || (locale === 'de' && german));
        const wide = pictured || full || locale === 'en';
        const own = locale === 'en' ? name : `${locale}-${name}`;
        const named = (width, scheme) => `${own}-${width}-${scheme}`;
        const violations = await ctx.look(name, { ...(wide ? {} : PHONE), ...(pictured ? { shots, named } : {}) });
        found.push(...violations.map((violation) => ({ page: name, ...violation })));
      }).catch(missed(name, locale));
    };
    const windows = async (some, work) => {
      for (const locale of ['en', 'de', 'qps']) {
        await ctx.open({ locale });
        for (const page of some) await work(page, locale);
        await ctx.page.context().close();
      }
    };
    const only = ctx.input.only && new RegExp(ctx.input.only);
    const some = only ? all.filter(({ name }) => only.test(name)) : all;
    await windows(some.filter(({ last }) => !last), look);
    await ctx.open({ js: false });
    for (const { name, open } of some.filter(({ noScript }) => noScript)) {
      await ctx.step(`${name} without scripts`, async () => {
        await open();
        const violations = await ctx.look(`${name}-no-js`, PHONE);
        found.push(...violations.map((violation) => ({ page: `${name} without scripts`, ...violation })));
      }).catch(missed(`${name} without scripts`, 'en'));
    }
    await windows(some.filter(({ last }) => last), look);
    ctx.tell('screens', some.length);
    if (found.length > 0) throw new Error(told(found));
  } finally {
    postbox.stop();
  }
}

// A page in all schemes, widths and languages, then used without scripts: it must hold everywhere.
export default async function matrix(ctx) {
  const scripts = () => ctx.page.evaluate(() => document.documentElement.dataset.scripts ?? 'off');
  await ctx.step('all languages', async () => {
    await ctx.matrix([{ name: 'page', url: '/' }], { shots: ctx.input.folder });
    await ctx.goto('/');
    ctx.equal(await scripts(), 'on', 'scripts');
  });
  await ctx.step('without scripts', async () => {
    await ctx.open({ js: false });
    await ctx.goto('/');
    await ctx.see('This page works without scripts.');
    await ctx.gate('page-no-js');
    await ctx.fill('User name', 'alice');
    await ctx.click('Sign in');
    await ctx.page.waitForURL(/u=alice/);
    ctx.equal(await scripts(), 'off', 'scripts');
  });
}

// Somebody who administers one resource of two, as helpdesk or as administrator: they see what belongs to it, nothing of the other,
// and no link or button that would be refused.
import { totp } from '../lib/totp.mjs';

const PASSWORD = 'a long enough password';
/** What pages must not name: the other resource, its people and its VPN. */
const FOREIGN = /Werft|bruno|werft-gw/;

export default async function limited(ctx) {
  const { link, role, base } = ctx.input;
  const admin = role === 'admin';
  await ctx.open();
  const main = (name) => ctx.page.locator('main').getByRole('button', { name, exact: true }).first().click();
  const menu = (name) =>
    ctx.page.getByRole('navigation', { name: 'Main' }).locator('visible=true').getByRole('link', { name, exact: true }).first();
  const shown = (name) => ctx.page.locator('main').getByRole('link', { name, exact: true }).count();

  await ctx.step('set up by the link', async () => {
    await ctx.page.goto(link);
    const secret = await ctx.page.locator('input[name=totp]').inputValue();
    await ctx.fill('Password', PASSWORD);
    await ctx.fill('Code', totp(secret));
    await ctx.click('Finish and sign in');
    await ctx.click('I have saved them');
    await ctx.page.getByRole('heading', { name: 'Overview' }).waitFor();
  });
  await ctx.step('the side bar has what the role may open', async () => {
    const there = { Overview: true, Resources: true, Users: true, Tokens: true, Messages: true, Audit: true };
    const all = { ...there, 'RADIUS clients': admin, 'SMS providers': false, Settings: false };
    for (const [name, may] of Object.entries(all)) {
      ctx.equal((await menu(name).count()) > 0, may, name);
    }
  });
  await ctx.step('own resource and own people only', async () => {
    await menu('Resources').click();
    await ctx.see('Hafenwerk VPN');
    ctx.equal(await shown('Add resource'), 0, 'Add resource');
    await menu('Users').click();
    await ctx.see('alice');
    await ctx.see('carla');
    ctx.equal(FOREIGN.test(await ctx.text()), false, 'foreign people in the list');
    ctx.equal(await shown('Import CSV'), 0, 'Import CSV');
    ctx.equal(await shown('Add user'), admin ? 1 : 0, 'Add user');
    await ctx.page.getByRole('searchbox').fill('bruno');
    await ctx.click('Search');
    await ctx.see('No users here');
  });
  await ctx.step('what lies outside is not there, however its address was come by', async () => {
    const foreign = [
      '/users/bruno', '/users/bruno/do/lock', '/users/bruno/do/enrol', '/users/nobody', '/resources/Werft',
      '/resources/Werft/users', '/resources/Werft/self-service', '/resources/Werft/self-service/actions',
      '/resources/Werft/policies', '/resources/Werft/tokens', '/resources/Werft/remove', '/resources/Nothing',
      '/radius/werft-gw', '/radius/werft-gw/remove', '/users?resource=Werft', '/tokens?resource=Werft', '/?resource=Werft',
      `/users/bruno/tokens/${ctx.input.token}`, `/users/alice/tokens/${ctx.input.token}`,
      '/settings/sms', '/settings/portal', '/settings/mail', '/settings/administrators', '/settings/keys', '/providers',
      '/add/provider', '/add/resource', '/add/administrator', '/add/key', '/import', '/sources', '/add/source',
      ...(admin ? [] : ['/add/user', '/add/radius', '/radius', '/users/alice/do/password', '/users/alice/do/delete']),
    ];
    for (const path of foreign) {
      const answer = await ctx.goto(path);
      ctx.check([403, 404].includes(answer.status()), `${path} answers ${answer.status()}`);
      const page = await ctx.page.locator('main').innerText();
      ctx.check(!FOREIGN.test(page), `${path} names what is foreign: ${page}`);
    }
    await ctx.gate('limited-forbidden');
  });
  await ctx.step('every link on every page opens, and none leads outside', async () => {
    const seen = new Set(['/']);
    const next = ['/'];
    while (next.length > 0) {
      const path = next.shift();
      const answer = path.startsWith('/export/')
        ? await ctx.page.context().request.get(new URL(path, base).href)
        : await ctx.goto(path);
      ctx.equal(answer.status(), 200, `status of ${path}`);
      if (path.startsWith('/export/')) {
        ctx.check(!FOREIGN.test(await answer.text()), 'the file names what is foreign');
        continue;
      }
      // The log tells what was done, by the words of whoever did it.
      const text = await ctx.page.locator('body').innerText();
      ctx.check(!FOREIGN.test(text), `${path} names what is foreign: ${text}`);
      for (const href of await ctx.page.locator('a[href^="/"]').evaluateAll((all) => all.map((a) => a.getAttribute('href')))) {
        // One reference is like the other.
        const key = href.replace(/ref=[^&]+/, 'ref=').replace(/#.*/, '');
        if (!seen.has(key) && !key.startsWith('/s/')) {
          seen.add(key);
          next.push(href);
        }
      }
      ctx.check(seen.size < 300, 'the walk ends');
    }
    ctx.tell('pages', seen.size);
  });
  await ctx.step('who is bound here alone: everything that the role may do', async () => {
    await ctx.goto('/users/alice');
    await ctx.click('Lock');
    await ctx.fill('Reason', 'lost laptop');
    await main('Lock user');
    await ctx.see('lost laptop');
    await main('Unlock');
    await ctx.see('Unlocked.');
    await ctx.click('Bypass');
    await main('Start bypass');
    await ctx.see('Bypass until');
    await main('End bypass');
    await ctx.see('The bypass has ended.');
    await ctx.click('One-day code');
    await main('One-day code');
    await ctx.see('This is shown only now');
    await ctx.click('I have noted it');
    ctx.equal(await shown('Set password'), admin ? 1 : 0, 'Set password');
    ctx.equal(await shown('Delete user'), admin ? 1 : 0, 'Delete user');
  });
  await ctx.step('who is bound elsewhere too: only what stays here', async () => {
    await ctx.goto('/users/carla');
    await ctx.see('This user belongs to other resources too');
    await ctx.gate('limited-user');
    for (const name of ['Bypass', 'One-day code', 'Recovery codes', 'Set password', 'Delete user', 'Change Profile']) {
      ctx.equal(await shown(name), 0, name);
    }
    ctx.equal(await ctx.page.locator('.tok .acts').count(), 0, 'buttons of a token that guards elsewhere too');
    const csrf = await ctx.page.locator('main input[name=csrf], header input[name=csrf]').first().inputValue();
    for (const [path, form] of [
      ['/users/carla/do/bypass', { seconds: '3600' }],
      ['/users/carla/do/one-day-code', {}],
      ['/users/carla/do/password', { password: 'another horse' }],
      ['/users/carla', { act: 'unlock' }],
      ['/users/bruno/do/lock', { why: 'no' }],
      ['/resources/Werft/self-service/actions', { enroll: 'on' }],
      ['/settings/sms', { paused: 'on' }],
    ]) {
      const answer = await ctx.page.context().request.post(new URL(path, base).href, {
        form: { csrf, ...form },
        headers: { origin: base },
        maxRedirects: 0,
      });
      ctx.check([403, 404, 422].includes(answer.status()), `${path} forged answers ${answer.status()}`);
      const said = await answer.text();
      ctx.check(!said.includes('This form is out of date'), `${path} was not refused for what it asks`);
    }
    await ctx.click('Lock');
    await ctx.fill('Reason', 'called twice');
    await main('Lock user');
    await ctx.see('called twice');
    ctx.equal(await ctx.page.getByRole('button', { name: 'Unlock', exact: true }).count(), 0, 'Unlock');
  });
  if (!admin) return;
  await ctx.step('an administrator of one resource adds people to it, and to none beside', async () => {
    await ctx.goto('/add/user');
    await ctx.fill('Login', 'dora');
    await main('Create');
    await ctx.see('Choose a resource');
    ctx.equal(await ctx.page.getByRole('checkbox').count(), 1, 'resources to choose from');
    await ctx.page.getByLabel('Hafenwerk VPN').check();
    await main('Create');
    await ctx.see('Added.');
    await ctx.goto('/resources/Hafenwerk%20VPN/users');
    await ctx.fill('Login', 'bruno');
    await main('Add to resource');
    await ctx.see('not among the resources that you administer');
  });
}

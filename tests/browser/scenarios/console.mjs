// What an administrator does: set up, sign in, then steps 1 to 7 of the guide, each by its words; and a look at the other pages.
// `js` and `width` say how; `gate` looks at every page on the way.
import { totp } from '../lib/totp.mjs';

const PASSWORD = 'a long enough password';

export default async function console_(ctx) {
  const { link, js = true, width = 1280, gate = false, phone, address = 'hafenwerk', portal } = ctx.input;
  await ctx.open({ js, width });
  const shots = ctx.input.shots ? { shots: ctx.input.shots } : {};
  const found = [];
  const look = async (name) => {
    // All pages are looked at before it fails.
    if (gate) found.push(...(await ctx.look(`console-${name}`, shots)).map((one) => ({ page: name, ...one })));
    const wide = await ctx.page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    ctx.equal(wide, false, `${name} is wider than the window`);
  };
  const menu = async (name) => {
    const bar = ctx.page.locator('details.bar > summary');
    if (await bar.isVisible()) await bar.click();
    await ctx.page.getByRole('navigation', { name: 'Main' }).locator('visible=true').getByRole('link', { name }).first().click();
  };
  const button = (name) => ctx.page.locator('main').getByRole('button', { name, exact: true }).first().click();
  const toggle = (name, on = true) => ctx.page.getByRole('switch', { name, exact: true }).setChecked(on);
  let secret;

  await ctx.step('set up: mistakes are told, and nothing is lost', async () => {
    await ctx.page.goto(link);
    await ctx.see('Set up your account');
    await look('setup');
    secret = await ctx.page.locator('input[name=totp]').inputValue();
    await ctx.fill('Login', 'mara');
    await ctx.fill('Password', 'short');
    await ctx.fill('Code', '000000');
    await ctx.click('Finish and sign in');
    await ctx.see('Choose at least 12 characters');
    ctx.equal(await ctx.page.getByLabel('Login').inputValue(), 'mara', 'the login as typed');
    await look('setup-wrong');
  });
  await ctx.step('set up: password and app', async () => {
    await ctx.fill('Password', PASSWORD);
    await ctx.fill('Code', totp(secret));
    await ctx.click('Finish and sign in');
    await ctx.see('Recovery codes');
    ctx.equal(await ctx.page.locator('#codes li').count(), 10, 'recovery codes');
    await look('setup-codes');
    await ctx.click('I have saved them');
    await ctx.see('Set up otpost');
    await look('overview-empty');
  });
  await ctx.step('the link is good once', async () => {
    const page = ctx.page;
    await ctx.tab();
    await ctx.page.goto(link);
    await ctx.see('This link does not work any more');
    await look('setup-gone');
    await ctx.page.close();
    await ctx.use(page);
  });

  await ctx.step('sign out', async () => {
    const bar = ctx.page.locator('details.bar > summary');
    if (await bar.isVisible()) await bar.click();
    await ctx.page.getByRole('button', { name: 'Sign out' }).locator('visible=true').click();
    await ctx.see('You are signed out');
    await look('sign-in');
  });
  await ctx.step('a wrong password is refused', async () => {
    await ctx.fill('User name', 'mara');
    await ctx.fill('Password', 'not it at all');
    await ctx.click('Sign in');
    await ctx.see('The user name or the password is not right');
    await look('sign-in-refused');
  });
  await ctx.step('1. log in', async () => {
    await ctx.fill('User name', 'mara');
    await ctx.fill('Password', PASSWORD);
    await ctx.click('Sign in');
    await ctx.see('Enter the code from your app');
    await look('code');
    await ctx.fill('Code', '000000');
    await ctx.click('Continue');
    await ctx.see('The code is not right');
    await look('code-wrong');
    await ctx.fill('Code', totp(secret, 1));
    await ctx.click('Continue');
    await ctx.see('Overview');
  });
  await ctx.step('before (a): create a resource', async () => {
    await menu('Resources');
    await look('resources-empty');
    await ctx.click('Add resource');
    await look('resource-new');
    await ctx.fill('Resource Name', 'Hafenwerk VPN');
    await ctx.fill('Default country', 'de');
    await ctx.click('Create');
    await ctx.see('Added.');
    await look('resource');
  });
  await ctx.step('before (b): add a user with a password', async () => {
    await menu('Users');
    await look('users-empty');
    await ctx.click('Add user');
    await look('user-new');
    await button('Create');
    await ctx.see('Enter your user name');
    await ctx.fill('Login', 'alice');
    await ctx.fill('First name', 'Alice');
    await ctx.fill('E-mail', 'alice@hafenwerk.example');
    await ctx.fill('Password', ctx.input.password);
    await ctx.page.getByLabel('Hafenwerk VPN').check();
    await button('Create');
    await ctx.see('Added.');
    await look('user');
  });
  await ctx.step('2. open Resources, select the resource', async () => {
    await menu('Resources');
    await ctx.click('Hafenwerk VPN');
    await ctx.see('Users bound to it: 1');
  });
  await ctx.step('3. open its Self-Service tab: General, the address is refused, then saved', async () => {
    await ctx.click('Self-Service');
    await ctx.see('Self-Service Address');
    await look('self-service');
    await ctx.fill('Self-Service Address', 'Not An Address');
    await ctx.click('Save');
    await ctx.see('Use small letters');
    await look('self-service-wrong');
    await ctx.fill('Self-Service Address', address);
    await ctx.click('Save');
    await ctx.see('Saved. The portal is on.');
    const shown = await ctx.page.getByLabel('Self-Service Page Address', { exact: true }).inputValue();
    ctx.equal(shown, `${portal}/s/${address}`, 'Self-Service Page Address');
    await look('self-service-on');
  });
  await ctx.step('4. in Allowed Actions enable Enroll Token', async () => {
    await ctx.click('Allowed Actions');
    await ctx.see('Everything is off until you switch it on');
    const on = await ctx.page.getByRole('switch', { checked: true }).count();
    ctx.equal(on, 0, 'actions that are on');
    await look('allowed-actions');
    await toggle('Enroll Token');
    await ctx.click('Save');
    await ctx.see('Saved.');
    ctx.equal(await ctx.page.getByRole('switch', { checked: true }).count(), 1, 'actions that are on');
  });
  await ctx.step('4. the switch All', async () => {
    await toggle('All Token actions');
    await ctx.click('Save');
    await ctx.see('6 of 6 on');
    await toggle('All Token actions', false);
    await ctx.click('Save');
    await ctx.see('0 of 6 on');
    await toggle('Enroll Token');
    await toggle('Rename Token');
    await ctx.click('Save');
    await ctx.see('2 of 6 on');
  });
  await ctx.step('5. in Token Enrollment enable SMS, 6. Save', async () => {
    await ctx.click('Token Enrollment');
    await look('token-enrollment');
    await toggle('SMS');
    await ctx.click('Save');
    await ctx.see('Saved.');
    ctx.equal(await ctx.page.getByRole('switch', { name: 'SMS', exact: true }).isChecked(), true, 'SMS');
  });
  await ctx.step('the other tabs of the resource', async () => {
    for (const name of ['Users', 'Tokens', 'RADIUS clients', 'Policies', 'Activity']) {
      await ctx.page.getByRole('navigation', { name: 'Pages about this', exact: true }).getByRole('link', { name }).click();
      await ctx.page.waitForLoadState();
      await look(`resource ${name}`);
    }
  });
  await ctx.step('a provider, and a test text through it', async () => {
    await menu('SMS providers');
    await look('providers-empty');
    await ctx.click('Add provider');
    await look('provider-new');
    await ctx.fill('Name', 'second-file');
    await ctx.page.getByLabel('Type').selectOption('file');
    await ctx.fill('Settings as JSON', '{ "path": ');
    await ctx.click('Create');
    await ctx.see('This is not JSON');
    await ctx.fill('Settings as JSON', JSON.stringify({ path: ctx.input.inbox }));
    await ctx.click('Create');
    await ctx.see('Added.');
    await look('providers');
    await ctx.page.getByRole('link', { name: 'Send a test second-file' }).click();
    await look('provider-test');
    await ctx.fill('Phone Number', phone);
    await button('Send a test');
    await ctx.see('The gateway took the text');
    await look('provider-test-answer');
    await menu('Messages');
    await ctx.see('Taken');
    await look('messages');
  });
  await ctx.step('a RADIUS client, its secret once', async () => {
    await menu('RADIUS clients');
    await ctx.click('Add RADIUS client');
    await look('radius-new');
    await ctx.fill('Name', 'vpn-gw-1');
    await ctx.fill('Addresses or networks', '10.0.0.5');
    await ctx.click('Create');
    await ctx.see('This is shown only now');
    const made = await ctx.page.getByLabel('Shared secret').inputValue();
    ctx.check(made.length >= 16, 'a strong secret');
    await look('radius-secret');
    await ctx.click('I have noted it');
    await ctx.see('vpn-gw-1');
    ctx.equal((await ctx.page.content()).includes(made), false, 'the secret is shown again');
    await look('radius');
    await ctx.click('vpn-gw-1');
    await look('radius-client');
    await ctx.page.getByLabel('Product').selectOption('OpenVPN');
    await ctx.fill('Reply attributes', 'Class = ');
    await button('Save');
    await ctx.see('Not taken');
    await look('radius-client-mistake');
    await ctx.fill('Reply attributes', 'Class = "staff"');
    await button('Save');
    await ctx.see('typed behind the password, in one field');
    await ctx.see('Not heard of yet');
  });
  await ctx.step('rules of a resource', async () => {
    await ctx.goto('/resources/Hafenwerk%20VPN/access');
    await look('access');
    await ctx.fill('Only at these times', 'always');
    await button('Save');
    await ctx.see('names no times');
    await look('access-mistake');
    await ctx.fill('Only at these times', 'daily 00:00-24:00');
    await ctx.fill('Minutes for which a code holds', '480');
    await button('Save');
    await ctx.see('Saved.');
  });
  await ctx.step('a user: lock with a reason, unlock, bypass, token, codes', async () => {
    await menu('Users');
    await ctx.see('Alice');
    await look('users');
    await ctx.click('Alice');
    await ctx.click('Lock');
    await look('user-lock');
    await button('Lock user');
    await ctx.see('Say why');
    await ctx.fill('Reason', 'lost laptop');
    await button('Lock user');
    await ctx.see('lost laptop');
    await look('user-locked');
    await ctx.click('Unlock');
    await ctx.see('Unlocked.');
    await ctx.click('Bypass');
    await look('user-bypass');
    await button('Start bypass');
    await ctx.see('Bypass until');
    await look('user-bypassed');
    await ctx.click('End bypass');
    await ctx.see('The bypass has ended.');
    await ctx.click('One-day code');
    await look('user-one-day');
    await button('One-day code');
    await ctx.see('This is shown only now');
    await look('user-one-day-code');
    await ctx.click('I have noted it');
    await ctx.click('Recovery codes');
    await button('New recovery codes');
    ctx.equal(await ctx.page.locator('#codes li').count(), 10, 'recovery codes');
    await ctx.click('I have noted it');
    await ctx.click('Invite');
    await look('user-invite');
    await button('Invite');
    await ctx.see('This is shown only now');
    await ctx.click('I have noted it');
  });
  await ctx.step('enrol by phone', async () => {
    await ctx.click('Enrol by phone');
    await look('user-enrol');
    const inbox = await ctx.inbox();
    await ctx.fill('Phone Number', phone);
    await button('Enrol by phone');
    await ctx.see('Ask the user to read it out');
    await look('user-enrol-code');
    await ctx.fill('Code', await inbox.code({ to: phone }));
    await button('Confirm');
    await ctx.see('The token is active.');
    await look('user-enrolled');
    await ctx.page.getByRole('link', { name: /^Change / }).first().click();
    await look('token');
    await ctx.page.getByLabel('State').selectOption('disabled');
    await ctx.click('Save');
    await ctx.see('Disabled');
    await menu('Tokens');
    await look('tokens');
    await menu('RADIUS clients');
    await ctx.click('VPN connections');
    await ctx.see('No connections');
    await look('connections');
  });
  await ctx.step('a file: what it would do, line by line, then all of it', async () => {
    await menu('Users');
    await ctx.click('Import CSV');
    await look('import');
    await ctx.fill('Or paste the lines', 'login,email,phone,first-name,last-name,resource,token\n');
    await ctx.page.setInputFiles('#file', {
      name: 'users.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(
        'login,email,phone,first-name,last-name,resource,token\n' +
          'bob,bob@hafenwerk.example,,Bob,Brown,Hafenwerk VPN,\n' +
          'carol,not an address,,,,Hafenwerk VPN,\n',
      ),
    });
    await ctx.click('Check the file');
    await ctx.see('Checked');
    await ctx.see('carol');
    await look('import-plan');
    await toggle('All or nothing', false);
    await ctx.click('Import now');
    // Without scripts the page says how far it is each time it is loaded.
    const deadline = Date.now() + 10_000;
    while (!js && !(await ctx.text()).includes('Carried out') && Date.now() < deadline) await ctx.page.reload();
    await ctx.see('Carried out');
    await look('import-done');
  });
  await ctx.step('audit, explain', async () => {
    await menu('Audit');
    await ctx.see('admin.');
    await look('audit');
    await ctx.page.getByLabel('User', { exact: true }).fill('alice');
    await ctx.click('Search');
    await ctx.see('Filters:');
    await look('audit-filtered');
    await ctx.click('Verify');
    await ctx.see('The audit chain holds');
    await look('audit-verified');
    await ctx.click('Back');
    await ctx.click('Explain a login');
    await look('explain');
    await ctx.fill('User', 'alice');
    await ctx.fill('Comes by', 'vpn-gw-1');
    await ctx.click('Explain');
    await ctx.see(/Would be/);
    await look('explained');
  });
  await ctx.step('settings', async () => {
    await menu('Settings');
    await look('settings-sms');
    for (const name of ['Portal and console', 'Mail', 'Administrators', 'API keys']) {
      await ctx.page.getByRole('link', { name, exact: true }).click();
      await ctx.page.waitForLoadState();
      await look(`settings ${name}`);
    }
    await ctx.click('Add API key');
    await look('key-new');
    await ctx.fill('Name', 'sync');
    await ctx.click('Create');
    await ctx.see('This is shown only now');
    await ctx.click('I have noted it');
    await ctx.see('sync');
    await look('keys');
    await ctx.page.getByRole('link', { name: 'Administrators', exact: true }).click();
    await ctx.click('Add administrator');
    await look('administrator-new');
    await ctx.fill('Login', 'tom');
    await ctx.click('Invite');
    await ctx.see('This is shown only now');
    await ctx.click('I have noted it');
    await ctx.click('tom');
    await look('administrator');
  });
  await ctx.step('the account', async () => {
    await ctx.goto('/account');
    await look('account');
    await ctx.click('Change password');
    await look('account-password');
  });
  if (ctx.input.languages) {
    await ctx.step('all pages in all languages', () =>
      ctx.matrix(
        [
          '/', '/resources', '/resources/Hafenwerk%20VPN', '/resources/Hafenwerk%20VPN/self-service',
          '/resources/Hafenwerk%20VPN/self-service/actions', '/resources/Hafenwerk%20VPN/self-service/enrollment',
          '/resources/Hafenwerk%20VPN/policies', '/resources/Hafenwerk%20VPN/access', '/resources/Hafenwerk%20VPN/invite', '/users', '/users/alice',
          '/users/alice/do/delete', '/tokens', '/radius', '/radius/vpn-gw-1', '/add/radius', '/providers', '/messages', '/audit',
          '/explain?user=alice&service=vpn-gw-1', '/settings/sms', '/settings/portal', '/settings/mail',
          '/settings/administrators', '/settings/keys', '/account', '/import', '/add/user', '/connections', '/users?size=5',
        ].map((url) => ({ name: `console${url.replace(/\W+/g, '-')}`, url })),
        shots,
      ),
    );
  }
  const told = new Set(found.map(({ page, rule, where, what, width }) => `${page}: ${rule} at ${where}: ${what} (${width})`));
  if (told.size > 0) throw new Error([...told].join('\n'));
}

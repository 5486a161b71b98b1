// The guide, word for word and by clicks: the administrator's steps 1 to 7 in the console, then the user's steps 1 to 11 on the very
// resource, at the address that the console shows. `oneStep`: the portal saves in one step. `js`: with scripts.
import { totp } from '../lib/totp.mjs';

const OWNER = 'a long enough password';
const RESOURCE = 'Hafenwerk VPN';

export default async function guide(ctx) {
  const { link, user, password, phone, secret: shared, oneStep = false, js = true } = ctx.input;
  await ctx.open({ js });
  const main = (name) => ctx.page.locator('main').getByRole('button', { name, exact: true }).first().click();
  const menu = (name) =>
    ctx.page.getByRole('navigation', { name: 'Main' }).locator('visible=true').getByRole('link', { name }).first().click();
  const toggle = (name, on = true) => ctx.page.getByRole('switch', { name, exact: true }).setChecked(on);
  let secret;
  let address;

  await ctx.step('the first administrator, by the link of the set-up', async () => {
    await ctx.page.goto(link);
    secret = await ctx.page.locator('input[name=totp]').inputValue();
    await ctx.fill('Login', 'mara');
    await ctx.fill('Password', OWNER);
    await ctx.fill('Code', totp(secret));
    await ctx.click('Finish and sign in');
    await ctx.click('I have saved them');
    await ctx.page.getByRole('button', { name: 'Sign out' }).locator('visible=true').click();
    await ctx.see('You are signed out');
  });
  await ctx.step('1. log in to the service', async () => {
    await ctx.fill('User name', 'mara');
    await ctx.fill('Password', OWNER);
    await ctx.click('Sign in');
    await ctx.see('Enter the code from your app');
  });
  await ctx.step('another page, before the code: first the code, then that page', async () => {
    await ctx.goto('/add/resource');
    await ctx.see('Enter the code from your app');
    const tab = ctx.page;
    await ctx.tab();
    await ctx.goto('/users?search=al');
    await ctx.see('Enter the code from your app');
    await ctx.page.close();
    await ctx.use(tab);
    await ctx.fill('Code', '000000');
    await ctx.click('Continue');
    await ctx.see('The code is not right');
    await ctx.fill('Code', totp(secret, 1));
    await ctx.click('Continue');
    await ctx.see('Add resource');
    ctx.equal(new URL(ctx.page.url()).pathname, '/add/resource', 'the page that was asked for');
  });
  await ctx.step('before (a): create a resource', async () => {
    await menu('Resources');
    await ctx.click('Add resource');
    await ctx.fill('Resource Name', RESOURCE);
    await ctx.fill('Default country', 'DE');
    await ctx.click('Create');
    await ctx.see('Added.');
  });
  await ctx.step('before (b): add a user with a password', async () => {
    await menu('Users');
    await ctx.click('Add user');
    await ctx.fill('Login', user);
    await ctx.fill('Password', password);
    await ctx.page.getByLabel(RESOURCE).check();
    await main('Create');
    await ctx.see('Added.');
  });
  await ctx.step('the VPN, a RADIUS client of the resource', async () => {
    await menu('RADIUS clients');
    await ctx.click('Add RADIUS client');
    await ctx.fill('Name', 'vpn-gw');
    await ctx.fill('Addresses or networks', '127.0.0.1');
    await ctx.page.getByLabel('Resource', { exact: true }).selectOption(RESOURCE);
    await ctx.fill('Shared secret', shared);
    await main('Create');
    await ctx.see('This is shown only now');
    await ctx.click('I have noted it');
  });
  await ctx.step('2. open Resources, select the resource', async () => {
    await menu('Resources');
    await ctx.click(RESOURCE);
    await ctx.see('Users bound to it: 1');
  });
  await ctx.step('3. (c) its Self-Service tab: a Self-Service Address in General turns the portal on', async () => {
    await ctx.click('Self-Service');
    ctx.equal(await ctx.page.getByRole('link', { name: 'General', exact: true }).last().getAttribute('aria-current'), 'page', 'General');
    await ctx.fill('Self-Service Address', 'hafenwerk');
    if (oneStep) await toggle('Save in one step');
    await ctx.click('Save');
    await ctx.see('Saved. The portal is on.');
    address = await ctx.page.getByLabel('Self-Service Page Address', { exact: true }).inputValue();
    ctx.equal(address, `${ctx.input.portal}/s/hafenwerk`, 'Self-Service Page Address');
  });
  await ctx.step('4. in Allowed Actions enable Enroll Token; all are off, and there is a switch All', async () => {
    await ctx.click('Allowed Actions');
    ctx.equal(await ctx.page.getByRole('switch', { checked: true }).count(), 0, 'actions that are on');
    ctx.equal(await ctx.page.getByRole('switch', { name: /^All / }).count(), 2, 'switches All');
    await toggle('Enroll Token');
    await ctx.click('Save');
    await ctx.see('Saved.');
  });
  await ctx.step('5. in Token Enrollment enable SMS, 6. Save', async () => {
    await ctx.click('Token Enrollment');
    await toggle('SMS');
    await ctx.click('Save');
    await ctx.see('Saved.');
    ctx.equal(await ctx.page.getByRole('switch', { name: 'SMS', exact: true }).isChecked(), true, 'SMS');
  });
  await ctx.step('7. give the user the page address: it is there to copy, as a picture, and in an invitation', async () => {
    // The inner tab, below the resource's own of that name.
    await ctx.page.getByRole('navigation', { name: 'More pages about this' }).getByRole('link', { name: 'General' }).click();
    await ctx.see('Self-Service Page Address');
    ctx.equal(await ctx.page.getByLabel('Self-Service Page Address', { exact: true }).inputValue(), address, 'the address');
    ctx.equal(await ctx.page.locator('svg.qr').count(), 1, 'QR code');
    await ctx.page.getByRole('link', { name: 'Choose users' }).waitFor();
  });

  // Somebody else's browser.
  await ctx.open({ js, width: 390 });
  await ctx.step('user 1. open the portal link', async () => {
    await ctx.page.goto(address);
    await ctx.see('Sign in');
  });
  await ctx.step('user 2. log in with user name and password', async () => {
    await ctx.fill('User name', user);
    await ctx.fill('Password', password);
    await ctx.click('Sign in');
    await ctx.see('2nd Factor');
    await ctx.see('No second factor yet');
  });
  await ctx.step('user 3. in the 2nd Factor section choose Assign New', async () => {
    await ctx.page.getByRole('region', { name: '2nd Factor' }).getByRole('link', { name: 'Assign New' }).click();
    await ctx.see('Add Token');
  });
  await ctx.step('user 4. in Add Token choose SMS', async () => {
    ctx.equal(await ctx.page.getByRole('radio').count(), 1, 'kinds: what the administrator enabled');
    await ctx.page.getByRole('radio', { name: 'SMS' }).check();
    await ctx.click('Continue');
  });
  const inbox = await ctx.inbox();
  await ctx.step('user 5. the name, 6. the phone number, 7. the OTP length', async () => {
    await ctx.fill('Name', 'My phone');
    await ctx.fill('Phone Number', phone.replace('+49', '0'));
    await ctx.page.getByRole('radio', { name: '8 digits' }).check();
    const names = await ctx.page.locator('main form button').allTextContents();
    ctx.equal(names, oneStep ? ['Text me the code', 'Save'] : ['Next'], 'buttons');
    ctx.equal(await ctx.page.getByLabel('Code', { exact: true }).count(), oneStep ? 1 : 0, 'code fields');
  });
  await ctx.step(`user 8. ${oneStep ? 'Save' : 'Next'}`, async () => {
    await ctx.click(oneStep ? 'Save' : 'Next');
    await ctx.see('We sent a text to');
    ctx.equal(await ctx.page.getByLabel('Phone Number', { exact: true }).count(), oneStep ? 1 : 0, 'the number on the page of the code');
  });
  const code = await ctx.step('user 9. a one-time password arrives by SMS', () => inbox.code({ to: phone }));
  ctx.equal(code.length, 8, 'digits of the code');
  await ctx.step('user 10. enter it to confirm activation', async () => {
    await ctx.fill('Code', code);
    await ctx.click(oneStep ? 'Save' : 'Confirm');
  });
  await ctx.step('user 11. the token appears in 2nd Factor', async () => {
    const list = ctx.page.getByRole('region', { name: '2nd Factor' });
    await list.getByRole('heading', { name: 'My phone' }).waitFor();
    await list.getByText('Active', { exact: true }).waitFor();
    ctx.equal(await list.getByRole('listitem').count(), 1, 'tokens');
    ctx.equal(await inbox.waiting(), 0, 'further texts');
  });
}

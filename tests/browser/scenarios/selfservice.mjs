// What a person does with the portal's address, user name and password: steps 1 to 11 of the guide, then the rest of the account.
// `js`, `width`, `locale` say how; `gate` looks at every page on the way.
import { account } from './words.mjs';

export default async function selfservice(ctx) {
  const { user, password, phone, address, js = true, width = 1280, locale = 'en', gate = false } = ctx.input;
  const w = account[locale];
  await ctx.open({ js, width, locale });
  const look = async (name) => {
    if (gate) await ctx.gate(name);
  };
  const narrow = async (name) => {
    const wide = await ctx.page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    ctx.equal(wide, false, `${name} is wider than the window`);
  };
  const start = Date.now();

  await ctx.step('1. open the portal link', async () => {
    await ctx.goto(`/s/${address}`);
    await ctx.see(w.signIn);
    await look('sign-in');
    await narrow('sign-in');
  });
  await ctx.step('a wrong password is refused', async () => {
    await ctx.fill(w.userName, user);
    await ctx.fill(w.password, 'not it');
    await ctx.click(w.signIn);
    await ctx.see(w.refused);
    await look('sign-in-refused');
  });
  await ctx.step('2. log in with user name and password', async () => {
    await ctx.fill(w.userName, user);
    await ctx.fill(w.password, password);
    await ctx.click(w.signIn);
    await ctx.see(w.secondFactor);
    await look('home-empty');
    await narrow('home-empty');
  });
  await ctx.step('3. choose Assign New', async () => {
    await ctx.click(w.assignNew);
    await ctx.see(w.addToken);
    await look('add-token');
    await narrow('add-token');
  });
  await ctx.step('4. choose SMS', async () => {
    await ctx.page.getByRole('radio', { name: 'SMS' }).check();
    await ctx.click(w.continue);
    await ctx.see(w.setUpSms);
    await look('sms');
  });
  await ctx.step('a number that is none is refused and kept', async () => {
    await ctx.fill(w.name, 'My phone');
    await ctx.fill(w.phone, '12');
    await ctx.click(w.next);
    await ctx.see(w.phoneWrong);
    ctx.equal(await ctx.page.getByLabel(w.phone).inputValue(), '12', 'the number as typed');
    ctx.equal(await ctx.page.getByLabel(w.name, { exact: true }).inputValue(), 'My phone', 'the name as typed');
    await look('sms-wrong');
  });
  let inbox;
  await ctx.step('5. enter the name, 6. the phone number, 7. the OTP length, 8. Next', async () => {
    inbox = await ctx.inbox();
    await ctx.fill(w.phone, phone);
    await ctx.page.getByRole('radio', { name: w.eight }).check();
    await ctx.click(w.next);
    await ctx.see(w.confirmPhone);
    await look('confirm');
    await narrow('confirm');
  });
  let code;
  await ctx.step('9. a one-time password arrives', async () => {
    code = await inbox.code({ to: phone });
    ctx.equal(code.length, 8, 'digits of the code');
  });
  await ctx.step('reloading the page sends no second text', async () => {
    const enrolment = ctx.page.url();
    await ctx.page.reload();
    await ctx.see(w.confirmPhone);
    ctx.equal(ctx.page.url(), enrolment, 'the same enrolment');
    ctx.equal(await inbox.waiting(), 0, 'further texts');
  });
  await ctx.step('a wrong code stays on the page', async () => {
    await ctx.fill(w.code, code === '00000000' ? '11111111' : '00000000');
    await ctx.click(w.confirm);
    await ctx.see(w.wrongCode);
    await look('confirm-wrong');
  });
  await ctx.step('10. enter it to confirm', async () => {
    await ctx.fill(w.code, code);
    await ctx.click(w.confirm);
    await ctx.see(w.saveCodes);
    await look('recovery-codes');
  });
  let recovery;
  await ctx.step('11. the token appears in 2nd Factor', async () => {
    recovery = await ctx.page.locator('#codes li').allTextContents();
    ctx.equal(recovery.length, 10, 'recovery codes');
    await ctx.click(w.saved);
    await ctx.see('My phone');
    await ctx.see(w.active);
    await look('home-token');
    await narrow('home-token');
  });
  ctx.tell('enrolled-ms', Date.now() - start);

  await ctx.step('sign out', async () => {
    await ctx.click(w.signOut);
    await ctx.see(w.signedOut);
  });
  await ctx.step('the next sign-in asks for a code too', async () => {
    inbox = await ctx.inbox();
    await ctx.fill(w.userName, user);
    await ctx.fill(w.password, password);
    await ctx.click(w.signIn);
    await ctx.see(w.fromPhone);
    await look('code');
    code = await inbox.code({ to: phone });
    await ctx.fill(w.code, code);
    await ctx.click(w.continue);
    await ctx.see('My phone');
  });
  await ctx.step('rename the token', async () => {
    await ctx.click(`${w.rename} My phone`);
    await look('rename');
    await ctx.fill(w.name, '<b>Work</b>');
    await ctx.click(w.save);
    await ctx.see(w.nameWrong);
    await ctx.fill(w.name, 'Work phone');
    await ctx.click(w.save);
    await ctx.see('Work phone');
  });
  await ctx.step('change names', async () => {
    await ctx.page.locator('a[href$="/do/names"]').click();
    await ctx.fill(w.firstName, 'Alice');
    await ctx.fill(w.lastName, 'Weber');
    await ctx.click(w.save);
    await ctx.see(w.hello);
  });
  await ctx.step('sign in with a recovery code', async () => {
    await ctx.click(w.signOut);
    await ctx.see(w.signedOut);
    await ctx.fill(w.userName, user);
    await ctx.fill(w.password, password);
    await ctx.click(w.signIn);
    await ctx.see(w.fromPhone);
    await ctx.click(w.useRecovery);
    await look('code-recovery');
    await ctx.fill(w.code, recovery[0]);
    await ctx.click(w.continue);
    await ctx.see('Work phone');
  });
  await ctx.step('remove the token with a fresh code', async () => {
    inbox = await ctx.inbox();
    await ctx.click(`${w.remove} Work phone`);
    await look('remove');
    await ctx.click(w.remove);
    await ctx.see(w.oneMore);
    await look('step-up');
    await ctx.page.locator('a[href*="by=recovery"]').click();
    await ctx.fill(w.code, recovery[1]);
    await ctx.click(w.continue);
    await ctx.see(w.noFactor);
  });
}

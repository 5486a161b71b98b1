// The page after sign-in, and everything that people do from there.
import { PASSWORD, WRONG } from '../lib/people.mjs';

const TAKEN = '+491712340815';
const LONG = 'A name that is a good deal longer than any name may be';

export async function prepare(P) {
  await P.portal('Hafenwerk VPN', 'hafenwerk', { accent: '#00646b', hint: 'The one you use for the VPN' });
  await P.portal('Werft', 'werft', { kinds: ['sms'], 'otp-length': '6', 'two-steps': false });
  await P.portal('Kontor', 'kontor', { actions: [], kinds: [] });
  await P.portal('Einlass', 'einlass', { 'first-enrolment': 'invite' });
  await P.portal('Frist', 'frist', { 'enrol-days': 1 });
  await P.portal('Lager', 'lager');
  await P.portal('Schleuse', 'schleuse', { kinds: ['sms', 'totp'] }, { tries: 3, validity: 60 });
  const named = (first, last) => ({ 'first-name': first, 'last-name': last });
  const vpn = ['Hafenwerk VPN'];
  await P.add('ida', ['Hafenwerk VPN', 'Kontor', 'Einlass', 'Frist', 'Werft', 'Schleuse'], named('Ida', 'Novak'));
  await P.add('taken', vpn, { sms: { to: TAKEN } });
  await P.add('alice', vpn, { sms: true, ...named('Alice', 'Weber') });
  await P.add('bela', vpn, { sms: true, ...named('Bela', 'Horn') });
  await P.add('carl', vpn, { sms: true, ...named('Carl', 'Ode') });
  await P.add('dana', ['Hafenwerk VPN', 'Lager'], { sms: { resources: ['Lager'] }, ...named('Dana', 'Reuter') });
  await P.add('eve', ['Kontor'], { sms: true, ...named('Eve', 'Sander') });
  await P.add('mia', vpn, { password: null });
  await P.add('finn', vpn, named('Finn', 'Aas'));
  // An app besides the phone, and two recovery codes of ten.
  await P.as('hafenwerk', 'bela');
  await P.app('hafenwerk', 'bela');
  const { codes } = await P.admin('user-recovery', { user: 'bela' });
  for (const code of codes.slice(2)) {
    await P.knock('hafenwerk', 'bela');
    await P.page.locator('a[href$="by=recovery"]').click();
    await P.page.waitForURL(/by=recovery/);
    await P.send({ code });
  }
  // Then a session besides the one that is looked at.
  await P.admin('user-sign-out', { user: 'bela' });
  for (let n = 0; n < 2; n += 1) {
    P.forget('hafenwerk bela');
    await P.as('hafenwerk', 'bela');
  }
  // One token that is switched off, and one that is blocked.
  await P.as('hafenwerk', 'carl');
  await P.app('hafenwerk', 'carl');
  const { tokens } = await P.admin('token-list', { user: 'carl' });
  await P.admin('token-set', { token: tokens[0].id, status: 'disabled' });
  await P.admin('token-set', { token: tokens[1].id, status: 'blocked' });
  await P.as('hafenwerk', 'alice');
}

export function pages(P, ctx, { postbox }) {
  const at = (login, path, address = 'hafenwerk') => async () => {
    await P.as(address, login);
    await ctx.goto(`/s/${address}${path}`);
  };
  const send = (fields) => () => P.send(fields);
  // The form of an act on somebody's token.
  const about = (login, act, kind) => async () => {
    await P.as('hafenwerk', login);
    await ctx.goto('/s/hafenwerk/home');
    const link = P.page.locator(`.tok a[href*="/do/${act}?"]`);
    await ctx.goto(await (kind === 'totp' ? link.last() : link.first()).getAttribute('href'));
  };
  // Each language has somebody of its own where a person can get there only once.
  let count = 0;
  const somebody = async (stem, resource = 'Hafenwerk VPN', own = {}) => {
    count += 1;
    const login = `${stem}${count}`;
    await P.add(login, [resource], own);
    return login;
  };
  const enrolling = (stem, address = 'hafenwerk', resource = 'Hafenwerk VPN') => async () => {
    await P.as(address, await somebody(stem, resource));
    const texts = await ctx.inbox();
    const phone = await P.enrol(address);
    return { phone, texts };
  };
  const refused = (stem, rules) => async () => {
    await P.as('hafenwerk', await somebody(stem));
    await P.sending(rules, () => P.enrol('hafenwerk'));
    await P.until('.note.warn');
  };
  const stepUp = async (login, act) => {
    await about(login, act)();
    await P.send();
    await P.page.waitForURL(/\/confirm\//);
  };

  return [
    { name: 'home-empty', open: at('ida', '/home'), german: true, noScript: true },
    { name: 'home-empty-off', open: at('ida', '/home', 'kontor') },
    { name: 'home-empty-invite', open: at('ida', '/home', 'einlass') },
    { name: 'home-one', open: at('alice', '/home') },
    { name: 'home-several', open: at('bela', '/home'), german: true, noScript: true },
    { name: 'home-out-of-order', open: at('carl', '/home') },
    { name: 'home-elsewhere', open: at('dana', '/home') },
    { name: 'home-nothing-allowed', open: at('eve', '/home', 'kontor') },
    { name: 'home-done', open: at('alice', '/home?done=rename') },
    { name: 'add-token', open: at('ida', '/add'), german: true, noScript: true },
    { name: 'add-token-missing', open: send() },
    { name: 'add-token-one-kind', open: at('ida', '/add', 'werft') },
    { name: 'sms', open: at('ida', '/add/sms'), german: true, noScript: true },
    { name: 'sms-missing', open: send() },
    { name: 'sms-phone-wrong', open: send({ name: 'My phone', phone: '12' }), noScript: true },
    { name: 'sms-name-wrong', open: send({ name: '<b>My phone</b>', phone: '+49 171 2340001' }) },
    { name: 'sms-one-step', open: at('ida', '/add/sms', 'werft'), german: true, noScript: true },
    { name: 'sms-one-step-wrong', open: send({ name: 'My phone', phone: '12' }) },
    { name: 'sms-one-step-sent', open: enrolling('ada', 'werft', 'Werft'), german: true, noScript: true },
    { name: 'sms-one-step-code-wrong', open: send({ code: WRONG }) },
    { name: 'sms-one-step-number-wrong', open: send({ phone: '12' }) },
    { name: 'totp', open: at('ida', '/add/totp') },
    { name: 'totp-name-wrong', open: send({ name: '<b>App</b>' }) },
    {
      name: 'confirm-app',
      open: async () => {
        await P.as('hafenwerk', 'finn');
        await P.beginApp('hafenwerk', 'finn');
      },
      german: true,
      noScript: true,
    },
    { name: 'confirm-app-wrong', open: send({ code: WRONG }) },
    { name: 'confirm', open: enrolling('gea'), german: true, noScript: true },
    { name: 'confirm-wrong', open: send({ code: WRONG }), german: true, noScript: true },
    { name: 'confirm-too-few', open: send({ code: '12' }) },
    {
      name: 'number',
      open: async () => {
        await P.page.locator('a[href$="/number"]').click();
        await P.page.waitForURL(/\/number$/);
      },
    },
    { name: 'number-wrong', open: send({ phone: '12' }) },
    {
      name: 'confirm-cancelled',
      open: async () => {
        await enrolling('hal')();
        const enrolment = P.page.url();
        await P.send({}, 'button[name=cancel]');
        await P.page.waitForURL(/done=cancelled/);
        await P.page.goto(enrolment);
      },
    },
    {
      name: 'confirm-tries-used',
      open: async () => {
        await enrolling('ina', 'schleuse', 'Schleuse')();
        for (let n = 0; n < 3; n += 1) await P.send({ code: WRONG });
      },
      german: true,
    },
    {
      name: 'confirm-number-taken',
      open: async () => {
        // Somebody else's: whoever reads the text may know, and nobody before.
        await P.as('hafenwerk', await somebody('jan'));
        const texts = await ctx.inbox();
        await P.enrol('hafenwerk', { phone: TAKEN });
        await P.send({ code: await texts.code({ to: TAKEN }) });
      },
    },
    { name: 'confirm-paused', open: refused('kai', { paused: true }) },
    { name: 'confirm-budget', open: refused('kea', { 'number-hour': 0 }) },
    {
      name: 'confirm-failed',
      open: async () => {
        await P.as('hafenwerk', await somebody('kim'));
        await P.refusing(async () => {
          await P.enrol('hafenwerk');
          await P.until('.note.warn');
        });
      },
      german: true,
    },
    {
      name: 'recovery-codes',
      open: async () => {
        const { texts, phone } = await enrolling('lea')();
        await P.send({ code: await texts.code({ to: phone }) });
      },
      german: true,
    },
    { name: 'rename', open: about('bela', 'rename'), german: true },
    { name: 'rename-wrong', open: send({ name: LONG }) },
    { name: 'remove', open: about('bela', 'remove'), noScript: true },
    { name: 'change-number', open: about('bela', 'number') },
    { name: 'change-number-wrong', open: send({ phone: '12' }) },
    { name: 'replace', open: about('bela', 'replace') },
    { name: 'synchronise', open: about('bela', 'sync', 'totp') },
    { name: 'synchronise-wrong', open: send({ 'first-code': WRONG, 'second-code': WRONG }) },
    { name: 'change-password', open: at('bela', '/do/password'), german: true, noScript: true },
    { name: 'change-password-wrong', open: send({ current: 'not it', new: 'a better horse' }) },
    { name: 'change-password-too-short', open: send({ current: PASSWORD, new: 'short' }) },
    {
      name: 'create-password',
      open: async () => {
        await P.once('hafenwerk mia', async () => {
          await ctx.goto('/s/hafenwerk/mail');
          await P.send({ user: 'mia' });
          await P.send({ code: await postbox.code('mia@hafenwerk.example') });
          await P.page.waitForURL(/\/home/);
        });
        await ctx.goto('/s/hafenwerk/do/password');
      },
    },
    { name: 'change-email', open: at('bela', '/do/email') },
    { name: 'change-email-wrong', open: send({ email: 'nobody' }) },
    { name: 'change-login', open: at('bela', '/do/login') },
    { name: 'change-login-wrong', open: send({ login: 'two words' }) },
    { name: 'change-login-taken', open: send({ login: 'taken' }) },
    { name: 'change-names', open: at('bela', '/do/names'), noScript: true },
    { name: 'change-names-wrong', open: send({ first: LONG.repeat(3), last: 'Horn' }) },
    { name: 'new-recovery-codes', open: at('bela', '/do/recovery') },
    { name: 'end-others', open: at('bela', '/do/end-others') },
    { name: 'step-up', open: () => stepUp('bela', 'remove'), german: true, noScript: true },
    { name: 'step-up-wrong', open: send({ code: WRONG }) },
    {
      name: 'step-up-recovery',
      open: async () => {
        await P.page.locator('a[href$="by=recovery"]').click();
        await P.page.waitForURL(/by=recovery/);
      },
    },
    {
      name: 'step-up-password',
      open: async () => {
        await at('finn', '/do/email')();
        await P.send({ email: 'finn.aas@hafenwerk.example' });
      },
    },
    { name: 'step-up-password-wrong', open: send({ code: 'not it' }) },
    { name: 'step-up-new-email', open: send({ code: PASSWORD }) },
    // Time passes from here on.
    {
      name: 'confirm-again',
      open: async () => {
        await enrolling('max')();
        await P.pass(30);
        await P.page.reload();
      },
    },
    { name: 'confirm-resent', open: () => P.send({}, 'button[name=resend]') },
    {
      name: 'confirm-expired',
      open: async () => {
        await enrolling('ole', 'schleuse', 'Schleuse')();
        await P.pass(90);
        await P.page.reload();
      },
      german: true,
    },
    {
      name: 'home-empty-deadline',
      open: async () => {
        // No session outlives that.
        await P.pass(2 * 86_400);
        P.forget();
        await at('ida', '/home', 'frist')();
      },
      last: true,
    },
  ];
}

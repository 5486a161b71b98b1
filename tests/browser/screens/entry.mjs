// Sign-in, the codes it asks for, and pages that say why there is no page.
import { PASSWORD, WRONG } from '../lib/people.mjs';

export async function prepare(P) {
  const hint = { accent: '#00646b', hint: 'The one you use for the VPN' };
  await P.portal('Hafenwerk VPN', 'hafenwerk', hint);
  await P.portal('Werft', 'werft');
  await P.portal('Kontor', 'kontor', { actions: [], kinds: [] });
  await P.portal('Lager', 'lager', {}, { 'failed-attempts': 3 });
  await P.portal('Schleuse', 'schleuse', {}, { tries: 3, validity: 60 });
  const vpn = ['Hafenwerk VPN'];
  await P.add('rosa', vpn);
  await P.add('kim', vpn);
  await P.add('kontor', ['Kontor']);
  await P.add('mia', vpn, { password: null });
  await P.add('nele', vpn, { sms: true });
  await P.add('pia', ['Schleuse'], { sms: true });
  for (const login of ['uma', 'ute', 'tim', 'tom', 'max']) await P.add(login, vpn, { sms: true });
  // Everything that a person can have.
  await P.add('sam', vpn, { sms: true });
  await P.as('hafenwerk', 'sam');
  await P.app('hafenwerk', 'sam');
  await P.admin('user-recovery', { user: 'sam' });
  await P.admin('user-one-day-code', { user: 'sam' });
  // An app that is asked first, and a phone.
  await P.add('theo', vpn, { sms: true });
  await P.as('hafenwerk', 'theo');
  await P.app('hafenwerk', 'theo');
  await P.page.goto(P.page.url().replace(/\/s\/.*/, '/s/hafenwerk/home'));
  await P.send({}, 'form[action$="/do/prefer"] button');
  P.forget('hafenwerk theo');
  for (let n = 0; n < 10; n += 1) await P.knock('hafenwerk', 'closed', 'not it');
}

export function pages(P, ctx, { postbox, daemon }) {
  const knock = (login, address = 'hafenwerk') => P.once(`half ${login}`, () => P.knock(address, login));
  const code = (login, by = 'sms', address = 'hafenwerk') => async () => {
    await knock(login, address);
    await ctx.goto(`/s/${address}/code?by=${by}`);
  };
  const typed = (text) => () => P.send({ code: text });
  // Each language has somebody of its own where a person can get there only once.
  let count = 0;
  const somebody = async (stem, resource, own = { sms: true }) => {
    count += 1;
    const login = `${stem}${count}`;
    await P.add(login, [resource], own);
    return login;
  };
  const refused = (login, rules) => async () => {
    await P.sending(rules, () => P.knock('hafenwerk', login));
    await P.until('.note.warn');
  };

  return [
    { name: 'sign-in', open: async () => (await P.leave(), ctx.goto('/s/werft')), noScript: true },
    { name: 'sign-in-accent', open: async () => (await P.leave(), ctx.goto('/s/hafenwerk')), german: true },
    { name: 'sign-in-missing', open: () => P.send() },
    { name: 'sign-in-refused', open: () => P.knock('hafenwerk', 'nobody', 'not it'), german: true, noScript: true },
    { name: 'sign-in-closed', open: () => P.knock('hafenwerk', 'closed', 'not it') },
    {
      name: 'signed-out',
      open: async () => {
        await P.as('hafenwerk', 'rosa');
        await ctx.goto('/s/hafenwerk/home');
        await P.send({}, 'header form button');
        P.forget('hafenwerk rosa');
      },
    },
    {
      name: 'sign-in-again',
      open: async () => {
        await P.as('hafenwerk', 'kim');
        await ctx.goto('/s/hafenwerk/do/names');
        await P.admin('user-sign-out', { user: 'kim' });
        P.forget('hafenwerk kim');
        await P.send({ first: 'Kim', last: 'Larsen' });
        ctx.check(P.page.url().endsWith('?again=1'), 'asks to sign in again');
      },
    },
    {
      name: 'form-kept',
      open: async () => {
        await P.send({ user: 'kim', password: PASSWORD });
        ctx.equal(await P.page.locator('#last').inputValue(), 'Larsen', 'what was typed before');
      },
    },
    { name: 'mail', open: async () => (await P.leave(), ctx.goto('/s/hafenwerk/mail')), noScript: true },
    { name: 'mail-missing', open: () => P.send() },
    {
      name: 'code-mail',
      open: async () => {
        await P.leave();
        await ctx.goto('/s/hafenwerk/mail');
        await P.send({ user: 'mia' });
        // It does come.
        ctx.equal((await postbox.code('mia@hafenwerk.example')).length, 6, 'digits of the code');
      },
      german: true,
    },
    { name: 'code-mail-wrong', open: typed(WRONG) },
    {
      name: 'code-sms',
      open: async () => {
        // Wrong codes of the language before count no more.
        P.forget('half sam');
        await P.admin('user-unlock', { user: 'sam' });
        await code('sam')();
      },
      german: true,
      noScript: true,
    },
    { name: 'code-sms-wrong', open: typed(WRONG), noScript: true },
    { name: 'code-sms-too-few', open: typed('123') },
    { name: 'code-sms-too-many', open: typed('12345678') },
    { name: 'code-sms-letters', open: typed('12E456') },
    { name: 'code-totp', open: code('sam', 'totp') },
    { name: 'code-totp-wrong', open: typed(WRONG) },
    { name: 'code-recovery', open: code('sam', 'recovery'), german: true },
    { name: 'code-recovery-wrong', open: typed('7f-kx3m-pq9t') },
    { name: 'code-helpdesk', open: code('sam', 'helpdesk') },
    { name: 'code-helpdesk-wrong', open: typed('7KQX-M3PT') },
    { name: 'code-sms-not-sent', open: code('theo'), noScript: true },
    {
      name: 'code-locked',
      open: async () => {
        const login = await somebody('lou', 'Lager');
        await P.admin('user-recovery', { user: login });
        await P.knock('lager', login);
        for (let n = 0; n < 3; n += 1) await P.send({ code: WRONG });
      },
      german: true,
    },
    {
      name: 'code-locked-no-way',
      open: async () => {
        await P.knock('lager', await somebody('ole', 'Lager'));
        for (let n = 0; n < 3; n += 1) await P.send({ code: WRONG });
      },
    },
    {
      name: 'code-tries-used',
      open: async () => {
        await P.knock('schleuse', await somebody('ina', 'Schleuse'));
        for (let n = 0; n < 3; n += 1) await P.send({ code: WRONG });
      },
      german: true,
    },
    { name: 'code-paused', open: refused('uma', { paused: true }) },
    { name: 'code-budget', open: refused('ute', { 'number-hour': 0 }), german: true },
    { name: 'code-country', open: refused('tim', { countries: ['AT'] }) },
    {
      name: 'code-failed',
      open: async () => {
        await P.refusing(async () => {
          await P.knock('hafenwerk', 'tom');
          await P.until('.note.warn');
        });
      },
    },
    {
      name: 'not-found',
      open: () => ctx.goto('/s/nothing-here'),
      german: true,
      noScript: true,
    },
    {
      name: 'forbidden',
      open: async () => {
        await P.as('kontor', 'kontor');
        await ctx.goto('/s/kontor/do/login');
      },
    },
    {
      name: 'stale-form',
      open: async () => {
        await P.as('kontor', 'kontor');
        await ctx.goto('/s/kontor/home');
        for (const field of await P.page.locator('input[name=csrf]').all()) await field.evaluate((input) => (input.value = 'x'));
        await P.send({}, 'main form button');
      },
    },
    { name: 'wrong-method', open: () => ctx.goto('/s/hafenwerk/sign-out') },
    {
      name: 'conflict',
      open: async () => {
        // Two windows add a phone: the second form comes too late.
        const login = await somebody('ada', 'Werft', {});
        await P.as('werft', login);
        await ctx.goto('/s/werft/add/sms');
        await P.phone(login);
        await P.send({ name: 'My phone', phone: P.number() });
      },
    },
    {
      name: 'too-many-requests',
      open: async () => {
        await P.as('hafenwerk', 'max');
        await ctx.goto('/s/hafenwerk/home');
        await P.sending({ 'number-hour': 0 }, () => P.send({}, 'form[action$="/do/test"] button'));
      },
    },
    // Time passes from here on.
    {
      name: 'code-sms-again',
      open: async () => {
        await P.knock('hafenwerk', 'nele');
        await P.pass(30);
        await P.page.reload();
      },
    },
    { name: 'code-sms-resent', open: () => P.send({}, 'button[name=resend]') },
    {
      name: 'code-expired',
      open: async () => {
        await P.knock('schleuse', 'pia');
        await P.pass(90);
        await P.page.reload();
      },
      german: true,
    },
    {
      name: 'unavailable',
      open: async () => {
        await daemon.stop();
        await ctx.goto('/s/hafenwerk');
        ctx.takeReports('bad-response');
      },
      last: true,
    },
  ];
}

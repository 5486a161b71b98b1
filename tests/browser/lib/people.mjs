// Portals and the people on them: made by an administrator's word, signed in by what they type.
import { writeFile } from 'node:fs/promises';

import { admin } from './daemon.mjs';
import { totp } from './totp.mjs';

export const PASSWORD = 'correct horse';

/** Answers to a code that is asked for, but for one in a million. */
export const WRONG = '000000';

/** What a page is sent by: its first button, which may take something away. */
const BUTTON = 'main form .btn.pri, main form .btn.bad:not(.quiet)';

export class People {
  #ctx;
  #cookies = new Map();
  #apps = new Map();
  #numbers = 1000;
  #ahead = 0;

  constructor(ctx) {
    this.#ctx = ctx;
  }

  get page() {
    return this.#ctx.page;
  }

  /** Asks the daemon as an administrator would. */
  admin(op, fields = {}) {
    return admin(this.#ctx.input.socket, { op, ...fields });
  }

  /** Time passes for the daemon, in seconds; `input.clock` is the file that its clock goes by. */
  async pass(seconds) {
    this.#ahead += seconds;
    const octets = Buffer.alloc(8);
    octets.writeBigInt64LE(BigInt(this.#ahead));
    await writeFile(this.#ctx.input.clock, octets, { flag: 'r+' });
  }

  /** A mobile number of a range that libphonenumber knows, and of nobody else. */
  number() {
    this.#numbers += 1;
    return `+49171234${this.#numbers}`;
  }

  /** A portal at `address` where everything is allowed, but for what `own` says. */
  async portal(name, address, own = {}, resource = {}) {
    await this.admin('resource-add', {
      name,
      set: {
        region: 'DE',
        tries: 10,
        'failed-attempts': 10,
        ...resource,
        'self-service': {
          address,
          actions: ['all'],
          kinds: ['sms', 'totp', 'recovery'],
          'otp-length': 'choice',
          ...own,
        },
      },
    });
  }

  /** A person on the portals of these resources; `sms`: with a phone. Gives the token, where there is one. */
  async add(login, resources, { sms, ...own } = {}) {
    const email = `${login}@hafenwerk.example`;
    await this.admin('user-add', { login, password: PASSWORD, email, resources, ...own });
    return sms ? this.phone(login, sms === true ? {} : sms) : undefined;
  }

  /** One more phone of somebody. */
  async phone(login, { to = this.number(), name = 'My phone', resources = [] } = {}) {
    const token = await this.admin('token-add', { user: login, phone: to, name, digits: 6, resources });
    return { ...token, to };
  }

  /** Fills fields by their ids and presses a button; waits for the next page. */
  async send(fields = {}, button = BUTTON) {
    const { page } = this;
    for (const [id, value] of Object.entries(fields)) await page.locator(`[id="${id}"]`).fill(value);
    await Promise.all([page.waitForNavigation(), page.locator(button).first().click()]);
  }

  /** Nobody is signed in any more in this window. */
  async leave() {
    await this.page.context().clearCookies();
  }

  /** Types name and password. */
  async knock(address, login, password = PASSWORD) {
    await this.leave();
    await this.#ctx.goto(`/s/${address}`);
    await this.send({ user: login, password });
  }

  /** The window is this person's, who is signed in with everything that is asked for; once, then by the cookies. */
  async as(address, login) {
    if (await this.back(`${address} ${login}`)) return;
    const texts = await this.#ctx.inbox();
    await this.knock(address, login);
    if (this.page.url().endsWith('/code')) await this.prove(login, texts);
    await this.page.waitForURL(/\/home/);
    await this.keep(`${address} ${login}`);
  }

  /** Begins something once, and goes on with its cookies in the other languages. */
  async once(key, begin) {
    if (await this.back(key)) return;
    await begin();
    await this.keep(key);
  }

  /** The window's cookies become those that were kept; tells whether there are any. */
  async back(key) {
    await this.leave();
    const known = this.#cookies.get(key);
    if (known) await this.page.context().addCookies(known);
    return known !== undefined;
  }

  /** Keeps the window's cookies. */
  async keep(key) {
    this.#cookies.set(key, await this.page.context().cookies());
  }

  /** Forgets kept cookies: a session that ended, or all. */
  forget(key) {
    if (key === undefined) this.#cookies.clear();
    else this.#cookies.delete(key);
  }

  /** Answers the code page that is open. */
  async prove(login, texts) {
    const method = await this.page.locator('input[name=method]').inputValue();
    await this.send({ code: method === 'totp' ? this.shown(login, 1) : await texts.code() });
  }

  /** What somebody's app shows, so many half minutes from now. */
  shown(login, later = 0) {
    return totp(this.#apps.get(login), this.#ahead / 30 + later);
  }

  /** Begins an app on the portal, for whoever is signed in there; stops at its code page. */
  async beginApp(address, login, name = 'Work authenticator') {
    const texts = await this.#ctx.inbox();
    await this.#ctx.goto(`/s/${address}/add/totp`);
    await this.send({ name });
    // What was typed is kept while a fresh code is asked for.
    if (this.page.url().includes('/confirm/')) await this.prove(login, texts);
    this.#apps.set(login, await this.page.locator('#secret').innerText());
  }

  /** The whole of it. */
  async app(address, login, name) {
    await this.beginApp(address, login, name);
    await this.send({ code: this.shown(login) });
  }

  /** Begins an SMS enrolment, for whoever is signed in; stops at its code page. */
  async enrol(address, { phone = this.number(), name = 'My phone' } = {}) {
    await this.#ctx.goto(`/s/${address}/add/sms`);
    await this.send({ name, phone });
    return phone;
  }

  /** Loads the page again until it shows `what` (a selector): it is on its way. */
  async until(what, patience = 15_000) {
    const deadline = Date.now() + patience;
    while ((await this.page.locator(what).count()) === 0) {
      if (Date.now() > deadline) throw new Error(`the page never shows ${what}`);
      await this.page.waitForTimeout(100);
      await this.page.reload();
    }
  }

  /** While `work` runs, texts are sent with these rules only; then as many as anybody likes. */
  async sending(rules, work) {
    await this.admin('sms-policy-set', rules);
    try {
      await work();
    } finally {
      const many = 1_000_000;
      await this.admin('sms-policy-set', { paused: false, countries: ['DE'], 'number-hour': many });
    }
  }

  /** While `work` runs, the gateway refuses all texts. */
  async refusing(work) {
    const only = async (name, other) => {
      await this.admin('sms-provider-set', { name, enabled: true });
      await this.admin('sms-provider-set', { name: other, enabled: false });
    };
    await only('refusing', 'inbox');
    try {
      await work();
    } finally {
      await only('inbox', 'refusing');
    }
  }
}

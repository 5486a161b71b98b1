// Debian's Chromium, and an ear on everything that its pages complain about.
import { chromium } from 'playwright-core';

export const CHROMIUM = '/usr/bin/chromium';

// Chromium's own sandbox does not work for root. The rest keeps it from looking for Google's hosts.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// Languages that Chromium knows; any other, as a pseudo-locale, is only asked for in the header.
const KNOWN_LOCALE = /^(en|de)\b/;

/** Starts the browser. `resolve` gives addresses to names; no other name is ever looked up. */
export function launch({ resolve = {} } = {}) {
  const rules = Object.entries(resolve).map(([name, address]) => `MAP ${name} ${address}`);
  rules.push('MAP * ~NOTFOUND', 'EXCLUDE 127.0.0.1', 'EXCLUDE localhost', 'EXCLUDE [::1]');
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [...FLAGS, `--host-resolver-rules=${rules.join(', ')}`],
  });
}

/** Options of a browser context for a person with these settings. */
export function settings({ width = 1280, height = 900, scheme = 'light', locale = 'en' } = {}) {
  const options = {
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: 'reduce',
    extraHTTPHeaders: { 'accept-language': locale },
  };
  if (KNOWN_LOCALE.test(locale)) options.locale = locale;
  return options;
}

/** Switches a page's scripts, from its next document on; the session must stay open for as long as they are off. */
export function scripts(session, on) {
  return session.send('Emulation.setScriptExecutionDisabled', { value: !on });
}

/** Hears what pages complain about: `{kind, url, text}`, each thing once. */
export class Reports {
  #heard = [];
  #origins;

  /** Requests to these origins are expected. */
  constructor(origins) {
    this.#origins = new Set(origins);
  }

  /** Takes what was heard since, of one kind or of all. */
  take(kind) {
    const taken = this.#heard.filter((report) => kind === undefined || report.kind === kind);
    this.#heard = this.#heard.filter((report) => !taken.includes(report));
    return taken;
  }

  /** Listens to a context from before its first page. */
  async attach(context) {
    await context.exposeBinding('otpostCsp', ({ page }, { directive, blocked, sample }) => {
      this.#add('csp', page.url(), `${directive} blocked ${blocked}${sample ? `: ${sample}` : ''}`);
    });
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        window.otpostCsp({
          directive: event.effectiveDirective,
          blocked: event.blockedURI,
          sample: event.sample,
        });
      });
    });
    context.on('console', (message) => {
      if (message.type() !== 'error') return;
      const text = message.text();
      // Said of every status from 400 on; those that matter are reported below.
      if (text.startsWith('Failed to load resource: the server responded')) return;
      if (text.startsWith('Failed to load resource: net::')) return;
      const kind = text.includes('Content Security Policy') ? 'csp' : 'console-error';
      this.#add(kind, message.page()?.url(), text);
    });
    context.on('weberror', (error) => {
      this.#add('page-error', error.page()?.url(), error.error().message);
    });
    context.on('request', (request) => this.#host(request.url(), pageOf(request)));
    context.on('page', (page) => {
      page.on('websocket', (socket) => this.#host(socket.url(), page.url()));
    });
    context.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? '';
      // A page that was left, or a download. What the policy blocks is heard above.
      if (why === 'net::ERR_ABORTED' || why === 'csp') return;
      this.#add('failed-request', request.url(), why);
    });
    context.on('response', (response) => {
      const type = response.request().resourceType();
      const own = type === 'document' || type === 'fetch' || type === 'xhr';
      // A page, or what htmx puts into one, may well say no; a server that breaks, or a missing picture, is a fault.
      if (response.status() >= (own ? 500 : 400)) {
        this.#add('bad-response', response.url(), `${response.status()} for ${type}`);
      }
    });
  }

  #host(url, page) {
    const { protocol, host } = new URL(url);
    if (['data:', 'blob:', 'about:', 'chrome-error:'].includes(protocol)) return;
    const origin = `${protocol.replace('ws', 'http')}//${host}`;
    if (!this.#origins.has(origin)) this.#add('other-host', page, `asked ${url}`);
  }

  #add(kind, url = '', text = '') {
    const known = this.#heard.some((r) => r.kind === kind && r.url === url && r.text === text);
    if (!known) this.#heard.push({ kind, url, text });
  }
}

/** The address of the page that asks; of one that is only being opened there may be none yet. */
function pageOf(request) {
  if (request.isNavigationRequest() || request.serviceWorker()) return request.url();
  return request.frame().url();
}

/** The origins of all addresses in a scenario's input. */
export function originsIn(value) {
  if (typeof value === 'string') return /^https?:\/\//.test(value) ? [new URL(value).origin] : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.values(value).flatMap(originsIn);
}

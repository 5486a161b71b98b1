// A mail server: Debian's aiosmtpd, by the script of the daemon's own mail tests.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Postbox {
  #child;
  #lines = [];
  #wake = () => {};

  /** Starts `script`; gives the server and its port. */
  static async start(script) {
    const postbox = new Postbox();
    postbox.#child = spawn('/usr/bin/python3', ['-u', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: postbox.#child.stdout });
    const port = await new Promise((resolve, reject) => {
      postbox.#child.once('exit', (code) => reject(new Error(`the mail server ended with ${code}`)));
      lines.once('line', (line) => resolve(Number(line)));
    });
    lines.on('line', (line) => {
      postbox.#lines.push(JSON.parse(line));
      postbox.#wake();
    });
    return [postbox, port];
  }

  /** The code in the next mail to an address. */
  async code(to, patience = 15_000) {
    const deadline = Date.now() + patience;
    for (;;) {
      const at = this.#lines.findIndex((line) => line.event === 'taken' && line.to.includes(to));
      if (at >= 0) {
        const [mail] = this.#lines.splice(at, 1);
        const code = /(?<![\w])\d{6}(?![\w])/.exec(mail.body)?.[0];
        if (code === undefined) throw new Error(`no code in the mail to ${to}`);
        return code;
      }
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no mail to ${to}`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  stop() {
    this.#child.removeAllListeners('exit');
    this.#child.stdin.end();
    this.#child.kill();
  }
}

// node run.mjs SCENARIO [--self-signed] < input.json
//
// Runs scenarios/SCENARIO.mjs in a browser of its own and prints what happened, one JSON object a line:
//   {"type":"step"}   a step, with its name and how it went
//   {"type":"look"}   a page in one scheme, width and language, with its violations
//   {"type":"value"}  what the scenario hands to the test
//   {"type":"report"} what a page complained about, and nobody expected
//   {"type":"end"}    last: whether all went well
// Input (JSON): `base` is the address that paths belong to; requests to origins that are not in the input are reported.
// `folder` takes the pictures of failures, `resolve` maps names to addresses, `inbox` is a file of texts; the rest is the
// scenario's own. --self-signed accepts any certificate.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { launch } from './lib/browser.mjs';
import { Scenario, plain } from './lib/scenario.mjs';

const emit = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
// Standard output is for results only.
console.log = console.error;

async function main([name, ...flags]) {
  const unknown = flags.filter((flag) => flag !== '--self-signed');
  if (!/^[\w-]+$/.test(name ?? '') || unknown.length > 0) {
    throw new Error(`usage: run.mjs SCENARIO [--self-signed]; ${unknown.join(' ') || name || 'nothing'} is not that`);
  }
  const { default: scenario } = await import(new URL(`scenarios/${name}.mjs`, import.meta.url));
  const input = JSON.parse((await text(process.stdin)) || '{}');
  const browser = await launch(input);
  try {
    const ctx = new Scenario({
      browser,
      emit,
      input,
      selfSigned: flags.includes('--self-signed'),
      folder: input.folder ?? join(tmpdir(), 'otpost-browser'),
    });
    await ctx.open();
    await scenario(ctx);
    const reports = ctx.takeReports();
    for (const report of reports) emit({ type: 'report', ...report });
    if (reports.length > 0) throw new Error(`pages complained: ${reports.length}`);
  } finally {
    await browser.close();
  }
}

const begun = performance.now();
try {
  await main(process.argv.slice(2));
  emit({ type: 'end', ok: true, ms: Math.round(performance.now() - begun) });
} catch (error) {
  console.error(plain(error.stack));
  emit({ type: 'end', ok: false, ms: Math.round(performance.now() - begun), error: plain(error.message) });
  process.exitCode = 1;
}

// Runs browser.html in a headless Chromium: node browser_check.mjs CHROMIUM [MUTATE]. Needs the package playwright-core.
// Prints the totals; the exit status says whether all passed.

import { createServer } from 'node:http';
import { readFile, readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const [chromium, mutate = '0'] = process.argv.slice(2);
const root = fileURLToPath(new URL('../../', import.meta.url)); // test-vectors/
const TYPES = { '.html': 'text/html', '.mjs': 'text/javascript', '.js': 'text/javascript', '.json': 'application/json' };

/** What a file holds, or the links to what a folder holds. */
async function content(path) {
  if (!(await stat(path)).isDirectory()) return { type: TYPES[extname(path)] ?? 'text/plain', body: await readFile(path) };
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries.map((entry) => entry.name + (entry.isDirectory() ? '/' : ''));
  return { type: 'text/html', body: names.map((name) => `<a href="${name}">${name}</a>`).join('\n') };
}

const server = createServer(async (request, response) => {
  try {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    const { type, body } = await content(join(root, path));
    response.writeHead(200, { 'content-type': type }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });

const { chromium: driver } = createRequire(join(process.cwd(), 'x'))('playwright-core');
const browser = await driver.launch({ executablePath: chromium, args: ['--no-sandbox'] });
const page = await browser.newPage();
// Loopback is a secure context, in which WebCrypto is there.
await page.goto(`http://127.0.0.1:${server.address().port}/conformance/js/browser.html?mutate=${mutate}`);
await page.waitForFunction(() => globalThis.result, null, { timeout: 600_000 });
const { passed, failed, skipped, mutations, failures } = await page.evaluate(() => globalThis.result);
console.log(`${await browser.version()}: ${passed} passed, ${failed} failed, ${skipped} skipped, ${mutations} changes`);
failures.forEach((failure) => console.log(`  ${failure}`));
await browser.close();
server.close();
process.exit(failed || !passed ? 1 : 0);

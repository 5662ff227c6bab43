// Runs vectors.js in a page over vectors fetched by HTTP, and writes the totals; `window.result` has them at the end.
// Query: `base` (the folder of vectors), `files` (comma-separated, below it), `mutate` (every nth byte).

import { check, mutate } from './vectors.js';

const query = new URLSearchParams(location.search);
const base = query.get('base') ?? '../../';
const step = Number(query.get('mutate') ?? 0);

/** The links of a server's directory listing that look right; null where it lists nothing. */
async function links(path, pattern) {
  const response = await fetch(path);
  if (!response.ok || !response.headers.get('content-type')?.includes('html')) return null;
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const names = [...page.querySelectorAll('a')].map((a) => a.getAttribute('href')).filter((name) => pattern.test(name));
  return names.length ? names.sort() : null;
}

/** What the server lists. */
async function filesToRun() {
  if (query.get('files')) return query.get('files').split(',');
  const folders = await links(base, /^[0-9][^/]*\/$/);
  if (!folders) throw new Error('the server lists no folders: say which files');
  const found = await Promise.all(folders.map(async (folder) => (await links(base + folder, /^[^/]+\.json$/) ?? []).map((name) => folder + name)));
  return found.flat();
}

const out = document.getElementById('out');
const print = (line) => { out.textContent += `${line}\n`; };

async function run() {
  const result = { passed: 0, failed: 0, skipped: 0, mutations: 0, failures: [] };
  const fail = (text) => { result.failed += 1; result.failures.push(text); print(`failed ${text}`); };
  for (const file of await filesToRun()) {
    try {
      const response = await fetch(base + file);
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      for (const vector of (await response.json()).vectors) {
        const { status, why } = await check(vector);
        if (status === 'failed') fail(`${vector.id}: ${why}`); else result[status] += 1;
        if (status === 'skipped') print(`skipped ${vector.id}: ${why}`);
        if (!step || status !== 'passed') continue;
        const { tried, accepted } = await mutate(vector, step);
        result.mutations += tried;
        for (const one of accepted) fail(`accepted, changed: ${vector.id} ${one}`);
      }
    } catch (error) {
      fail(`${file}: ${error}`);
    }
    print(file);
  }
  const { passed, failed, skipped, mutations } = result;
  print(`total: ${passed} passed, ${failed} failed, ${skipped} skipped, ${mutations} changes`);
  document.title = failed ? 'failed' : 'passed';
  window.result = result;
}

run().catch((error) => { window.result = { passed: 0, failed: 1, skipped: 0, failures: [String(error)] }; });

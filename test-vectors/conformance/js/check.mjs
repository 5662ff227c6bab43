#!/usr/bin/env node
// Checks every vector under DIR/[0-9]*/*.json: check.mjs DIR [--mutate [N]] [--notes]. Exits with 1 if any fails.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, mutate } from './vectors.js';

const [dir, ...options] = process.argv.slice(2);
if (!dir) { console.error('check.mjs DIR [--mutate [N]] [--notes]'); process.exit(2); }
const at = options.indexOf('--mutate');
const step = at < 0 ? 0 : Math.max(1, Number(options[at + 1]) || 1);
const total = { passed: 0, failed: 0, skipped: 0, mutations: 0 };
const reasons = new Map();

function files() {
  const folders = readdirSync(dir).filter((name) => /^[0-9]/.test(name)).sort();
  return folders.flatMap((folder) => readdirSync(join(dir, folder)).filter((name) => name.endsWith('.json')).sort().map((name) => `${folder}/${name}`));
}

for (const file of files()) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const lines = [];
  for (const vector of JSON.parse(readFileSync(join(dir, file), 'utf8')).vectors) {
    const { status, why, note } = await check(vector);
    count[status] += 1;
    if (status === 'failed') lines.push(`  failed ${vector.id} (${vector.kind}): ${why}`);
    if (status === 'skipped') reasons.set(why, [...reasons.get(why) ?? [], vector.id]);
    if (note && options.includes('--notes')) lines.push(`  note ${vector.id}: ${note}`);
    if (step && status === 'passed') {
      const { tried, accepted } = await mutate(vector, step);
      total.mutations += tried;
      for (const one of accepted) { count.failed += 1; lines.push(`  accepted, changed: ${vector.id} ${one}`); }
    }
  }
  for (const status of Object.keys(count)) total[status] += count[status];
  console.log(`${file}: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  for (const line of lines) console.log(line);
}
for (const [why, ids] of reasons) console.log(`skipped: ${why}: ${ids.join(', ')}`);
console.log(`total: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped${step ? `, ${total.mutations} changes tried` : ''}`);
process.exit(total.failed ? 1 : 0);

#!/usr/bin/env node
// The line protocol of test-vectors/conformance/README.md: one JSON object a line in, one a line out, with the same `id`.

import { createInterface } from 'node:readline';
import { answer } from './vectors.js';

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim()) process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}

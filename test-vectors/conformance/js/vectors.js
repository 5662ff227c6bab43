// Test vectors (SPEC §16): checking one, changing one, and answering one of another program. Pure: no files, no platform.
//
// Of each kind there is `read`, which takes a vector and returns what it found, or throws Refused; `compared`, the fields of that
// which a vector has too; `steps`, those that are lists of steps, with the names of a step's inputs; `sealed`, the inputs of which no
// byte can be changed; `reseal`, which makes fields again from `random`; and `seal`, with fresh randomness. A kind in which
// something is refused and the rest goes on (a history, say) returns that as `result` and `check`, beside what it found.

import { replay } from './replay.js';
import { DEVICES } from './vectors_devices.js';
import { FORMS } from './vectors_forms.js';
import { ENVELOPES } from './vectors_envelopes.js';
import { KEYRINGS } from './vectors_keyring.js';
import { RECOVERIES } from './vectors_recovery.js';
import { problemOf } from './vectors_inputs.js';
import { ROOMS } from './vectors_rooms.js';
import { hex, Refused, Skipped, unhex } from './wire.js';

export const KINDS = { ...FORMS, ...ENVELOPES, ...ROOMS, ...KEYRINGS, ...RECOVERIES, ...DEVICES };

const sorted = (x) => (Array.isArray(x) ? x.map(sorted) : x && typeof x === 'object'
  ? Object.fromEntries(Object.keys(x).sort().map((k) => [k, sorted(x[k])])) : x);
const same = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

/** What differs, or null. */
function difference(found, vector, names) {
  for (const name of names) {
    if (vector[name] === undefined) return `${name} is not in the vector`;
    if (!same(found[name], vector[name])) return `${name} is ${JSON.stringify(found[name])}`;
  }
  return null;
}

/** Of a list of steps each has inputs, named by `inputsOf`; all else is compared, and of `result` only whether it is ok [VEC-02]. */
function stepDifference(found, vector, inputsOf) {
  if (found.length !== vector.length) return 'the number of steps';
  for (const [i, step] of vector.entries()) {
    if ((step.result ?? 'ok') === 'ok' !== ((found[i].result ?? 'ok') === 'ok')) return `step ${i} is ${JSON.stringify(found[i])}`;
    const names = new Set([...Object.keys(step), ...Object.keys(found[i])]);
    for (const name of [...inputsOf(step), 'result', 'check']) names.delete(name);
    for (const name of names) if (!same(found[i][name], step[name])) return `step ${i}: ${name} is ${JSON.stringify(found[i][name])}`;
  }
  return null;
}

function allDifferences(kind, found, v) {
  const lists = Object.entries(kind.steps ?? {}).map(([name, inputsOf]) => stepDifference(found[name], v[name], inputsOf));
  return difference(found, v, typeof kind.compared === 'function' ? kind.compared(v) : kind.compared) ?? lists.find(Boolean);
}

const failed = (why) => ({ status: 'failed', why });

/** [VEC-02]: another class than the one given is told and is no failure; taking what is to be refused is. */
function judge(v, { result, check, message = '' }) {
  if (v.result !== 'ok' && result === 'ok') return failed(`accepted, and should be ${v.result}`);
  if (v.result === 'ok' && result !== 'ok') return failed(message || `${result} ${check ?? ''}`);
  const differs = result !== v.result || (v.check && check !== v.check);
  return { status: 'passed', note: differs ? `${message || result} ${check ?? ''}, given ${v.result} ${v.check ?? ''}` : undefined };
}

/** { status: passed | failed | skipped, why, note }. */
export async function check(v) {
  const kind = KINDS[v.kind];
  if (!kind) return failed(`unknown kind ${v.kind}`);
  try {
    const found = await kind.read(v);
    const verdict = judge(v, { result: 'ok', ...found });
    if (verdict.status === 'failed') return verdict;
    const differs = allDifferences(kind, found, v);
    if (differs) return failed(differs);
    if (v.random !== undefined && kind.reseal) {
      const source = replay(unhex(v.random));
      const made = await kind.reseal(v, source);
      for (const name of Object.keys(made)) if (made[name] !== v[name]) return failed(`made again, ${name} differs`);
      if (!source.finished()) return failed('not all of random was drawn');
    }
    return verdict;
  } catch (error) {
    if (error instanceof Skipped) return { status: 'skipped', why: error.message };
    if (!(error instanceof Refused)) return failed(error.stack ?? String(error));
    return judge(v, { result: error.kind, check: problemOf(error).check, message: error.message });
  }
}

/** Changes one bit in every `step`-th byte, at most `cap` positions; returns the positions that were not refused. */
export async function mutate(v, step = 1, cap = 500) {
  const { read, sealed = [] } = KINDS[v.kind];
  const accepted = [];
  let tried = 0;
  for (const field of v.result === 'ok' ? sealed : []) {
    const data = unhex(v[field] ?? '');
    const stride = Math.max(step, Math.ceil(data.length / cap));
    for (let at = 0; at < data.length; at += stride) {
      const changed = data.slice();
      changed[at] ^= 1 << (at % 8);
      tried += 1;
      try {
        await read({ ...v, [field]: hex(changed) });
        accepted.push(`${field}[${at}]`);
      } catch (error) {
        if (error instanceof Skipped) return { tried: 0, accepted };
        if (!(error instanceof Refused)) accepted.push(`${field}[${at}]: ${error.stack ?? error}`);
      }
    }
  }
  return { tried, accepted };
}

/** One request of the line protocol. */
export async function answer(request) {
  const { id, op, kind } = request;
  try {
    const run = op === 'read' ? KINDS[kind]?.read : op === 'seal' ? KINDS[kind]?.seal : null;
    if (!run) return { id, result: 'skipped', reason: `${op} of ${kind}` };
    return { id, result: 'ok', ...await run(request) };
  } catch (error) {
    if (error instanceof Skipped) return { id, result: 'skipped', reason: error.message };
    if (!(error instanceof Refused)) return { id, result: 'failed', reason: String(error) };
    return { id, ...problemOf(error) };
  }
}

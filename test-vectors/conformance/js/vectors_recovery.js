// Vectors of recovery (SPEC §21).

import { profileNamed, rootOf } from './identity.js';
import { recoverGenerations, recoverKeyring, recoverRooms } from './recovery.js';
import { problemOf, roomJson } from './vectors_inputs.js';
import { contactsOf, lackingOf } from './vectors_keyring.js';
import { hex, unhex } from './wire.js';

const inOrder = (list) => list.map((x) => [JSON.stringify(Object.entries(x).sort()), x]).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, x]) => x);

async function readRecovery(v) {
  const told = [];
  const list = (name) => v[name].map(unhex);
  const generations = await recoverGenerations(await rootOf(unhex(v.bip39_seed)), profileNamed(v.profile), list('transitions'), told);
  const { keyring, missing: segments } = await recoverKeyring(generations, list('segments'), told);
  const server = { packages: list('packages'), identities: async () => list('identities') };
  const { rooms, asked, missing } = await recoverRooms(generations, keyring, server, told);
  const problems = inOrder(told.map(({ step, blob, roomId, error }) => ({
    step, ...(blob === undefined ? { room_id: hex(roomId) } : { blob }), ...problemOf(error),
  })));
  const { result = 'ok', check } = problems[0] ?? {};
  return {
    generations: generations.map((g) => hex(g.identity.fingerprint)),
    rooms: [...rooms.values()].map(roomJson).sort((a, b) => (a.room_id < b.room_id ? -1 : 1)),
    contacts: await contactsOf(keyring),
    asked,
    missing: [
      ...lackingOf(segments).map((s) => ({ what: 'segments', ...s })),
      ...missing.epochs.map(({ roomId, first: from, last }) => ({ what: 'epochs', room_id: hex(roomId), first: Number(from), last: Number(last) })),
      ...missing.identities.map((fingerprint) => ({ what: 'identity', fingerprint: hex(fingerprint) })),
      ...missing.rooms.map((roomId) => ({ what: 'room', room_id: hex(roomId) })),
    ],
    problems,
    result,
    ...(check ? { check } : {}),
  };
}

export const RECOVERIES = {
  recovery: { read: readRecovery, compared: ['generations', 'rooms', 'contacts', 'asked', 'missing', 'problems'] },
};

// Vectors of linked devices, certificates and request proofs (SPEC §22, §23).

import { importPkcs8, pkcs8, publicOf } from './algorithms.js';
import {
  certificateDigest, decodeCertificate, encodeStored, linkFromText, linkText, makeLinkRequest, openLink, openStored, proofFromText, Remembered,
  sealAnswer, verifyCertificate, verifyProof,
} from './devices.js';
import { sealStoredForm } from './state.js';
import { identityFrom, outcome, senderFrom } from './vectors_inputs.js';
import { equal, hex, TYPE, unhex } from './wire.js';

const fingerprints = ({ generations }) => generations.map((g) => hex(g.identity.fingerprint));

async function readLinkedState(v) {
  const opened = await openStored(unhex(v.state), unhex(v.kek));
  const content = encodeStored(opened);
  if (!equal(content, opened.content)) throw new Error('what is stored encodes differently');
  return { generations: fingerprints(opened), content: hex(content) };
}

async function readCertificate(v) {
  const certificate = decodeCertificate(unhex(v.certificate));
  await verifyCertificate(certificate, await identityFrom(v.identity), BigInt(v.now), BigInt(v.tolerance));
  return {
    device_id: hex(certificate.deviceId), device_key: hex(certificate.deviceKey), not_before: Number(certificate.notBefore),
    not_after: Number(certificate.notAfter), digest: hex(await certificateDigest(certificate)),
  };
}

/** One request, to a server that remembers in `remembered`. */
async function readProof(v, identity, tolerance, remembered) {
  const request = { audience: unhex(v.audience), method: unhex(v.method), target: unhex(v.target), body: unhex(v.body), serverNonce: unhex(v.server_nonce) };
  const checked = { identity: await identityFrom(identity), request, now: BigInt(v.now), tolerance: BigInt(tolerance), remembered };
  const { deviceId, time, nonce, input, hash } = await verifyProof(proofFromText(v.proof).bytes, checked);
  return { device_id: hex(deviceId), time: Number(time), nonce: hex(nonce), input: hex(input), digest: hex(hash) };
}

async function readSequence(v) {
  const remembered = new Remembered();
  const out = { requests: [] };
  for (const request of v.requests) {
    const answer = await outcome(() => readProof(request, v.identity, v.tolerance, remembered).then(() => ({})));
    out.requests.push(answer);
    if (answer.result !== 'ok') Object.assign(out, answer);
  }
  return out;
}

export const DEVICES = {
  link_request: {
    read: async (v) => {
      const request = linkFromText(v.text);
      return { encryption_key: hex(request.encryptionKey), echo: hex(request.echo) };
    },
    compared: ['encryption_key', 'echo'],
    reseal: async (_v, source) => {
      const { key, request } = await makeLinkRequest(source);
      return { pkcs8: hex(pkcs8(key)), text: linkText(request) };
    },
  },
  link_answer: {
    read: async (v) => {
      const opened = await openLink(unhex(v.answer), await importPkcs8(unhex(v.pkcs8)), { echo: unhex(v.echo) });
      return { generations: fingerprints(opened), code: opened.code };
    },
    compared: ['generations', 'code'],
    sealed: ['answer', 'echo'],
    reseal: async (v, source) => {
      const key = publicOf(await importPkcs8(unhex(v.pkcs8)));
      return { answer: hex((await sealAnswer(key, unhex(v.content), await senderFrom(v.sender), source)).envelope) };
    },
  },
  linked_state: {
    read: readLinkedState,
    compared: ['generations', 'content'],
    sealed: ['state'],
    reseal: async (v, source) => ({ state: hex((await sealStoredForm(TYPE.device_link, unhex(v.content), unhex(v.kek), source)).envelope) }),
  },
  certificate: {
    read: readCertificate,
    compared: ['device_id', 'device_key', 'not_before', 'not_after', 'digest'],
    sealed: ['certificate'],
  },
  request_proof: {
    read: (v) => readProof(v, v.identity, v.tolerance),
    compared: ['device_id', 'time', 'nonce', 'input', 'digest'],
    sealed: ['audience', 'method', 'target', 'body', 'server_nonce'],
  },
  proof_sequence: {
    read: readSequence,
    compared: [],
    steps: { requests: () => ['proof', 'audience', 'method', 'target', 'body', 'server_nonce', 'now'] },
  },
};

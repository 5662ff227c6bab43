// P-256 in BigInt: checks of points, and the public point of a scalar. Multiplication is not constant-time: it is for tests.

export const PRIME = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
export const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const GX = 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n;
const GY = 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n;

export const bigOf = (b) => BigInt(`0x${Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('') || '0'}`);

export function bytesOf(n, length) {
  const text = n.toString(16).padStart(2 * length, '0');
  return Uint8Array.from({ length }, (_, i) => parseInt(text.substr(2 * i, 2), 16));
}

export const mod = (a, m) => { const r = a % m; return r < 0n ? r + m : r; };

export function inverse(a, m) {
  let [r0, r1, s0, s1] = [m, mod(a, m), 0n, 1n];
  while (r1 > 0n) { const q = r0 / r1; [r0, r1, s0, s1] = [r1, r0 - q * r1, s1, s0 - q * s1]; }
  if (r0 !== 1n) throw new RangeError('no inverse');
  return mod(s0, m);
}

/** [SUITE-03] */
export function isOnCurve(xBytes, yBytes) {
  const [x, y] = [bigOf(xBytes), bigOf(yBytes)];
  return x < PRIME && y < PRIME && mod(y * y - (x * x * x - 3n * x + B), PRIME) === 0n;
}

// Jacobian coordinates; null is the identity.
function double(p) {
  if (!p || p[1] === 0n) return null;
  const [x, y, z] = p;
  const zz = (z * z) % PRIME;
  const yy = (y * y) % PRIME;
  const s = (4n * x * yy) % PRIME;
  const m = mod(3n * (x - zz) * (x + zz), PRIME);
  const x3 = mod(m * m - 2n * s, PRIME);
  return [x3, mod(m * (s - x3) - 8n * yy * yy, PRIME), (2n * y * z) % PRIME];
}

function add(p, q) {
  if (!p) return q;
  if (!q) return p;
  const [pz, qz] = [(p[2] * p[2]) % PRIME, (q[2] * q[2]) % PRIME];
  const [u1, u2] = [(p[0] * qz) % PRIME, (q[0] * pz) % PRIME];
  const [s1, s2] = [(p[1] * qz * q[2]) % PRIME, (q[1] * pz * p[2]) % PRIME];
  const [h, r] = [mod(u2 - u1, PRIME), mod(s2 - s1, PRIME)];
  if (h === 0n) return r === 0n ? double(p) : null;
  const hh = (h * h) % PRIME;
  const hhh = (h * hh) % PRIME;
  const v = (u1 * hh) % PRIME;
  const x3 = mod(r * r - hhh - 2n * v, PRIME);
  return [x3, mod(r * (v - x3) - s1 * hhh, PRIME), (p[2] * q[2] * h) % PRIME];
}

/** k·G in affine coordinates, for k from 1 to n − 1. */
export function multiplyBase(k) {
  let out = null;
  for (const bit of k.toString(2)) {
    out = double(out);
    if (bit === '1') out = add(out, [GX, GY, 1n]);
  }
  const i = inverse(out[2], PRIME);
  return [mod(out[0] * i * i, PRIME), mod(out[1] * i * i * i, PRIME)];
}

export function publicPoint(scalar) {
  const [x, y] = multiplyBase(bigOf(scalar));
  const out = new Uint8Array(65);
  out[0] = 4;
  out.set(bytesOf(x, 32), 1);
  out.set(bytesOf(y, 32), 33);
  return out;
}

#!/usr/bin/env python3
"""Runs the small stories under Miri, with the arithmetic of P-256 from machine code: `python3 run.py [TEST]...`.

Miri interprets a multiple of a point in half a minute, and a story takes hundreds. So the crates that make them are
copied, and in the copies what multiplies points or inverts scalars calls `src/lib.rs` instead. All else is interpreted
as it stands: the checks of points, the rest of ECDSA, AES, SHA-256 and what parses included.
"""

import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "miri-points"

POINTS = (HERE / "points.rs").read_text()

# What is replaced in the copies of crates: the file, from where to where, and by what.
CHANGES = {
    "primeorder": [
        ("src/lib.rs", "#![no_std]\n", "\n",
         "#![no_std]\n#![allow(dead_code, unreachable_code, unused_imports)]\n"),
        ("src/lib.rs", "mod affine;\n", "mod affine;\n", "mod affine;\npub mod points;\n"),
        ("src/projective.rs", "        let table = LookupTable::new(*self);\n", "lincomb::<C>(&[table], &[digits])\n",
         "        crate::points::sum(&[(*self, *k)])\n"),
        ("src/projective.rs", "        WnafBase::<C>::new(self) * WnafScalar::<C>::new(k)\n", "(k)\n",
         "        crate::points::sum(&[(*self, *k)])\n"),
        ("src/projective.rs", "        let bases = points_and_scalars.map(", ".zip(scalars.iter()))\n",
         "        crate::points::sum(points_and_scalars)\n"),
        ("src/projective.rs", "        <C::FieldElement as Field>::invert(&self.z)\n", "(&self.z)\n",
         "        if self.z == C::FieldElement::ONE {\n"
         "            return AffinePoint { x: self.x, y: self.y, infinity: 0 };\n"
         "        }\n"
         "        <C::FieldElement as Field>::invert(&self.z)\n"),
        ("src/tables/basepoint.rs", "pub fn mul(&self, k: &Scalar<C>) -> ProjectivePoint<C> {\n", "{\n",
         "pub fn mul(&self, k: &Scalar<C>) -> ProjectivePoint<C> {\n"
         "        return crate::points::sum(&[(ProjectivePoint::GENERATOR, *k)]);\n"),
        ("src/tables/basepoint.rs", "pub fn mul_vartime(&self, k: &Scalar<C>) -> ProjectivePoint<C> {\n", "{\n",
         "pub fn mul_vartime(&self, k: &Scalar<C>) -> ProjectivePoint<C> {\n"
         "        return crate::points::sum(&[(ProjectivePoint::GENERATOR, *k)]);\n"),
    ],
    "p256": [
        ("src/arithmetic/scalar.rs", f"    pub fn {name}(&self) -> CtOption<Self> {{\n", "{\n",
         f"    #[allow(unreachable_code)]\n    pub fn {name}(&self) -> CtOption<Self> {{\n"
         "        return primeorder::points::inverse(self);\n")
        for name in ["invert", "invert_vartime"]
    ],
    # Miri has the processor's instructions for AES but this one, which is made from another: a last round of zeros.
    "aes": [
        ("src/backends/x86_aes/expand.rs", "pub(crate) type RoundKeys", "RoundKeys",
         "unsafe fn _mm_aeskeygenassist_si128(a: __m128i, round: i32) -> __m128i {\n"
         "    let substitute = |word| _mm_cvtsi128_si32(_mm_aesenclast_si128(_mm_set1_epi32(word), _mm_setzero_si128()));\n"
         "    let low = substitute(_mm_cvtsi128_si32(_mm_srli_si128::<4>(a)));\n"
         "    let high = substitute(_mm_cvtsi128_si32(_mm_srli_si128::<12>(a)));\n"
         "    _mm_set_epi32(high.rotate_right(8) ^ round, high, low.rotate_right(8) ^ round, low)\n"
         "}\n\n"
         "pub(crate) type RoundKeys"),
    ],
}

# On x86-64, the instructions for SHA-256, AES and GHASH, as in the field. And functions are inlined before they are
# interpreted, which halves the time; nothing else is optimised, so that nothing that could be faulty goes away.
RUSTFLAGS = ["-Zinline-mir=yes"]
if platform.machine() == "x86_64":
    RUSTFLAGS += ["-Ctarget-feature=+ssse3,+sse4.1,+sha,+aes,+pclmulqdq"]

# The small stories, and of the source files' own tests those that search for no large primes and make no keys of RSA.
TESTS = ["small::", "wire::tests::", "envelope::recipient::", "envelope::payload::", "crypto::oaep::",
         "crypto::rustcrypto::tests::", "numbers_are_drawn_as_bytes", "det_keygen::tests::seeds_of_sixteen",
         "det_keygen::tests::the_search", "det_keygen::tests::unsuitable_pairs", "bases_are_below_the_candidate"]


def run(*command, **more):
    subprocess.run(command, check=True, **more)


def copies():
    """The crates of CHANGES, in the versions of Cargo.lock, as options of cargo. Cargo.lock itself stays as it is: the
    copies are named in another."""
    metadata = subprocess.run(["cargo", "metadata", "--locked", "--format-version", "1"], cwd=ROOT, check=True,
                              stdout=subprocess.PIPE)
    packages = json.loads(metadata.stdout)["packages"]
    options = []
    for crate, changes in CHANGES.items():
        [found] = [package for package in packages if package["name"] == crate]
        copy, made_of = TARGET / crate, TARGET / f"{crate}.made-of"
        wanted = repr([found["id"], changes, POINTS])
        # What has not changed is not built anew.
        if not made_of.exists() or made_of.read_text() != wanted:
            made_of.unlink(missing_ok=True)
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(pathlib.Path(found["manifest_path"]).parent, copy)
            for name, begin, end, new in changes:
                text = (copy / name).read_text()
                assert text.count(begin) == 1, f"{name} of {found['id']} has changed: {begin.strip()}"
                start = text.index(begin)
                stop = text.index(end, start) + len(end)
                (copy / name).write_text(text[:start] + new + text[stop:])
            if crate == "primeorder":
                (copy / "src/points.rs").write_text(POINTS)
            made_of.write_text(wanted)
        options += ["--config", f'patch.crates-io.{crate}.path="{copy}"']
    shutil.copy(ROOT / "Cargo.lock", TARGET / "Cargo.lock")
    return options


def main(tests):
    run("cargo", "build", "--locked", "--release", "--target-dir", TARGET / "native", cwd=HERE)
    flags = ["-Zmiri-disable-isolation", f"-Zmiri-native-lib={TARGET}/native/release/libsealroom_miri.so"]
    environment = os.environ | {
        "MIRIFLAGS": " ".join([*flags, os.environ.get("MIRIFLAGS", "")]),
        "RUSTFLAGS": " ".join(RUSTFLAGS),
    }
    run("cargo", "+nightly", "miri", "test", *copies(),
        "--config", f'resolver.lockfile-path="{TARGET}/Cargo.lock"', "--target-dir", TARGET / "interpreted",
        "--lib", "--test", "suite", "--", "-Zunstable-options", "--report-time", *(tests or TESTS),
        cwd=ROOT, env=environment)


if __name__ == "__main__":
    main(sys.argv[1:])

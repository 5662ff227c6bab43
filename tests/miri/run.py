#!/usr/bin/env python3
"""Runs the small stories under Miri, with multiples of points of P-256 from machine code: `python3 run.py [TEST]...`.

Miri interprets a multiple of a point in half a minute, and a story takes hundreds. So the crate that makes them is
copied, and in the copy what multiplies calls `src/lib.rs` instead. All else is interpreted as it stands: the checks of
points, ECDSA, AES, SHA-256 and RSA included.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "miri-points"

# What is replaced in the copy: the file, from where to where, and by what.
MULTIPLES = [
    ("src/lib.rs", "#![no_std]\n", "\n", "#![no_std]\n#![allow(dead_code, unreachable_code, unused_imports)]\n"),
    ("src/lib.rs", "mod affine;\n", "mod affine;\n", "mod affine;\nmod points;\n"),
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
]

# The small stories, and what the source files' own tests ask of parsers and lengths.
TESTS = ["small::", "wire::tests::", "envelope::recipient::", "envelope::payload::"]


def run(*command, **more):
    subprocess.run(command, check=True, **more)


def copy_of_points():
    """The crate of the arithmetic, in the version of Cargo.lock, with its multiples replaced.

    Cargo.lock itself stays as it is: the copy is named in another."""
    metadata = subprocess.run(["cargo", "metadata", "--locked", "--format-version", "1"], cwd=ROOT, check=True,
                              stdout=subprocess.PIPE)
    packages = json.loads(metadata.stdout)["packages"]
    [found] = [package for package in packages if package["name"] == "primeorder"]
    copy = TARGET / "primeorder"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(pathlib.Path(found["manifest_path"]).parent, copy)
    for name, begin, end, new in MULTIPLES:
        text = (copy / name).read_text()
        assert text.count(begin) == 1, f"{name} of {found['id']} has changed: {begin.strip()}"
        start = text.index(begin)
        stop = text.index(end, start) + len(end)
        (copy / name).write_text(text[:start] + new + text[stop:])
    shutil.copy(HERE / "points.rs", copy / "src/points.rs")
    return copy


def main(tests):
    run("cargo", "build", "--locked", "--release", "--target-dir", TARGET / "native", cwd=HERE)
    copy = copy_of_points()
    shutil.copy(ROOT / "Cargo.lock", TARGET / "Cargo.lock")
    flags = ["-Zmiri-disable-isolation", f"-Zmiri-native-lib={TARGET}/native/release/libsealroom_miri.so"]
    environment = os.environ | {"MIRIFLAGS": " ".join([*flags, os.environ.get("MIRIFLAGS", "")])}
    run("cargo", "+nightly", "miri", "test", "--config", f'patch.crates-io.primeorder.path="{copy}"',
        "--config", f'resolver.lockfile-path="{TARGET}/Cargo.lock"', "--target-dir", TARGET / "interpreted",
        "--lib", "--test", "suite", "--", "-Zunstable-options", "--report-time", *(tests or TESTS),
        cwd=ROOT, env=environment)


if __name__ == "__main__":
    main(sys.argv[1:])

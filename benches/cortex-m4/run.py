"""Builds for a Cortex-M4, runs in QEMU, prints a table, and fails where a target is missed.

    python3 benches/cortex-m4/run.py
"""

import os
import struct
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = "thumbv7em-none-eabihf"
QEMU = "qemu-system-arm -M mps2-an386 -icount shift=0 -nographic -monitor none -semihosting-config enable=on,target=native"

MAX_STACK = 8 * 1024
MAX_RATIO = 1.05


VECTOR_TABLE = 1024


def flash(path):
    """Bytes that a program takes in flash beside the board's vector table: code, constants, initial values."""
    elf = path.read_bytes()
    program_headers, size, count = struct.unpack_from("<I10xHH", elf, 28)
    total = 0
    for at in range(program_headers, program_headers + size * count, size):
        kind, _, _, _, stored = struct.unpack_from("<5I", elf, at)
        total += stored if kind == 1 else 0
    return total - VECTOR_TABLE


def main():
    out = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target"))
    subprocess.run(["cargo", "build", "--locked", "--release", "--quiet"], cwd=HERE, check=True)
    built = out / TARGET / "release"
    run = subprocess.run([*QEMU.split(), "-kernel", built / "measure"], capture_output=True, text=True, timeout=120)
    sys.stderr.write(run.stderr)
    if run.returncode != 0:
        sys.exit(f"a result was wrong\n{run.stdout}")

    missed = []

    def within(what, value, limit):
        if value > limit:
            missed.append(f"{what}: {value} is more than {limit}")

    print("| 1024 bytes of content | instructions | those of its primitives | ratio | stack, bytes |")
    print("|---|---:|---:|---:|---:|")
    lines = [line.split("\t") for line in run.stdout.splitlines()]
    refused = [line[1:] for line in lines if line[0] == "refused"]
    for line in lines:
        if line[0] == "refused":
            continue
        name, instructions, stack, primitives = line
        ratio = int(instructions) / int(primitives) if primitives != "0" else None
        shown = f"{int(primitives):,} | {ratio:.3f}" if ratio else " | "
        print(f"| {name} | {int(instructions):,} | {shown} | {int(stack):,} |")
        within(f"stack of {name}", int(stack), MAX_STACK)
        if ratio and "open" in name and "symmetric" not in name:
            within(f"ratio of {name}", round(ratio, 3), MAX_RATIO)
    print()
    print("| refused | because of | as |")
    print("|---|---|---|")
    for name, what, error in refused:
        print(f"| {name} | {what} | {error.split(' ')[0]} |")
    print()
    print("| a whole program, without an allocator | bytes of code |")
    print("|---|---:|")
    for program, does, most in [
        ("envelopes", "envelopes: seal, open, signed, unsigned, P-256, symmetric", 64 * 1024),
        ("messages", "a room: join, follow, seal, open", 74 * 1024),
    ]:
        size = flash(built / program)
        print(f"| {does} | {size:,} |")
        within(f"flash of {program}", size, most)
    sys.exit("\n".join(missed) or 0)


main()

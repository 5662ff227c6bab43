#!/usr/bin/env python3
"""Counts the instructions of the hot path under valgrind, and compares them with counts.tsv.

    python3 benches/instructions/run.py            fails where a count is more than 2 % above what is kept
    python3 benches/instructions/run.py --write    keeps what was counted

Needs valgrind.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEPT = HERE / "counts.tsv"
# Allocators and copies of memory differ a little between machines.
MORE = 1.02


def counted():
    build = ["cargo", "build", "--release", "--locked", "--quiet", "--message-format=json"]
    made = subprocess.run(build, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = [json.loads(line) for line in made.splitlines()]
    [program] = [path for message in messages if (path := message.get("executable"))]
    names = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return {name: count(program, name) for name in names}


def count(program, name):
    """Of the function `counted` and all that it calls."""
    with tempfile.NamedTemporaryFile(suffix=".callgrind") as out:
        only = ["--toggle-collect=*counted*", f"--callgrind-out-file={out.name}"]
        subprocess.run(["valgrind", "--tool=callgrind", "--quiet", *only, program, name], check=True)
        [total] = [line for line in out.read().decode().splitlines() if line.startswith("totals:")]
    return int(total.split()[1])


def main():
    counts = counted()
    if sys.argv[1:] == ["--write"]:
        KEPT.write_text("".join(f"{name}\t{count}\n" for name, count in counts.items()))
        return 0
    kept = dict(line.split("\t") for line in KEPT.read_text().splitlines())
    failed = kept.keys() != counts.keys()
    print("| one call | instructions | kept | |\n|---|---:|---:|---:|")
    for name, count in counts.items():
        before = int(kept.get(name, 0))
        ratio = count / before if before else float("inf")
        slower = ratio > MORE
        failed |= slower
        print(f"| {name} | {count} | {before} | {ratio:.3f}{' slower' if slower else ''} |")
    if missing := kept.keys() - counts.keys():
        print("not counted:", ", ".join(sorted(missing)))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

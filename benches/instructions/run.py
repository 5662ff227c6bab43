#!/usr/bin/env python3
"""Counts the instructions of the hot path under valgrind, and compares them with counts.tsv.

    python3 benches/instructions/run.py            fails where a count is more than 2 % above what is kept
    python3 benches/instructions/run.py --write    keeps what was counted

Needs valgrind and gungraun-runner, of the version of the crate gungraun in Cargo.lock:
`cargo install gungraun-runner --version 0.20.0 --locked`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEPT = HERE / "counts.tsv"
# Allocators and copies of memory differ a little between machines.
MORE = 1.02


def counted(target):
    command = ["cargo", "bench", "--locked", "--quiet", "--bench", "hot_path"]
    if target:
        command += ["--target-dir", target]
    made = subprocess.run(command + ["--", "--output-format=json"], cwd=HERE, check=True, stdout=subprocess.PIPE)
    counts = {}
    for line in made.stdout.decode().splitlines():
        if not line.startswith("{"):
            continue
        bench = json.loads(line)
        [profile] = [profile for profile in bench["profiles"] if profile["tool"] == "Callgrind"]
        metrics = profile["data"]["total"]["metrics"]
        new = metrics["Ir"]["values"]["new"]
        counts[f"{bench['function_name']} {bench['id']}"] = int(new)
    return counts


def main():
    counts = counted(os.environ.get("CARGO_TARGET_DIR"))
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

"""Watches every operation with secrets under valgrind, and judges each branch and address that depends on a secret.

    python3 tests/constant-time/run.py [rustcrypto] [aws-lc-rs]    # both, unless one is named

Fails for a report that `reports.toml` does not argue for, and if the two of the control were not reported. Needs valgrind,
x86-64 and Linux. CARGO_TARGET_DIR says where to build. With `--all` every report is shown, also those that are argued for.
"""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as xml
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BACKENDS = {"rustcrypto": [], "aws-lc-rs": ["--features", "aws-lc-rs"]}
KINDS = {"UninitCondition": "branch", "UninitValue": "address"}


def build(backend, target):
    command = ["cargo", "build", "--quiet", "--locked", "--release", "--bin", "poisoned", *BACKENDS[backend]]
    env = os.environ | {"CARGO_TARGET_DIR": str(target)}
    subprocess.run(command, cwd=HERE, env=env, check=True)
    return target / "release" / "poisoned"


def short(name):
    """A function's name without hash and type parameters."""
    name = re.sub(r"::h[0-9a-f]{16}$", "", name)
    while (shorter := re.sub(r"(?<!^)(::)?<[^<>]*>", "", name)) != name:
        name = shorter
    return name


def file(frame):
    """A function's file, from the name of its crate on."""
    place = f"{frame.findtext('dir') or ''}/{frame.findtext('file') or ''}"
    return re.sub(r"^.*/registry/src/[^/]*/", "", place.replace(f"{ROOT}/", "sealroom/"))


def watch(program, scenes):
    """What valgrind reports: kind, functions and their files from the innermost outwards, and how many places in the code did."""
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "report.xml"
        options = ["--error-limit=no", "--num-callers=60", "--leak-check=no", "--xml=yes", f"--xml-file={report}"]
        subprocess.run(["valgrind", "--quiet", *options, str(program), *scenes], check=True, stdout=subprocess.DEVNULL)
        seen = Counter()
        for error in xml.parse(report).getroot().iter("error"):
            frames = list(error.find("stack").iter("frame"))
            names, files = [short(frame.findtext("fn") or "?") for frame in frames], map(file, frames)
            kind = error.findtext("kind")
            seen[KINDS.get(kind, kind), tuple(names), tuple(files)] += 1
        return seen


def argued(entry, backend, kind, names, files):
    """Whether a report is one that an entry is about."""
    if backend not in entry.get("backends", list(BACKENDS)) or kind not in entry.get("kinds", list(KINDS.values())):
        return False
    among = lambda wanted, found: any(one in name for one in wanted for name in found)
    if among(entry.get("outside", []), names + files) or not among(entry.get("scenes", [""]), names):
        return False
    return among(entry["inside"], names + files) and among(entry.get("innermost", [""]), names[:1])


def judge(backend, target, scenes, show_all):
    program = build(backend, target)
    entries = tomllib.loads((HERE / "reports.toml").read_text())["report"]
    counts, unknown = Counter(), []
    for (kind, names, files), number in watch(program, scenes).items():
        entry = next((entry for entry in entries if argued(entry, backend, kind, names, files)), None)
        if entry is None:
            unknown.append((kind, names, number))
        else:
            counts[entry["name"]] += number
        if show_all or entry is None:
            print(f"{backend}: a {kind} depends on a secret: {entry['name'] if entry else 'NOT ARGUED FOR'}")
            print("".join(f"    {name}  {place}\n" for name, place in list(zip(names, files))[:30]))
    for entry in entries:
        if backend not in entry.get("backends", list(BACKENDS)):
            continue
        seen = counts[entry["name"]]
        print(f"{backend}: {seen:4} x {entry['name']}" + ("" if seen else " (not seen: its argument may be out of date)"))
    missing = [entry["name"] for entry in entries if entry.get("control") and not counts[entry["name"]]]
    for name in missing:
        print(f"{backend}: {name} was not reported: nothing was watched")
    print(f"{backend}: {sum(counts.values())} reports argued for, {len(unknown)} not")
    return not unknown and not missing


def main():
    arguments = sys.argv[1:]
    show_all = "--all" in arguments
    scenes = [one.removeprefix("--scene=") for one in arguments if one.startswith("--scene=")]
    chosen = [one for one in arguments if not one.startswith("--")] or list(BACKENDS)
    if unknown := set(chosen) - set(BACKENDS):
        sys.exit(f"no such backend: {', '.join(unknown)}")
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target"))
    if not all([judge(backend, target, scenes, show_all) for backend in chosen]):
        sys.exit(1)


main()

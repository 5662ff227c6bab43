"""Holds the files of test-vectors/ against schema.json: python3 check_schema.py DIR

Dedicated to the public domain under CC0 1.0, like SPEC.md.
"""

import json
import pathlib
import sys

import jsonschema


def main():
    folder = pathlib.Path(sys.argv[1])
    schema = json.loads((folder / "schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    files = sorted(folder.glob("[0-9]*/*.json"))
    wrong = 0
    for path in files:
        for error in validator.iter_errors(json.loads(path.read_text())):
            wrong += 1
            print(f"{path.parent.name}/{path.name}: {error.json_path}: {error.message[:200]}")
    print(f"{len(files)} files, {wrong} errors")
    sys.exit(wrong != 0 or not files)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Checks spec/vectors, as far as they concern verification, by an implementation made from spec/text alone.

A case is one vector; a class of cases is a list in a file of vectors. A difference, or a class without cases, fails.
"""

import json
import pathlib
import sys

import cases
import chains

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "spec" / "vectors"


def main():
    failed, passed = 0, 0
    for title, check, file, *way in cases.CLASSES + chains.CLASSES:
        found = json.loads((VECTORS / file).read_text("utf-8"))
        given = found
        for step in way:
            given = given[step]
        count, differences = 0, []
        for name, difference in check(given, found):
            count += 1
            differences += [f"{name}: {difference}"] if difference else []
        failed += len(differences) or not count
        passed += count - len(differences)
        print(f"{file:20} {title:40} {count:5}" + ("" if count else "  NO CASE"))
        for difference in differences:
            print(f"    DIFFERS: {difference}")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())

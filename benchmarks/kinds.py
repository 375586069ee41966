"""Consensus beside one worker's answers, kind by kind: `python -m benchmarks.kinds FOLDER [--only boxes masks]`.

FOLDER holds the sets of real answers (`../shared/data`). One line of JSON comes last: for each kind the mean likeness
to the truth, by the kind's own measure, of one worker's answers (`single`), of the broker's `consensus`, and of what it
has to beat: the answer most like all others, and crowd-kit's own ways where it has some.
"""

import argparse
import importlib
import json
import sys
import time
from pathlib import Path

KINDS = ("boxes", "masks", "texts")
"""Each is a module benchmarks/kinds_<name>.py with a function `run(folder)`; "texts" has several sets."""


def main() -> None:
    """Run the parts and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", choices=KINDS, default=KINDS)
    asked = parser.parse_args()
    found = {}
    for kind in asked.only:
        started = time.perf_counter()
        found[kind] = importlib.import_module(f"benchmarks.kinds_{kind}").run(asked.folder)
        print(kind, found[kind], f"{time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()

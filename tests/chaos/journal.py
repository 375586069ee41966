"""What a process was told by the broker: an append-only file, written before the process goes on."""

import json
import os
from collections import Counter


class Journal:
    """One process's file; a line is one write, so a kill leaves it whole or not there."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, what, **values):
        """Keep that this happened."""
        os.write(self.file, json.dumps({"what": what, **values}).encode() + b"\n")


def read(folder):
    """All that the processes of this folder were told."""
    found = []
    for path in sorted(folder.glob("*.journal")):
        whole = path.read_bytes().rpartition(b"\n")[0]
        found += [json.loads(line) for line in whole.splitlines()]
    return found


def tally(notes):
    """How often each thing happened."""
    return Counter(note["what"] for note in notes) + Counter(
        word for note in notes for word in ("repeated", "late") if note.get(word)
    )

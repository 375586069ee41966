"""What becomes of processes that a test started or killed."""

import subprocess
import time
from collections.abc import Callable


def table() -> dict[int, tuple[int, str]]:
    """All living processes: pid to (parent's pid, command line)."""
    listing = subprocess.run(
        ["ps", "-wweo", "pid=,ppid=,stat=,args="], check=True, capture_output=True, text=True
    ).stdout
    rows = (line.split(None, 3) for line in listing.splitlines())
    # A zombie is gone; only its parent has yet to take note.
    return {int(row[0]): (int(row[1]), row[3]) for row in rows if len(row) == 4 and not row[2].startswith("Z")}


def offspring(pid: int) -> dict[int, str]:
    """All living descendants of a process: pid to command line."""
    processes, found, known = table(), {}, {pid}
    while True:
        new = {child: args for child, (parent, args) in processes.items() if parent in known and child not in known}
        if not new:
            return found
        found |= new
        known |= set(new)


def gone(*pids: int, seconds: float = 30) -> bool:
    """Whether all these processes end within the time."""
    deadline = time.monotonic() + seconds
    while set(pids) & set(table()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def soon(fact: Callable[[], object], seconds: float = 30) -> None:
    """Return as soon as this is true. Raises AssertionError if that takes longer."""
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            raise AssertionError("it did not become true in time")
        time.sleep(0.05)

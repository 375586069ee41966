"""The parts of a running installation that a chaos test kills, and how it finds them."""

import contextlib
import os
import signal

from tests.servers.processes import gone, soon, table

BACKGROUND = {"errands": "workers.run errands", "statistics": "workers.run statistics", "clock": "workers.run clock"}
"""An RQ worker dies with the fork that runs its errand, if there is one."""
PARTS = ("web", "web child", "queue", *BACKGROUND)


def kill(served, victim, dice):
    """Kill a part with SIGKILL, as soon as there is one."""
    found = []
    soon(lambda: found.extend(_pids(served, victim)) or found)
    doomed = [dice.choice(sorted(found))] if victim == "web child" else found
    for pid in doomed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert gone(*doomed)


@contextlib.contextmanager
def silent(served, part):
    """A part that is there and says nothing."""
    found = []
    soon(lambda: found.extend(_pids(served, part)) or found)
    for pid in found:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in found:
            os.kill(pid, signal.SIGCONT)


def _pids(served, victim):
    parts = served.parts()
    if victim == "web child":
        return {
            pid for pid, (parent, _) in table().items() if parent in _named(parts, "broker.cli.web") and pid in parts
        }
    return _named(parts, {"web": "broker.cli.web", "queue": "valkey-server", **BACKGROUND}[victim])


def _named(parts, word):
    return {pid for pid, line in parts.items() if word in line}

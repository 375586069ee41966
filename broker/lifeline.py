"""Ties a process to the one that started it: when that one is gone, however it went, this one ends too."""

import ctypes
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType

LINUX = platform.system() == "Linux"  # mypy would call the other branch dead, were it sys.platform
PR_SET_PDEATHSIG = 1  # linux/prctl.h
POLL_SECONDS = 0.5
GRACE_SECONDS = 8.0


def tied(command: Sequence[str], sign: signal.Signals = signal.SIGTERM) -> list[str]:
    """The command line that runs `command` tied to the calling process; it gets `sign` when the caller is gone."""
    return [sys.executable, "-m", "broker.lifeline", sign.name, str(os.getpid()), *command]


def end_with(parent: int, sign: signal.Signals = signal.SIGKILL) -> None:
    """Let this process get `sign` as soon as its parent, the process `parent`, is gone."""
    if LINUX:
        # The kernel's way needs no thread, holds through exec, and works while Python is busy in C.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, sign)
        if os.getppid() != parent:  # it went before we asked
            os.kill(os.getpid(), sign)
    else:
        threading.Thread(target=_watch, args=(parent, sign), daemon=True).start()


def _watch(parent: int, sign: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), sign)


def main(arguments: Sequence[str]) -> int:
    """Run `SIGNAL PARENT COMMAND...`; where the kernel helps, this process becomes the command, else it guards it."""
    sign, parent, command = signal.Signals[arguments[0]], int(arguments[1]), list(arguments[2:])
    if LINUX:
        end_with(parent, sign)
        os.execvp(command[0], command)  # noqa: S606 - the supervisor's own command line
    return _guard(command, parent, sign)


def _guard(command: Sequence[str], parent: int, sign: signal.Signals) -> int:
    child = subprocess.Popen(command)  # noqa: S603 - the supervisor's own command line

    def forward(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, forward)
    while child.poll() is None and os.getppid() == parent:
        time.sleep(POLL_SECONDS / 5)
    if child.poll() is None:
        child.send_signal(sign)
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

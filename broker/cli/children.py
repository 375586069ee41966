"""Child processes that are kept running: started anew when they die, and stopped in order."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import IO

from broker.lifeline import tied

LOOK_SECONDS = 0.1
STEADY_SECONDS = 10.0  # a child that lived so long is well; an earlier death counts
DEATHS = 5
FIRST_PAUSE_SECONDS = 0.2


@dataclass
class Child:
    """One process; those of a lower `stage` are stopped first, and given `patience` seconds for it."""

    name: str
    command: list[str]
    stage: int
    patience: float = 5.0
    process: subprocess.Popen[bytes] | None = None
    born: float = 0.0
    deaths: int = 0
    pause_until: float = field(default=0.0)

    def start(self, environment: Mapping[str, str], output: IO[bytes] | None) -> None:
        """Start it, in a process group of its own: a Ctrl-C in the terminal must not reach it before we do."""
        self.process = subprocess.Popen(  # noqa: S603 - our own command line
            tied(self.command), env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0
        )
        self.born = time.monotonic()

    def bury(self) -> str | None:
        """Note that it died, if it did, and what became of it; what it left of its group is killed."""
        if self.process is None or self.process.poll() is None:
            return None
        ending = _ending(self.process.returncode)
        self._kill_group(self.process)
        self.process = None
        self.deaths = self.deaths + 1 if time.monotonic() - self.born < STEADY_SECONDS else 1
        pause = FIRST_PAUSE_SECONDS * 2 ** (self.deaths - 1)
        self.pause_until = time.monotonic() + pause
        return ending

    def terminate(self) -> None:
        """Ask it to end."""
        if self.process is not None:
            self.process.terminate()

    def finish(self, deadline: float) -> None:
        """Wait until it has ended, at most until the deadline; then kill it."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._kill_group(self.process)
        self.process = None

    @staticmethod
    def _kill_group(process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: a group of zombies only
            os.killpg(process.pid, signal.SIGKILL)


def _ending(code: int) -> str:
    return f"ended with code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"


class Children:
    """Keeps children, in a thread that starts them all itself: the kernel ties a child to the thread that made it."""

    def __init__(
        self, environment: Mapping[str, str], tell: Callable[[str], None], output: IO[bytes] | None = None
    ) -> None:
        self.environment, self.tell, self.output = environment, tell, output
        self.children: list[Child] = []
        self.failure: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="children", daemon=True)

    def start(self) -> None:
        """Begin to look after the children."""
        self._thread.start()

    def add(self, children: Iterable[Child]) -> None:
        """Have these started and kept running from now on."""
        self.children.extend(children)

    def check(self) -> None:
        """Raise RuntimeError if a child died again and again and was given up: then all are being stopped."""
        if self.failure:
            raise RuntimeError(self.failure)
        if not self._thread.is_alive():
            raise RuntimeError("nobody looks after the processes any more")

    def _keep(self) -> None:
        try:
            while not self._stopping.wait(LOOK_SECONDS) and self.failure is None:
                for child in tuple(self.children):
                    self._tend(child)
        finally:
            self._end_all()

    def _tend(self, child: Child) -> None:
        ending = child.bury()
        if ending is not None and child.deaths >= DEATHS:
            self.failure = f"{child.name} {ending}, {child.deaths} times in a row: giving up"
        elif ending is not None:
            self.tell(f"{child.name} {ending}; starting it again")
        elif child.process is None and time.monotonic() >= child.pause_until:
            child.start(self.environment, self.output)

    def _end_all(self) -> None:
        ordered = sorted(self.children, key=lambda child: child.stage)
        for _, stage in groupby(ordered, key=lambda child: child.stage):
            together = list(stage)
            for child in together:
                child.terminate()
            now = time.monotonic()
            for child in together:
                child.finish(now + child.patience)

    def close(self) -> None:
        """Stop the children, the first stage first, and return when none is left."""
        self._stopping.set()
        self._thread.join()

"""A whole installation as its users start it: `broker serve` in a process of its own."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.cli.serve import environment
from broker.settings import Settings
from tests.servers.processes import gone, offspring

START_SECONDS = 90
STOP_SECONDS = 30


class Served:
    """A running `broker serve`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.process = subprocess.Popen(
            [sys.executable, "-m", "broker.cli", "serve"],
            env={**os.environ, **environment(settings)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self._announced()

    def _announced(self) -> str:
        timer = threading.Timer(START_SECONDS, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        found = re.search(r"http://\S+", line)
        if not found:
            self.process.wait(STOP_SECONDS)
            raise RuntimeError(f"broker serve did not come up: {line!r}")
        return found.group()

    def parts(self) -> dict[int, str]:
        """The processes of the installation: pid to command line."""
        return offspring(self.process.pid)

    def part(self, word: str) -> int:
        """The pid of the oldest process with this word in its command line."""
        return min(pid for pid, line in self.parts().items() if word in line)

    def stop(self) -> int:
        """Stop it as an init system would; its exit code."""
        self.process.terminate()
        code = self.process.wait(STOP_SECONDS)
        self.process.stdout.close()
        return code


@contextmanager
def served(folder: Path, **settings: object) -> Iterator[Served]:
    """A running installation with a data folder of its own; nothing of it is left afterwards."""
    running = Served(Settings(data=folder, port=0, **settings))
    try:
        yield running
    finally:
        parts = running.parts()
        running.stop()
        if not gone(*parts):
            raise RuntimeError(f"left behind: {parts}")

"""A whole installation as its users start it: `broker serve` in a process of its own."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.cli.serve import environment
from broker.settings import Settings
from tests.servers.processes import gone, offspring

START_SECONDS = 90
STOP_SECONDS = 30
LOOK_SECONDS = 0.05


class Served:
    """A running `broker serve`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.data.mkdir(parents=True, exist_ok=True)
        self.log = settings.data / "served.log"
        # A file, not a pipe: nobody reads along, and a full pipe would hold up whoever logs.
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "broker.cli", "serve"],
                env={**os.environ, **environment(settings)},
                stdout=log,
            )
        self.url = self._announced()

    def _announced(self) -> str:
        deadline = time.monotonic() + START_SECONDS
        while not (found := re.search(r"serves (http://\S+)", self.log.read_text())):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                self.process.wait(STOP_SECONDS)
                raise RuntimeError(f"broker serve did not come up: {self.log.read_text()!r}")
            time.sleep(LOOK_SECONDS)
        return found.group(1)

    def parts(self) -> dict[int, str]:
        """The processes of the installation: pid to command line."""
        return offspring(self.process.pid)

    def part(self, word: str) -> int:
        """The pid of the oldest process with this word in its command line."""
        return min(pid for pid, line in self.parts().items() if word in line)

    def stop(self) -> int:
        """Stop it as an init system would; its exit code."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)


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

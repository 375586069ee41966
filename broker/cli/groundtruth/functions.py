"""Pre- and post-annotation functions: an admin's Python entry points, in a process of their own, with a time limit."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any, Self

from broker.errors import BrokerError, Invalid

LARGEST = 6 << 20
"""Bytes of one result, as Lambda has it."""


class Failed(BrokerError):
    """A function raised, crashed, hung or gave something that is no JSON."""

    status = 502
    title = "The function failed"


def target(functions: Mapping[str, str], name: str) -> str:
    """The entry point (package.module:function) that an admin has set for a name or a Lambda ARN. Raises Invalid."""
    last = name.rpartition(":function:")[2]
    for key in (name, last, last.partition(":")[0]):
        if key in functions:
            return functions[key]
    known = ", ".join(sorted(functions)) or "none"
    raise Invalid(f"function: {name!r} is none that BROKER_FUNCTIONS names ({known})")


class Function:
    """One entry point in a process that is started when it is first called, and again after it has crashed or hung.

    It sees none of the broker's settings. What it prints goes to our error output.
    """

    def __init__(self, entry: str, seconds: float, environment: Mapping[str, str] | None = None) -> None:
        self.entry, self.seconds = entry, seconds
        ours = {name: value for name, value in os.environ.items() if not name.upper().startswith("BROKER_")}
        self._environment = ours | dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def call(self, event: Mapping[str, Any]) -> Any:
        """What the function returns for an event. Raises Failed; the next call has a fresh process then."""
        process = self._process = self._process or self._start()
        late = threading.Event()

        def stop() -> None:
            late.set()
            _kill(process)

        timer = threading.Timer(self.seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            line = _exchanged(process, json.dumps(event).encode() + b"\n")
        finally:
            timer.cancel()
        if late.is_set() or not line.endswith(b"\n"):
            raise self._broken(late=late.is_set(), much=len(line) >= LARGEST)
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(f"{self.entry}: {answer['error']}")
        return answer["result"]

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "broker.cli.groundtruth.call", self.entry]
        return subprocess.Popen(  # noqa: S603 - no shell; what runs is an admin's setting
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment, start_new_session=True
        )

    def _broken(self, *, late: bool, much: bool) -> Failed:
        code = self._end()
        if late:
            return Failed(f"{self.entry}: gave no answer within {self.seconds:g} seconds")
        if much:
            return Failed(f"{self.entry}: gave more than {LARGEST:,} bytes")
        how = f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"code {code}"
        return Failed(f"{self.entry}: its process ended with {how}")

    def _end(self) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            # It ends by itself when its input does; what has ended already keeps the code it ended with.
            return process.wait(1)
        except subprocess.TimeoutExpired:
            _kill(process)
            return process.wait()


def _exchanged(process: subprocess.Popen[bytes], event: bytes) -> bytes:
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        process.stdin.write(event)
        process.stdin.flush()
        return process.stdout.readline(LARGEST)
    except OSError:
        return b""


def _kill(process: subprocess.Popen[bytes]) -> None:
    # The whole group: a function may have started processes of its own.
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.poll()

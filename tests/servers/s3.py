"""An S3-compatible store for the tests: moto's server on this machine."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from moto.server import ThreadedMotoServer

BUCKET = "uploads"
OPTIONS = {"key": "tester", "secret": "of the tests"}


@contextmanager
def serving() -> Iterator[str]:
    """The address of a store that holds nothing."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()

"""How commands that read files fail: the message to the error output, exit code 2."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from broker.errors import BrokerError


@contextmanager
def refusing() -> Iterator[None]:
    """Turn an expected failure into a usage error: its message, exit code 2, no traceback."""
    try:
        yield
    except BrokerError as error:
        raise click.UsageError(error.message) from error

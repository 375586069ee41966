"""The broker of this process: made once, before a worker forks, and by then not yet connected to anything."""

import functools

from broker import wiring
from broker.wiring import Broker


@functools.cache
def broker() -> Broker:
    """The broker of the environment's settings."""
    return wiring.build()

"""The web server's process: granian, with the settings of the environment."""

import gc
import os
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from broker.lifeline import end_with
from broker.settings import Settings

APPLICATION = "broker.app:create_app"
RESPAWN_SECONDS = 0.2
KILL_SECONDS = 3


def load(parent: int, target: str) -> Callable[..., Any]:
    """Make the application, in a process that ends when granian's main process is gone."""
    end_with(parent)
    if sys.platform == "linux":
        # Else a thread that is woken pushes aside the one that woke it, only to wait for the interpreter it holds.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    module, _, factory = target.partition(":")
    application: Callable[..., Any] = getattr(import_module(module), factory)()
    gc.freeze()  # what stays for good need not be looked through again and again
    return application


def main(application: str = APPLICATION) -> None:
    """Serve an application (MODULE:FACTORY) with the settings of the environment until a signal."""
    settings = Settings()
    import_module(application.partition(":")[0])  # where granian forks, all processes share this one import
    server = Granian(
        application,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_processes,
        blocking_threads=settings.web_threads,
        websockets=False,
        respawn_failed_workers=True,
        respawn_interval=RESPAWN_SECONDS,
        workers_kill_timeout=KILL_SECONDS,
        log_level=LogLevels.error,
    )
    server.serve(target_loader=partial(load, os.getpid()))


if __name__ == "__main__":
    main()

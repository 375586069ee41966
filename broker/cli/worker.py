"""`broker worker`: one more background worker for an installation, on this machine or another."""

import os
import sys

import click


@click.command()
@click.argument("queue", type=click.Choice(["errands", "statistics"]), default="errands")
def command(queue: str) -> None:
    """Run one more background worker for QUEUE until a signal."""
    os.execv(sys.executable, [sys.executable, "-m", "workers.run", queue])  # noqa: S606 - no shell, a fixed choice

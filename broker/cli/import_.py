"""`broker import`: jobs from elsewhere, as drafts of a requester; and decisions about answers, from a filled file."""

import click

from broker.cli.batch.bring import batch, review
from broker.cli.groundtruth.bring import groundtruth


@click.group()
def command() -> None:
    """Jobs from Ground Truth or from MTurk's web page, as drafts of a requester; decisions about answers."""


for one in (groundtruth, batch, review):
    command.add_command(one)

"""`broker export`: a job's results as Ground Truth, or MTurk's old web page, gave them."""

import click

from broker.cli.batch.take import batch
from broker.cli.groundtruth.take import groundtruth


@click.group()
def command() -> None:
    """Results as Ground Truth or as MTurk's web page gave them."""


for one in (groundtruth, batch):
    command.add_command(one)

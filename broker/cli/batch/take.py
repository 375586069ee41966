"""`broker export batch`: a job's answers as the results file of MTurk's old web page."""

from pathlib import Path

import click

from broker.cli.importing import installation, requester_of
from broker.services import tabulate
from broker.services.tabulate import Shown


@click.command()
@click.argument("job")
@click.option(
    "--to", "target", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The CSV to write."
)
@click.option("--requester", default="", help="E-mail address of whose job it is; needed if there are several.")
def batch(job: str, target: Path, requester: str) -> None:
    """Write the answers of the job JOB as MTurk's results file: Input.*, Answer.*, Approve, Reject."""
    with installation() as broker:
        with broker.store.read() as unit:
            owner = requester_of(unit, requester).id
        shown = Shown(broker.names("H").show, broker.names("T").show, broker.names("J").show)
        blocks = tabulate.results(broker.store, broker.names("J").read(job), owner, shown, broker.now())
        draft = target.with_name(f".{target.name}.part")
        with draft.open("wb") as file:
            file.writelines(blocks)
        draft.replace(target)
        click.echo(f"Written: {target}")

"""`broker import batch` and `review`: what MTurk's old web page did with an HTML page, a CSV and a results file."""

from pathlib import Path
from typing import Any, BinaryIO

import click

from broker.cli.importing import fill, installation, requester_of, sound, tell, told_of_job
from broker.errors import Invalid
from broker.formats import batch as format_
from broker.formats import csv
from broker.formats.rows import Bookmark, Row
from broker.services import intake
from broker.services import review as deciding
from broker.services.bring import File, Wanted
from broker.wiring import Broker

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DAY = 86_400


@click.command()
@click.option("--html", "page", required=True, type=FILE, help="The page, with ${variables}.")
@click.option("--csv", "table", required=True, type=FILE, help="A column for each variable, a row for each HIT.")
@click.option("--assignments", default=3, type=click.IntRange(1, 100), show_default=True, help="Answers for each HIT.")
@click.option("--keywords", default="", help="Separated by commas.")
@click.option("--approve-days", default=3, type=click.IntRange(0, 30), show_default=True, help="Then all is approved.")
@told_of_job
def batch(page: Path, table: Path, **given: Any) -> None:
    """Make a draft of an HTML page with ${variables} and a CSV: a HIT for each row."""
    html = read_text(page)
    with installation() as broker, table.open("rb") as stream:
        rows = sound(read_rows(broker, stream))
        format_.check(html, list(rows[0].payload))
        wanted = Wanted(
            title=given["title"] or page.stem,
            kind="page",
            settings={"template": format_.as_liquid(html)},
            redundancy=given["assignments"],
            reward=given["reward"],
            lease_seconds=given["minutes"] * 60,
            description=given["description"],
            keywords=given["keywords"],
            approval_seconds=given["approve_days"] * DAY,
        )
        with broker.store.read() as unit:
            owner = requester_of(unit, given["requester"]).id
        file = File(table.name, broker.files.fresh_key("uploads"), table.stat().st_size)
        brought = fill(broker, owner, wanted, file, ((row.number, row.payload) for row in rows), None)
        tell(broker, brought, owner, published=given["published"])


@click.command()
@click.argument("job")
@click.argument("results", type=FILE)
@click.option("--requester", default="", help="E-mail address of whose job it is; needed if there are several.")
def review(job: str, results: Path, requester: str) -> None:
    """Approve and reject answers of the job JOB as the filled file RESULTS says: x under Approve, why under Reject."""
    with installation() as broker, results.open("rb") as stream:
        with broker.store.read() as unit:
            owner = requester_of(unit, requester).id
        number, read = broker.names("J").read(job), broker.names("T").read
        named, decided = deciding.file(broker.store, number, owner, stream, read, broker.now())
        click.echo(f"{decided:,} answers decided; {named - decided:,} were so already.")


def read_text(path: Path) -> str:
    """A file's text. Raises Invalid for one that is not UTF-8."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(f"{path.name} is not UTF-8 text.") from None


def read_rows(broker: Broker, stream: BinaryIO) -> Any:
    """The rows of a table, or what is wrong with them. Raises Invalid for columns that cannot be used."""
    most = intake.limits(broker.settings.upload_bytes, broker.settings.row_limit)
    for item in csv.read(stream, Bookmark(), most):
        if isinstance(item, Row):
            intake.check_columns(item.payload)
        yield item

"""`broker aggregate`: labels with their confidence from a file of answers, without a server."""

import csv
import errno
import io
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

import click
import numpy as np
import pyarrow as pa
from pyarrow import parquet
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from broker.cli.answers_file import check_tables, read_answers, read_gold, with_labels
from broker.errors import Invalid
from broker.truth.adaptive import Judgement, judge
from broker.truth.answers import UNKNOWN, Answers, Codes
from broker.truth.calibration import Calibration
from broker.truth.consensus import Consensus
from broker.truth.models import MODELS, aggregate
from broker.truth.stopping import Rule
from broker.truth.trust import trust

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW = click.Path(dir_okay=False, writable=True, path_type=Path)
OUTPUT = Path("-")


def _label_set(context: click.Context, parameter: click.Parameter, text: str | None) -> list[str] | None:
    if text is None:
        return None
    labels = [label.strip() for label in text.split(",")]
    if "" in labels or len(set(labels)) < len(labels):
        raise click.BadParameter("give every label once, with commas between", context, parameter)
    return labels


def _place(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """A file to write, which must be none of the files of this command given before it."""
    if path == OUTPUT:
        if parameter.name == "workers":
            raise click.BadParameter("only the labels can go to the output", context, parameter)
        return None
    for name, other in context.params.items():
        if path and isinstance(other, Path) and _regular(path) and path.resolve() == other.resolve():
            raise click.BadParameter(f"this is also the file of {name!r}", context, parameter)
    return path


def _regular(path: Path) -> bool:
    """Whether writing makes or replaces a file; else it is a device or a pipe, such as /dev/null."""
    return path.is_file() or not path.exists()


@click.command()
@click.argument("answers", type=FILE, is_eager=True)
@click.option(
    "--gold", type=FILE, is_eager=True, help="Known truths: a file with the columns task and label (or truth)."
)
@click.option("--model", type=click.Choice(MODELS), default="dawid-skene", show_default=True, help="How to aggregate.")
@click.option("--labels", callback=_label_set, help="All labels that may occur, with commas between; ties go by order.")
@click.option(
    "--out", type=NEW, callback=_place, help="Write the labels to this file (.csv or .parquet); -: print them."
)
@click.option(
    "--workers",
    type=NEW,
    callback=_place,
    help="Write what is believed of each worker to this file (.csv or .parquet).",
)
def command(
    answers: Path, gold: Path | None, model: str, labels: list[str] | None, out: Path | None, workers: Path | None
) -> None:
    """Aggregate ANSWERS, a CSV or Parquet file with the columns task, worker and label.

    The result has a row for each task, in the order in which tasks appear: task, label, confidence (0 to 1, calibrated
    on the gold where there is enough), whether it is undecided (more likely wrong than right), and the number of
    answers. If a worker answered a task several times the last answer counts. Blanks around names do not.
    """
    with _progress(answers) as tell:
        read = read_answers(answers, labels=labels, tell=tell)
        truths = read_gold(gold, labels=labels) if gold else {}
        read = with_labels(read, list(truths.values())) if labels is None else read
        if model != "majority":
            check_tables(answers, read)
        known = read.gold(truths)
        found = aggregate(read, model, known if gold else None)
        judged = judge(read, found, known, Rule.fixed(1))
    tables = [(out, _labels(read, found, judged))]
    if workers:
        tables.append((workers, _workers(read, found, known)))
    _write(tables)
    _say(read, len(truths), int((known != UNKNOWN).sum()), judged.calibration)


def _labels(answers: Answers, found: Consensus, judged: Judgement) -> Any:
    names = np.array([str(label) for label in answers.labels], dtype=object)
    columns = {
        "task": pa.array(answers.items, pa.string()),
        "label": pa.array(names[found.labels], pa.string()),
        "confidence": np.round(judged.confidence, 6),
        "undecided": judged.decision.undecided,
        "answers": answers.per_item(),
    }
    return pa.table(columns)


def _workers(answers: Answers, found: Consensus, gold: Codes) -> Any:
    believed = trust(answers, found, gold)
    columns = {
        "worker": pa.array(answers.workers, pa.string()),
        "answers": believed.answered,
        "accuracy": np.round(believed.mean, 6),
        "low": np.round(believed.low, 6),
        "high": np.round(believed.high, 6),
        "gold_right": believed.gold_right,
        "gold_total": believed.gold_total,
        "agreed": believed.agreed,
        "compared": believed.compared,
    }
    return pa.table(columns)


def _write(tables: list[tuple[Path | None, Any]]) -> None:
    """Write all tables beside their places first and put them there at the end: no file is ever half written."""
    ready: list[tuple[Path, Path]] = []
    try:
        for path, table in tables:
            if path is not None and _regular(path):
                # A link stays, and what it leads to is replaced.
                ready.append((_beside(path.resolve(), table), path.resolve()))
        for path, table in tables:
            if path is None:
                _print(table)
            elif not _regular(path):
                _into(path, "wb", table)
        for written, path in ready:
            written.replace(path)
    finally:
        for written, _ in ready:
            written.unlink(missing_ok=True)


def _beside(path: Path, table: Any) -> Path:
    """Write into a new file of the same folder. Raises Invalid where that cannot be."""
    written = path.with_name(f".{path.name}.{secrets.token_hex(4)}{path.suffix}")
    try:
        _into(written, "xb", table, told=path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    return written


def _into(path: Path, mode: Literal["wb", "xb"], table: Any, told: Path | None = None) -> None:
    try:
        with path.open(mode) as file:
            if path.suffix.lower() == ".parquet":
                parquet.write_table(table, file)
            else:
                _write_csv(table, file)
    except OSError as error:
        raise Invalid(f"{told or path}: {error.strerror}") from error


def _print(table: Any) -> None:
    try:
        _write_csv(table, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        raise click.ClickException(f"the output cannot be written: {error.strerror}") from error


def _write_csv(table: Any, file: BinaryIO) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))
    text.detach()


def _say(answers: Answers, truths: int, known: int, calibration: Calibration) -> None:
    said = [f"{len(answers):,} answers of {answers.n_workers:,} workers to {answers.n_items:,} tasks"]
    if answers.replaced:
        said.append(f"{answers.replaced:,} rows repeated a task and worker; the last one of each counts")
    if truths:
        said.append(f"gold for {known:,} tasks" + (f", and for {truths - known:,} without answers" * (known < truths)))
    how = f"on {calibration.golds:,} gold tasks" if calibration.on_gold else "by a default, for want of gold"
    click.echo("; ".join([*said, f"confidence is calibrated {how}"]), err=True)


@contextmanager
def _progress(path: Path) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal: bytes read, then the time that the statistics take."""
    console = Console(stderr=True)
    size = path.stat().st_size
    parts = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*parts, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading", total=size)

        def tell(done: int) -> None:
            progress.update(task, completed=done, description="reading" if done < size else "aggregating")

        yield tell

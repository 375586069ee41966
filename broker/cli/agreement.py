"""`broker agreement`: how far the answers in a file agree."""

import json
import math
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from broker.errors import Invalid, Problem
from broker.formats.detect import HEAD, reader_for
from broker.formats.limits import Limits
from broker.formats.rows import Row, expect
from broker.truth.agreement import Figure, agreement, alpha_by_likeness, busiest_pairs, cohen_between
from broker.truth.answers import Answers, Floats

COLUMNS = ("task", "worker", "label")
LIMITS = Limits(bytes=1 << 36, rows=200_000_000)
SHOWN = 20
SEPARATOR = "|"
MOST_COMPARED = 20_000
"""Items whose label sets are compared pair by pair; of more, evenly spread ones are taken."""
WORDS = {
    "percent": "Percent agreement",
    "fleiss": "Fleiss' kappa",
    "alpha-nominal": "Krippendorff's alpha, nominal",
    "alpha-ordinal": "Krippendorff's alpha, ordinal",
    "alpha-interval": "Krippendorff's alpha, interval",
    "alpha-sets": "Krippendorff's alpha, Jaccard distance",
}


@dataclass(frozen=True)
class Pair:
    """Cohen's kappa of two workers over the items both answered."""

    workers: tuple[str, str]
    items: int
    value: float | None
    low: float | None
    high: float | None


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--order", default="", help="The labels from lowest to highest, separated by commas, for ordinal alpha.")
@click.option("--sets", "as_sets", is_flag=True, help="A label is a set of names separated by |: alpha over Jaccard.")
@click.option("--pairs", default=SHOWN, show_default=True, help="How many pairs of workers get Cohen's kappa.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def command(file: Path, order: str, pairs: int, *, as_sets: bool, as_json: bool) -> None:
    """Print how far the answers in FILE agree, with 95 % bootstrap intervals.

    FILE is CSV, TSV, JSON Lines or Parquet with the columns task, worker and label. Of two answers of a worker to one
    task the last one counts. Labels that are all numbers also get alpha at ordinal and interval level.
    """
    answers, values = _coded(*_columns(file), [name.strip() for name in order.split(",") if name.strip()])
    figures = agreement(answers, values)
    if values is None and not order:
        del figures["alpha-ordinal"]
    if as_sets:
        figures["alpha-sets"] = _over_sets(answers)
    told = [_pair(answers, *pair) for pair in busiest_pairs(answers, max(pairs, 0))]
    click.echo(_as_json(answers, figures, told) if as_json else _as_text(answers, figures, told))


def _columns(file: Path) -> tuple[list[str], list[str], list[str]]:
    """Task, worker and label of each row. Raises Invalid, naming row and column."""
    found: tuple[list[str], list[str], list[str]] = ([], [], [])
    with file.open("rb") as stream:
        reader = reader_for(file.name, stream.read(HEAD))
        stream.seek(0)
        for item in reader.read(stream, limits=LIMITS):
            if isinstance(item, Problem):
                raise Invalid(f"{file}: {item}", problems=())
            if not found[0]:
                expect(list(item.payload), COLUMNS)
            for name, column in zip(COLUMNS, found, strict=True):
                column.append(_cell(item, name))
    return found


def _cell(row: Row, name: str) -> str:
    value = row.payload.get(name)
    if value is None or isinstance(value, list | dict) or str(value).strip().lower() in {"", "nan"}:
        shown = "is empty" if value is None or isinstance(value, str | float) else "is no single value"
        raise Invalid(f"row {row.number}, column {name!r}: {shown}")
    return str(value).strip()


def _coded(
    tasks: Sequence[str], workers: Sequence[str], labels: Sequence[str], order: Sequence[str]
) -> tuple[Answers, Floats | None]:
    """The answers, and the numbers behind the labels if all of them are."""
    numbers = None if order else _numbers(labels)
    names: Sequence[Hashable] | None = order or (sorted(numbers, key=lambda name: numbers[name]) if numbers else None)
    answers = Answers.from_columns(tasks, workers, labels, label_names=names)
    return answers, np.array([numbers[str(name)] for name in answers.labels]) if numbers else None


def _numbers(labels: Sequence[str]) -> dict[str, float] | None:
    try:
        numbers = {label: float(label) for label in set(labels)}
    except ValueError:
        return None
    return numbers if all(math.isfinite(number) for number in numbers.values()) else None


def _over_sets(answers: Answers) -> Figure:
    sets = [frozenset(filter(None, (part.strip() for part in str(name).split(SEPARATOR)))) for name in answers.labels]
    starts = answers.starts()
    several = np.flatnonzero(np.diff(starts) >= 2)
    chosen = several[np.linspace(0, len(several) - 1, min(len(several), MOST_COMPARED)).astype(int)]
    units = [[sets[code] for code in answers.label[starts[item] : starts[item + 1]].tolist()] for item in chosen]
    return alpha_by_likeness(units, _jaccard)


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    union = len(one | other)
    return len(one & other) / union if union else 1.0


def _pair(answers: Answers, one: int, other: int) -> Pair:
    items, figure = cohen_between(answers, one, other)
    return Pair((str(answers.workers[one]), str(answers.workers[other])), items, *figure)


def _counts(answers: Answers) -> dict[str, int]:
    sizes = {"answers": len(answers), "tasks": answers.n_items, "workers": answers.n_workers}
    compared = int((answers.per_item() >= 2).sum())
    return {**sizes, "labels": answers.n_classes, "compared_tasks": compared, "replaced": answers.replaced}


def _as_json(answers: Answers, figures: dict[str, Figure], pairs: list[Pair]) -> str:
    told: dict[str, Any] = {name: figure._asdict() for name, figure in figures.items()}
    return json.dumps({**_counts(answers), "figures": told, "cohen": [asdict(pair) for pair in pairs]})


def _as_text(answers: Answers, figures: dict[str, Figure], pairs: list[Pair]) -> str:
    counts = _counts(answers)
    given = "{answers:,} answers of {workers:,} workers to {tasks:,} tasks, {labels:,} labels".format_map(counts)
    lines = [f"{given}; {counts['compared_tasks']:,} tasks have two answers or more."]
    if answers.replaced:
        lines.append(
            f"{answers.replaced:,} earlier answers of a worker to the same task were replaced by the last one."
        )
    lines += ["", f"{'':40}{'value':>8}   95 % interval"]
    lines += [f"{WORDS[name]:40}{_shown(*figure)}" for name, figure in figures.items()]
    if pairs:
        lines += ["", f"{'Cohen kappa of two workers':32}{'tasks':>8}{'value':>8}   95 % interval"]
        lines += [
            f"{' and '.join(pair.workers)[:31]:32}{pair.items:8}{_shown(pair.value, pair.low, pair.high)}"
            for pair in pairs
        ]
    return "\n".join(lines)


def _shown(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return f"{'–':>8}   undefined: nothing to compare"
    return f"{value:8.3f}" + ("" if low is None or high is None else f"   {low:.3f} to {high:.3f}")

"""A folder of recorded answers: answers.csv (task, worker, label) and truth.csv (task, truth)."""

import csv
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import NamedTuple

from broker.errors import Invalid, Problem
from broker.truth.answers import UNKNOWN, Answers, Codes

MOST_LABELS = 1000
"""More distinct labels than these are no categories: most likely the wrong column."""


class Recorded(NamedTuple):
    """Answers, and each item's truth as a label code, UNKNOWN where it is not known."""

    name: str
    answers: Answers
    truth: Codes


def read(folder: Path) -> Recorded:
    """Read and check a folder.

    The labels are those of both files. Raises Invalid naming file, row (from 1, after the head) and column.
    """
    given = _columns(folder / "answers.csv", ("task", "worker", "label"))
    known = _columns(folder / "truth.csv", ("task", "truth"))
    truths: dict[Hashable, Hashable] = dict(zip(known["task"], known["truth"], strict=True))
    labels = sorted({*given["label"], *known["truth"]})
    if len(labels) > MOST_LABELS:
        raise Invalid(f"{folder}: {len(labels)} distinct labels; at most {MOST_LABELS} are categories")
    answers = Answers.from_columns(given["task"], given["worker"], given["label"], label_names=labels)
    truth = answers.gold(truths)
    if not (truth != UNKNOWN).any():
        raise Invalid(f"{folder / 'truth.csv'}: column 'task' has no task that was answered")
    return Recorded(folder.resolve().name, answers, truth)


def answers(path: Path) -> Answers:
    """Answers alone. Raises Invalid naming file, row and column."""
    given = _columns(path, ("task", "worker", "label"))
    return Answers.from_columns(given["task"], given["worker"], given["label"])


def _columns(path: Path, names: Sequence[str]) -> dict[str, list[str]]:
    """The wanted columns of a CSV file. Raises Invalid for what cannot be."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            head = reader.fieldnames or ()
    except FileNotFoundError:
        raise Invalid(f"{path}: there is no such file") from None
    except UnicodeDecodeError as error:
        raise Invalid(f"{path}: is not UTF-8 ({error.reason} at byte {error.start})") from None
    except csv.Error as error:
        raise Invalid(f"{path}: is not CSV ({error})") from None
    _check(path, head, rows, names)
    return {name: [row[name].strip() for row in rows] for name in names}


def _check(path: Path, head: Sequence[str], rows: Sequence[dict[str, str]], names: Sequence[str]) -> None:
    missing = [name for name in names if name not in head]
    if missing:
        raise Invalid(f"{path}: has no column {missing[0]!r}; its columns are {', '.join(head) or 'none'}")
    if not rows:
        raise Invalid(f"{path}: has no row")
    for place, row in enumerate(rows, 1):
        for name in names:
            value = (row[name] or "").strip()
            if not value or value.lower() == "nan":
                problem = Problem(f"{value!r} is no value" if value else "empty", row=place, column=name)
                raise Invalid(f"{path}: {problem}", problems=[problem])

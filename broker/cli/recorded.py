"""A folder of recorded answers: answers.csv (task, worker, label) and truth.csv (task, truth)."""

from pathlib import Path
from typing import NamedTuple

from broker.cli.answers_file import read_answers, read_gold, with_labels
from broker.errors import Invalid
from broker.truth.answers import UNKNOWN, Answers, Codes


class Recorded(NamedTuple):
    """Answers, and each item's truth as a label code, UNKNOWN where it is not known."""

    name: str
    answers: Answers
    truth: Codes


def read(folder: Path) -> Recorded:
    """Read and check a folder.

    The labels are those of both files. Raises Invalid naming file, row (from 1, after the head) and column.
    """
    truths = read_gold(_there(folder / "truth.csv"))
    answers = with_labels(read_answers(_there(folder / "answers.csv")), list(truths.values()))
    truth = answers.gold(truths)
    if not (truth != UNKNOWN).any():
        raise Invalid(f"{folder / 'truth.csv'}: column 'task' has no task that was answered")
    return Recorded(folder.resolve().name, answers, truth)


def _there(path: Path) -> Path:
    if not path.is_file():
        raise Invalid(f"{path}: there is no such file")
    return path

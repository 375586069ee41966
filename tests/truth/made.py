"""Answers to test on: made from known truths and known workers, odd shapes, and real ones where they are at hand."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import strategies as st

from broker.truth.answers import UNKNOWN, Answers


class Made(NamedTuple):
    """Answers with the truth behind them and each worker's true accuracy."""

    answers: Answers
    truth: np.ndarray
    accuracy: np.ndarray


def made(seed, *, items=400, workers=30, classes=4, per_item=5, accuracy=(0.55, 0.95)):
    """Answers drawn from the Dawid-Skene model: each worker errs in their own way, five answers an item."""
    dice = np.random.default_rng(seed)
    truth = dice.integers(classes, size=items)
    accuracies = dice.uniform(*accuracy, size=workers)
    confusion = np.stack([_confusion(dice, skill, classes) for skill in accuracies])
    item = np.repeat(np.arange(items), per_item)
    worker = np.concatenate([dice.choice(workers, per_item, replace=False) for _ in range(items)])
    chances = confusion[worker, truth[item]]
    label = (dice.random(len(item))[:, None] > chances.cumsum(axis=1)[:, :-1]).sum(axis=1)
    answers = Answers.from_codes(item, worker, label, n_items=items, n_workers=workers, n_classes=classes)
    return Made(answers, truth, accuracies)


def _confusion(dice, skill, classes):
    errors = dice.dirichlet(np.ones(classes), size=classes)
    np.fill_diagonal(errors, 0.0)
    errors *= (1 - skill) / errors.sum(axis=1, keepdims=True)
    return errors + skill * np.eye(classes)


@st.composite
def odd_answers(draw, max_classes=4, min_classes=1):
    """Any small shape: one worker, one class, ties, items and workers without answers, duplicates."""
    items = draw(st.integers(1, 8))
    workers = draw(st.integers(1, 6))
    classes = draw(st.integers(min_classes, max_classes))
    row = st.tuples(st.integers(0, items - 1), st.integers(0, workers - 1), st.integers(0, classes - 1))
    rows = draw(st.lists(row, min_size=1, max_size=40))
    columns = np.array(rows).T
    return Answers.from_codes(*columns, n_items=items, n_workers=workers, n_classes=classes)


def real(name):
    """A real set as (answers, truth codes); skips where the sets are not beside the project."""
    folder = folder_of(name)
    columns = _columns(folder / "answers.csv")
    answers = Answers.from_columns(columns["task"], columns["worker"], columns["label"])
    known = _columns(folder / "truth.csv")
    # Some sets hold truths that nobody ever answered.
    pairs = zip(known["task"], known["label" if "label" in known else "truth"], strict=True)
    return answers, answers.gold({task: label for task, label in pairs if label in answers.labels})


def folder_of(name):
    """The folder of a real set; skips where the sets are not beside the project."""
    folders = [parent / "shared/data/categorical" / name for parent in Path(__file__).resolve().parents]
    folder = next((f for f in folders if f.is_dir()), None)
    if folder is None:
        pytest.skip(f"real answers not found: put shared/data/categorical/{name} beside or above the project")
    return folder


def _columns(path):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: [row[column] for row in rows] for column in rows[0]}


def some_gold(truth, dice, share=0.1):
    """The truth of a random share of items, UNKNOWN elsewhere."""
    return np.where(dice.random(len(truth)) < share, truth, UNKNOWN)

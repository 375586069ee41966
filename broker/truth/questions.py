"""Consensus question by question: labels with calibrated confidence for the questions of many forms at once."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from broker.truth.adaptive import fit, judge
from broker.truth.answers import UNKNOWN, Answers
from broker.truth.trust import trust

LEAST_SHOWN = 0.001
"""Labels less probable than this are not told."""


class Given(NamedTuple):
    """One worker's answer to one item."""

    item: int
    worker: int
    label: str


@dataclass(frozen=True)
class Found:
    """An item's label with its calibrated confidence (0..1), and the model's raw posterior of the labels."""

    label: str
    confidence: float
    posterior: Mapping[str, float]


@dataclass(frozen=True)
class Agreed:
    """What the answers to one question say: a label per item, and each worker's accuracy with the evidence for it."""

    items: Mapping[int, Found]
    accuracy: Mapping[int, tuple[float, float]]
    """By worker: the mean of what is believed, and how many answers' worth of evidence speaks for it."""


def agree(given: Sequence[Given], truths: Mapping[int, str]) -> Agreed:
    """The consensus of answers to one question. `truths`: known labels by item, which teach and calibrate.

    Dawid-Skene shrunk towards the crowd; confidence as docs/statistics.md has it. A known item has its known label.
    """
    labels = sorted({one.label for one in given} | set(truths.values()))
    columns = ([one.item for one in given], [one.worker for one in given], [one.label for one in given])
    answers = Answers.from_columns(*columns, label_names=labels)
    known: dict[Hashable, Hashable] = {item: label for item, label in truths.items() if item in set(columns[0])}
    gold = answers.gold(known)
    consensus = fit(answers, gold)
    judged = judge(answers, consensus, gold)
    believed = trust(answers, consensus, gold)
    found = {}
    for code, item in enumerate(answers.items):
        if consensus.labels[code] == UNKNOWN:
            continue
        shares = consensus.posterior[code]
        told = {str(labels[place]): float(shares[place]) for place in np.flatnonzero(shares >= LEAST_SHOWN)}
        label = str(labels[consensus.labels[code]])
        found[int(str(item))] = Found(label, float(judged.confidence[code]), told)
    accuracy = {
        int(str(worker)): (float(believed.mean[code]), float(believed.right[code] + believed.wrong[code]))
        for code, worker in enumerate(answers.workers)
    }
    return Agreed(found, accuracy)

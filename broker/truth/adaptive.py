"""The one judgement of a plan: from answers so far to confidence, what closes, what wants more, what is undecidable.

The server, `broker replay` and the planning figures all call `judge`, so that what is measured is what runs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from broker.truth.answers import UNKNOWN, Answers, Codes, Floats, gold_codes
from broker.truth.calibration import Bin, Calibration, calibrate, cross_fitted, reliability
from broker.truth.consensus import Consensus
from broker.truth.evidence import Evidence, blinded, evidence
from broker.truth.models import aggregate
from broker.truth.routing import information, uninformative
from broker.truth.stopping import Decision, Rule, decide, honest


@dataclass(frozen=True, eq=False, slots=True)
class Judgement:
    """What follows from the answers so far; items are wholes where parts were given.

    `confidence`: per item, calibrated, 1 on gold. `decision`: per item what the plan says; gold items are closed.
    `calibration`: how the confidence came about. `told`: each worker's information in nats (zeros for a model without
    tables); `passed_over`: workers who should get no new items.
    """

    confidence: Floats
    decision: Decision
    calibration: Calibration
    told: Floats
    passed_over: NDArray[np.bool_]


def fit(answers: Answers, gold: ArrayLike | None = None, model: str = "dawid-skene") -> Consensus:
    """The consensus that a plan is judged by: of this model, but of majority vote as long as nothing can be compared.

    Where no item has two answers and no gold was answered, expectation maximisation knows nothing of the workers and
    may call everything by the most frequent label. Raises Invalid as `aggregate` does.
    """
    truths = gold_codes(gold, answers)
    given = answers.per_item()
    comparable = (given > 1).any() or (given[truths != UNKNOWN] > 0).any()
    return aggregate(answers, model if comparable else "majority", truths if comparable else None)


def judge(
    answers: Answers,
    consensus: Consensus,
    gold: ArrayLike | None = None,
    rule: Rule | None = None,
    possible: NDArray[np.bool_] | None = None,
    whole: Codes | None = None,
) -> Judgement:
    """Judge every item by the rule. `consensus` is of the same answers and gold.

    `whole` (n_items codes) says which whole each item is a part of, such as a HIT with several questions: it is right
    only if all its parts are, so their scores and confidences are multiplied. `possible` says per whole whether it may
    still get an answer; by default all may. Raises Invalid for gold that cannot be.
    """
    truths = gold_codes(gold, answers)
    parts = np.arange(answers.n_items) if whole is None else whole
    graded = truths != UNKNOWN
    found = evidence(answers, consensus)
    calibration = calibrate(*_on_gold(answers, consensus, truths), answers.n_classes)
    confidence = _product(np.where(graded, 1.0, calibration.confidence(found, answers.n_classes)), parts)
    score = _product(np.where(graded, 1.0, honest(found)), parts)
    given, known = np.zeros(len(score)), np.ones(len(score), dtype=np.bool_)
    np.maximum.at(given, parts, found.given)
    np.logical_and.at(known, parts, graded)
    may = ~known if possible is None else possible & ~known
    decision = decide(score, given, rule or Rule(), may)
    decision = Decision(score, decision.closed | known, decision.wanted, decision.undecided & ~known)
    told = information(answers, consensus) if consensus.confusions is not None else np.zeros(answers.n_workers)
    return Judgement(confidence, decision, calibration, told, uninformative(answers, told))


def curve_on_gold(answers: Answers, consensus: Consensus, gold: ArrayLike | None = None) -> tuple[Bin, ...]:
    """The reliability curve of the confidence on gold items, each judged by a calibration that has not seen it."""
    found, right = _on_gold(answers, consensus, gold_codes(gold, answers))
    return reliability(cross_fitted(found, right, answers.n_classes), right)


def _product(values: Floats, parts: NDArray[np.integer]) -> Floats:
    together = np.ones(int(parts.max()) + 1 if len(parts) else 0)
    np.multiply.at(together, parts, values)
    return together


def _on_gold(answers: Answers, consensus: Consensus, truths: Codes) -> tuple[Evidence, NDArray[np.bool_]]:
    """The evidence for gold items that have answers as if their truth were not known, and whether it is right."""
    items = np.flatnonzero((truths != UNKNOWN) & (answers.per_item() > 0))
    found = blinded(answers, consensus, truths)
    some = Evidence(found.label[items], found.belief[items], found.share[items], found.given[items])
    return some, some.label == truths[items]

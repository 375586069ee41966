"""All signals about the workers of a job, each with its evidence."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from broker.truth import collusion
from broker.truth.answers import Answers, Codes
from broker.truth.consensus import Consensus
from broker.truth.pace import Course, Pace, course, pace
from broker.truth.signals import Name, Signal, believed, discoveries
from broker.truth.spam import Knowledge, knowledge

SAME = 0.95
"""A worker is called constant from this share of one label on."""
MODERATE = 0.4
"""Labels count as swapped if renaming them gives this kappa: what J. R. Landis and G. G. Koch, Biometrics 33 (1977)
159-174, call moderate agreement.
"""
FASTER = 0.5
"""A worker is called too fast whose median time is at most this share of the crowd's."""
COPIED = 0.5
"""A pair is told of if it copied at least this share: with very many common items less is real but no copying."""
FALL = 0.1
"""A fall of accuracy counts from here on: with very many answers a smaller one is real but of no consequence."""


@dataclass(frozen=True, eq=False, slots=True)
class Seen:
    """What was found out about a job's workers; `pace` and `course` are None where times are not known."""

    knowledge: Knowledge
    pairs: collusion.Pairs
    pace: Pace | None = None
    course: Course | None = None

    @classmethod
    def of(
        cls,
        answers: Answers,
        consensus: Consensus,
        gold: ArrayLike | None = None,
        *,
        moment: ArrayLike | None = None,
        timed: tuple[Codes, ArrayLike] | None = None,
    ) -> Self:
        """Look at everything. `moment`: when each row of `answers` was given, in any unit; `timed`: (worker, seconds),
        a row for each piece of work, which may hold several answers.
        """
        return cls(
            knowledge(answers, consensus, gold),
            collusion.pairs(answers, consensus, gold),
            None if timed is None else pace(*timed, answers.n_workers),
            None if moment is None else course(answers, consensus, moment, gold),
        )


def watch(seen: Seen) -> list[Signal]:
    """The signals, by worker. A pair is told of both its workers; who is constant is not called random as well."""
    found = [*_spam(seen.knowledge), *_copying(seen.pairs)]
    if seen.pace is not None:
        found += rushes(seen.pace)
    if seen.course is not None:
        found += _drift(seen.course)
    return sorted(found, key=lambda signal: (signal.worker, signal.name, -1 if signal.other is None else signal.other))


def _spam(known: Knowledge) -> Iterator[Signal]:
    share = known.top_given / np.maximum(known.compared, 1.0)
    constant = (share >= SAME) & discoveries(known.constancy)
    useless = believed(1.0 - known.useless) & ~constant
    dependent = np.zeros_like(useless)
    dependent[useless] = discoveries(known.independence[useless])
    dependent &= known.renamed >= MODERATE
    for worker in np.flatnonzero(constant | useless).tolist():
        figures = {
            "compared": float(known.compared[worker]),
            "known": float(known.known[worker]),
            "score": float(known.score[worker]),
            "independence": float(known.independence[worker]),
            "renamed": float(known.renamed[worker]),
        }
        if constant[worker]:
            top = {name: float(getattr(known, name)[worker]) for name in ("top", "top_given", "top_expected")}
            yield Signal(worker, "constant", float(known.constancy[worker]), figures | top)
        else:
            name: Name = "swapped-labels" if dependent[worker] else "random"
            yield Signal(worker, name, float(1.0 - known.useless[worker]), figures)


def _copying(pairs: collusion.Pairs) -> Iterator[Signal]:
    # Who copies the share s agrees on s n + (1 - s) e of n items where e are expected of two who answer on their own.
    copied = (pairs.agreed - pairs.expected) / np.maximum(pairs.common - pairs.expected, 1e-9)
    for place in np.flatnonzero(discoveries(pairs.p) & (copied >= COPIED)).tolist():
        one, other = int(pairs.first[place]), int(pairs.second[place])
        figures = {name: float(getattr(pairs, name)[place]) for name in ("common", "agreed", "expected", "z")}
        figures["copied"] = min(float(copied[place]), 1.0)
        yield Signal(one, "copying", float(pairs.p[place]), figures, other)
        yield Signal(other, "copying", float(pairs.p[place]), figures, one)


def rushes(pace: Pace) -> Iterator[Signal]:
    """The workers who are far faster than the crowd."""
    fast = discoveries(pace.p) & (pace.median <= FASTER * pace.crowd)
    for worker in np.flatnonzero(fast).tolist():
        figures = {"timed": float(pace.timed[worker]), "median": float(pace.median[worker]), "crowd": pace.crowd}
        yield Signal(worker, "too-fast", float(pace.p[worker]), figures)


def _drift(course: Course) -> Iterator[Signal]:
    falling = discoveries(course.p) & (course.early - course.late >= FALL)
    for worker in np.flatnonzero(falling).tolist():
        figures = {name: float(getattr(course, name)[worker]) for name in ("answers", "early", "late")}
        yield Signal(worker, "drift", float(course.p[worker]), figures)

"""Labelled stretches of a text or of time: how alike two lists of them are, and what several lists agree on."""

import heapq
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from broker.truth.distance import weighted_median

SHARE = 0.4
"""The share of the voters' weight that must have marked something at a place: people overlook more than they invent.

On ner_conll (benchmarks/kinds_texts.py) 0.4 finds the best F1; 0.3 and 0.5 cost a point each. One of three voters of
equal weight does not win.
"""
OTHER_LABEL = 0.3
"""What a mark of another label says for a mark at its place: there is something, but what is in doubt."""


class Stretch(NamedTuple):
    """From `start` up to, but without, `end`: code points of a text, or seconds."""

    start: float
    end: float
    label: str


Stretches = Sequence[Stretch]


def overlap(one: Stretch, other: Stretch) -> float:
    """Intersection over union of two stretches, whatever their labels; 0 where they do not meet."""
    both = min(one.end, other.end) - max(one.start, other.start)
    return both / (max(one.end, other.end) - min(one.start, other.start)) if both > 0 else 0.0


def pairs(ones: Stretches, others: Stretches) -> list[tuple[int, int, float]]:
    """(place in ones, place in others, overlap) of stretches of one label, each in one pair at most, best pairs first.

    Greedy, as the evaluation of object detection does it; ties are broken alike from both sides.
    """
    found = [
        (-overlap(one, other), _tie(one, other), i, j)
        for i, one in enumerate(ones)
        for j, other in enumerate(others)
        if one.label == other.label and one.start < other.end and other.start < one.end
    ]
    left, right, matched = set(range(len(ones))), set(range(len(others))), []
    for negative, _, i, j in sorted(found):
        if i in left and j in right:
            left.remove(i)
            right.remove(j)
            matched.append((i, j, -negative))
    return matched


def likeness(ones: Stretches, others: Stretches) -> float:
    """F1 of the two lists, where a pair counts by its overlap: 1 for equal lists (as sets), 0 where nothing meets."""
    total = len(ones) + len(others)
    return 2 * sum(sorted(found for _, _, found in pairs(ones, others))) / total if total else 1.0


def _tie(one: Stretch, other: Stretch) -> tuple[float, ...]:
    starts, ends = sorted((one.start, other.start)), sorted((one.end, other.end))
    return (*starts, *ends)


class Agreed(NamedTuple):
    """A stretch of the consensus, and the share of the voters' weight that supports it, 0..1."""

    stretch: Stretch
    support: float


class _Voter:
    """One voter's stretches, those that a chosen stretch has not used up, found by place."""

    def __init__(self, stretches: Stretches, weight: float) -> None:
        self.weight = weight
        self.stretches = sorted(set(stretches))
        self._starts = [one.start for one in self.stretches]
        self._reach = list(accumulate((one.end for one in self.stretches), max))
        self.free = [True] * len(self.stretches)

    def best(self, wanted: Stretch, other_label: float) -> tuple[float, int]:
        """How much the best free stretch supports the wanted one, and its place (-1: none)."""
        at, found = bisect_left(self._starts, wanted.end), (0.0, -1)
        while at > 0 and self._reach[at - 1] > wanted.start:
            at -= 1
            one = self.stretches[at]
            factor = 1.0 if one.label == wanted.label else other_label
            if self.free[at] and factor:
                found = max(found, (factor * overlap(one, wanted), at))
        return found


def consensus(
    votes: Sequence[Stretches], weights: Sequence[float], *, apart: bool, blend: bool = False, share: float = SHARE
) -> list[Agreed]:
    """What the votes agree on, in order of place: the best supported stretch first, then the best of what is left.

    A stretch is supported by each vote's stretch that overlaps it most, as far as it does. It is taken where more than
    `share` of the weight marked something there. Each mark supports one stretch only. `apart`: stretches do not
    overlap, so marks of another label compete; else labels are independent. `blend` takes the weighted median of the
    ends of those that support it, for places that are measured, not chosen.
    """
    whole = sum(weights)
    if whole <= 0:
        weights, whole = [1.0] * len(votes), float(len(votes))
    voters = [_Voter(vote, weight) for vote, weight in zip(votes, weights, strict=True)]
    other_label = OTHER_LABEL if apart else 0.0
    heap = [(-_support(voters, one, other_label)[0], one) for one in {one for vote in votes for one in vote}]
    heapq.heapify(heap)
    agreed: list[Agreed] = []
    while heap:
        before, one = heapq.heappop(heap)
        if apart and any(overlap(one, other.stretch) for other in agreed):
            continue
        support, marked, used = _support(voters, one, other_label)
        if support < -before:
            # Some of its support was used up meanwhile. Support only falls, so what is on top after all is the best.
            if marked > share * whole:
                heapq.heappush(heap, (-support, one))
        elif marked > share * whole:
            agreed.append(Agreed(_blended(voters, used, one) if blend else one, min(1.0, support / whole)))
            for voter, place in used:
                voters[voter].free[place] = False
    return sorted(agreed)


def _support(
    voters: Sequence[_Voter], wanted: Stretch, other_label: float
) -> tuple[float, float, list[tuple[int, int]]]:
    """The weight that supports a stretch, the weight that marked anything there, and those marks (voter, place)."""
    support = marked = 0.0
    used = []
    for number, voter in enumerate(voters):
        found, place = voter.best(wanted, other_label)
        if place >= 0:
            support += voter.weight * found
            marked += voter.weight
            used.append((number, place))
    return support, marked, used


def _blended(voters: Sequence[_Voter], used: Sequence[tuple[int, int]], chosen: Stretch) -> Stretch:
    near = [
        (voters[voter].stretches[place], voters[voter].weight)
        for voter, place in used
        if voters[voter].stretches[place].label == chosen.label
    ]
    weights = [weight for _, weight in near]
    start = weighted_median([one.start for one, _ in near], weights)
    end = weighted_median([one.end for one, _ in near], weights)
    return Stretch(start, end, chosen.label) if start < end else chosen

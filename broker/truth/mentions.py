"""Mentions gathered into clusters: how alike two gatherings are, and what several of them agree on."""

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

M = TypeVar("M", bound=Hashable)
PASSES = 5
"""Rounds in which mentions may move to another cluster; few move after the second."""


def b_cubed(ones: Sequence[Sequence[M]], others: Sequence[Sequence[M]]) -> float:
    """B-cubed F1 (Bagga & Baldwin 1998) of two gatherings, whose mentions each stand in one cluster; symmetric.

    A mention that only one of them has counts as wrong there. 1 for the same clusters of the same mentions.
    """
    left, right = _cluster_of(ones), _cluster_of(others)
    if not left and not right:
        return 1.0
    precision, recall = _found(left, right), _found(right, left)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _cluster_of(clusters: Sequence[Sequence[M]]) -> dict[M, frozenset[M]]:
    return {mention: frozenset(cluster) for cluster in clusters for mention in cluster}


def _found(mine: Mapping[M, frozenset[M]], theirs: Mapping[M, frozenset[M]]) -> float:
    """The mean share of a mention's cluster that is together with it in the other gathering, too."""
    shares = (len(cluster & theirs.get(mention, frozenset())) / len(cluster) for mention, cluster in mine.items())
    return math.fsum(shares) / len(mine) if mine else 0.0


def gather(mentions: Sequence[M], votes: Sequence[Sequence[Sequence[M]]], weights: Sequence[float]) -> list[list[M]]:
    """Clusters in which mentions are together as more of the weight says than not: correlation clustering, greedy.

    A vote speaks about pairs of mentions that it has both. Mentions come in their order to the cluster that gains
    most by them, or begin one; then they may move while that gains more.
    """
    gain = _gains(mentions, votes, weights)
    home: dict[M, int] = {}
    for _ in range(PASSES):
        before = dict(home)
        for number, mention in enumerate(mentions):
            home.pop(mention, None)
            pulls: dict[int, float] = defaultdict(float)
            for other, pull in gain[mention].items():
                if other in home:
                    pulls[home[other]] += pull
            taken = set(home.values())
            alone = number if number not in taken else next(free for free in range(len(mentions)) if free not in taken)
            best = max(pulls, key=lambda at: (pulls[at], -at), default=alone)
            home[mention] = best if pulls and pulls[best] > 0 else alone
        if home == before:
            break
    clusters: dict[int, list[M]] = defaultdict(list)
    for mention in mentions:
        clusters[home[mention]].append(mention)
    return list(clusters.values())


def _gains(
    mentions: Sequence[M], votes: Sequence[Sequence[Sequence[M]]], weights: Sequence[float]
) -> dict[M, dict[M, float]]:
    """For each two mentions the weight that has them together less the weight that has them apart."""
    gain: dict[M, dict[M, float]] = {mention: defaultdict(float) for mention in mentions}
    for vote, weight in zip(votes, weights, strict=True):
        homes = {mention: at for at, cluster in enumerate(vote) for mention in cluster if mention in gain}
        known = list(homes)
        for place, one in enumerate(known):
            for other in known[:place]:
                pull = weight if homes[one] == homes[other] else -weight
                gain[one][other] += pull
                gain[other][one] += pull
    return gain

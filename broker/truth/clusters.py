"""Marks of several people gathered into the things they mean: one cluster for each thing, one mark of each person."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from broker.truth.matching import pairs

M = TypeVar("M")
ROUNDS = 2


@dataclass
class Cluster(Generic[M]):
    """One thing: who marked it how (number of the vote -> mark), and what those marks say together."""

    center: M
    members: dict[int, M]

    def support(self, weights: Sequence[float]) -> float:
        """The share of all weight that marked it, 0..1."""
        return sum(weights[voter] for voter in self.members) / sum(weights)


@dataclass(frozen=True)
class Gathering(Generic[M]):
    """How marks are compared: `alike` (0..1, pairs of 0 never meet), and what marks with weights make: `merge`."""

    alike: Callable[[M, M], float]
    merge: Callable[[Sequence[M], Sequence[float]], M]

    def clusters(self, votes: Sequence[Sequence[M]], weights: Sequence[float]) -> list[Cluster[M]]:
        """The things that votes (each a list of marks) with positive weights mean.

        Votes join in the order of their weight, each mark the cluster that suits the vote's marks best as a whole; then
        all are assigned anew to the clusters' centers, as in k-means, but one-to-one, in each of a few rounds.
        """
        found: list[Cluster[M]] = []
        for voter in sorted(range(len(votes)), key=lambda one: (-weights[one], one)):
            found = self._assigned(voter, votes[voter], found)
        for _ in range(ROUNDS):
            found = self._moved(self._united(found), weights)
            for cluster in found:
                cluster.members.clear()
            for voter, marks in enumerate(votes):
                found = self._assigned(voter, marks, found)
            found = [cluster for cluster in found if cluster.members]
        return self._moved(found, weights)

    def _assigned(self, voter: int, marks: Sequence[M], clusters: list[Cluster[M]]) -> list[Cluster[M]]:
        table = [[self.alike(cluster.center, mark) for mark in marks] for cluster in clusters]
        met = pairs(table) if marks and clusters else []
        for row, column in met:
            clusters[row].members[voter] = marks[column]
        placed = {column for _, column in met}
        fresh = [Cluster(mark, {voter: mark}) for column, mark in enumerate(marks) if column not in placed]
        return [*clusters, *fresh]

    def _united(self, clusters: list[Cluster[M]]) -> list[Cluster[M]]:
        """Clusters that nobody marked both of, and that are alike, are one thing."""
        found: list[Cluster[M]] = []
        for cluster in sorted(clusters, key=lambda one: -len(one.members)):
            suits = [
                (self.alike(one.center, cluster.center), one)
                for one in found
                if not one.members.keys() & cluster.members
            ]
            alike, best = max(suits, key=lambda pair: pair[0], default=(0.0, cluster))
            if alike > 0:
                best.members |= cluster.members
            else:
                found.append(cluster)
        return found

    def _moved(self, clusters: list[Cluster[M]], weights: Sequence[float]) -> list[Cluster[M]]:
        for cluster in clusters:
            marks = list(cluster.members.values())
            alone = all(mark == marks[0] for mark in marks)
            cluster.center = marks[0] if alone else self.merge(marks, [weights[one] for one in cluster.members])
        return clusters


def median(values: Sequence[float], weights: Sequence[float]) -> float:
    """The value with half of all weight on either side; the middle of two where the weight is cut just between them."""
    order = sorted(zip(values, weights, strict=True))
    half, passed = sum(weights) / 2, 0.0
    for at, (value, weight) in enumerate(order):
        passed += weight
        if abs(passed - half) < 1e-9 * half and at + 1 < len(order):
            return (value + order[at + 1][0]) / 2
        if passed > half:
            return value
    return order[-1][0]

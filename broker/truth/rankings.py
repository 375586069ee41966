"""Orders of things: how alike two are, and which order several people agree on."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations


def concordance(one: Sequence[str], other: Sequence[str]) -> float:
    """The share of pairs that stand in the same order in both: (1 + Kendall's tau) / 2, without ties; symmetric.

    A thing that only one of them ranks is in no order with anything; what is left over lowers the share by itself too.
    """
    left, right = ({name: at for at, name in enumerate(order)} for order in (one, other))
    everything = left.keys() | right.keys()
    both = left.keys() & right.keys()
    same = sum((left[a] < left[b]) == (right[a] < right[b]) for a, b in combinations(sorted(both), 2))
    pairs = math.comb(len(everything), 2)
    shared = len(both) / len(everything) if everything else 1.0
    return shared * same / pairs if pairs else shared


def kemeny(orders: Sequence[Sequence[str]], weights: Sequence[float]) -> tuple[list[str], float]:
    """The order that contradicts the least weight (Kemeny 1959), and the share of the weight that it agrees with.

    Begins with Borda's order and moves one thing after the other to its best place, while that helps; exact in all
    but pathological cases of the sizes that people can rank. Ties go to the first voter's order.
    """
    names = list(dict.fromkeys(name for order in orders for name in order))
    prefer: dict[tuple[str, str], float] = defaultdict(float)
    for order, weight in zip(orders, weights, strict=True):
        for pair in combinations(order, 2):
            prefer[pair] += weight
    margin = {(a, b): prefer[a, b] - prefer[b, a] for a in names for b in names if a != b}
    order = sorted(names, key=lambda name: -sum(margin[name, other] for other in names if other != name))
    while (better := _moved(order, margin)) is not None:
        order = better
    agreed = sum(prefer[pair] for pair in combinations(order, 2))
    said = sum(prefer.values())
    return order, agreed / said if said else 1.0


def _moved(order: list[str], margin: Mapping[tuple[str, str], float]) -> list[str] | None:
    """The order with one thing moved to where it gains most, None if nothing gains."""
    best, change = 1e-9, None
    for at, name in enumerate(order):
        for step in (-1, 1):
            gained, to = 0.0, at
            while 0 <= to + step < len(order):
                to += step
                ahead = (name, order[to]) if step < 0 else (order[to], name)
                gained += margin[ahead]
                if gained > best:
                    best, change = gained, (at, to)
    if change is None:
        return None
    at, to = change
    rest = order[:at] + order[at + 1 :]
    return [*rest[:to], order[at], *rest[to:]]

"""How much a worker's vote weighs where answers have no finite set of labels."""

from collections.abc import Sequence

from broker.annotation.kind import A, Vote

GUARD = 0.05
"""Nobody is believed to be right always: it bounds the weight of one worker to 20 times that of a middling one."""


def weight(trust: float) -> float:
    """The odds of a right answer, trust / (1 - trust), guarded.

    The log of the odds is what a vote between two labels weighs in theory; the odds themselves did better on real
    spans and transcripts (benchmarks/kinds_texts.py), as did every weight that rises faster than trust itself.
    """
    within = min(1.0, max(0.0, trust))
    return within / (1.0 + GUARD - within)


def weights(votes: Sequence[Vote[A]]) -> list[float]:
    """The votes' weights; all 1 where nobody is trusted at all."""
    found = [weight(vote.trust) for vote in votes]
    return found if any(found) else [1.0] * len(found)

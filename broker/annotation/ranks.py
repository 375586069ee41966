"""Whose answers tell more: 0 for half of the crowd and for whoever is not known yet, 1 for the others, 2 for those
whose answers tell next to nothing.
"""

from typing import cast

from broker.annotation.weigh import Weighed
from broker.truth.answers import Answers
from broker.truth.consensus import Consensus
from broker.truth.routing import information, less_informative, uninformative


def ranked(answers: Answers, consensus: Consensus) -> dict[int, int]:
    """The rank of each worker who answered; empty for a model that learns no tables."""
    if consensus.confusions is None:
        return {}
    told = information(answers, consensus)
    found = less_informative(answers.per_worker(), told).astype(int)
    found[uninformative(answers, told)] = 2
    return dict(zip(cast("tuple[int, ...]", answers.workers), found.tolist(), strict=True))


def ranked_alike(found: Weighed) -> dict[int, int]:
    """The same for kinds whose answers are only more or less alike, by how far each worker is believed."""
    less = less_informative(found.believed.evidence, found.believed.accuracy)
    return dict(zip(found.workers, less.astype(int).tolist(), strict=True))

"""The one way to aggregate answers, whichever model does it."""

from numpy.typing import ArrayLike

from broker.errors import Invalid
from broker.truth import reference
from broker.truth.answers import Answers
from broker.truth.consensus import Consensus
from broker.truth.dawid_skene import Mode, dawid_skene
from broker.truth.votes import majority

OWN: dict[str, Mode] = {"dawid-skene": "hierarchical", "dawid-skene-ml": "likelihood", "one-coin": "one-coin"}
"""Our engine's modes by the name of the model."""

MODELS = ("majority", *OWN, *reference.MODELS)


def aggregate(answers: Answers, model: str = "majority", gold: ArrayLike | None = None) -> Consensus:
    """Find each item's label. `gold`: n_items label codes, -1 where the truth is not known.

    Raises Invalid for an unknown model, and for gold with a model that has no place for it.
    """
    if model == "majority":
        return majority(answers, gold)
    if model in OWN:
        return dawid_skene(answers, gold, mode=OWN[model])
    if model in reference.MODELS:
        return reference.reference(answers, model, gold)
    raise Invalid(f"unknown model {model!r}: choose one of {', '.join(MODELS)}")

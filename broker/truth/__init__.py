"""Statistics over answers: who is right, how sure that is, and whom to trust. Pure functions over arrays."""

from broker.truth.answers import Answers
from broker.truth.consensus import Consensus
from broker.truth.models import MODELS, aggregate

__all__ = ["MODELS", "Answers", "Consensus", "aggregate"]

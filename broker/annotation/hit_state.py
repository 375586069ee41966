"""What the live posterior knows of one HIT, as it is kept between two answers."""

from dataclasses import dataclass, field


@dataclass
class HitState:
    """By place, in the order of `Cells.places`: the label codes of each worker, the posteriors, and gold's codes."""

    answers: dict[int, list[int]] = field(default_factory=dict)
    posterior: list[list[float]] = field(default_factory=list)
    gold: list[int] = field(default_factory=list)

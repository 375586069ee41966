"""What a room's sample is made of."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sample:
    """Settings of a room, an item, and (raw answer of a worker, as it stands in a table) examples.

    `raw` in another order of its parts than `dump` gives is welcome: the text is what `show` makes of it.
    """

    kind: str
    settings: dict[str, Any]
    item: dict[str, Any]
    answers: tuple[tuple[dict[str, Any], str], ...]

"""ROVER: one transcript out of several, word by word.

Fiscus, "A post-processing system to yield reduced word error rates: Recognizer Output Voting Error Reduction", ASRU
1997. Words vote as they are compared (without case and punctuation); how the winner is written is voted on after that.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from broker.truth.wording import folded

MOST_CELLS = 20_000_000
"""Places times words of an exact alignment: 80 MB."""
Costs = NDArray[np.int32]
Step = tuple[int | None, int | None]
"""A place of the network and a word; None where the other stands alone."""


@dataclass
class _Slot:
    """A place of the network: the weight of each word (empty: no word here), and how those words were written."""

    origin: int
    """The word of the first transcript that stands here, or the one before this place; -1 before all of them."""
    words: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    written: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(float)))

    def vote(self, word: str, weight: float) -> None:
        plain = folded(word)
        self.words[plain] += weight
        self.written[plain][word] += weight

    def winner(self) -> tuple[str, float]:
        """The word as most wrote it, and its share of the weight; ties to what came first."""
        plain = max(self.words, key=lambda word: self.words[word])
        written = self.written[plain]
        return max(written, key=lambda word: written[word]), self.words[plain] / (sum(self.words.values()) or 1.0)


class Won(NamedTuple):
    """A word that won, its share of the weight there, and the word of the first transcript at or before its place."""

    word: str
    share: float
    origin: int


def rover(texts: Sequence[Sequence[str]], weights: Sequence[float]) -> list[Won]:
    """The words that win. `texts` are words; the first ones shape the network, so the best come first.

    Weights are not negative; if all are 0, all count alike.
    """
    if not sum(weights):
        weights = [1.0] * len(texts)
    slots: list[_Slot] = []
    seen = 0.0
    for words, weight in zip(texts, weights, strict=True):
        slots = _with(slots, words, weight, seen)
        seen += weight
    won = [Won(*slot.winner(), slot.origin) for slot in slots]
    return [one for one in won if one.word]


def _with(slots: list[_Slot], words: Sequence[str], weight: float, seen: float) -> list[_Slot]:
    """The network with one more transcript; where that has a word more, all before it had none."""
    joined: list[_Slot] = []
    for at, number in _aligned(slots, [folded(word) for word in words]):
        slot = slots[at] if at is not None else _Slot(_origin(joined, number if not seen else None))
        if at is None and seen:
            slot.vote("", seen)
        slot.vote("" if number is None else words[number], weight)
        joined.append(slot)
    return joined


def _origin(before: Sequence[_Slot], number: int | None) -> int:
    if number is not None:
        return number
    return before[-1].origin if before else -1


def _aligned(slots: Sequence[_Slot], words: Sequence[str]) -> list[Step]:
    """The cheapest alignment: (place, word); a word costs nothing where the place has it, all else costs 1.

    Rows are computed at once: what is left over in a row is a running minimum (Sellers 1980 in vector form).
    """
    if len(slots) * len(words) > MOST_CELLS:
        return _roughly(slots, words)
    columns = np.arange(len(words) + 1)
    costs = np.zeros((len(slots) + 1, len(words) + 1), dtype=np.int32)
    costs[0] = columns
    known: dict[str, list[int]] = defaultdict(list)
    for number, word in enumerate(words):
        known[word].append(number)
    misses, skips = [], []
    for row, slot in enumerate(slots, 1):
        miss = np.ones(len(words), dtype=np.int32)
        for word in slot.words:
            miss[known.get(word, [])] = 0
        skip = 0 if slot.words.get("") else 1
        misses.append(miss)
        skips.append(skip)
        best = costs[row - 1] + skip
        best[1:] = np.minimum(best[1:], costs[row - 1][:-1] + miss)
        costs[row] = np.minimum.accumulate(best - columns) + columns
    return _path(costs, misses, skips)


def _roughly(slots: Sequence[_Slot], words: Sequence[str]) -> list[Step]:
    """The alignment with the words that win so far, in less memory than a table of all places needs."""
    path: list[Step] = []
    for step in Levenshtein.opcodes([folded(slot.winner()[0]) for slot in slots], list(words)):
        places, numbers = range(step.src_start, step.src_end), range(step.dest_start, step.dest_end)
        path += zip_longest(places, numbers)
    return path


def _path(costs: Costs, misses: Sequence[Costs], skips: Sequence[int]) -> list[Step]:
    row, column = costs.shape[0] - 1, costs.shape[1] - 1
    path: list[Step] = []
    while row or column:
        here = costs[row, column]
        if row and column and here == costs[row - 1, column - 1] + misses[row - 1][column - 1]:
            row, column = row - 1, column - 1
            path.append((row, column))
        elif row and here == costs[row - 1, column] + skips[row - 1]:
            row -= 1
            path.append((row, None))
        else:
            column -= 1
            path.append((None, column))
    return path[::-1]

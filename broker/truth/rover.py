"""ROVER: one transcript out of several, word by word.

Fiscus, "A post-processing system to yield reduced word error rates: Recognizer Output Voting Error Reduction", ASRU
1997. Words vote as they are compared (without case and punctuation); how the winner is written is voted on after that.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from broker.truth.wording import folded


@dataclass
class _Slot:
    """A place of the network: the weight of each word (empty: no word here), and how those words were written."""

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


def rover(texts: Sequence[Sequence[str]], weights: Sequence[float]) -> list[tuple[str, float]]:
    """The words that win, each with its share of the weight. `texts` are words; the first ones shape the network.

    Weights are not negative; if all are 0, all count alike.
    """
    if not sum(weights):
        weights = [1.0] * len(texts)
    slots: list[_Slot] = []
    seen = 0.0
    for words, weight in zip(texts, weights, strict=True):
        slots = _with(slots, words, weight, seen)
        seen += weight
    won = [slot.winner() for slot in slots]
    return [(word, share) for word, share in won if word]


def _with(slots: list[_Slot], words: Sequence[str], weight: float, seen: float) -> list[_Slot]:
    """The network with one more transcript; where that has a word more, all before it had none."""
    joined: list[_Slot] = []
    for at, number in _aligned(slots, [folded(word) for word in words]):
        slot = slots[at] if at is not None else _Slot()
        if at is None:
            slot.vote("", seen)
        slot.vote("" if number is None else words[number], weight)
        joined.append(slot)
    return joined


def _aligned(slots: Sequence[_Slot], words: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """The cheapest alignment: (place, word); a word costs nothing where the place has it, all else costs 1.

    Rows are computed at once: what is left over in a row is a running minimum (Sellers 1980 in vector form).
    """
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


def _path(costs: np.ndarray, misses: Sequence[np.ndarray], skips: Sequence[int]) -> list[tuple[int | None, int | None]]:  # type: ignore[type-arg]
    row, column = costs.shape[0] - 1, costs.shape[1] - 1
    path: list[tuple[int | None, int | None]] = []
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

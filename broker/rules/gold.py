"""When a worker gets a gold HIT, and which: a keyed schedule that costs no memory and cannot be guessed.

A worker's HITs are cut into blocks; in each block one place, drawn by a keyed hash, is gold. The first blocks are
shorter, so that newcomers are checked more often. The k-th gold of a worker is the k-th value of a keyed permutation
of all golds, so that none repeats before all were used, and then no more are given.
"""

import hashlib
import math
from collections.abc import Callable
from typing import NamedTuple

DENSE_BLOCKS = 3
NEVER = 2**62
"""The place of a gold that does not come."""


def block_length(block: int, percent: int) -> int:
    """HITs in this block, from 0: 100/percent of them, half as many in the first three."""
    length = max(1, round(100 / percent))
    return max(2, length // 2) if block < DENSE_BLOCKS and length > 1 else length


def due(served: int, percent: int, draw: Callable[[int], int]) -> int | None:
    """The number (from 0) of the gold due after `served` HITs, or None if an ordinary HIT is.

    `draw(block)` gives a large number that only the installation can foretell.
    """
    if percent <= 0:
        return None
    block, start = _block_at(served, percent)
    return block if start + draw(block) % block_length(block, percent) == served else None


def _block_at(served: int, percent: int) -> tuple[int, int]:
    dense = block_length(0, percent)
    if served < DENSE_BLOCKS * dense:
        return served // dense, served // dense * dense
    length = block_length(DENSE_BLOCKS, percent)
    later = (served - DENSE_BLOCKS * dense) // length
    return DENSE_BLOCKS + later, DENSE_BLOCKS * dense + later * length


def which(number: int, golds: int, draw: Callable[[int], int]) -> int | None:
    """Which of the job's golds (0..golds-1) is this worker's gold of this number; None when they had all."""
    if number >= golds:
        return None
    step = draw(-1) % golds or 1
    while math.gcd(step, golds) != 1:
        step += 1
    return (draw(-2) + number * step) % golds


def next_due(served: int, percent: int, golds: int, draw: Callable[[int], int]) -> int:
    """How many HITs the worker will have been served when their next gold is due; NEVER once they had all golds."""
    if percent <= 0:
        return NEVER
    block, start = _block_at(served, percent)
    place = start + draw(block) % block_length(block, percent)
    if place < served:
        start += block_length(block, percent)
        block += 1
        place = start + draw(block) % block_length(block, percent)
    return place if block < golds else NEVER


class Schedule(NamedTuple):
    """The gold of one worker in one job of `golds` golds."""

    percent: int
    golds: int
    draw: Callable[[int], int]

    def after(self, served: int) -> int:
        """The place of the first gold that is due after so many HITs."""
        return next_due(served, self.percent, self.golds, self.draw)

    def at(self, served: int) -> int | None:
        """The number of the job's gold that is due after so many HITs, if one is."""
        number = due(served, self.percent, self.draw)
        return None if number is None else which(number, self.golds, self.draw)


def drawer(secret: bytes, job_id: int, worker_id: int) -> Callable[[int], int]:
    """Keyed draws for one worker in one job."""

    def draw(block: int) -> int:
        message = f"{job_id}/{worker_id}/{block}".encode()
        return int.from_bytes(hashlib.blake2b(message, key=secret[:64], digest_size=8).digest(), "big")

    return draw

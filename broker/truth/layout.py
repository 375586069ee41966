"""Answers laid out for expectation maximisation: codes of (worker, label) pairs, sorted by item, in blocks.

A worker's answers with the same label are interchangeable to Dawid-Skene, so each answer is one int32: the code of its
pair. A block of items is a sparse 0/1 matrix, items x pairs: times a table it sums the table's rows of each item's
answers, and its transpose times the posteriors sums the posteriors of each pair's items. Both cost one pass.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from broker.truth.answers import UNKNOWN, Answers, Codes, Floats, counted

_LEAST_BLOCK = 1 << 16
_MOST_BLOCK = 1 << 21
_WORKERS = 1 << 14


@dataclass(frozen=True, eq=False, slots=True)
class Block:
    """Consecutive items: their `rows` of the posterior, and the places and truths of gold items among them."""

    rows: slice
    by_item: sparse.csr_array
    by_pair: sparse.csc_array
    gold: NDArray[np.int64]
    truth: Codes

    def given(self) -> NDArray[np.int32]:
        """How many answers each item has."""
        counts: NDArray[np.int32] = np.diff(self.by_item.indptr)
        return counts


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """The answered items and the used classes only; codes in here are places among those.

    `answered` tells the items among all, `label` holds the classes' codes outside, and `size` is (items, classes): the
    shape of a posterior. `pair_worker`, `pair_label`: the pairs that occur, in that order; `firsts`: where each
    answering worker's pairs begin, and `pairs_each` how many they are.
    """

    answered: NDArray[np.bool_]
    label: NDArray[np.int64]
    size: tuple[int, int]
    pair_worker: Codes
    pair_label: Codes
    firsts: NDArray[np.int64]
    pairs_each: NDArray[np.int64]
    blocks: tuple[Block, ...]
    n_answers: int
    most_answers: int

    @classmethod
    def of(cls, answers: Answers, gold: Codes) -> Self:
        """Lay out the answers; gold of items that nobody answered is left out."""
        given = answers.per_item().astype(np.int32)
        answered = given > 0
        truth = gold[answered]
        label = np.flatnonzero(_used(answers.label, answers.n_classes) | _used(truth[truth >= 0], answers.n_classes))
        keys, pair = _pairs(answers)
        worker, old = np.divmod(keys, answers.n_classes)
        firsts = np.flatnonzero(np.diff(worker, prepend=-1))
        places = np.full(answers.n_classes + 1, UNKNOWN, dtype=np.int32)
        places[label] = np.arange(len(label), dtype=np.int32)
        return cls(
            *(answered, label, (len(truth), len(label)), worker.astype(np.int32), places[old]),
            *(firsts, np.diff(firsts, append=len(keys))),
            blocks=tuple(_blocks(pair, given[answered], places[truth], len(keys))),
            n_answers=len(answers),
            most_answers=int(given.max(initial=0)),
        )

    def per_worker(self, rows: Floats) -> Floats:
        """Sums over each worker's pairs: a row per answering worker."""
        sums: Floats = np.add.reduceat(rows, self.firsts, axis=0)
        return sums

    def per_pair(self, rows: Floats) -> Floats:
        """A row per answering worker, repeated for each of their pairs."""
        return np.repeat(rows, self.pairs_each, axis=0)

    def divide(self, rows: Floats, divisors: Floats) -> None:
        """Divide each pair's row by the row of its worker, in place and without a second table of pairs."""
        edges = np.append(self.firsts, len(rows))
        for first in range(0, len(divisors), _WORKERS):
            some = slice(first, first + _WORKERS)
            last = min(some.stop, len(divisors))
            rows[edges[first] : edges[last]] /= np.repeat(divisors[some], self.pairs_each[some], axis=0)


def _used(codes: Codes, size: int) -> NDArray[np.bool_]:
    return counted(codes, size) > 0


def _pairs(answers: Answers) -> tuple[NDArray[np.int64], Codes]:
    """The keys worker * n_classes + label that occur, in order, and for each answer which of them it is."""
    size = answers.n_workers * answers.n_classes
    # A table of all possible pairs is the fast way, unless there are far more of them than answers.
    find = _by_table if size <= max(4 * len(answers), 1 << 16) else _by_sorting
    return find(answers, size)


def _by_table(answers: Answers, size: int) -> tuple[NDArray[np.int64], Codes]:
    used = np.zeros(size, dtype=np.bool_)
    for _, keys in _keys(answers):
        used[keys] = True
    ranks = np.cumsum(used, dtype=np.int32) - 1
    return np.flatnonzero(used), _each(answers, lambda keys: ranks[keys])


def _by_sorting(answers: Answers, size: int) -> tuple[NDArray[np.int64], Codes]:  # noqa: ARG001 -- as _by_table
    found = np.unique(np.concatenate([np.unique(keys) for _, keys in _keys(answers)] or [np.zeros(0, np.int64)]))
    return found, _each(answers, lambda keys: np.searchsorted(found, keys))


def _each(answers: Answers, place: Callable[[NDArray[np.int64]], NDArray[np.integer]]) -> Codes:
    pair = np.empty(len(answers), dtype=np.int32)
    for block, keys in _keys(answers):
        pair[block] = place(keys)
    return pair


def _keys(answers: Answers) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    for start in range(0, len(answers), _LEAST_BLOCK):
        block = slice(start, start + _LEAST_BLOCK)
        yield block, answers.worker[block].astype(np.int64) * answers.n_classes + answers.label[block]


def _blocks(pair: Codes, given: NDArray[np.int32], truth: Codes, n_pairs: int) -> Iterator[Block]:
    """Blocks small enough for the cache, yet large enough that summing a table per block costs little."""
    size = min(max(_LEAST_BLOCK, 4 * n_pairs), _MOST_BLOCK)
    ends = np.cumsum(given, dtype=np.int64)
    ones = np.ones(min(len(pair), size + int(given.max(initial=0))))
    first = 0
    while first < len(given):
        before = int(ends[first - 1]) if first else 0
        last = max(int(np.searchsorted(ends, before + size, side="right")), first + 1)
        yield _block(pair[before : int(ends[last - 1])], given[first:last], truth[first:last], first, n_pairs, ones)
        first = last


def _block(pair: Codes, given: NDArray[np.int32], truth: Codes, first: int, n_pairs: int, ones: Floats) -> Block:
    starts = np.concatenate(([0], np.cumsum(given))).astype(np.int32)
    by_item = sparse.csr_array((ones[: len(pair)], pair, starts), shape=(len(given), n_pairs))
    gold = np.flatnonzero(truth != UNKNOWN)
    return Block(slice(first, first + len(given)), by_item, by_item.T, gold, truth[gold])

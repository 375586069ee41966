"""Answers as columns of integer codes, sorted by item: what all statistics here work on."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from broker.errors import Invalid, Problem

Codes = NDArray[np.int32]
Floats = NDArray[np.float64]
UNKNOWN = -1
"""The label code of an item whose label is not known."""

_BLOCK = 1 << 20
_CELLS = 1 << 23
_PROBLEMS_SHOWN = 20


@dataclass(frozen=True, eq=False, slots=True)
class Answers:
    """One row per answer: `item`, `worker` and `label` are codes from 0; rows are sorted by item, then by arrival.

    A worker answers an item once: of several rows of one (item, worker) the last one counts (they corrected
    themselves) and `replaced` says how many were dropped. `items`, `workers`, `labels` name the codes, or are empty.
    """

    item: Codes
    worker: Codes
    label: Codes
    n_items: int
    n_workers: int
    n_classes: int
    items: tuple[Hashable, ...] = ()
    workers: tuple[Hashable, ...] = ()
    labels: tuple[Hashable, ...] = ()
    replaced: int = 0

    @classmethod
    def from_codes(
        cls,
        item: ArrayLike,
        worker: ArrayLike,
        label: ArrayLike,
        *,
        n_items: int | None = None,
        n_workers: int | None = None,
        n_classes: int | None = None,
    ) -> Self:
        """Build from integer codes in any order; sizes default to the highest code + 1.

        Raises Invalid for columns of unlike length, non-integers, and codes outside 0..size-1.
        """
        columns = (_codes(item, "item"), _codes(worker, "worker"), _codes(label, "label"))
        _check_lengths(*columns)
        sizes = (
            _size(columns[0], n_items, "item"),
            _size(columns[1], n_workers, "worker"),
            _size(columns[2], n_classes, "label"),
        )
        if sizes[2] < 1:
            raise Invalid("there is no label: give at least one answer or the labels")
        items, others, labels = _sorted_by_item(columns, sizes[0])
        kept = _last_of_each(items, others, sizes[1])
        if kept is None:
            return cls(items, others, labels, *sizes)
        return cls(items[kept], others[kept], labels[kept], *sizes, replaced=int(len(kept) - kept.sum()))

    @classmethod
    def from_columns(
        cls,
        items: Iterable[Hashable],
        workers: Iterable[Hashable],
        labels: Iterable[Hashable],
        *,
        label_names: Sequence[Hashable] | None = None,
    ) -> Self:
        """Build from columns of names. Items and workers are coded as they appear; labels in sorted order, or as in
        `label_names`, which also fixes what is allowed.

        Raises Invalid for an empty or missing value or a label that is not allowed, naming row (from 1) and column.
        """
        item, worker, label = _named(items, "item"), _named(workers, "worker"), _named(labels, "label")
        _check_lengths(item, worker, label)
        item_names, worker_names = tuple(dict.fromkeys(item)), tuple(dict.fromkeys(worker))
        class_names = tuple(label_names) if label_names is not None else _in_order(set(label))
        plain = cls.from_codes(
            _coded(item, item_names, "item"),
            _coded(worker, worker_names, "worker"),
            _coded(label, class_names, "label"),
            n_items=len(item_names),
            n_workers=len(worker_names),
            n_classes=len(class_names),
        )
        return replace(plain, items=item_names, workers=worker_names, labels=class_names)

    def __len__(self) -> int:
        return len(self.item)

    def per_item(self) -> NDArray[np.int64]:
        """How many answers each item has: n_items counts."""
        return counted(self.item, self.n_items)

    def per_worker(self) -> NDArray[np.int64]:
        """How many answers each worker gave: n_workers counts."""
        return counted(self.worker, self.n_workers)

    def starts(self) -> NDArray[np.int64]:
        """Where each item's answers begin: item i has the rows starts[i]:starts[i + 1]."""
        return np.concatenate(([0], np.cumsum(self.per_item())))

    def votes(self) -> sparse.csr_array:
        """How often each label was given to each item: a sparse n_items x n_classes matrix."""
        ones = np.ones(len(self))
        return sparse.coo_array((ones, (self.item, self.label)), shape=(self.n_items, self.n_classes)).tocsr()

    def subset(self, rows: NDArray[np.bool_]) -> Self:
        """Only the rows where `rows` is true, with the same codes and sizes."""
        columns = (self.item[rows], self.worker[rows], self.label[rows])
        sizes = (self.n_items, self.n_workers, self.n_classes)
        return type(self)(*columns, *sizes, self.items, self.workers, self.labels)

    def gold(self, truths: Mapping[Hashable, Hashable]) -> Codes:
        """Known labels by item name as n_items label codes, UNKNOWN elsewhere; items without answers are left out.

        Raises Invalid for a label that is not among `labels`.
        """
        codes = {name: code for code, name in enumerate(self.labels)}
        strange = [(item, label) for item, label in truths.items() if label not in codes]
        if strange:
            shown = [
                Problem(f"gold of {item!r}: {label!r} is not a label") for item, label in strange[:_PROBLEMS_SHOWN]
            ]
            raise Invalid(f"{len(strange)} gold labels are not in the label set; {shown[0]}", problems=shown)
        return np.array([codes[truths[i]] if i in truths else UNKNOWN for i in self.items], dtype=np.int32)


def gold_codes(gold: ArrayLike | None, answers: Answers) -> Codes:
    """Gold as n_items label codes with UNKNOWN where there is none, not to be written to.

    Raises Invalid for codes that cannot be.
    """
    if gold is None:
        return np.broadcast_to(np.int32(UNKNOWN), answers.n_items)
    codes = np.asarray(gold)
    if codes.shape != (answers.n_items,) or codes.dtype.kind not in "iu":
        raise Invalid(f"gold must be {answers.n_items} label codes, -1 where unknown")
    if codes.size and (codes.min() < UNKNOWN or codes.max() >= answers.n_classes):
        raise Invalid(f"gold: codes must be within -1..{answers.n_classes - 1}")
    return codes.astype(np.int32, copy=False)


def counted(codes: Codes, size: int) -> NDArray[np.int64]:
    """How often each of `size` codes occurs; in blocks, because bincount copies its input to eight bytes a code."""
    counts = np.zeros(size, dtype=np.int64)
    for start in range(0, len(codes), _BLOCK):
        block = codes[start : start + _BLOCK]
        lowest = block.min()
        found = np.bincount(block - lowest)
        counts[lowest : lowest + len(found)] += found
    return counts


def _check_lengths(item: Sized, worker: Sized, label: Sized) -> None:
    lengths = (len(item), len(worker), len(label))
    if len(set(lengths)) > 1:
        raise Invalid(f"item, worker and label differ in length: {lengths[0]}, {lengths[1]}, {lengths[2]}")


def _codes(column: ArrayLike, name: str) -> Codes:
    codes = np.asarray(column)
    if codes.ndim != 1:
        raise Invalid(f"{name}: must be one column, not {codes.ndim} dimensions")
    if not codes.size:
        return np.zeros(0, dtype=np.int32)
    if codes.dtype.kind not in "iu":
        raise Invalid(f"{name}: codes must be integers, not {codes.dtype}")
    if codes.min() < 0 or codes.max() > np.iinfo(np.int32).max:
        row = int(np.flatnonzero((codes < 0) | (codes > np.iinfo(np.int32).max))[0])
        raise Invalid(f"{name}, row {row + 1}: code {codes[row]} is not within 0..2147483647")
    return codes.astype(np.int32, copy=False)


def _size(column: Codes, given: int | None, name: str) -> int:
    needed = int(column.max()) + 1 if column.size else 0
    if given is not None and needed > given:
        row = int(np.flatnonzero(column >= given)[0])
        raise Invalid(f"{name}, row {row + 1}: code {column[row]} is not within 0..{given - 1}")
    return needed if given is None else given


def _sorted_by_item(columns: tuple[Codes, Codes, Codes], n_items: int) -> tuple[Codes, Codes, Codes]:
    item, worker, label = columns
    if len(item) < 2 or bool((item[1:] >= item[:-1]).all()):
        return columns
    # Turning triplets into rows is a stable counting sort, several times faster than sorting.
    places = np.arange(len(item), dtype=np.int32)
    order = sparse.coo_array((places, (item, places)), shape=(n_items, len(item))).tocsr().indices
    return item[order], worker[order], label[order]


def _last_of_each(item: Codes, worker: Codes, n_workers: int) -> NDArray[np.bool_] | None:
    """A mask that keeps the last row of each (item, worker), or None where no pair occurs twice."""
    kept: NDArray[np.bool_] | None = None
    for start, stop in item_blocks(item):
        keys = (item[start:stop] - item[start]).astype(np.int64) * n_workers + worker[start:stop]
        ordered = np.sort(keys)
        if not (ordered[1:] == ordered[:-1]).any():
            continue
        kept = np.ones(len(item), dtype=np.bool_) if kept is None else kept
        order = np.argsort(keys, kind="stable")
        again = keys[order][1:] == keys[order][:-1]
        kept[start + order[:-1][again]] = False
    return kept


def item_blocks(item: Codes, size: int = _BLOCK) -> Iterator[tuple[int, int]]:
    """Row ranges of about `size` answers that cut no item in two, so that memory stays small at any length."""
    start = 0
    while start < len(item):
        stop = min(start + size, len(item))
        if stop < len(item):
            edge = int(np.searchsorted(item, item[stop], side="left"))
            stop = edge if edge > start else int(np.searchsorted(item, item[stop], side="right"))
        yield start, stop
        start = stop


def rows_at_once(n_classes: int) -> int:
    """How many rows of `n_classes` numbers to hold at a time: fewer where there are many classes."""
    return min(_BLOCK, max(_CELLS // max(n_classes, 1), 1))


def _named(column: Iterable[Hashable], name: str) -> list[Hashable]:
    values = column.tolist() if isinstance(column, np.ndarray) else list(column)
    # Only NaN differs from itself.
    gaps = [row for row, value in enumerate(values) if value is None or value == "" or value != value]  # noqa: PLR0124
    if gaps:
        problems = [Problem("empty", row=row + 1, column=name) for row in gaps[:_PROBLEMS_SHOWN]]
        raise Invalid(f"{len(gaps)} empty values in column {name}, the first in row {gaps[0] + 1}", problems=problems)
    return values


def _in_order(labels: set[Hashable]) -> tuple[Hashable, ...]:
    try:
        return tuple(sorted(labels))  # type: ignore[type-var]
    except TypeError:
        return tuple(sorted(labels, key=lambda label: (type(label).__name__, str(label))))


def _coded(column: list[Hashable], names: tuple[Hashable, ...], title: str) -> Codes:
    codes = {name: code for code, name in enumerate(names)}
    if len(codes) < len(names):
        raise Invalid(f"{title}: a name occurs twice")
    strange = [row for row, value in enumerate(column) if value not in codes]
    if strange:
        problems = [
            Problem(f"{column[row]!r} is not known", row=row + 1, column=title) for row in strange[:_PROBLEMS_SHOWN]
        ]
        raise Invalid(f"{len(strange)} values of column {title} are not known; {problems[0]}", problems=problems)
    return np.fromiter((codes[value] for value in column), dtype=np.int32, count=len(column))

"""How far answerers agree, and how much of it is more than chance.

Every figure is None where it is undefined: where no item has two answers, or (for the chance-corrected ones) where only
one label was ever used, so that nothing tells agreement from chance.

All figures but Cohen's are made of sums over items, which is how they get their intervals: items are drawn anew, with
replacement, as many as there are (B. Efron, Annals of Statistics 7 (1979) 1-26), and the middle 95 % of what the figure
then is are its interval. Items whose answers are alike are drawn together, so a million items cost no more than a few.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from broker.truth import distance
from broker.truth.answers import Answers, Codes, Floats

Level = Literal["nominal", "ordinal", "interval"]
T = TypeVar("T")
REPLICATES = 1000
LEAST_ITEMS = 5
"""Fewer items say nothing of how others would have come out: they get no interval."""
_MOST_UNITS = 10_000
_CELLS = 1 << 23
_PAIRS = 1 << 21


class Figure(NamedTuple):
    """A figure with the ends of its 95 % bootstrap interval; None where undefined, or where items are too few."""

    value: float | None
    low: float | None = None
    high: float | None = None


def agreement(answers: Answers, values: Floats | None = None, *, replicates: int = REPLICATES) -> dict[str, Figure]:
    """Percent agreement, Fleiss' kappa and Krippendorff's alpha at nominal and ordinal level, with intervals.

    With `values`, the numbers behind the labels (n_classes), also alpha at interval level.
    """
    items = _Items.of(answers, values)
    return items.figures(replicates)


def percent_agreement(answers: Answers) -> float | None:
    """The share of agreeing pairs of answers within an item, averaged over items with at least two answers."""
    return _Items.of(answers).figures(0)["percent"].value


def fleiss_kappa(answers: Answers) -> float | None:
    """Fleiss' kappa, where items may have different numbers of answers: (P - Pe) / (1 - Pe).

    P = mean over items of sum_c n_ic (n_ic - 1) / (n_i (n_i - 1)), n_ic of the item's n_i answers being c; Pe =
    sum_c p_c^2 with p_c the share of c among all these answers. Items with fewer than two answers are left out. With
    equal n_i this is J. L. Fleiss, Psychological Bulletin 76 (1971) 378-382.
    """
    return _Items.of(answers).figures(0)["fleiss"].value


def krippendorff_alpha(answers: Answers, level: Level = "nominal", values: Floats | None = None) -> float | None:
    """Krippendorff's alpha, 1 - Do / De, over items with at least two answers.

    With n_ic of the n_i answers of item i being c, n_c = sum_i n_ic, n = sum_c n_c and distance d_ck: Do = sum_i sum_ck
    n_ic n_ik d_ck / (n_i - 1) / n, De = sum_ck n_c n_k d_ck / (n (n - 1)). `values` (n_classes) are the numbers behind
    the labels at interval level, by default their codes; at ordinal level the codes are the order, and the distance of
    two ranks is the squared number of answers between their midpoints. K. Krippendorff, Content Analysis, 2004, chapter
    11. Squared distances need no matrix: sum_ck n_c n_k (v_c - v_k)^2 = 2 n sum n_c v_c^2 - 2 (sum n_c v_c)^2.
    """
    if level == "interval" and values is None:
        values = np.arange(answers.n_classes, dtype=np.float64)
    return _Items.of(answers, values).figures(0)[f"alpha-{level}"].value


def alpha_by_likeness(
    units: Sequence[Sequence[T]],
    likeness: distance.Likeness[T],
    comparisons: int | None = None,
    *,
    replicates: int = REPLICATES,
) -> Figure:
    """Krippendorff's alpha over a kind's own distance, 1 - likeness, of units: the answers of one item each.

    In its interval the expected distance is kept as it is, as in A. F. Hayes and K. Krippendorff, Communication Methods
    and Measures 1 (2007) 77-89: comparing all answers anew for each replicate would cost far more and move it little.
    """
    spread = distance.spread(units, likeness, comparisons or distance.COMPARISONS)
    if spread is None:
        return Figure(None)
    within, given = np.array(spread.within), np.array(spread.given, dtype=np.float64)
    value = 1.0 - float(within.sum() / given.sum()) / spread.expected
    if len(given) < LEAST_ITEMS or not replicates:
        return Figure(value)
    sums = np.concatenate(list(_drawn(_grouped(np.stack([within, given], axis=1)), None, replicates)))
    return _figure(value, 1.0 - sums[:, 0] / sums[:, 1] / spread.expected)


def cohen_kappa(first: Codes, second: Codes, n_classes: int) -> float | None:
    """Cohen's kappa of two answerers' labels of the same items: (po - pe) / (1 - pe).

    po = share of equal labels, pe = sum_c of the product of both shares of c. J. Cohen, Educational and Psychological
    Measurement 20 (1960) 37-46.
    """
    return cohen(first, second, n_classes, replicates=0).value


def cohen(first: Codes, second: Codes, n_classes: int, *, replicates: int = REPLICATES) -> Figure:
    """Cohen's kappa with its interval."""
    if not len(first):
        return Figure(None)
    cells, many = np.unique(first.astype(np.int64) * n_classes + second, return_counts=True)
    rows, columns = np.divmod(cells, n_classes)
    value = _kappas(many[None], rows, columns)[0]
    if len(first) < LEAST_ITEMS or not replicates:
        return Figure(None if np.isnan(value) else float(value))
    draws = np.random.default_rng(1).multinomial(len(first), many / many.sum(), size=replicates)
    return _figure(float(value), _kappas(draws, rows, columns))


def cohen_between(answers: Answers, worker: int, other: int, *, replicates: int = REPLICATES) -> tuple[int, Figure]:
    """How many items both workers answered, and Cohen's kappa over them."""
    rows = [np.flatnonzero(answers.worker == one) for one in (worker, other)]
    _, first, second = np.intersect1d(answers.item[rows[0]], answers.item[rows[1]], return_indices=True)
    labels = answers.label[rows[0][first]], answers.label[rows[1][second]]
    return len(first), cohen(*labels, answers.n_classes, replicates=replicates)


def busiest_pairs(answers: Answers, most: int) -> list[tuple[int, int]]:
    """The pairs of workers with the most items in common, the most first; those with none are left out."""
    ones = np.ones(len(answers), dtype=np.int32)
    shape = (answers.n_items, answers.n_workers)
    met = sparse.coo_array((ones, (answers.item, answers.worker)), shape=shape).tocsc()
    given, best = answers.per_worker(), np.zeros((3, 0), dtype=np.int64)
    # An item that all have answered has a pair for every two workers: not all of them at a time.
    cost = np.cumsum(np.bincount(answers.worker, answers.per_item()[answers.item], answers.n_workers))
    for block in np.split(np.arange(answers.n_workers), np.flatnonzero(np.diff(cost // _PAIRS)) + 1):
        # Of equal pairs the first ones count, so that later ones need more items in common than the last of the best.
        enough = best[0, most - 1] if 0 < most <= best.shape[1] else 0
        first, second = block[given[block] > enough], np.flatnonzero(given > enough)
        together = (met[:, first].T @ met[:, second]).tocoo()
        found = np.stack([together.data, first[together.coords[0]], second[together.coords[1]]])
        best = np.concatenate([best, found[:, found[1] < found[2]]], axis=1)
        best = best[:, np.lexsort((best[2], best[1], -best[0]))[:most]]
    return list(zip(best[1].tolist(), best[2].tolist(), strict=True))


def _kappas(many: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    """Kappa of each row of counts of the cells (rows, columns) of a joint table; NaN where undefined."""
    share = many / many.sum(axis=1, keepdims=True)
    observed = share[:, rows == columns].sum(axis=1)
    used, at = np.unique(np.concatenate([rows, columns]), return_inverse=True)
    one, other = (np.eye(len(used))[place] for place in (at[: len(rows)], at[len(rows) :]))
    return _beyond_chance(observed, ((share @ one) * (share @ other)).sum(axis=1))


def _beyond_chance(observed: Floats, expected: Floats) -> Floats:
    # Shares of a single label may sum to 1 only within rounding.
    defined = expected < 1.0 - 1e-12
    kappa: Floats = np.where(defined, (observed - expected) / np.where(defined, 1.0 - expected, 1.0), np.nan)
    return kappa


def _figure(value: float, replicates: Floats) -> Figure:
    if np.isnan(value):
        return Figure(None)
    told = replicates[~np.isnan(replicates)]
    if not len(told):
        return Figure(value)
    low, high = np.percentile(told, [2.5, 97.5]).tolist()
    return Figure(value, low, high)


class _Units(NamedTuple):
    """What is drawn anew: rows of sums over items, how many there are of each, and their votes."""

    sums: Floats
    many: NDArray[np.int64]
    votes: sparse.csr_array | None = None


def _grouped(sums: Floats, votes: sparse.csr_array | None = None) -> _Units:
    """Alike rows once; if still too many are left, rows at random in groups, which are drawn in their place."""
    if votes is None:
        marks = sums @ np.random.default_rng(2).normal(size=sums.shape[1])
    else:
        # Vote counts are small integers: the sum with random weights is the same only for the same counts.
        marks = votes @ np.random.default_rng(2).normal(size=votes.shape[1])
    _, first, many = np.unique(marks, return_index=True, return_counts=True)
    if len(first) <= _MOST_UNITS:
        return _Units(sums[first], many, None if votes is None else votes[first])
    group = np.random.default_rng(3).permutation(len(sums)) % _MOST_UNITS
    members = sparse.coo_array((np.ones(len(sums)), (group, np.arange(len(sums))))).tocsr()
    return _Units(members @ sums, np.ones(_MOST_UNITS, np.int64), None if votes is None else members @ votes)


def _drawn(units: _Units, squares: int | None, replicates: int) -> Iterator[Floats]:
    """Sums over items drawn anew, some replicates at a time; `squares` is the column that gets sum_c n_c^2."""
    dice = np.random.default_rng(1)
    widest = max(len(units.many), 0 if units.votes is None else units.votes.shape[1])
    size = max(_CELLS // widest, 1)
    total = int(units.many.sum())
    for start in range(0, replicates, size):
        draws = dice.multinomial(total, units.many / total, size=min(size, replicates - start)).astype(np.float64)
        sums: Floats = draws @ units.sums
        if squares is not None and units.votes is not None:
            sums[:, squares] = ((draws @ units.votes) ** 2).sum(axis=1)
        yield sums


_COLUMNS = ("items", "agreeing", "given", "squares", "nominal")
_AT = {name: place for place, name in enumerate(_COLUMNS)}


@dataclass(frozen=True, eq=False)
class _Items:
    """Items with at least two answers: `sums` has a row for each and `_COLUMNS`, then three more per scale.

    A scale's three are the item's sum of squared distances over n_i - 1, and the first two moments of its values.
    """

    sums: Floats
    votes: sparse.csr_array
    scales: tuple[str, ...]

    @classmethod
    def of(cls, answers: Answers, values: Floats | None = None) -> "_Items":
        several = np.flatnonzero(answers.per_item() >= 2)
        votes = answers.votes()[several]
        given = answers.per_item()[several].astype(np.float64)
        squares = np.asarray(votes.multiply(votes).sum(axis=1)).ravel()
        columns = [np.ones(len(given)), (squares - given) / (given * (given - 1)), given, np.zeros(len(given))]
        columns.append((given**2 - squares) / (given - 1))
        totals = np.asarray(votes.sum(axis=0)).ravel()
        scales = {"ordinal": np.cumsum(totals) - totals / 2}
        if values is not None:
            scales["interval"] = np.asarray(values, dtype=np.float64)
        for places in scales.values():
            centred = _centred(places, totals)
            first, second = votes @ centred, votes @ centred**2
            columns += [2 * (given * second - first**2) / (given - 1), first, second]
        return cls(np.stack(columns, axis=1), votes, tuple(scales))

    def figures(self, replicates: int) -> dict[str, Figure]:
        if not len(self.sums):
            return {name: Figure(None) for name in ("percent", "fleiss", "alpha-nominal", *self._alphas())}
        whole = self.sums.sum(axis=0, keepdims=True)
        whole[:, _AT["squares"]] = float((np.asarray(self.votes.sum(axis=0)) ** 2).sum())
        values = self._of(whole)
        if len(self.sums) < LEAST_ITEMS or not replicates:
            return {name: _figure(float(value[0]), np.zeros(0)) for name, value in values.items()}
        drawn = np.concatenate(list(_drawn(_grouped(self.sums, self.votes), _AT["squares"], replicates)))
        again = self._of(drawn)
        return {name: _figure(float(value[0]), again[name]) for name, value in values.items()}

    def _alphas(self) -> tuple[str, ...]:
        return tuple(f"alpha-{scale}" for scale in self.scales)

    def _of(self, sums: Floats) -> Mapping[str, Floats]:
        """Each figure for each row of sums; NaN where undefined."""
        items, agreeing, given, squares, nominal = (sums[:, place] for place in range(len(_COLUMNS)))
        percent = agreeing / items
        found = {"percent": percent, "fleiss": _beyond_chance(percent, squares / given**2)}
        found["alpha-nominal"] = _alpha(given, nominal, given**2 - squares)
        for place, name in enumerate(self._alphas()):
            within, first, second = (sums[:, len(_COLUMNS) + 3 * place + column] for column in range(3))
            found[name] = _alpha(given, within, 2 * (given * second - first**2))
        return found


def _centred(places: Floats, totals: Floats) -> Floats:
    """Values about their mean, in units of their range: alpha stays the same, differences of moments lose fewer digits,
    and neither tiny values pass for rounding errors nor huge ones for infinite. `totals` says how often each was given.
    """
    used = totals > 0
    if not used.any():
        return np.zeros(len(places))
    # Halved, because the range of two numbers may be larger than any number.
    low, high = places[used].min() / 2, places[used].max() / 2
    shares = (np.where(used, places / 2, low) - low) / ((high - low) or 1.0)
    centred: Floats = shares - (totals @ shares) / totals.sum()
    return centred


def _alpha(given: Floats, within: Floats, between: Floats) -> Floats:
    # All values being the same leaves a difference of rounding errors.
    defined = between > 1e-9 * given
    alpha: Floats = np.where(defined, 1.0 - (given - 1) * within / np.where(defined, between, 1.0), np.nan)
    return alpha

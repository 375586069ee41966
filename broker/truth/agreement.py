"""How far answerers agree, and how much of it is more than chance.

Every figure is None where it is undefined: where no item has two answers, or (for the chance-corrected ones) where only
one label was ever used, so that nothing tells agreement from chance.
"""

from typing import Literal

import numpy as np
from scipy import sparse

from broker.truth.answers import Answers, Codes, Floats

Level = Literal["nominal", "ordinal", "interval"]


def percent_agreement(answers: Answers) -> float | None:
    """The share of agreeing pairs of answers within an item, averaged over items with at least two answers."""
    votes, given = _pairable(answers)
    return float(_agreeing(votes, given).mean()) if len(given) else None


def fleiss_kappa(answers: Answers) -> float | None:
    """Fleiss' kappa, where items may have different numbers of answers: (P - Pe) / (1 - Pe).

    P = mean over items of sum_c n_ic (n_ic - 1) / (n_i (n_i - 1)), n_ic of the item's n_i answers being c; Pe =
    sum_c p_c^2 with p_c the share of c among all these answers. Items with fewer than two answers are left out. With
    equal n_i this is J. L. Fleiss, Psychological Bulletin 76 (1971) 378-382.
    """
    votes, given = _pairable(answers)
    if not len(given):
        return None
    shares = votes.sum(axis=0) / given.sum()
    return _beyond_chance(float(_agreeing(votes, given).mean()), float((shares**2).sum()))


def cohen_kappa(first: Codes, second: Codes, n_classes: int) -> float | None:
    """Cohen's kappa of two answerers' labels of the same items: (po - pe) / (1 - pe).

    po = share of equal labels, pe = sum_c of the product of both shares of c. J. Cohen, Educational and Psychological
    Measurement 20 (1960) 37-46.
    """
    if not len(first):
        return None
    observed = float((first == second).mean())
    shares = [np.bincount(labels, minlength=n_classes) / len(labels) for labels in (first, second)]
    return _beyond_chance(observed, float(shares[0] @ shares[1]))


def cohen_between(answers: Answers, worker: int, other: int) -> float | None:
    """Cohen's kappa of two workers over the items both answered."""
    labels = [
        dict(zip(answers.item[of].tolist(), answers.label[of].tolist(), strict=True))
        for of in (answers.worker == worker, answers.worker == other)
    ]
    shared = sorted(labels[0].keys() & labels[1].keys())
    first, second = (np.array([mine[item] for item in shared], dtype=np.int32) for mine in labels)
    return cohen_kappa(first, second, answers.n_classes)


def krippendorff_alpha(answers: Answers, level: Level = "nominal", values: Floats | None = None) -> float | None:
    """Krippendorff's alpha, 1 - Do / De, over items with at least two answers.

    With o_ck = sum_i n_ic (n_ik - [c = k]) / (n_i - 1), n_c = sum_k o_ck, n = sum_c n_c and distance d_ck: Do =
    sum o_ck d_ck / n, De = sum n_c n_k d_ck / (n (n - 1)), less the answers paired with themselves, whose d is 0.
    `values` (n_classes) are the numbers behind the labels at interval level, by default their codes; at ordinal level
    the codes are the order. K. Krippendorff, Content Analysis, 2004, chapter 11.
    """
    votes, given = _pairable(answers)
    if not len(given):
        return None
    weights = sparse.diags_array(1.0 / (given - 1))
    pairs = (votes.T @ weights @ votes).toarray()
    totals = np.asarray(votes.sum(axis=0))
    np.fill_diagonal(pairs, 0.0)
    distances = _distances(level, totals, values)
    expected = float(totals @ distances @ totals)
    return 1.0 - float((totals.sum() - 1) * (pairs * distances).sum()) / expected if expected > 0 else None


def _pairable(answers: Answers) -> tuple[sparse.csr_array, Floats]:
    given = answers.per_item()
    several = given >= 2
    return answers.votes()[np.flatnonzero(several)], given[several].astype(np.float64)


def _agreeing(votes: sparse.csr_array, given: Floats) -> Floats:
    squares = np.asarray(votes.multiply(votes).sum(axis=1)).ravel()
    share: Floats = (squares - given) / (given * (given - 1))
    return share


def _beyond_chance(observed: float, expected: float) -> float | None:
    # Shares of a single label may sum to 1 only within rounding.
    return (observed - expected) / (1.0 - expected) if expected < 1.0 - 1e-12 else None


def _distances(level: Level, totals: Floats, values: Floats | None) -> Floats:
    if level == "nominal":
        return 1.0 - np.eye(len(totals))
    if level == "ordinal":
        # The distance of two ranks is the number of answers between their midpoints.
        places = np.cumsum(totals) - totals / 2
    else:
        places = np.arange(len(totals), dtype=np.float64) if values is None else values
    squares: Floats = (places[:, None] - places[None, :]) ** 2
    return squares

"""Dawid-Skene by expectation maximisation on integer codes: who is right, and how each worker errs.

A. P. Dawid and A. M. Skene, Journal of the Royal Statistical Society C 28 (1979) 20-28. Item i has the truth c with
probability p_c, and worker w then answers l with probability E_w[l, c], independently of all else. The E step is
q_i[c] ~ p_c prod E_w[l, c] over the item's answers; the M step is p = mean of q, and E from the expected counts
S_w[l, c] = sum of q_i[c] over the worker's answers l. Vote shares are the first q.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from broker.errors import Invalid
from broker.truth import tables
from broker.truth.answers import UNKNOWN, Answers, Codes, Floats, gold_codes
from broker.truth.consensus import LEAST_PROBABILITY, Confusions, Consensus, most_probable
from broker.truth.layout import Block, Layout
from broker.truth.votes import clamp

Mode = Literal["hierarchical", "smoothed", "likelihood", "one-coin"]
MODES: dict[Mode, tables.Form] = {
    "hierarchical": tables.hierarchical(),
    "smoothed": tables.smoothed(),
    "likelihood": tables.likelihood,
    "one-coin": tables.one_coin,
}
_NAMES = {"hierarchical": "dawid-skene", "likelihood": "dawid-skene-ml", "one-coin": "one-coin"}
_LEAST_EXPONENT = -700.0


def dawid_skene(
    answers: Answers,
    gold: ArrayLike | None = None,
    *,
    mode: Mode = "hierarchical",
    initial_counts: Floats | None = None,
    most_iterations: int = 100,
    tolerance: float = 1e-5,
) -> Consensus:
    """Find labels, class shares and confusion tables. Gold items keep their truth and teach the workers' tables.

    It stops as crowd-kit does: when the loss, sum S (log E + log p) + entropy of q, divided by the number of answers,
    grows by less than `tolerance`. (The loss counts p once per answer, not once per item, so it is no true bound; on
    real answers running on makes the labels worse, not better.) In mode "likelihood" all is as in crowd-kit to 1e-8.
    `initial_counts` (n_workers x n_classes answered x n_classes truth) are past counts added to the first tables only.
    Raises Invalid for gold or counts that cannot be.
    """
    truths = gold_codes(gold, answers)
    past = None if initial_counts is None else _checked(initial_counts, answers)
    layout = Layout.of(answers, truths)
    fit = _Fit(layout, MODES[mode])
    fit.begin(None if past is None else past[:, layout.label][:, :, layout.label])
    losses: list[float] = []
    while len(losses) < most_iterations and len(answers):
        losses.append(fit.step())
        if len(losses) > 1 and losses[-1] - losses[-2] < tolerance:
            break
    return _consensus(_NAMES.get(mode, f"dawid-skene-{mode}"), answers, truths, fit, tuple(losses))


def _checked(counts: Floats, answers: Answers) -> Floats:
    wanted = (answers.n_workers, answers.n_classes, answers.n_classes)
    if counts.shape != wanted or not np.isfinite(counts).all() or (counts < 0).any():
        raise Invalid(f"initial counts must be {wanted[0]} x {wanted[1]} x {wanted[2]} numbers of at least 0")
    return np.asarray(counts, dtype=np.float64)


@dataclass(eq=False)
class _Fit:
    """The state of one run: the posterior, what was last summed from it, and the table that follows, as logarithms.

    With many workers a table of pairs is large. There are two between steps, and a third while a block is summed.
    """

    layout: Layout
    form: tables.Form

    def begin(self, past: Floats | None) -> None:
        """Start from vote shares."""
        own = np.eye(self.layout.size[1])[self.layout.pair_label]
        self.posterior = np.empty(self.layout.size)
        self._reset()
        for block in self.layout.blocks:
            shares = self.posterior[block.rows]
            np.divide(block.by_item @ own, block.given()[:, None], out=shares)
            self._add(block, shares)
        del own
        self._tabulate(self.form if past is None else partial(tables.assigned, past=past))

    def step(self) -> float:
        """One E step and one M step; the loss after them."""
        logs, shares = self.logs, np.log(np.maximum(self.priors, LEAST_PROBABILITY))
        # Where no product can underflow, the usual shift by the largest term (slow on short rows) is not needed.
        lowest = float(logs.min(initial=0.0)) * self.layout.most_answers + float(shares.min())
        self._reset()
        entropy = sum(self._expect(block, logs, shares, shift=lowest < _LEAST_EXPONENT) for block in self.layout.blocks)
        # The entropy of a softmax is the mean of log Z less the mean exponent: no logarithm of the posterior is needed.
        entropy -= _product(self.counts, logs) + float(self.sums @ shares)
        del logs, self.logs
        self._tabulate(self.form)
        shares = np.log(np.maximum(self.priors, LEAST_PROBABILITY))
        joint = _product(self.counts, self.logs) + float(self.counts.sum(axis=0) @ shares)
        return (joint + entropy) / self.layout.n_answers

    def _expect(self, block: Block, logs: Floats, shares: Floats, *, shift: bool) -> float:
        """The block's posteriors; returns sum log Z, where gold counts as the exponent of its truth: no entropy."""
        exponents = block.by_item @ logs
        exponents += shares
        highest = exponents.max(axis=1) if shift else None
        if highest is not None:
            exponents -= highest[:, None]
        certain = float(exponents[block.gold, block.truth].sum())
        found = self.posterior[block.rows]
        np.exp(exponents, out=found)
        sums = np.einsum("ij->i", found)
        found *= np.repeat(1.0 / sums, found.shape[1]).reshape(found.shape)
        sums[block.gold] = 1.0
        self._add(block, found)
        return float(np.log(sums).sum()) + certain + (0.0 if highest is None else float(highest.sum()))

    def _reset(self) -> None:
        self.counts = np.zeros((len(self.layout.pair_label), self.layout.size[1]))
        self.sums = np.zeros(self.layout.size[1])

    def _add(self, block: Block, posterior: Floats) -> None:
        posterior[block.gold] = 0.0
        posterior[block.gold, block.truth] = 1.0
        self.counts += block.by_pair @ posterior
        self.sums += np.einsum("ij->j", posterior)

    def _tabulate(self, form: tables.Form) -> None:
        self.priors = self.sums / max(self.layout.size[0], 1)
        chances, self.pseudo = form(self.layout, self.counts)
        self.logs = np.log(chances, out=chances)


def _product(one: Floats, other: Floats) -> float:
    """The sum of the products; not vdot, whose threads wait at full speed for work that is not there."""
    return float(np.einsum("ij,ij->", one, other))


def _consensus(model: str, answers: Answers, truths: Codes, fit: _Fit, losses: tuple[float, ...]) -> Consensus:
    layout = fit.layout
    posterior = _widened(fit.posterior, layout, answers)
    answered = layout.answered
    priors = np.zeros(answers.n_classes)
    priors[layout.label] = fit.priors
    if not answered.any():
        priors[:] = 1.0 / answers.n_classes
    posterior[~answered] = priors
    clamp(posterior, np.where(answered, UNKNOWN, truths))
    labels = most_probable(posterior, answered | (truths != UNKNOWN))
    skill = np.full(answers.n_workers, 1.0 / answers.n_classes)
    skill[layout.pair_worker[layout.firsts]] = tables.accuracies(layout, fit.counts)
    return Consensus(model, labels, posterior, priors, skill, _confusions(fit, answers.n_classes), len(losses), losses)


def _widened(posterior: Floats, layout: Layout, answers: Answers) -> Floats:
    """With a row for every item and a column for every class; the same array where none is missing."""
    if layout.size == (answers.n_items, answers.n_classes):
        return posterior
    whole = np.zeros((answers.n_items, answers.n_classes))
    whole[np.ix_(layout.answered, layout.label)] = posterior
    return whole


def _confusions(fit: _Fit, n_classes: int) -> Confusions:
    layout = fit.layout
    counts, chances = (_wide(rows, layout, n_classes) for rows in (fit.counts, np.exp(fit.logs, out=fit.logs)))
    pseudo = np.zeros((n_classes, n_classes))
    pseudo[np.ix_(layout.label, layout.label)] = fit.pseudo
    return Confusions(layout.pair_worker, layout.label[layout.pair_label].astype(np.int32), counts, chances, pseudo)


def _wide(rows: Floats, layout: Layout, n_classes: int) -> Floats:
    if rows.shape[1] == n_classes:
        return rows
    whole = np.zeros((len(rows), n_classes))
    whole[:, layout.label] = rows
    return whole

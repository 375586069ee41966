"""Who knows nothing: workers whose answers do not depend on the truth, and those who mean other labels than they say.

All of it compares a worker's answers with what gold and the other workers say of the same items, without the worker's
own answer (q). Answers to items that nobody else answered are left out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from broker.truth.answers import UNKNOWN, Answers, Codes, Floats, gold_codes
from broker.truth.consensus import LEAST_PROBABILITY, Confusions, Consensus
from broker.truth.tables import symmetric
from broker.truth.trust import references

USELESS = 0.1
"""Who knows at most this share of the answers, and guesses the rest, knows nothing of use."""
_GRID = np.linspace(0.0, 1.0, 51)
_ROUNDS = 200
_PSEUDO_ANSWERS = 2.0
_STACK = 1 << 22


@dataclass(frozen=True, eq=False, slots=True)
class Knowledge:
    """One value per worker.

    `compared`: answers to items that somebody else answered or whose truth is known. `known`: the share of answers
    that the worker knows rather than guesses (posterior mean), `useless`: the probability that it is at most `USELESS`.
    `independence`: the p-value of the hypothesis that answers and truths are independent. `score`: see `spammer_score`.
    `top`: the label given most often, `top_given` how often, `top_expected` how often this crowd would have given it to
    the same items, `constancy` the p-value of giving it so often. `renamed`: Cohen's kappa with the truths if the
    worker's labels were renamed in the best way.
    """

    compared: Floats
    known: Floats
    useless: Floats
    independence: Floats
    score: Floats
    top: Codes
    top_given: Floats
    top_expected: Floats
    constancy: Floats
    renamed: Floats


def knowledge(answers: Answers, consensus: Consensus, gold: ArrayLike | None = None) -> Knowledge:
    """Tell those who know from those who guess.

    A worker knows the answer with probability eta, else draws a label from habits of their own (the model of MACE: D.
    Hovy et al., NAACL 2013, 1120-1130): P(l | q) = eta q[l] + (1 - eta) h[l], with h the shares of the worker's labels,
    this answer left out. The prior over eta is the crowd's own: the mixture over a grid that makes all answers most
    likely (J. Kiefer and J. Wolfowitz, Annals of Mathematical Statistics 27 (1956) 887-906), found by EM, with one more
    worker spread evenly over the grid, so that a small crowd is not taken for the world.
    """
    truths = gold_codes(gold, answers)
    usable = comparable(answers, truths)
    heard = learned(answers, consensus, truths, usable)
    compared = np.bincount(answers.worker[usable], minlength=answers.n_workers).astype(np.float64)
    shares = _posterior(_log_likelihoods(answers, consensus, truths, usable, compared))
    useless = shares[:, _GRID <= USELESS + 1e-9].sum(axis=1)
    top, given, expected, constancy = _constancy(answers, heard, usable, compared)
    return Knowledge(
        compared=compared,
        known=shares @ _GRID,
        useless=useless,
        independence=_independence(heard, answers.n_workers),
        score=spammer_score(consensus.confusions or heard, answers.n_workers),
        top=top,
        top_given=given,
        top_expected=expected,
        constancy=constancy,
        renamed=_renamed(heard, useless),
    )


def comparable(answers: Answers, truths: Codes) -> NDArray[np.bool_]:
    """The rows of items that have gold or several answers."""
    rows: NDArray[np.bool_] = (answers.per_item() >= 2)[answers.item] | (truths[answers.item] != UNKNOWN)
    return rows


def learned(answers: Answers, consensus: Consensus, truths: Codes, usable: NDArray[np.bool_]) -> Confusions:
    """Confusion tables from what the others say: counts[w, l, c] = sum of q[c] over the worker's answers l."""
    n_classes = answers.n_classes
    keys = answers.worker.astype(np.int64) * n_classes + answers.label
    pairs = np.unique(keys[usable])
    counts = np.zeros((len(pairs), n_classes))
    for block, others in references(answers, consensus, truths):
        rows = usable[block]
        place = np.searchsorted(pairs, keys[block][rows])
        for c in range(n_classes):
            counts[:, c] += np.bincount(place, weights=others[rows, c], minlength=len(pairs))
    worker, label = (part.astype(np.int32) for part in np.divmod(pairs, n_classes))
    pseudo = _PSEUDO_ANSWERS * symmetric(n_classes)
    column = np.stack([np.bincount(worker, counts[:, c], answers.n_workers) for c in range(n_classes)], axis=1)
    table = (counts + pseudo[label]) / (column + pseudo.sum(axis=0))[worker]
    return Confusions(worker, label, counts, table, pseudo)


def spammer_score(confusions: Confusions, n_workers: int) -> Floats:
    """How much answers tell of truths, per worker: 0 for a spammer, whatever their habits, 1 for a perfect worker.

    S = 1 / (K (K - 1)) sum_c<c' sum_k (A[c, k] - A[c', k])^2 with A[c, k] = P(label k | truth c) of K classes. V. C.
    Raykar and S. Yu, Journal of Machine Learning Research 13 (2012) 491-518. Who swaps labels scores high as well.
    """
    n_classes = confusions.pseudo.shape[0]
    scores = np.zeros(n_workers)
    if n_classes < 2:
        return scores
    size = max(_STACK // n_classes**2, 1)
    for start in range(0, n_workers, size):
        some = confusions.stack(np.arange(start, min(start + size, n_workers)))
        # sum over pairs c < c' of (a - b)^2 = K sum a^2 - (sum a)^2, for each answered label k.
        spread = n_classes * (some**2).sum(axis=(1, 2)) - (some.sum(axis=2) ** 2).sum(axis=1)
        scores[start : start + size] = spread / (n_classes * (n_classes - 1))
    return scores


def _log_likelihoods(
    answers: Answers, consensus: Consensus, truths: Codes, usable: NDArray[np.bool_], compared: Floats
) -> Floats:
    """The logarithm of P(answers | eta): workers x grid."""
    own = np.bincount(
        answers.worker[usable].astype(np.int64) * answers.n_classes + answers.label[usable],
        minlength=answers.n_workers * answers.n_classes,
    ).reshape(answers.n_workers, answers.n_classes)
    # Laplace's rule of succession on the worker's other answers.
    habits = own / np.maximum(compared + answers.n_classes - 1, 1.0)[:, None]
    logs = np.zeros((answers.n_workers, len(_GRID)))
    for block, others in references(answers, consensus, truths):
        rows = np.flatnonzero(usable[block])
        worker, label = answers.worker[block][rows], answers.label[block][rows]
        told, guessed = others[rows, label], habits[worker, label]
        for place, eta in enumerate(_GRID):
            chance = np.maximum(eta * told + (1.0 - eta) * guessed, LEAST_PROBABILITY)
            logs[:, place] += np.bincount(worker, weights=np.log(chance), minlength=answers.n_workers)
    return logs


def _posterior(logs: Floats) -> Floats:
    """The posterior over the grid, a row per worker, with the crowd's own mixture as the prior."""
    likelihoods = np.exp(logs - logs.max(axis=1, keepdims=True))
    mixture = np.full(len(_GRID), 1.0 / len(_GRID))
    for _ in range(_ROUNDS):
        shares = likelihoods * mixture
        shares /= shares.sum(axis=1, keepdims=True)
        mixture = (shares.sum(axis=0) + 1.0 / len(_GRID)) / (len(shares) + 1.0)
    shares = likelihoods * mixture
    posterior: Floats = shares / shares.sum(axis=1, keepdims=True)
    return posterior


def _independence(heard: Confusions, n_workers: int) -> Floats:
    """The G-test of answer x reference: G = 2 sum N log(N n / (row column)), chi-squared of (rows - 1)(K - 1)."""
    n_classes = heard.counts.shape[1]
    column = np.stack([np.bincount(heard.worker, heard.counts[:, c], n_workers) for c in range(n_classes)], axis=1)
    total = column.sum(axis=1)
    row = heard.counts.sum(axis=1, keepdims=True)
    expected = row * column[heard.worker] / np.maximum(total[heard.worker, None], LEAST_PROBABILITY)
    terms = special.xlogy(heard.counts, heard.counts / np.maximum(expected, LEAST_PROBABILITY)).sum(axis=1)
    statistic = 2.0 * np.bincount(heard.worker, terms, n_workers)
    freedom = (np.bincount(heard.worker, minlength=n_workers) - 1) * (n_classes - 1)
    p: Floats = np.where(freedom > 0, special.chdtrc(np.maximum(freedom, 1), np.maximum(statistic, 0.0)), 1.0)
    return p


def _renamed(heard: Confusions, useless: Floats) -> Floats:
    """Kappa under the best renaming of labels, for the workers who are more likely useless than not; else 0."""
    kappa = np.zeros(len(useless))
    n_classes = heard.counts.shape[1]
    for worker in np.flatnonzero(useless >= 0.5).tolist():
        mine = slice(*np.searchsorted(heard.worker, [worker, worker + 1]))
        joint = np.zeros((n_classes, n_classes))
        joint[heard.label[mine]] = heard.counts[mine]
        joint /= max(float(joint.sum()), LEAST_PROBABILITY)
        said, meant = optimize.linear_sum_assignment(joint, maximize=True)
        chance = float(joint.sum(axis=1)[said] @ joint.sum(axis=0)[meant])
        kappa[worker] = (float(joint[said, meant].sum()) - chance) / max(1.0 - chance, LEAST_PROBABILITY)
    return kappa


def _constancy(
    answers: Answers, heard: Confusions, usable: NDArray[np.bool_], compared: Floats
) -> tuple[Codes, Floats, Floats, Floats]:
    """The top label, how often it was given and expected, and the chance of at least so often.

    Expected of an item is sum_c q[c] B[l, c] with B the crowd's pooled confusion. The number of successes in unlike
    trials has no heavier tail than the binomial of their mean (W. Hoeffding, Annals of Mathematical Statistics 27
    (1956) 713-721, theorem 5), and the label was chosen among K.
    """
    n_classes, n_workers = answers.n_classes, answers.n_workers
    pooled = np.stack([np.bincount(heard.label, heard.counts[:, c], n_classes) for c in range(n_classes)], axis=1)
    pooled = (pooled + 1.0 / n_classes) / (pooled.sum(axis=0) + 1.0)
    met = np.stack([np.bincount(heard.worker, heard.counts[:, c], n_workers) for c in range(n_classes)], axis=1)
    own = np.zeros((n_workers, n_classes))
    np.add.at(own, (answers.worker[usable], answers.label[usable]), 1.0)
    top = own.argmax(axis=1).astype(np.int32)
    given = own.max(axis=1)
    expected = np.einsum("wc,wc->w", met, pooled[top])
    mean = np.clip(expected / np.maximum(compared, 1.0), 0.0, 1.0)
    tail = np.where(given > 0, special.bdtrc(given - 1, compared.astype(np.int64), mean), 1.0)
    return top, given, expected, np.minimum(tail * n_classes, 1.0)

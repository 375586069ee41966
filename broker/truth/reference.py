"""The models of crowd-kit behind our interface: a second opinion, and those models we do not have ourselves.

crowd-kit, pandas and scikit-learn cost seconds and 250 MiB: they are imported when a model is run, so only errands and
the command line pay for them.
"""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from broker.errors import Invalid
from broker.truth.answers import UNKNOWN, Answers, Codes, Floats, gold_codes
from broker.truth.consensus import Confusions, Consensus, agreement_with, most_probable
from broker.truth.votes import clamp, mean_posterior

if TYPE_CHECKING:
    import pandas as pd

MODELS = {
    "crowdkit-dawid-skene": "DawidSkene",
    "crowdkit-one-coin": "OneCoinDawidSkene",
    "wawa": "Wawa",
    "zero-based-skill": "ZeroBasedSkill",
    "glad": "GLAD",
    "mace": "MACE",
}
"""Our names of crowd-kit's classes. MACE runs once: its restarts repeat the same seed."""


def reference(
    answers: Answers,
    model: str,
    gold: ArrayLike | None = None,
    *,
    initial_counts: Floats | None = None,
) -> Consensus:
    """Run crowd-kit's model. `initial_counts` (n_workers x n_classes answered x n_classes truth) are past counts
    added to the first confusion tables of Dawid-Skene.

    Raises Invalid for an unknown model, and for gold or counts with a model that has no place for them.
    """
    truths = gold_codes(gold, answers)
    _check(answers, model, truths, initial_counts)
    with warnings.catch_warnings():
        # crowd-kit calls much of what pandas 2.3 announces to remove; the versions are pinned.
        warnings.simplefilter("ignore")
        fitted, shares = _fitted(answers, model, truths, initial_counts)
        return _consensus(answers, model, fitted, shares, truths)


def _check(answers: Answers, model: str, truths: Codes, initial_counts: Floats | None) -> None:
    if model not in MODELS:
        raise Invalid(f"unknown model {model!r}: choose one of {', '.join(MODELS)}")
    if not len(answers):
        raise Invalid(f"{model}: there are no answers")
    if model != "crowdkit-dawid-skene" and (initial_counts is not None or (truths != UNKNOWN).any()):
        raise Invalid(f"{model}: gold and initial counts are for crowdkit-dawid-skene only")


def _fitted(answers: Answers, model: str, truths: Codes, initial_counts: Floats | None) -> tuple[Any, "pd.DataFrame"]:
    import pandas as pd  # noqa: PLC0415 -- heavy: only when called
    from crowdkit.aggregation import classification  # noqa: PLC0415 -- heavy: only when called

    make: Callable[..., Any] = getattr(classification, MODELS[model])
    data = pd.DataFrame({"task": answers.item, "worker": answers.worker, "label": answers.label})
    if model != "crowdkit-dawid-skene":
        fitted = make(n_restarts=1) if model == "mace" else make()
        return fitted, fitted.fit_predict_proba(data)
    known = np.flatnonzero(truths != UNKNOWN)
    gold = pd.Series(truths[known], index=pd.Index(known, name="task")) if known.size else None
    used = np.union1d(answers.label, truths[known])
    past = None if initial_counts is None else _initial_frame(used, initial_counts[:, used][:, :, used])
    fitted = make(initial_error_strategy="addition").fit(data, gold, past)
    return fitted, fitted.probas_


def _initial_frame(labels: Codes, counts: Floats) -> "pd.DataFrame":
    """Counts of the labels that occur: of others crowd-kit makes probabilities that are not numbers."""
    import pandas as pd  # noqa: PLC0415 -- heavy: only when called

    index = pd.MultiIndex.from_product([range(len(counts)), labels.tolist()], names=["worker", "label"])
    return pd.DataFrame(counts.reshape(-1, len(labels)), index=index, columns=labels)


def _consensus(answers: Answers, model: str, fitted: Any, shares: "pd.DataFrame", truths: Codes) -> Consensus:
    known = answers.per_item() > 0
    posterior = np.zeros((answers.n_items, answers.n_classes))
    posterior[np.ix_(shares.index.to_numpy(), shares.columns.to_numpy())] = shares.to_numpy()
    priors = mean_posterior(posterior, known)
    clamp(posterior, np.where(known, UNKNOWN, truths))
    known |= truths != UNKNOWN
    posterior[~known] = priors
    labels = most_probable(posterior, known)
    sizes = (answers.n_workers, answers.n_classes)
    skill = agreement_with(labels, answers.item, answers.worker, answers.label, sizes)
    losses = tuple(float(loss) for loss in getattr(fitted, "loss_history_", ()))
    confusions = _confusions(answers, fitted)
    return Consensus(model, labels, posterior, priors, skill, confusions, len(losses), losses)


def _confusions(answers: Answers, fitted: Any) -> Confusions | None:
    errors = getattr(fitted, "errors_", None)
    if errors is None:
        return None
    errors = errors.reindex(columns=range(answers.n_classes), fill_value=0.0).sort_index()
    worker = errors.index.get_level_values("worker").to_numpy().astype(np.int32)
    label = errors.index.get_level_values("label").to_numpy().astype(np.int32)
    table = errors.to_numpy()
    pseudo = np.zeros((answers.n_classes, answers.n_classes))
    return Confusions(worker, label, table * answers.per_worker()[worker][:, None], table, pseudo)

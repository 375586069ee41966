"""One interface for every model: against crowd-kit, against hand-made truths, and on the oddest shapes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from crowdkit.aggregation import MajorityVote
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.truth.answers import UNKNOWN, Answers
from broker.truth.models import MODELS, aggregate
from tests.truth.made import made, odd_answers, real


def frame(answers):
    return pd.DataFrame({"task": answers.item, "worker": answers.worker, "label": answers.label})


@given(odd_answers())
def test_majority_equals_crowdkit_where_there_is_no_tie(answers):
    theirs = MajorityVote().fit(frame(answers))
    ours = aggregate(answers, "majority")
    assert np.allclose(ours.posterior[np.ix_(theirs.probas_.index, theirs.probas_.columns)], theirs.probas_)
    best = ours.posterior == ours.posterior.max(axis=1, keepdims=True)
    clear = [item for item in theirs.labels_.index if best[item].sum() == 1]
    assert ours.labels[clear].tolist() == theirs.labels_.loc[clear].tolist()


def test_ties_go_to_the_lowest_code():
    answers = Answers.from_codes([0, 0, 0, 0], [0, 1, 2, 3], [2, 1, 1, 2], n_classes=4)
    assert aggregate(answers, "majority").labels.tolist() == [1]


@pytest.mark.parametrize("model", ["majority", "dawid-skene", "dawid-skene-ml", "one-coin"])
def test_the_order_of_rows_decides_no_tie(model):
    """Every worker meets every label alike, so that labels tie but for the rounding of sums."""
    for items in range(4, 12):
        item = np.repeat(np.arange(items), 4)
        worker, label = (np.tile(np.arange(4), items) + item) % 5, (np.arange(len(item)) + item) % 3
        found = aggregate(Answers.from_codes(item, worker, label, n_classes=3), model).labels
        turned = Answers.from_columns(*(column[::-1].tolist() for column in (item, worker, label)))
        again = dict(zip(turned.items, aggregate(turned, model).labels.tolist(), strict=True))
        assert [again[code] for code in range(items)] == found.tolist()


def test_majority_skill_is_the_share_of_answers_equal_to_the_label():
    answers = Answers.from_codes([0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2], [0, 0, 1, 1, 1, 1], n_workers=4)
    assert aggregate(answers, "majority").skill.tolist() == [1.0, 1.0, 0.5, 0.5]


def test_gold_decides_its_item_against_all_votes():
    answers = Answers.from_codes([0, 0, 1], [0, 1, 0], [0, 0, 1], n_items=3)
    consensus = aggregate(answers, "majority", gold=[1, UNKNOWN, UNKNOWN])
    assert consensus.labels.tolist() == [1, 1, UNKNOWN]
    assert consensus.posterior[0].tolist() == [0.0, 1.0]
    assert consensus.posterior[2].tolist() == consensus.priors.tolist()


@pytest.mark.parametrize("model", MODELS)
def test_every_model_finds_the_truth_of_a_made_crowd(model):
    crowd = made(3, accuracy=(0.6, 0.9))
    consensus = aggregate(crowd.answers, model)
    assert np.mean(consensus.labels == crowd.truth) > 0.9
    assert np.allclose(consensus.posterior.sum(axis=1), 1.0, atol=1e-6)
    assert np.corrcoef(consensus.skill, crowd.accuracy)[0, 1] > 0.6


@given(odd_answers(), st.sampled_from(["majority", "dawid-skene"]))
@settings(max_examples=50)
def test_a_consensus_is_whole_whatever_the_shape(answers, model):
    consensus = aggregate(answers, model)
    assert consensus.posterior.shape == (answers.n_items, answers.n_classes)
    assert np.allclose(consensus.posterior.sum(axis=1), 1.0)
    assert np.isfinite(consensus.posterior).all()
    assert np.allclose(consensus.priors.sum(), 1.0)
    assert ((consensus.skill >= 0) & (consensus.skill <= 1)).all()
    assert ((consensus.labels == UNKNOWN) == (answers.per_item() == 0)).all()


@given(odd_answers(), st.permutations(range(40)))
def test_majority_does_not_mind_the_order_of_answers(answers, order):
    order = [place for place in order if place < len(answers)]
    again = Answers.from_codes(
        *(answers.item[order], answers.worker[order], answers.label[order]),
        n_items=answers.n_items,
        n_workers=answers.n_workers,
        n_classes=answers.n_classes,
    )
    assert np.array_equal(aggregate(answers).posterior, aggregate(again).posterior)


def test_dawid_skene_beats_majority_on_real_birds():
    answers, truth = real("bluebird")
    majority = np.mean(aggregate(answers, "majority").labels == truth)
    assert majority == pytest.approx(0.759, abs=0.005)
    assert np.mean(aggregate(answers, "dawid-skene").labels == truth) > majority + 0.1


def test_confusion_rows_are_truths_and_sum_to_one():
    answers = Answers.from_codes([0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 0])
    confusions = aggregate(answers, "crowdkit-dawid-skene").confusions
    matrix = confusions.of(2)
    assert np.allclose(matrix.sum(axis=1), 1.0)
    assert matrix[0, 0] > 0.99
    assert np.allclose(confusions.table[(confusions.worker == 0) & (confusions.label == 1)], confusions.of(0)[:, 1])


def test_unknown_models_and_misplaced_gold_are_refused():
    answers = Answers.from_codes([0], [0], [0])
    with pytest.raises(Invalid, match="unknown model 'tarot': choose one of majority"):
        aggregate(answers, "tarot")
    with pytest.raises(Invalid, match="gold and initial counts are for"):
        aggregate(answers, "wawa", gold=[0])
    with pytest.raises(Invalid, match="there are no answers"):
        aggregate(Answers.from_columns([], [], [], label_names=["a"]), "wawa")


def test_importing_the_statistics_is_light(tmp_path):
    code = (
        "import sys, time; start = time.process_time();"
        "import broker.truth.models; spent = time.process_time() - start;"
        "heavy = {'pandas', 'sklearn', 'crowdkit', 'pyarrow'} & set(sys.modules);"
        "peak = [line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')];"
        "print(spent, *peak, *heavy)"
    )
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory of a process is read from /proc, which this system does not have")
    # The first run compiles; the best of the others says what an import costs.
    python = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    done = [subprocess.check_output([sys.executable, "-c", code], env=python, text=True) for _ in range(9)]
    seconds, kibibytes, *heavy = min(line.split() for line in done)
    assert heavy == []
    assert float(kibibytes) / 1024 < 60
    assert float(seconds) < 0.5

"""Our Dawid-Skene: in its plain form crowd-kit's to 1e-8, in its default better where workers gave few answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.errors import Invalid
from broker.truth.answers import UNKNOWN, Answers
from broker.truth.dawid_skene import MODES, dawid_skene
from broker.truth.reference import reference
from tests.truth.made import made, odd_answers, real, some_gold

REAL = ("bluebird", "dog", "face", "weather_cf", "web", "quiz_science", "zencrowd_us")


def same(ours, theirs):
    assert ours.iterations == theirs.iterations
    assert np.abs(ours.posterior - theirs.posterior).max() <= 1e-8
    assert np.abs(ours.confusions.table - theirs.confusions.table).max() <= 1e-8
    assert np.abs(ours.priors - theirs.priors).max() <= 1e-8
    highest = np.sort(ours.posterior, axis=1)
    clear = highest[:, -1] - (highest[:, -2] if highest.shape[1] > 1 else 0) > 1e-8
    assert np.array_equal(ours.labels[clear], theirs.labels[clear])


@given(odd_answers())
@settings(max_examples=40, deadline=None)
def test_plain_equals_crowdkit_on_odd_shapes(answers):
    same(dawid_skene(answers, mode="likelihood"), reference(answers, "crowdkit-dawid-skene"))


@given(odd_answers(), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_plain_equals_crowdkit_with_gold(answers, dice):
    used = sorted(set(answers.label.tolist()))
    gold = np.array([dice.choice([UNKNOWN, *used]) for _ in range(answers.n_items)], dtype=np.int32)
    same(dawid_skene(answers, gold, mode="likelihood"), reference(answers, "crowdkit-dawid-skene", gold))


def test_plain_equals_crowdkit_with_initial_counts():
    crowd = made(5, items=150, workers=12, classes=3)
    past = np.random.default_rng(1).integers(0, 9, (12, 3, 3)).astype(float)
    ours = dawid_skene(crowd.answers, mode="likelihood", initial_counts=past)
    same(ours, reference(crowd.answers, "crowdkit-dawid-skene", initial_counts=past))


@pytest.mark.parametrize("name", REAL)
def test_plain_equals_crowdkit_on_real_answers(name):
    answers, truth = real(name)
    same(dawid_skene(answers, mode="likelihood"), reference(answers, "crowdkit-dawid-skene"))
    gold = np.where(np.isin(truth, answers.label), some_gold(truth, np.random.default_rng(2)), UNKNOWN)
    same(dawid_skene(answers, gold, mode="likelihood"), reference(answers, "crowdkit-dawid-skene", gold))


def test_the_default_beats_plain_where_workers_gave_few_answers():
    crowds = [made(seed, items=300, workers=150, classes=8) for seed in range(3)]
    right = {
        mode: np.mean([np.mean(dawid_skene(one.answers, mode=mode).labels == one.truth) for one in crowds])
        for mode in ("hierarchical", "likelihood")
    }
    assert right["hierarchical"] > right["likelihood"] + 0.02


@pytest.mark.parametrize("mode", MODES)
def test_the_same_answers_give_the_same_bits(mode):
    crowd = made(4)
    first, second = (dawid_skene(crowd.answers, mode=mode) for _ in range(2))
    assert first.posterior.tobytes() == second.posterior.tobytes()


def test_an_item_without_answers_gets_the_priors():
    found = dawid_skene(Answers.from_codes([0, 0, 2], [0, 1, 0], [0, 0, 1], n_items=4))
    assert found.posterior[1].tolist() == found.priors.tolist() == found.posterior[3].tolist()
    assert found.labels[1] == UNKNOWN


def test_impossible_counts_are_refused():
    answers = Answers.from_codes([0], [0], [0])
    with pytest.raises(Invalid, match="initial counts must be 1 x 1 x 1"):
        dawid_skene(answers, initial_counts=np.zeros((2, 1, 1)))

"""Our Dawid-Skene: in its plain form crowd-kit's to 1e-8, in its default better where workers gave few answers."""

import random

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


SHAPES = {
    "one answer": ([0], [0], [0], (1, 1, 1)),
    "one worker": ([0, 1, 2, 3], [0, 0, 0, 0], [0, 1, 2, 1], (4, 1, 3)),
    "one class": ([0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0], (2, 2, 1)),
    "one class of two": ([0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 1], (2, 2, 2)),
    "all ties": ([0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1], [0, 1, 1, 0, 0, 1], (3, 2, 2)),
    "items without answers": ([1, 1, 1, 4, 4], [0, 1, 2, 0, 1], [0, 0, 1, 1, 1], (6, 3, 2)),
    "workers with one answer": ([0, 0, 0, 1, 1, 1], [0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 0, 1], (2, 6, 2)),
    "workers without answers": ([0, 0, 1], [1, 3, 3], [0, 1, 1], (2, 6, 2)),
    "a label nobody gives": ([0, 0, 1, 1], [0, 1, 0, 1], [0, 2, 2, 2], (2, 2, 4)),
    "a worker answers again": ([0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 0], (2, 2, 2)),
}


def shape(name):
    *columns, (items, workers, classes) = SHAPES[name]
    return Answers.from_codes(*columns, n_items=items, n_workers=workers, n_classes=classes)


def used_gold(answers, dice):
    """Gold on about half of the items, of labels that somebody gave (crowd-kit knows no others)."""
    used = sorted(set(answers.label.tolist()))
    return np.array([dice.choice([UNKNOWN, *used]) for _ in range(answers.n_items)], dtype=np.int32)


def past_counts(answers, dice):
    """Whole counts of earlier answers, for every worker."""
    size = (answers.n_workers, answers.n_classes, answers.n_classes)
    return np.random.default_rng(dice.randrange(10**6)).integers(0, 9, size).astype(float)


def same(ours, theirs):
    assert ours.iterations == theirs.iterations
    assert np.abs(ours.posterior - theirs.posterior).max() <= 1e-8
    if theirs.confusions is not None:
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
    gold = used_gold(answers, dice)
    same(dawid_skene(answers, gold, mode="likelihood"), reference(answers, "crowdkit-dawid-skene", gold))


@given(odd_answers(), st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=25, deadline=None)
def test_plain_equals_crowdkit_with_initial_counts(answers, dice, golden):
    gold = used_gold(answers, dice) if golden else None
    past = past_counts(answers, dice)
    ours = dawid_skene(answers, gold, mode="likelihood", initial_counts=past)
    same(ours, reference(answers, "crowdkit-dawid-skene", gold, initial_counts=past))


@pytest.mark.parametrize("golden", [False, True])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("name", SHAPES)
def test_plain_equals_crowdkit_on_each_shape_with_gold_and_initial_counts(name, counted, golden):
    answers, dice = shape(name), random.Random(name)
    gold = used_gold(answers, dice) if golden else None
    past = past_counts(answers, dice) if counted else None
    ours = dawid_skene(answers, gold, mode="likelihood", initial_counts=past)
    same(ours, reference(answers, "crowdkit-dawid-skene", gold, initial_counts=past))


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_stands_every_shape(mode, name):
    answers = shape(name)
    found = dawid_skene(answers, mode=mode)
    assert np.allclose(found.posterior.sum(axis=1), 1.0)
    assert np.isfinite(found.confusions.table).all()
    assert ((found.labels == UNKNOWN) == (answers.per_item() == 0)).all()


@given(odd_answers(min_classes=2))
@settings(max_examples=30, deadline=None)
def test_one_coin_equals_crowdkit_on_odd_shapes(answers):
    if len(set(answers.label.tolist())) > 1:  # crowd-kit divides by the number of wrong labels
        same_unless_rounding_decides(dawid_skene(answers, mode="one-coin"), reference(answers, "crowdkit-one-coin"))


@pytest.mark.parametrize("name", ["bluebird", "dog", "weather_cf"])
def test_one_coin_equals_crowdkit_on_real_answers(name):
    answers, _ = real(name)
    same_posterior(dawid_skene(answers, mode="one-coin"), reference(answers, "crowdkit-one-coin"))


def same_unless_rounding_decides(ours, theirs):
    """The same result; where the start is unstable, the same path until rounding errors that double have grown."""
    steps = min(ours.iterations, theirs.iterations)
    apart = np.abs(np.subtract(ours.losses[:steps], theirs.losses[:steps]))
    if apart.max() <= 1e-8:
        same_posterior(ours, theirs)
        return
    assert apart[:10].max() <= 1e-12
    assert (apart[1:] <= 16 * apart[:-1] + 1e-14).all()


def test_an_unstable_start_is_left_when_rounding_errors_have_grown():
    answers = Answers.from_codes([0, 0, 1], [0, 1, 0], [0, 1, 1])
    ours, theirs = dawid_skene(answers, mode="one-coin"), reference(answers, "crowdkit-one-coin")
    assert ours.iterations > 50
    same_unless_rounding_decides(ours, theirs)


def same_posterior(ours, theirs):
    assert ours.iterations == theirs.iterations
    assert np.abs(ours.posterior - theirs.posterior).max() <= 1e-8


@pytest.mark.parametrize("mode", MODES)
def test_ties_go_to_the_lowest_code(mode):
    ours = dawid_skene(Answers.from_codes([0, 0, 1, 1], [0, 1, 0, 1], [2, 1, 1, 2], n_classes=4), mode=mode)
    assert ours.labels.tolist() == [1, 1]


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

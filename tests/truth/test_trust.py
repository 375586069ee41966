"""Trust: the interval holds what it promises on crowds whose accuracy we made."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from broker.truth.answers import UNKNOWN, Answers
from broker.truth.models import aggregate
from broker.truth.trust import believe, trust, without_own_answer
from tests.truth.made import made, odd_answers, some_gold

counts = st.floats(0, 1e5)


@given(counts, counts)
def test_belief_is_a_beta_posterior(right, wrong):
    mean, low, high = believe(right, wrong)
    expected = stats.beta(right + 1, wrong + 1)
    assert 0.0 <= low <= mean <= high <= 1.0
    assert mean == pytest.approx(expected.mean())
    assert [low, high] == pytest.approx(list(expected.interval(0.95)), abs=1e-9)


def test_gold_alone_counts_as_it_is():
    answers = Answers.from_codes([0, 1, 2, 3], [0, 0, 0, 0], [0, 1, 0, 1])
    gold = np.array([0, 1, 1, UNKNOWN])
    found = trust(answers, aggregate(answers, "majority", gold), gold)
    assert (found.gold_right.tolist(), found.gold_total.tolist(), found.answered.tolist()) == ([2], [3], [4])
    assert found.compared.tolist() == [0]
    # Nobody else answered item 3: the classes' shares alone say next to nothing.
    assert found.right[0] + found.wrong[0] == pytest.approx(3.0, abs=0.3)
    assert found.mean[0] == pytest.approx(3 / 5, abs=0.05)


def test_someone_without_answers_is_anything():
    answers = Answers.from_codes([0, 0], [0, 1], [1, 1], n_workers=3)
    found = trust(answers, aggregate(answers, "majority"))
    assert [found.mean[2], found.low[2], found.high[2]] == pytest.approx([0.5, 0.025, 0.975])


def test_counts_of_agreement_leave_gold_and_lonely_items_out():
    answers = Answers.from_codes([0, 0, 1, 1, 2], [0, 1, 0, 1, 0], [1, 1, 0, 1, 0])
    gold = np.array([UNKNOWN, 1, UNKNOWN])
    found = trust(answers, aggregate(answers, "majority", gold), gold)
    assert found.agreed.tolist() == [1, 1]
    assert found.compared.tolist() == [1, 1]
    assert found.gold_right.tolist() == [0, 1]


@pytest.mark.parametrize("model", ["dawid-skene", "majority"])
def test_the_interval_covers_the_true_accuracy(model):
    covered, widths, wide = [], [], []
    for seed in range(6):
        crowd = made(seed, items=1000, workers=60, accuracy=(0.5, 0.95))
        gold = some_gold(crowd.truth, np.random.default_rng(seed), 0.05)
        consensus = aggregate(crowd.answers, model, gold)
        found = trust(crowd.answers, consensus, gold)
        covered += ((found.low <= crowd.accuracy) & (crowd.accuracy <= found.high)).tolist()
        widths += (found.high - found.low).tolist()
        _, low, high = believe(found.gold_right, found.gold_total - found.gold_right)
        wide += (high - low).tolist()
    assert np.mean(covered) >= 0.9
    assert np.mean(widths) < np.mean(wide) / 2


@given(odd_answers(min_classes=2), st.sampled_from(["majority", "dawid-skene"]))
def test_leaving_an_answer_out_gives_a_distribution(answers, model):
    none = np.full(answers.n_items, UNKNOWN)
    consensus = aggregate(answers, model)
    others = without_own_answer(answers, consensus, none, slice(0, len(answers)))
    assert np.allclose(others.sum(axis=1), 1.0)
    found = trust(answers, consensus)
    assert np.isfinite(found.mean).all()
    assert ((found.low <= found.mean) & (found.mean <= found.high)).all()
    assert (found.right + found.wrong <= found.answered + 1e-9).all()


def test_a_lone_answer_does_not_vouch_for_itself():
    answers = Answers.from_codes([0, 1, 2, 3], [0, 0, 0, 0], [0, 1, 0, 1])
    found = trust(answers, aggregate(answers, "majority"))
    assert found.high[0] - found.low[0] > 0.9


def test_random_clickers_sink_to_the_bottom():
    crowd = made(8, workers=20, accuracy=(0.75, 0.95))
    dice = np.random.default_rng(1)
    label = crowd.answers.label.copy()
    random = crowd.answers.worker < 3
    label[random] = dice.integers(4, size=random.sum())
    answers = Answers.from_codes(crowd.answers.item, crowd.answers.worker, label)
    found = trust(answers, aggregate(answers, "dawid-skene"))
    assert set(np.argsort(found.mean)[:3].tolist()) == {0, 1, 2}
    assert found.high[:3].max() < found.low[3:].max()

"""Replays and forecasts: what they ask, what they cost, and that they repeat."""

import numpy as np
import pytest

from broker.errors import Invalid
from broker.truth.answers import UNKNOWN
from broker.truth.plan import Crowd, forecast, of_pilot, usual
from broker.truth.replay import by_rule, replay, score, some_gold
from broker.truth.stopping import Rule
from tests.truth.made import made, real

CROWD = made(1, items=300, workers=60, classes=3, per_item=9)


def played(rule, seed=1, gold=None):
    found = replay(CROWD.answers, by_rule(rule), np.random.default_rng(seed), gold)
    return found, score(found, CROWD.answers, CROWD.truth, gold)


def test_a_fixed_plan_gives_every_item_its_answers():
    found, figures = played(Rule.fixed(4))
    assert set(found.answers.per_item()) == {4}
    assert figures.per_item == 4.0
    assert figures.share == pytest.approx(4 / 9)


def test_an_adaptive_plan_keeps_its_limits_and_beats_as_many_fixed_answers():
    found, adaptive = played(Rule(2, 6, 0.87))
    counts = found.answers.per_item()
    assert counts.min() >= 2
    assert counts.max() <= 6
    assert adaptive.per_item < 4
    fixed = played(Rule.fixed(round(adaptive.per_item)))[1]
    assert adaptive.accuracy > fixed.accuracy


def test_a_budget_is_kept():
    assert len(played(Rule(budget=1000))[0].answers) <= 1000


def test_gold_takes_no_more_than_its_share_and_is_not_scored():
    gold = some_gold(CROWD.truth, 0.2, np.random.default_rng(3))
    found, figures = played(Rule(), gold=gold)
    on_gold = found.answers.per_item()[gold != UNKNOWN].sum()
    assert 0 < on_gold <= 0.1 * len(found.answers) + 1
    assert found.judgement.calibration.on_gold
    assert 0 < figures.accuracy <= 1


def test_the_same_seed_replays_the_same():
    first, second = played(Rule(), seed=5)[1], played(Rule(), seed=5)[1]
    assert first == second
    assert first != played(Rule(), seed=6)[1]


def test_real_answers_are_saved_at_little_loss():
    answers, truth = real("sentpolarity_amt")
    found = replay(answers, by_rule(Rule()), np.random.default_rng(1))
    figures = score(found, answers, truth)
    assert figures.share < 0.3
    assert figures.accuracy > 0.91
    assert figures.calibration_error < 0.12


def test_a_forecast_grows_with_answers_and_the_adaptive_plan_is_worth_its_cost():
    found = {one.name: one for one in forecast(Crowd(4, 0.8))}
    assert found["fixed:1"].accuracy == pytest.approx(0.8, abs=0.06)
    assert found["fixed:1"].accuracy < found["fixed:3"].accuracy < found["fixed:7"].accuracy
    assert found["adaptive"].per_item < 5
    assert found["adaptive"].accuracy > found["fixed:3"].accuracy
    assert found["fixed:3"].cost(10_000, 0.02) == pytest.approx(600)


def test_a_pilot_stands_for_its_crowd():
    good, poor = (of_pilot(made(2, items=100, accuracy=limits).answers) for limits in ((0.9, 0.95), (0.5, 0.6)))
    assert good.accuracy > poor.accuracy + 0.2
    assert forecast(good)[1].accuracy > forecast(poor)[1].accuracy


def test_forecasts_are_kept():
    assert usual(2, 0.8, Rule(most=5)) is usual(2, 0.8, Rule(most=5))


@pytest.mark.parametrize(("classes", "accuracy"), [(1, 0.8), (1000, 0.8), (4, 0.2), (4, 1.0), (4, float("nan"))])
def test_a_crowd_that_cannot_be_is_refused(classes, accuracy):
    with pytest.raises(Invalid):
        forecast(Crowd(classes, accuracy))

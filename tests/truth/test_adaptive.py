"""The judgement of a plan: the honest stop, calibration, routing, budget, and what is undecidable."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from broker.errors import Invalid
from broker.truth.adaptive import curve_on_gold, fit, judge
from broker.truth.answers import UNKNOWN, Answers
from broker.truth.calibration import DEFAULT, calibrate, calibration_error, log_loss, reliability, tempered
from broker.truth.dawid_skene import dawid_skene
from broker.truth.evidence import Evidence, blinded, evidence, of_posteriors
from broker.truth.models import aggregate
from broker.truth.routing import information, uninformative
from broker.truth.stopping import Rule, decide, honest
from broker.truth.trust import log_likelihoods, trust
from tests.truth.made import made, odd_answers, some_gold

shares = st.floats(0, 1)


@given(odd_answers(), st.integers(1, 4), st.integers(0, 4), st.floats(0.1, 1.0), st.none() | st.integers(0, 30))
def test_every_item_is_closed_or_wants_more_or_is_told_to_be_undecided(answers, least, more, sure, budget):
    rule = Rule(least, least + more, sure, budget)
    found = judge(answers, fit(answers), None, rule)
    decision, counted = found.decision, answers.per_item()
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
    assert not (decision.wanted & (decision.closed | decision.undecided)).any()
    assert not (decision.wanted & (counted >= rule.most)).any()
    assert not (decision.closed & (counted < least)).any()
    if budget is not None:
        assert decision.wanted.sum() <= max(budget - len(answers), 0)
    elif rule.adaptive:
        assert (decision.wanted | decision.closed | decision.undecided).all()


def test_an_item_does_not_close_on_one_trusted_workers_word():
    trusted = Evidence(np.zeros(1, np.int32), np.array([0.93]), np.array([(1 + 0.25) / 2]), np.ones(1))
    assert not decide(honest(trusted), trusted.given, Rule(), np.ones(1, bool)).closed[0]


def test_a_label_against_the_visible_votes_stays_open():
    overruled = Evidence(np.zeros(1, np.int32), np.array([0.999]), np.array([(1 + 0.5) / 6]), np.full(1, 5.0))
    decision = decide(honest(overruled), overruled.given, Rule(most=6), np.ones(1, bool))
    assert decision.wanted[0]
    assert decide(honest(overruled), overruled.given, Rule(most=5), np.ones(1, bool)).undecided[0]


def test_a_budget_goes_to_the_least_sure():
    score = np.array([0.6, 0.3, 0.5, 0.99])
    decision = decide(score, np.full(4, 2.0), Rule(budget=10), np.ones(4, bool))
    assert decision.wanted.tolist() == [False, True, True, False]
    assert decision.undecided.tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("rule", "column"),
    [
        (Rule(0), "least"),
        (Rule(3, 2), "most"),
        (Rule(sure=0.0), "sure"),
        (Rule(sure=1.5), "sure"),
        (Rule(budget=-1), "budget"),
    ],
)
def test_a_rule_that_cannot_be_names_its_figure(rule, column):
    with pytest.raises(Invalid) as caught:
        rule.check()
    assert [problem.column for problem in caught.value.problems] == [column]


def test_without_correlation_the_belief_is_the_posterior():
    answers = made(3).answers
    found = dawid_skene(answers, tolerance=0.0, most_iterations=300)
    plain = evidence(answers, found, 0.0)
    # The tables are one step ahead of the posterior.
    assert plain.belief == pytest.approx(found.confidence, abs=0.05)
    assert evidence(answers, found, 0.3).belief.mean() < plain.belief.mean()


def test_gold_is_judged_without_what_it_taught():
    crowd = made(4, items=300, workers=60, accuracy=(0.5, 0.8))
    gold = some_gold(crowd.truth, np.random.default_rng(1), 0.4)
    found = fit(crowd.answers, gold)
    known = gold != UNKNOWN
    unaware = blinded(crowd.answers, found, gold)
    right = (unaware.label == gold)[known]
    aware = evidence(crowd.answers, found)
    assert (aware.label == gold)[known].all()
    assert 0.6 < right.mean() < 1.0
    fresh = judge(crowd.answers, found, gold)
    assert abs(right.mean() - (found.labels == crowd.truth)[~known].mean()) < 0.1
    assert (fresh.confidence[known] == 1).all()


def test_calibration_on_gold_mends_an_overconfident_crowd_and_leaves_labels_alone():
    dice = np.random.default_rng(5)
    belief = np.clip(dice.beta(8, 0.4, 3000), 0.34, 1 - 1e-9)
    right = dice.random(3000) < 0.4 + 0.4 * belief
    found = Evidence(np.zeros(3000, np.int32), belief, np.full(3000, 0.7), np.full(3000, 3.0))
    fitted = calibrate(found, right, 3)
    assert fitted.on_gold
    assert fitted.golds == 3000
    before, after = (calibration_error(reliability(one, right)) for one in (belief, fitted.confidence(found, 3)))
    assert before > 0.15
    assert after < 0.03
    assert log_loss(fitted.confidence(found, 3), right) < log_loss(belief, right)


def test_too_little_gold_means_the_default():
    few = Evidence(np.zeros(9, np.int32), np.full(9, 0.9), np.full(9, 0.7), np.full(9, 3.0))
    assert calibrate(few, np.zeros(9, bool), 2) is DEFAULT
    assert not DEFAULT.on_gold


@given(shares, st.floats(0.01, 3), st.integers(2, 20))
def test_tempering_keeps_order_and_ends_at_chance(belief, temperature, n_classes):
    low, high = tempered(np.array([belief * 0.9, belief]), temperature, n_classes)
    assert 0 <= low <= high <= 1
    assert tempered(np.array([belief]), 0.0, n_classes)[0] == pytest.approx(1 / n_classes)
    assert tempered(np.array([belief]), 1.0, n_classes)[0] == pytest.approx(belief, abs=1e-6)


def test_a_reliability_curve_counts_every_item_once():
    confidence, right = np.array([0.05, 0.95, 1.0, 0.5]), np.array([False, True, False, True])
    curve = reliability(confidence, right)
    assert [one.items for one in curve] == [1, 1, 2]
    assert calibration_error(curve) == pytest.approx((0.05 + 0.5 + 2 * abs(0.5 - 0.975)) / 4)
    assert calibration_error(()) == 0.0


def test_the_curve_on_gold_holds_all_answered_gold():
    crowd = made(6)
    gold = some_gold(crowd.truth, np.random.default_rng(2), 0.2)
    found = fit(crowd.answers, gold)
    assert sum(one.items for one in curve_on_gold(crowd.answers, found, gold)) == (gold != UNKNOWN).sum()


def test_information_ranks_workers_and_passes_over_those_who_click_at_random():
    dice = np.random.default_rng(7)
    truth = dice.integers(3, size=300)
    item = np.tile(np.arange(300), 6)
    worker = np.repeat(np.arange(6), 300)
    label = np.where(dice.random(1800) < 0.9, truth[item], dice.integers(3, size=1800))
    label[worker == 4] = dice.integers(3, size=300)
    label[worker == 5] = (truth + 1) % 3
    answers = Answers.from_codes(item, worker, label)
    told = information(answers, fit(answers, np.where(dice.random(300) < 0.1, truth, UNKNOWN)))
    assert told[4] < 0.1 < told[:4].min()
    assert told[5] > told[:4].max(), "swapped labels are as good as right ones"
    assert uninformative(answers, told).tolist() == [False] * 4 + [True, False]


def test_information_of_a_whole_table_is_the_textbook_sum():
    answers = made(8, workers=12).answers
    found = dawid_skene(answers)
    joint = found.confusions.of(3) * found.priors[:, None]
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    assert information(answers, found)[3] == pytest.approx((joint * np.log(joint / apart)).sum(), abs=1e-6)
    with pytest.raises(Invalid, match="learns no confusion tables"):
        information(answers, aggregate(answers, "majority"))


def test_one_answer_an_item_is_taken_at_its_word():
    crowd = made(9, classes=4, per_item=1, accuracy=(0.8, 0.8))
    assert (fit(crowd.answers).labels == crowd.answers.label).all()


def test_a_whole_is_as_sure_as_all_of_its_parts_together():
    crowd = made(10, items=60)
    found = fit(crowd.answers)
    parts = judge(crowd.answers, found)
    whole = judge(crowd.answers, found, whole=np.repeat(np.arange(30), 2))
    assert whole.confidence == pytest.approx(parts.confidence.reshape(30, 2).prod(axis=1))
    assert whole.decision.score == pytest.approx(parts.decision.score.reshape(30, 2).prod(axis=1))


def test_evidence_can_be_had_from_posteriors_too():
    crowd = made(5, items=60, workers=8, classes=3, per_item=4)
    found = dawid_skene(crowd.answers)
    each = log_likelihoods(found.confusions, crowd.answers, slice(0, len(crowd.answers)))
    sums = np.zeros((60, 3))
    np.add.at(sums, crowd.answers.item, each)
    posteriors = special.softmax(sums + np.log(found.priors), axis=1)
    wanted = evidence(crowd.answers, replace(found, labels=posteriors.argmax(axis=1).astype(np.int32)))
    got = of_posteriors(posteriors, found.priors, crowd.answers.votes().toarray())
    assert np.allclose(got.belief, wanted.belief)
    assert np.allclose(got.share, wanted.share)
    assert (got.label == wanted.label).all()
    assert (got.given == wanted.given).all()
    independent = of_posteriors(posteriors, found.priors, crowd.answers.votes().toarray(), correlation=0.0)
    assert np.allclose(independent.belief, posteriors.max(axis=1))


def test_many_labels_do_not_fill_the_memory():
    """Two hundred labels: neither a number per worker, label and truth, nor several per answer and truth at a time."""
    dice = np.random.default_rng(1)
    item, truth = np.repeat(np.arange(20_000), 5), np.repeat(dice.integers(200, size=20_000), 5)
    label = np.where(dice.random(len(item)) < 0.8, truth, dice.integers(200, size=len(item)))
    answers = Answers.from_codes(item, dice.integers(300, size=len(item)), label, n_items=20_000, n_classes=200)
    gold = np.where(np.arange(20_000) % 2, truth[::5], UNKNOWN).astype(np.int32)
    found = dawid_skene(answers, gold, most_iterations=1)
    tracemalloc.start()
    judge(answers, found, gold)
    trust(answers, found, gold)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500e6

"""Consensus and trust where answers are only more or less alike, over a kind made for it: a number from 0 to 10."""

import random

import pytest

from broker.annotation.kind import Kind
from broker.annotation.weigh import Given, weigh
from broker.truth.alike import known_by_any
from broker.truth.stopping import Rule

FIXED = Rule.fixed(4)
NOISE = {1: 0.3, 2: 0.3, 3: 0.8, 4: None}
"""How far each worker is off; None guesses."""


class Number(Kind[float]):
    name, title, enough = "number", "Number", 0.9

    @classmethod
    def furnish(cls, settings):
        return cls()

    def parse(self, raw, item):
        return raw

    def dump(self, answer):
        return answer

    def read(self, text):
        return float(text)

    def show(self, answer):
        return str(answer)

    def likeness(self, one, other):
        return 1 - abs(one - other) / 10

    def task_input(self, item):
        return item


def answered(hits=60, golds=0, noise=NOISE, seed=3):
    """Answers of all workers to so many HITs, the first of them gold; and the truths."""
    dice = random.Random(seed)
    truths = {hit: dice.uniform(0, 10) for hit in range(hits)}
    given = []
    for hit, truth in truths.items():
        for worker, off in noise.items():
            answer = dice.uniform(0, 10) if off is None else min(max(dice.gauss(truth, off), 0), 10)
            given.append(Given(hit, worker, answer, truth if hit < golds else None))
    return given, truths


def found(given, rule=FIXED, *, ended=True):
    return weigh(Number(), given, rule, ended=ended)


def error(result, truths):
    return sum(abs(one.answer - truths[hit]) for hit, one in zip(result.hits, result.verdicts, strict=True)) / len(
        truths
    )


def accuracies(result):
    return dict(zip(result.workers, result.believed.accuracy.tolist(), strict=True))


def test_the_careful_are_believed_and_who_guesses_is_not_without_any_gold():
    given, truths = answered()
    trust = accuracies(found(given))
    assert min(trust[1], trust[2]) > trust[3] > 0.6
    assert trust[4] < 0.25
    assert error(found(given), truths) < 0.5


def test_two_careful_workers_outweigh_three_who_guess():
    noise = {1: 0.2, 2: 0.2, 3: None, 4: None, 5: None}
    given, truths = answered(noise=noise)
    assert error(found(given), truths) < 0.6


def test_gold_tells_a_crowd_of_parrots_from_one_careful_worker():
    """Three workers who always say the same agree with each other: only gold knows better."""
    given, _ = answered(golds=20, noise={1: 0.1})
    given += [one._replace(worker=worker, answer=5.0 + one.hit % 2) for one in given for worker in (2, 3, 4)]
    result = found(given)
    trust = accuracies(result)
    assert trust[1] > 2 * max(trust[worker] for worker in (2, 3, 4))
    assert result.believed.evidence[0] >= 20


def test_gold_is_certain_and_its_answer_is_the_truth():
    given, truths = answered(golds=12)
    result = found(given)
    assert [one.answer for one in result.verdicts[:12]] == [truths[hit] for hit in range(12)]
    assert {one.confidence for one in result.verdicts[:12]} == {1.0}
    assert all(0 < one.confidence < 1 for one in result.verdicts[12:])
    assert result.judged.calibration.golds == 12
    assert sum(one.items for one in result.curve) == 12


def test_an_item_on_which_the_crowd_agrees_is_surer_than_one_on_which_it_does_not():
    given, _ = answered()
    given += [Given(100, worker, 5.0) for worker in NOISE] + [Given(101, worker, 3.0 * worker - 3) for worker in NOISE]
    result = found(given)
    sure = {hit: one.confidence for hit, one in zip(result.hits, result.verdicts, strict=True)}
    assert sure[100] > 0.9 > sure[101]


def test_one_answer_alone_is_believed_as_far_as_its_worker():
    given, _ = answered()
    careful, guess = ([*given, Given(200, worker, 5.0)] for worker in (1, 4))
    assert found(careful).verdicts[-1].confidence > found(guess).verdicts[-1].confidence + 0.2


def test_an_adaptive_plan_asks_on_where_the_crowd_differs_and_stops_where_it_agrees():
    given, _ = answered(hits=30, noise={1: 0.3, 2: 0.3, 3: 0.3})
    given += [Given(100, worker, 5.0) for worker in (1, 2)] + [Given(101, 1, 0.0), Given(101, 2, 10.0)]
    result = found(given, Rule(2, 5, 0.87), ended=False)
    place = {hit: at for at, hit in enumerate(result.hits)}
    decision = result.judged.decision
    assert decision.closed[place[100]]
    assert not decision.wanted[place[100]]
    assert decision.wanted[place[101]]
    over = found(given, Rule(2, 2, 0.87), ended=True).judged.decision
    assert not over.wanted.any()


def test_answers_that_are_all_the_same_leave_nobody_in_doubt():
    result = found([Given(hit, worker, 5.0) for hit in range(5) for worker in (1, 2, 3)])
    assert {one.answer for one in result.verdicts} == {5.0}
    assert min(result.believed.accuracy) > 0.9


def test_the_order_of_the_answers_changes_nothing():
    given, _ = answered(hits=20, golds=4)
    one, other = found(given), found(given[::-1])
    assert accuracies(one) == pytest.approx(accuracies(other))


def test_one_of_several_knows_more_often_than_one_alone():
    assert known_by_any([0.7]) == pytest.approx(0.7)
    assert known_by_any([0.7, 0.5]) == pytest.approx(0.85)

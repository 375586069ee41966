"""Simulated answerers err as they say they do."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.truth.crowd import AVERAGE, CAREFUL, SLOPPY, Confused, Constant, Honest, RandomClicker, assemble

LABELS = ("a", "b", "c", "d")
EVERYONE = [CAREFUL, Confused("confused", 0.9, ("a", "b")), RandomClicker("random"), Constant("constant", 2)]


def shares(answerer, truth, times=4000):
    dice = random.Random(7)
    given_labels = Counter(answerer.answer(truth, LABELS, dice) for _ in range(times))
    return {label: given_labels[label] / times for label in LABELS}


@pytest.mark.parametrize("answerer", [CAREFUL, AVERAGE, SLOPPY])
def test_the_honest_are_right_as_often_as_they_say(answerer):
    found = shares(answerer, "c")
    assert found["c"] == pytest.approx(answerer.accuracy, abs=0.02)
    assert found["a"] == pytest.approx((1 - answerer.accuracy) / 3, abs=0.02)


def test_the_confused_take_two_labels_for_each_other():
    confused = Confused("confused", 1.0, ("a", "b"), rate=0.4)
    assert shares(confused, "a") == pytest.approx({"a": 0.6, "b": 0.4, "c": 0, "d": 0}, abs=0.03)
    assert shares(confused, "c")["c"] == 1.0
    dice = random.Random(1)
    sets = Counter(confused.answer_many({"a", "d"}, LABELS, dice) for _ in range(2000))
    assert sets["b", "d"] / 2000 == pytest.approx(0.4, abs=0.04)


def test_random_and_constant_do_not_look():
    assert shares(RandomClicker("random"), "a") == pytest.approx(dict.fromkeys(LABELS, 0.25), abs=0.03)
    assert shares(Constant("constant", 2), "a")["c"] == 1.0
    assert Constant("constant", 5).answer("a", LABELS, random.Random(0)) == "b"
    assert Constant("constant", 2).answer_many({"a"}, LABELS, random.Random(0)) == ("c",)


def test_each_true_label_is_missed_with_the_chance_of_an_error():
    dice = random.Random(3)
    sets = [Honest("honest", 0.8).answer_many({"a", "c"}, LABELS, dice) for _ in range(4000)]
    assert np.mean(["a" in chosen for chosen in sets]) == pytest.approx(0.8, abs=0.02)
    assert np.mean(["b" in chosen or "d" in chosen for chosen in sets]) == pytest.approx(0.2, abs=0.02)


@given(st.sampled_from(EVERYONE), st.sampled_from(LABELS), st.sets(st.sampled_from(LABELS)), st.integers(0, 99))
def test_answers_are_labels_and_repeat_with_the_same_dice(answerer, truth, truths, seed):
    one = answerer.answer(truth, LABELS, random.Random(seed))
    many = answerer.answer_many(truths, LABELS, random.Random(seed))
    assert one in LABELS
    assert list(many) == [label for label in LABELS if label in many]
    assert one == answerer.answer(truth, LABELS, random.Random(seed))
    assert many == answerer.answer_many(truths, LABELS, random.Random(seed))


@given(st.sampled_from(EVERYONE))
def test_one_label_leaves_no_choice(answerer):
    assert answerer.answer("a", ["a"], np.random.default_rng(0)) == "a"


def test_a_crowd_of_forty_has_a_few_of_each_bad_sort():
    names = Counter(answerer.name for answerer in assemble(40, ("a", "b")))
    assert (names["random clicker"], names["constant"], names["confused"]) == (2, 1, 1)
    assert names["average"] > names["careful"] > names["sloppy"] > 2
    assert "confused" not in {answerer.name for answerer in assemble(40)}

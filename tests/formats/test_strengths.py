"""Strengths from comparisons: a table that pandas reads, with what theory and crowd-kit say of them."""

import io
import math

import pandas as pd
import pytest
from crowdkit.aggregation import BradleyTerry

from broker.annotation.labelled import Labelled
from tests.formats.labelled_texts import labelled, written


def pair(left, right, choice, confidence=1.0):
    return Labelled(1, "1", {}, {"pair": {"choice": choice}}, confidence, facts={"left": left, "right": right})


def read(items):
    return pd.read_csv(io.BytesIO(written("bradley", items))).set_index("item")


def test_who_wins_against_all_comes_first():
    found = read([pair("tea", "milk", "a"), pair("coffee", "tea", "b"), pair("milk", "coffee", "tie")])
    assert found.index[0] == "tea"
    assert found.loc["tea", ["games", "wins"]].tolist() == [2, 2]
    assert found.loc["milk", "strength"] == pytest.approx(found.loc["coffee", "strength"])
    assert found["strength"].mean() == pytest.approx(0, abs=1e-5)


def test_odds_of_two_are_their_results_but_for_the_pull_to_the_mean():
    found = read([pair("a", "b", "a")] * 300 + [pair("a", "b", "b")] * 100)
    assert math.exp(found.loc["a", "strength"] - found.loc["b", "strength"]) == pytest.approx(3, rel=0.01)


def test_a_doubtful_result_counts_less():
    found = read([pair("a", "b", "a", 1.0), pair("a", "b", "b", 0.2)])
    assert found.loc["a", "strength"] > 0 > found.loc["b", "strength"]
    assert found.loc["a", "games"] == pytest.approx(1.2)


def test_a_ranking_is_a_game_of_each_two():
    found = read([labelled("ranking")])
    assert list(found.index) == ["milk", "tea", "coffee"]
    assert found["games"].tolist() == [pytest.approx(2 * 0.9)] * 3


def test_a_thing_against_itself_is_no_game_and_nothing_is_no_table():
    assert read([pair("a", "a", "a")]).empty
    assert written("bradley", []).decode().strip() == "item,strength,games,wins"


def test_crowd_kit_puts_them_in_the_same_order():
    games = [(one, other, max(one, other)) for one in "abcde" for other in "abcde" if one != other]
    games += [("a", "b", "a"), ("e", "d", "d"), ("c", "b", "b"), ("a", "c", "a")]
    found = read([pair(one, other, "a" if won == one else "b") for one, other, won in games])
    frame = pd.DataFrame([("w", *game) for game in games], columns=["worker", "left", "right", "label"])
    theirs = BradleyTerry(n_iter=1000).fit_predict(frame).sort_values(ascending=False)
    assert list(found.index) == list(theirs.index)

"""Agreement against the worked examples of the literature, scikit-learn and crowd-kit's alpha."""

import tracemalloc
from itertools import combinations

import krippendorff
import numpy as np
import pytest
from crowdkit.metrics.data import alpha_krippendorff
from hypothesis import assume, example, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from broker.truth import agreement as module
from broker.truth.agreement import (
    Figure,
    agreement,
    alpha_by_likeness,
    busiest_pairs,
    cohen,
    cohen_between,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    percent_agreement,
)
from broker.truth.answers import Answers
from broker.truth.distance import alpha
from tests.truth.made import made, odd_answers
from tests.truth.test_models import frame

labels = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


def from_votes(votes):
    """Answers whose item i got votes[i][c] answers c."""
    rows = [(i, c) for i, counts in enumerate(votes) for c, count in enumerate(counts) for _ in range(count)]
    item, label = np.array(rows).T
    return Answers.from_codes(item, np.arange(len(item)), label, n_classes=len(votes[0]))


def from_table(text):
    """Answers from a table: a line per worker, a column per item, `.` where there is no answer, labels from 1."""
    cells = [(i, w, int(c) - 1) for w, line in enumerate(text.split()) for i, c in enumerate(line) if c != "."]
    return Answers.from_codes(*np.array(cells).T)


TEXTBOOK = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
"""Fourteen raters, ten items, five categories: the worked example of most textbooks, kappa = 0.210."""

KRIPPENDORFF_2011 = """
123321412...
1233224125.3
.3332342251.
12332441251.
"""
"""Four observers, twelve units: "Computing Krippendorff's Alpha-Reliability", section C."""


def test_fleiss_of_the_worked_example():
    assert fleiss_kappa(from_votes(TEXTBOOK)) == pytest.approx(0.210, abs=5e-4)
    assert percent_agreement(from_votes(TEXTBOOK)) == pytest.approx(0.378, abs=5e-4)


@pytest.mark.parametrize(("level", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_the_worked_example(level, expected):
    assert krippendorff_alpha(from_table(KRIPPENDORFF_2011), level) == pytest.approx(expected, abs=5e-4)


def test_fleiss_with_unequal_numbers_by_hand():
    answers = from_votes([[2, 0], [1, 2], [0, 1]])
    # P = (1 + 1/3) / 2; the third item has one answer and is left out; p = (3/5, 2/5).
    assert fleiss_kappa(answers) == pytest.approx((2 / 3 - 13 / 25) / (1 - 13 / 25))


def test_interval_alpha_uses_the_values_behind_the_labels():
    answers = from_votes([[2, 0, 0], [0, 1, 1], [0, 0, 2]])
    near = krippendorff_alpha(answers, "interval", np.array([0.0, 9.0, 10.0]))
    far = krippendorff_alpha(answers, "interval", np.array([0.0, 1.0, 10.0]))
    assert near > 0.98 > far


@given(labels)
def test_cohen_equals_scikit_learn(pairs):
    first, second = np.array(pairs).T
    assume(len(np.unique(pairs)) > 1)
    theirs = cohen_kappa_score(first, second)
    assume(not np.isnan(theirs))
    assert cohen_kappa(first, second, 4) == pytest.approx(theirs)


def test_cohen_between_two_workers_uses_their_common_items():
    answers = from_table("11221.\n1122.2\n222222")
    assert cohen_between(answers, 0, 1) == (4, Figure(1.0))
    assert cohen_between(answers, 0, 2) == (5, Figure(0.0, 0.0, 0.0))
    assert cohen_between(from_table("1.\n.1"), 0, 1) == (0, Figure(None))


@given(odd_answers())
def test_nominal_alpha_equals_crowdkit(answers):
    several = answers.per_item() >= 2
    kept = answers.subset(several[answers.item])
    assume(len(np.unique(kept.label)) > 1)
    assert krippendorff_alpha(answers) == pytest.approx(alpha_krippendorff(frame(kept)))


@given(odd_answers())
def test_nominal_alpha_is_the_alpha_of_equality(answers):
    several = [answers.label[answers.item == item].tolist() for item in range(answers.n_items)]
    expected = alpha(several, lambda a, b: float(a == b))
    ours = krippendorff_alpha(answers)
    assert (ours is None) == (expected is None)
    assert ours is None or ours == pytest.approx(expected)


@given(odd_answers(), st.permutations(range(4)))
def test_renaming_labels_changes_no_nominal_figure(answers, names):
    renamed = Answers.from_codes(answers.item, answers.worker, np.array(names)[answers.label], n_classes=4)
    for figure in (percent_agreement, fleiss_kappa, krippendorff_alpha):
        ours = figure(answers)
        assert figure(renamed) == (None if ours is None else pytest.approx(ours))


def test_undefined_is_none():
    lonely = from_votes([[1, 0], [0, 1]])
    unanimous = from_votes([[2, 0], [3, 0]])
    assert [figure(lonely) for figure in (percent_agreement, fleiss_kappa, krippendorff_alpha)] == [None] * 3
    assert percent_agreement(unanimous) == 1.0
    assert (fleiss_kappa(unanimous), krippendorff_alpha(unanimous)) == (None, None)
    assert cohen_kappa(np.array([1, 1]), np.array([1, 1]), 2) is None


def test_perfect_and_opposite():
    assert fleiss_kappa(from_votes([[3, 0], [0, 3]])) == pytest.approx(1.0)
    assert krippendorff_alpha(from_votes([[3, 0], [0, 3]])) == pytest.approx(1.0)
    assert fleiss_kappa(from_votes([[1, 1], [1, 1]])) == pytest.approx(-1.0)


@given(odd_answers(max_classes=4, min_classes=2), st.sampled_from(["nominal", "ordinal", "interval"]))
def test_alpha_equals_the_package_krippendorff(answers, level):
    kept = answers.subset((answers.per_item() >= 2)[answers.item])
    assume(len(np.unique(kept.label)) > 1)
    table = np.full((answers.n_workers, answers.n_items), np.nan)
    table[kept.worker, kept.item] = kept.label
    expected = krippendorff.alpha(reliability_data=table, level_of_measurement=level)
    assert krippendorff_alpha(answers, level) == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=2, max_size=20))
def test_fleiss_equals_statsmodels(table):
    assume(len(np.unique(table)) > 1)
    votes, _ = inter_rater.aggregate_raters(np.array(table), n_cat=4)
    assert fleiss_kappa(from_votes(votes)) == pytest.approx(inter_rater.fleiss_kappa(votes))


@given(labels)
def test_cohen_equals_statsmodels_with_any_labels(pairs):
    first, second = np.array(pairs).T
    assume(len(np.unique(pairs)) > 1)
    joint = np.zeros((4, 4))
    np.add.at(joint, (first, second), 1)
    theirs = inter_rater.cohens_kappa(joint, return_results=False)
    assert cohen(first, second, 4, replicates=0).value == pytest.approx(theirs)


def test_all_figures_come_at_once_and_interval_only_with_values():
    answers = from_table(KRIPPENDORFF_2011)
    plain, with_values = agreement(answers), agreement(answers, np.arange(5.0))
    assert set(plain) == {"percent", "fleiss", "alpha-nominal", "alpha-ordinal"}
    assert {name: with_values[name] for name in plain} == plain
    assert with_values["alpha-interval"].value == pytest.approx(krippendorff_alpha(answers, "interval"))


def test_intervals_are_those_of_drawing_items_by_hand():
    answers = made(1, items=150, workers=12, accuracy=(0.5, 0.8)).answers
    dice = np.random.default_rng(7)
    by_hand = {"fleiss": [], "alpha-ordinal": []}
    for _ in range(300):
        chosen = dice.integers(150, size=150)
        rows = np.concatenate([np.flatnonzero(answers.item == item) for item in chosen])
        again = Answers.from_codes(np.repeat(np.arange(150), 5), np.arange(750), answers.label[rows], n_classes=4)
        by_hand["fleiss"].append(fleiss_kappa(again))
        by_hand["alpha-ordinal"].append(krippendorff_alpha(again, "ordinal"))
    for name, values in by_hand.items():
        figure = agreement(answers)[name]
        assert [figure.low, figure.high] == pytest.approx(np.percentile(values, [2.5, 97.5]), abs=0.015)


def test_the_interval_covers_the_figure_of_endless_items():
    endless = agreement(made(2, items=40_000, workers=1000, per_item=3, accuracy=(0.7, 0.7)).answers, replicates=0)
    inside = []
    for seed in range(100):
        some = agreement(made(seed, items=150, workers=400, per_item=3, accuracy=(0.7, 0.7)).answers, replicates=300)
        inside.append([some[name].low <= endless[name].value <= some[name].high for name in ("percent", "fleiss")])
    assert (np.mean(inside, axis=0) >= 0.88).all()


def test_grouping_many_unlike_items_keeps_the_interval(monkeypatch):
    answers = made(3, items=3000, workers=40, classes=8, accuracy=(0.4, 0.9)).answers
    exact = agreement(answers)
    monkeypatch.setattr("broker.truth.agreement._MOST_UNITS", 200)
    grouped = agreement(answers)
    for name, figure in exact.items():
        assert grouped[name].value == figure.value
        assert [grouped[name].low, grouped[name].high] == pytest.approx([figure.low, figure.high], abs=0.006)


@given(odd_answers())
def test_the_interval_holds_the_figure_or_is_not_given(answers):
    for figure in agreement(answers, replicates=50).values():
        assert (figure.low is None) == (figure.high is None)
        assert figure.low is None or figure.low <= figure.high <= 1.0 + 1e-9


def test_alpha_by_likeness_has_the_value_of_alpha_and_a_like_interval():
    answers = made(4, items=200, workers=15).answers
    units = [answers.label[answers.item == item].tolist() for item in range(200)]
    figure, nominal = alpha_by_likeness(units, lambda a, b: float(a == b)), agreement(answers)["alpha-nominal"]
    assert figure.value == pytest.approx(alpha(units, lambda a, b: float(a == b)))
    assert [figure.low, figure.high] == pytest.approx([nominal.low, nominal.high], abs=0.02)
    assert alpha_by_likeness([[1, 1], [1]], lambda a, b: float(a == b)) == Figure(None)


def test_the_busiest_pairs_have_the_most_items_in_common():
    answers = from_table("11221.\n1122.2\n2222..")
    assert busiest_pairs(answers, 2) == [(0, 1), (0, 2)]
    assert busiest_pairs(from_table("1.\n.1"), 5) == []


@pytest.mark.parametrize("unit", [1e-300, 1e-9, 1.0, 1e12, 5e307])
def test_the_unit_of_numbers_does_not_change_alpha(unit):
    answers = made(1, items=60, workers=8).answers
    values = np.array([-3.0, 1.0, 2.0, 3.0])
    expected = agreement(answers, values)["alpha-interval"]
    assert agreement(answers, values * unit)["alpha-interval"] == pytest.approx(expected)
    assert krippendorff_alpha(Answers.from_codes([0, 0], [0, 1], [1, 1]), "interval", values[:2] * unit) is None


def test_an_item_that_everybody_answered_has_pairs_enough_without_a_table_of_all():
    """Of 8,000 workers on one item there are 32 million pairs."""
    item = np.concatenate([np.zeros(8_000, int), np.arange(1, 5).repeat(2)])
    worker = np.concatenate([np.arange(8_000), np.tile([7_998, 7_999], 4)])
    answers = Answers.from_codes(item, worker, worker % 3, n_classes=3)
    tracemalloc.start()
    assert busiest_pairs(answers, 3) == [(7_998, 7_999), (0, 1), (0, 2)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 400e6


@given(odd_answers(), st.integers(0, 20), st.sampled_from([1, 9, 1 << 20]))
# The second pair, which beats the first one by an item, has no other items.
@example(Answers.from_codes([0, 0, 1, 1, 2, 2], [0, 1, 2, 3, 2, 3], [0] * 6, n_classes=2), 1, 1)
def test_the_busiest_pairs_are_those_of_all_pairs(answers, most, at_once):
    own = [set(answers.item[answers.worker == worker].tolist()) for worker in range(answers.n_workers)]
    all_pairs = sorted((-len(own[i] & own[j]), i, j) for i, j in combinations(range(len(own)), 2) if own[i] & own[j])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_PAIRS", at_once)
        assert busiest_pairs(answers, most) == [(one, other) for _, one, other in all_pairs[:most]]

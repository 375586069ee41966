"""Signals: found where they were made, silent where nothing is odd, and the same whatever things are called."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.trust import crowd, found, measured
from broker.truth import collusion
from broker.truth.answers import Answers
from broker.truth.consensus import Confusions
from broker.truth.models import aggregate
from broker.truth.pace import course, pace
from broker.truth.signals import believed, discoveries
from broker.truth.spam import knowledge, spammer_score
from broker.truth.watch import Seen, watch
from tests.truth.made import made, odd_answers, real, some_gold

chances = st.lists(st.floats(0, 1), max_size=40).map(np.array)


seen = Seen.of


@given(chances)
def test_discoveries_are_those_of_scipy(p):
    if not len(p):
        assert not len(discoveries(p))
        return
    assert discoveries(p, 0.1).tolist() == (stats.false_discovery_control(p) <= 0.1 + 1e-12).tolist()


def test_what_was_not_tested_is_no_discovery():
    assert discoveries(np.array([np.nan, 0.001, np.nan, 0.9])).tolist() == [False, True, False, False]


@given(chances)
def test_the_mean_doubt_of_what_is_believed_keeps_the_rate(doubt):
    chosen = believed(doubt, 0.1)
    assert not chosen.any() or doubt[chosen].mean() <= 0.1 + 1e-12
    assert not (doubt[chosen] > 0.5).any()
    assert not chosen.any() or chosen.all() or doubt[chosen].max() <= doubt[~chosen].min()


def table_of(*tables):
    """Confusions with exactly these tables: rows are truths."""
    counts = np.stack([np.asarray(table, dtype=float).T for table in tables])
    workers, labels, classes = counts.shape
    worker, label = np.repeat(np.arange(workers), labels), np.tile(np.arange(labels), workers)
    rows = counts.reshape(-1, classes)
    return Confusions(worker.astype(np.int32), label.astype(np.int32), rows, rows, np.zeros((labels, labels)))


def raykar_and_yu(table):
    """Equation by equation."""
    classes = len(table)
    pairs = [(c, d) for c in range(classes) for d in range(c + 1, classes)]
    return sum(((table[c] - table[d]) ** 2).sum() for c, d in pairs) / (classes * (classes - 1))


def test_the_spammer_score_is_that_of_its_authors():
    dice = np.random.default_rng(2)
    tables = [dice.dirichlet(np.ones(3), size=3) for _ in range(5)]
    assert spammer_score(table_of(*tables), 5) == pytest.approx([raykar_and_yu(table) for table in tables])


def test_the_spammer_score_of_the_perfect_the_swapper_and_spammers():
    perfect, swapped = np.eye(3), np.eye(3)[[1, 2, 0]]
    random, constant = np.full((3, 3), 1 / 3), np.tile([1.0, 0, 0], (3, 1))
    scores = spammer_score(table_of(perfect, swapped, random, constant), 4)
    assert scores == pytest.approx([1, 1, 0, 0], abs=1e-6)


def test_stacked_tables_are_the_single_ones():
    answers = made(3, items=60, workers=9).answers
    for model in ("dawid-skene", "dawid-skene-ml"):
        confusions = aggregate(answers, model).confusions
        stack = confusions.stack(np.array([4, 0, 8, 4]))
        for place, worker in enumerate((4, 0, 8, 4)):
            assert np.allclose(stack[place].T, confusions.of(worker), atol=1e-6)


@pytest.fixture(scope="module")
def figures():
    return measured(4)[0]


@pytest.mark.parametrize(
    "name", ["spammer_recall", "copier_recall", "recall_constant", "recall_too-fast", "precision_too-fast"]
)
def test_the_made_crowd_is_seen_through(figures, name):
    assert figures[name] >= 0.9


def test_the_honest_are_left_alone(figures):
    assert figures["false_alarm_rate_any_signal"] <= 0.01
    assert figures["false_pairs"] <= 1


def test_nobody_is_told_of_in_a_crowd_of_honest_workers():
    told = 0
    for seed in range(10):
        crowd = made(seed, items=600, workers=40, accuracy=(0.6, 0.95))
        told += len(watch(seen(crowd.answers, aggregate(crowd.answers, "dawid-skene"))))
    assert told <= 2


def test_a_worker_who_names_labels_their_own_way_is_no_random_clicker():
    crowd = made(5, items=300, workers=20, accuracy=(0.8, 0.95))
    label = np.where(crowd.answers.worker == 0, (crowd.answers.label + 1) % 4, crowd.answers.label)
    answers = Answers.from_codes(crowd.answers.item, crowd.answers.worker, label)
    signals = watch(seen(answers, aggregate(answers, "dawid-skene")))
    assert [(one.worker, one.name) for one in signals] == [(0, "swapped-labels")]
    assert signals[0].figures["score"] > 0.3
    assert signals[0].figures["renamed"] > 0.6


def test_one_label_is_no_signal_where_it_is_nearly_always_right():
    dice = np.random.default_rng(3)
    truth = (dice.random(300) < 0.03).astype(int)
    item = np.repeat(np.arange(300), 5)
    worker = np.concatenate([dice.choice(20, 5, replace=False) for _ in range(300)])
    label = np.where(dice.random(1500) < 0.98, truth[item], 1 - truth[item])
    answers = Answers.from_codes(item, worker, np.where(worker == 0, 0, label))
    assert not [one for one in watch(seen(answers, aggregate(answers, "dawid-skene"))) if one.name == "constant"]


def test_three_who_copy_each_other_make_three_pairs():
    crowd = made(6, items=500, workers=25, accuracy=(0.6, 0.85))
    item, worker, label = crowd.answers.item, crowd.answers.worker, crowd.answers.label
    mine = worker == 0
    columns = [np.concatenate([column, column[mine], column[mine]]) for column in (item, worker, label)]
    columns[1][len(item) :] = np.repeat([25, 26], mine.sum())
    answers = Answers.from_codes(*columns)
    signals = [one for one in watch(seen(answers, aggregate(answers, "dawid-skene"))) if one.name == "copying"]
    assert {(one.worker, one.other) for one in signals} == {(a, b) for a in (0, 25, 26) for b in (0, 25, 26) if a != b}
    assert min(one.figures["copied"] for one in signals) > 0.9


def test_two_good_workers_who_agree_are_no_copiers():
    crowd = made(7, items=400, workers=20, accuracy=(0.97, 0.99))
    found = collusion.pairs(crowd.answers, aggregate(crowd.answers, "dawid-skene"))
    assert len(found.p) > 100
    assert not discoveries(found.p).any()


def test_expected_agreements_are_those_of_the_formula():
    crowd = made(8, items=120, workers=6)
    gold = some_gold(crowd.truth, np.random.default_rng(1), 0.2)
    consensus = aggregate(crowd.answers, "dawid-skene", gold)
    found = collusion.pairs(crowd.answers, consensus, gold)
    assert len(found.p) == 15
    for place, (i, j) in enumerate(zip(found.first.tolist(), found.second.tolist(), strict=True)):
        common, agreed, expected, variance = by_hand(crowd.answers, consensus, gold, i, j)
        assert (found.common[place], found.agreed[place]) == (common, agreed)
        assert found.expected[place] == pytest.approx(expected)
        assert found.z[place] == pytest.approx((agreed - expected) / np.sqrt(variance))
        assert found.p[place] == pytest.approx(stats.binom.sf(agreed - 1, common, expected / common))


def by_hand(answers, consensus, gold, i, j):
    first, second = consensus.confusions.of(i), consensus.confusions.of(j)
    common = agreed = expected = variance = 0
    for item in range(answers.n_items):
        rows = np.flatnonzero(answers.item == item)
        label = dict(zip(answers.worker[rows].tolist(), answers.label[rows].tolist(), strict=True))
        if i not in label or j not in label:
            continue
        q = np.eye(4)[gold[item]] if gold[item] >= 0 else consensus.priors.copy()
        for worker in label.keys() - {i, j} if gold[item] < 0 else ():
            q *= consensus.confusions.of(worker)[:, label[worker]]
        p = ((q / q.sum()) * (first * second).sum(axis=1)).sum()
        common, agreed = common + 1, agreed + (label[i] == label[j])
        expected, variance = expected + p, variance + p * (1 - p)
    return common, agreed, expected, variance


@given(odd_answers(min_classes=1), st.sampled_from(["majority", "dawid-skene"]))
def test_any_shape_gives_finite_figures(answers, model):
    consensus = aggregate(answers, model)
    known = knowledge(answers, consensus)
    for name in ("known", "useless", "independence", "score", "constancy", "renamed"):
        assert np.isfinite(getattr(known, name)).all()
        assert ((getattr(known, name) >= -1e-9) & (getattr(known, name) <= 1 + 1e-9)).all()
    path = course(answers, consensus, np.arange(len(answers)))
    assert np.isnan(path.p).all() or ((path.p >= 0) & (path.p <= 1)).any()
    assert all(0 <= one.p <= 1 for one in watch(Seen(known, collusion.pairs(answers, consensus), course=path)))


def test_a_renamed_crowd_has_the_same_signals():
    crowd_of = crowd(3)
    _, signals = found(crowd_of)
    names = np.random.default_rng(1).permutation(crowd_of.answers.n_workers)
    answers = crowd_of.answers
    renamed = Answers.from_codes(answers.item, names[answers.worker], answers.label)
    _, again = found(type(crowd_of)(**{**vars(crowd_of), "answers": renamed}))
    assert {(names[one.worker], one.name) for one in signals} == {(one.worker, one.name) for one in again}


def times(seed, *, workers=30, each=40, fast=0.15):
    """Log-normal times; worker 0 takes `fast` of what is usual."""
    dice = np.random.default_rng(seed)
    own = np.exp(dice.normal(2.0, 0.3, workers))
    own[0] *= fast
    worker = np.repeat(np.arange(workers), each)
    return worker, own[worker] * np.exp(dice.normal(0, 0.5, len(worker)))


def test_far_faster_than_the_crowd_is_seen_and_a_bit_faster_is_not():
    calm = made(5, items=300, workers=30, accuracy=(0.8, 0.95)).answers
    others = seen(calm, aggregate(calm, "dawid-skene"))
    told: dict[float, list[int]] = {0.15: [], 0.8: []}
    for seed in range(20):
        for fast, names in told.items():
            found = pace(*times(seed, fast=fast), 30)
            names += [one.worker for one in watch(replace(others, pace=found)) if one.name == "too-fast"]
    assert told[0.15].count(0) >= 19
    honest = 20 * 29
    assert len(told[0.15]) - told[0.15].count(0) <= 0.01 * honest
    assert len(told[0.8]) <= 0.01 * honest


def test_the_median_of_a_worker_is_that_of_numpy():
    worker, seconds = times(4, each=9)
    expected = [np.median(seconds[worker == one]) for one in range(30)]
    assert pace(worker, seconds, 30).median == pytest.approx(expected)


def test_pace_takes_any_unit_and_no_notice_of_unknown_times():
    worker, seconds = times(2)
    found = pace(worker, seconds, 31)
    again = pace(np.append(worker, [3, 4, 30]), np.append(seconds * 60, [np.nan, 0.0, 1.0]), 31)
    assert again.p == pytest.approx(found.p, nan_ok=True)
    assert np.isnan(again.p[30])


def test_a_few_workers_are_no_crowd_to_compare_with():
    worker, seconds = times(3, workers=4)
    assert np.isnan(pace(worker, seconds, 4).p).all()


def test_falling_accuracy_is_seen_and_rising_is_not():
    crowd = made(9, items=1000, workers=15, accuracy=(0.8, 0.9))
    answers, dice = crowd.answers, np.random.default_rng(1)
    late = dice.random(len(answers)) < answers.item / 1000
    label = np.where((answers.worker == 0) & late, dice.integers(4, size=len(answers)), answers.label)
    tired = Answers.from_codes(answers.item, answers.worker, label)
    consensus = aggregate(tired, "dawid-skene")
    found = course(tired, consensus, tired.item)
    assert discoveries(found.p).tolist() == [True] + [False] * 14
    assert found.early[0] > found.late[0] + 0.3
    assert not discoveries(course(tired, consensus, -tired.item).p)[0]


def test_chance_alone_makes_p_values_of_the_course_even():
    p = np.concatenate(
        [
            course(crowd.answers, aggregate(crowd.answers, "dawid-skene"), crowd.answers.item).p
            for crowd in (made(seed, items=600, workers=40) for seed in range(8))
        ]
    )
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_the_answerers_who_flip_coins_are_found_among_real_people():
    answers, truth = real("possent")
    consensus = aggregate(answers, "dawid-skene")
    known = truth[answers.item] >= 0
    right = np.bincount(answers.worker[known], (answers.label == truth[answers.item])[known], answers.n_workers)
    accuracy = right / np.bincount(answers.worker[known], minlength=answers.n_workers)
    flagged = {one.worker for one in watch(seen(answers, consensus)) if one.name in {"random", "constant"}}
    assert flagged
    assert max(accuracy[list(flagged)]) < 0.65 < np.median(accuracy)

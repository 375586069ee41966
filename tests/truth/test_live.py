"""The live posterior: its counts are always those of its posteriors, whatever came and went; it goes on from a fit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from broker.errors import Invalid
from broker.truth.answers import UNKNOWN, Answers
from broker.truth.dawid_skene import dawid_skene
from broker.truth.live import Narrow, Wide, live
from broker.truth.tables import CROWD_STRENGTH, STRENGTH, symmetric
from broker.truth.votes import majority
from tests.truth.made import made, odd_answers, real, some_gold

SIDES = (Narrow, Wide)


def rows(answers, order=None):
    order = np.arange(len(answers)) if order is None else order
    columns = (answers.item, answers.worker, answers.label)
    return list(zip(*(column[order].tolist() for column in columns), strict=True))


def streamed(answers, seed=0, side=live):
    state = side(answers.n_classes)
    state.replay(rows(answers, np.random.default_rng(seed).permutation(len(answers))))
    return state


def agreement(state, full):
    return np.mean([np.argmax(state.posterior(item)) == label for item, label in enumerate(full.labels.tolist())])


def by_hand(state, item):
    """The formula of the module's docstring, over all that is known without the item."""
    k, counts, mass = state.n_classes, {}, np.full(state.n_classes, 1 / state.n_classes)
    for name, other in state.items.items():
        if name == item or not other.answers:
            continue
        mass += other.posterior
        for worker, label in other.answers.items():
            counts.setdefault(worker, np.zeros((k, k)))[label] += other.posterior
    pooled = sum(counts.values(), CROWD_STRENGTH * symmetric(k))
    q = mass
    for worker, label in state.items[item].answers.items():
        table = counts.get(worker, np.zeros((k, k))) + STRENGTH * pooled / pooled.sum(axis=0)
        q = q * (table / table.sum(axis=0))[label]
    return q / q.sum()


class Life(RuleBasedStateMachine):
    """Answers come, are corrected and go, and gold is set and lifted, in any order."""

    def __init__(self):
        super().__init__()
        self.sides = [side(3) for side in SIDES]
        self.answers, self.gold = {}, {}

    items, workers, labels = st.integers(0, 4), st.integers(0, 3), st.integers(0, 2)

    @rule(item=items, worker=workers, label=labels)
    def add(self, item, worker, label):
        self.answers[item, worker] = label
        narrow, wide = (state.add(item, worker, label) for state in self.sides)
        assert np.allclose(narrow, wide)
        if self.gold.get(item, UNKNOWN) == UNKNOWN:
            assert np.allclose(narrow, by_hand(self.sides[0], item))

    @rule(item=items, worker=workers)
    def retract(self, item, worker):
        for state in self.sides:
            if (item, worker) in self.answers:
                state.retract(item, worker)
            else:
                with pytest.raises(Invalid, match="has no answer"):
                    state.retract(item, worker)
        self.answers.pop((item, worker), None)

    @rule(item=items, label=st.integers(-1, 2))
    def set_gold(self, item, label):
        self.gold[item] = label
        for state in self.sides:
            found = state.set_gold(item, label)
            assert label == UNKNOWN or list(found) == np.eye(3)[label].tolist()

    @invariant()
    def counts_are_those_of_the_posteriors(self):
        for state in self.sides:
            counts = {name: np.zeros((3, 3)) for name in state.workers}
            for item, worker in self.answers:
                counts[worker][self.answers[item, worker]] += state.items[item].posterior
            for name, worker in state.workers.items():
                mine = np.zeros((3, 3))
                for label, row in worker.rows.items():
                    mine[label] = row
                assert np.allclose(mine, counts[name], atol=1e-9)
                assert np.allclose(worker.sums, counts[name].sum(axis=0), atol=1e-9)
            pooled, mass = state.pooled()
            assert np.allclose(pooled, sum(counts.values(), np.zeros((3, 3))), atol=1e-9)
            known = [one.posterior for one in state.items.values() if one.answers]
            assert np.allclose(mass, np.sum(known, axis=0) if known else 0.0, atol=1e-9)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(odd_answers(), st.randoms(use_true_random=False), st.sampled_from(SIDES))
@settings(deadline=None)
def test_a_fit_is_loaded_as_it_is_and_a_snapshot_loads_again(answers, dice, side):
    gold = np.array([dice.choice([UNKNOWN, 0]) for _ in range(answers.n_items)], dtype=np.int32)
    fit, state, again = dawid_skene(answers, gold), side(answers.n_classes), side(answers.n_classes)
    state.load(fit, answers, gold)
    for item in np.flatnonzero(answers.per_item()).tolist():
        assert list(state.posterior(item)) == fit.posterior[item].tolist()
    taken = state.snapshot()
    again.load(*taken)
    for one, other in zip(state.pooled(), again.pooled(), strict=True):
        assert np.allclose(one, other)
    more = [(dice.randrange(answers.n_items), dice.randrange(9), dice.randrange(answers.n_classes)) for _ in range(9)]
    for answer in more:
        assert np.allclose(state.add(*answer), again.add(*answer))


def test_both_ways_to_calculate_give_the_same():
    crowd = made(2, items=200, workers=20, classes=12)
    narrow, wide = (streamed(crowd.answers, side=side) for side in SIDES)
    assert np.allclose(narrow.snapshot().consensus.posterior, wide.snapshot().consensus.posterior)
    assert isinstance(live(9), Narrow)
    assert isinstance(live(10), Wide)


def test_a_thousand_answers_to_one_item_do_not_underflow():
    for side in SIDES:
        state = side(2)
        for other in range(40):
            state.replay((item, 0, 0) for item in range(other * 20, other * 20 + 20))
        for worker in range(1000):
            found = state.add("one", worker, worker % 2)
        assert np.isfinite(found).all()
        assert sum(found) == pytest.approx(1.0)


@pytest.mark.parametrize("classes", [3, 5, 12])
def test_a_stream_of_answers_comes_to_what_a_full_fit_says(classes):
    crowd = made(classes, items=1500, workers=60, classes=classes, accuracy=(0.5, 0.9))
    state, full = streamed(crowd.answers), dawid_skene(crowd.answers)
    assert agreement(state, full) > 0.96
    right = np.mean([np.argmax(state.posterior(item)) == truth for item, truth in enumerate(crowd.truth.tolist())])
    assert right >= np.mean(full.labels == crowd.truth) - 0.02


@pytest.mark.parametrize(("name", "least"), [("bluebird", 0.97), ("dog", 0.98), ("possent", 0.98)])
def test_a_stream_of_real_answers_comes_to_what_a_full_fit_says(name, least):
    answers, _ = real(name)
    assert agreement(streamed(answers), dawid_skene(answers)) >= least


def test_a_refit_that_replays_what_arrived_meanwhile_agrees_with_a_full_fit():
    crowd = made(7, items=1500, workers=60, classes=4)
    order = np.random.default_rng(3).permutation(len(crowd.answers))
    early = crowd.answers.subset(np.isin(np.arange(len(order)), order[: len(order) * 98 // 100]))
    state = live(4)
    state.load(dawid_skene(early), early)
    state.replay(rows(crowd.answers, order[len(order) * 98 // 100 :]))
    assert agreement(state, dawid_skene(crowd.answers)) >= 0.99


def test_gold_teaches_the_tables_and_is_certain():
    crowd = made(8, items=300, workers=20)
    gold = some_gold(crowd.truth, np.random.default_rng(1), 0.3)
    state = live(4)
    for item, label in enumerate(gold.tolist()):
        state.set_gold(item, label)
    state.replay(rows(crowd.answers))
    for item in np.flatnonzero(gold != UNKNOWN).tolist():
        assert state.posterior(item)[gold[item]] == 1.0
    assert agreement(state, dawid_skene(crowd.answers, gold)) > 0.95


def test_a_corrected_answer_counts_once():
    state = live(2)
    state.add("one", "ann", 0)
    state.add("one", "ann", 1)
    other = live(2)
    other.add("one", "ann", 1)
    assert state.posterior("one") == pytest.approx(other.posterior("one"))


def test_unknown_items_have_the_priors():
    state = live(2)
    assert state.posterior("new") == [0.5, 0.5]
    state.set_gold("one", 1)
    state.add("one", "ann", 1)
    assert state.posterior("new") == [0.25, 0.75]
    assert state.snapshot().consensus.labels.tolist() == [1]
    assert len(live(3).snapshot().answers) == 0


def test_what_cannot_be_is_refused():
    state = live(3)
    for label in (-1, 3):
        with pytest.raises(Invalid, match=r"is not within 0\.\.2"):
            state.add("one", "ann", label)
    with pytest.raises(Invalid, match=r"is not within 0\.\.2"):
        state.set_gold("one", 3)
    assert state.items == {}
    answers = Answers.from_codes([0], [0], [0], n_classes=2)
    with pytest.raises(Invalid, match="of 3 classes goes on from Dawid-Skene"):
        state.load(dawid_skene(answers), answers)
    with pytest.raises(Invalid, match="goes on from Dawid-Skene"):
        live(2).load(majority(answers), answers)

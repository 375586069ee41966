"""The live posterior in the walk: judged answers show at once, a refit loses none, and rivals count none twice."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sqlalchemy as sa

from broker.annotation.live import Crowd
from broker.kinds.registry import furnish
from broker.services import conclude, deliver, judge, publish, submit
from broker.store import beliefs, jobs, live, turns
from broker.store.results import Wish
from broker.store.work import Hit
from broker.truth.live import Live, Narrow
from tests.services import made
from tests.services.made import LABELS, NOW


def judged(store, job, now=NOW):
    with store.write() as unit:
        return judge.judge(unit, job, now)


def all_judged(store, job):
    while judged(store, job):
        continue


def latest(store, job):
    with store.read() as unit:
        return beliefs.latest(unit, job, beliefs.LIVE)


def shown(store, job, version=None):
    """(Consensus, confidence, answers) of each row as the results page shows it."""
    with store.read() as unit:
        found = jobs.job(unit, job)
        aggregation = deliver.chosen(unit, found, version)
        page = deliver.page(unit, found, Wish(aggregation.id, limit=500))
    return {one.row: (one.consensus, one.confidence, len(one.answers)) for one in page}


def stored(store, job, room=None):
    """All that the database knows, as a live posterior of the whole job."""
    with store.write() as unit:
        row = jobs.job(unit, job)
        crowd = Crowd(room or furnish(row.kind, row.settings))
        live.load(unit, live.held(unit, job), crowd, list(live.counts(unit, job)), [])
    return crowd.live


def by_hand(store, job):
    """The live posterior of all answers in the order in which they are judged."""
    state: Live[list[float]] = Narrow(len(LABELS))
    with store.read() as unit:
        for row in turns.answers_of(unit, job):
            item = (row.hit_id, "label")
            if row.gold and item not in state.items:
                state.set_gold(item, LABELS.index(row.truth["category"]["label"]))
            state.add(item, row.worker_id, LABELS.index(row.answer["category"]["label"]))
    return state


def same(one, other):
    assert {item for item, _ in one.items} == {item for item, _ in other.items}
    for mine, theirs in zip(sorted(one.items.items()), sorted(other.items.items()), strict=True):
        assert mine[1].answers == theirs[1].answers
        assert mine[1].posterior == pytest.approx(theirs[1].posterior, abs=1e-9)
    for name, worker in one.workers.items():
        for label, row in worker.rows.items():
            assert row == pytest.approx(other.workers[name].rows.get(label, [0.0] * 3), abs=1e-9)
    for mine, theirs in zip(one.pooled(), other.pooled(), strict=True):
        assert np.allclose(mine, theirs, atol=1e-9)


def exact(state):
    """Whether all counts are those of the posteriors."""
    tables = [[worker.rows.get(label, [0.0] * 3) for label in range(3)] for worker in state.workers.values()]
    pooled = np.sum(tables, axis=0)
    assert np.allclose(state.pooled()[0], pooled, atol=1e-9)
    answered = [one.posterior for one in state.items.values() if one.answers]
    assert np.allclose(state.pooled()[1], np.sum(answered, axis=0), atol=1e-9)
    given = sum(len(one.answers) for one in state.items.values())
    assert pooled.sum() == pytest.approx(given)


def crowd_works(store, job, workers, labels=("cat", "cat", "dog")):
    for worker, label in zip(workers, labels, strict=False):
        made.work(store, job, worker, label=label)


def test_judged_answers_show_before_any_refit_and_are_exact(store):
    job, _ = made.published(store, 6, golds=2, gold_percent=30, redundancy=4)
    crowd_works(store, job, made.crowd(store, 3))
    all_judged(store, job)
    same(stored(store, job), by_hand(store, job))
    page = {row: found for row, found in shown(store, job).items() if found[0]}
    assert {found[0] for found in page.values()} == {"cat"}
    assert all(0.5 < found[1] <= 1.0 for found in page.values())
    version = latest(store, job)
    assert (version.final, version.answers) == (False, sum(found[2] for found in page.values()))


def test_confidence_grows_with_every_answer_that_agrees(store):
    job, _ = made.published(store, 4, redundancy=3)
    seen = []
    for worker in made.crowd(store, 3):
        made.work(store, job, worker)
        judged(store, job)
        seen.append([confidence for _, confidence, _ in shown(store, job).values()])
    assert all(low < middle < high for low, middle, high in zip(*seen, strict=True))


def refit(store, job, meanwhile=lambda: None):
    with store.read() as unit:
        gathered = conclude.gather(unit, job)
    inferred = conclude.infer(gathered)
    meanwhile()
    with store.write() as unit:
        conclude.keep(unit, job, gathered, inferred, NOW)
    return gathered


def test_a_refit_goes_on_with_what_was_judged_while_it_ran(store):
    job, _ = made.published(store, 8, golds=2, gold_percent=30, redundancy=5)
    first, second, third = made.crowd(store, 3)
    made.work(store, job, first)
    made.work(store, job, second, label="dog")
    judged(store, job)

    def meanwhile():
        made.work(store, job, third)
        judged(store, job)

    before = latest(store, job).answers
    gathered = refit(store, job, meanwhile)
    assert (len(gathered.rows), latest(store, job).answers) == (before, made.job_row(store, job).answers)
    state = stored(store, job)
    exact(state)
    with store.read() as unit:
        known = {hit: len(found.answers) for hit, found in live.states(unit, job, list(live.counts(unit, job))).items()}
        answers = [row.hit_id for row in turns.answers_of(unit, job)]
    assert known == {hit: answers.count(hit) for hit in answers}
    assert {found[0] for found in shown(store, job).values() if found[2] == 3} == {"cat"}


def test_answers_that_a_refit_saw_before_they_were_judged_count_once(store):
    job, _ = made.published(store, 5, redundancy=4)
    first, second = made.crowd(store, 2)
    made.work(store, job, first)
    judged(store, job)
    made.work(store, job, second)
    refit(store, job)
    assert latest(store, job).answers == 10
    judged(store, job)
    assert latest(store, job).answers == 10
    exact(stored(store, job))
    assert all(found[2] == 2 for found in shown(store, job).values())


def test_a_final_version_stays_and_the_next_answers_begin_where_it_ended(store):
    job, requester = made.published(store, 3, redundancy=2)
    first, second, third = made.crowd(store, 3)
    made.work(store, job, first)
    made.work(store, job, second)
    judged(store, job)
    refit(store, job)
    final = latest(store, job)
    was = shown(store, job, final.version)
    assert final.final
    with store.write() as unit:
        publish.add_answers(unit, job, requester, 1, NOW)
    offer = made.take(store, job, third)
    made.answer(store, offer.assignment_id, third, "dog")
    judged(store, job)
    fresh = latest(store, job)
    assert (fresh.final, fresh.answers, fresh.version > final.version) == (False, 7, True)
    assert [found[:2] for found in shown(store, job, final.version).values()] == [found[:2] for found in was.values()]
    now = shown(store, job)
    assert sum(now[row][1] != was[row][1] for row in was) == 1
    exact(stored(store, job))


def test_a_job_whose_answers_were_judged_before_there_were_live_posteriors_waits_for_its_refit(store):
    job, _ = made.published(store, 5, redundancy=4)
    first, second, third = made.crowd(store, 3)
    made.work(store, job, first)
    judged(store, job)
    with store.write() as unit:
        for table in (live.LiveJob, live.LiveHit, live.LiveWorker, beliefs.Consensus, beliefs.Aggregation):
            unit.session.execute(sa.delete(table))
    made.work(store, job, second)
    judged(store, job)
    assert latest(store, job) is None
    refit(store, job)
    made.work(store, job, third)
    judged(store, job)
    assert latest(store, job).answers == 15
    exact(stored(store, job))


def test_rivals_that_judge_one_job_at_once_count_every_answer_once(store, monkeypatch):
    monkeypatch.setattr(judge, "BATCH", 4)
    job, _ = made.published(store, 12, golds=2, gold_percent=20, redundancy=5)
    crowd_works(store, job, made.crowd(store, 4), ("cat", "cat", "dog", "cat"))
    with ThreadPoolExecutor(4) as rivals:
        runs = [rivals.submit(all_judged, store, job) for _ in range(4)]
        refit(store, job)
        for run in runs:
            run.result()
    all_judged(store, job)
    state = stored(store, job)
    exact(state)
    with store.read() as unit:
        rows = turns.answers_of(unit, job)
        assert unit.session.scalar(sa.select(sa.func.sum(Hit.answered)).where(Hit.gold.is_(None))) == sum(
            not row.gold for row in rows
        )
    known = {(hit, worker) for (hit, _), one in state.items.items() for worker in one.answers}
    assert known == {(row.hit_id, row.worker_id) for row in rows}
    assert latest(store, job).answers == len(rows) == made.job_row(store, job).answers


def test_several_labels_are_a_posterior_for_each_place(store):
    job, _ = made.published(store, 3, redundancy=3, settings=made.choice(many=True))
    for worker in made.crowd(store, 2):
        while (offer := made.take(store, job, worker)) is not None:
            with store.write() as unit:
                submit.submit(unit, offer.assignment_id, worker, {"category": {"labels": ["cat", "bird"]}}, 3.0, NOW)
    judged(store, job)
    assert {found[0] for found in shown(store, job).values()} == {"cat|bird"}
    refit(store, job)
    assert {found[0] for found in shown(store, job).values()} == {"cat|bird"}

"""What the answers of a job say, on both databases: consensus, agreement, trust, versions."""

import datetime as dt
import random

import pytest

from broker.services import conclude, enroll
from broker.store import beliefs, jobs, turns
from broker.store.jobs import Job, JobState
from broker.store.work import Assignment, Hit, Turn
from broker.truth.crowd import Constant, Honest, RandomClicker

NOW = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)
NAMES = ("cat", "dog", "fox")
CROWD = [Honest("careful", 0.95)] * 4 + [RandomClicker("random")] * 3 + [Constant("constant")]
HITS, GOLDS = 120, 12


def settings(*, many=False):
    labels = [{"name": name} for name in NAMES]
    return {"media": "text", "field": "text", "question": "Which animal?", "many": many, "labels": labels}


def dumped(labels, *, many):
    return {"category": {"labels": list(labels)} if many else {"label": labels[0]}}


def truth(row, *, many):
    first = NAMES[row % 3]
    return [name for name in NAMES if name == first or (row % 2 and name == "fox")] if many else [first]


def answered_job(store, *, many=False, state=JobState.OPEN):
    """A job whose every HIT was answered by everybody; its id and the workers' ids in the order of the crowd."""
    dice = random.Random(5)
    with store.write() as unit:
        people = [
            enroll.sign_up(unit, enroll.Account(f"{n}@example.org", f"N{n}", "a long password", ["worker"]), NOW)
            for n in range(len(CROWD))
        ]
        job = Job(requester_id=people[0].id, kind="choice", settings=settings(many=many), created_at=NOW, state=state)
        unit.session.add(job)
        unit.session.flush()
        for row in range(HITS):
            labels = truth(row, many=many)
            gold = dumped(labels, many=many) if row < GOLDS else None
            hit = Hit(job_id=job.id, row=row, pos=row, open=False, payload={"text": str(row)}, gold=gold)
            unit.session.add(hit)
            unit.session.flush()
            for person, answerer in zip(people, CROWD, strict=True):
                said = answerer.answer_many(labels, NAMES, dice) if many else [answerer.answer(labels[0], NAMES, dice)]
                keep_answer(unit, job.id, hit, person.id, dumped(said, many=many))
        return job.id, [person.id for person in people]


def keep_answer(unit, job_id, hit, worker_id, answer):
    score = None if hit.gold is None else float(answer == hit.gold)
    unit.session.add(
        Assignment(
            job_id=job_id,
            hit_id=hit.id,
            worker_id=worker_id,
            state=Turn.SUBMITTED,
            gold=hit.gold is not None,
            accepted_at=NOW,
            deadline=NOW,
            reward=0,
            answer=answer,
            seconds=4.0,
            score=score,
        )
    )


def run(store, job_id):
    with store.read() as unit:
        gathered = conclude.gather(unit, job_id)
    inferred = conclude.infer(gathered)
    with store.write() as unit:
        conclude.keep(unit, job_id, gathered, inferred, NOW)
    return inferred


def accuracy(store, job_id, model, *, many=False):
    with store.read() as unit:
        version = beliefs.latest(unit, job_id, model)
        query = unit.session.query(beliefs.Consensus, Hit).join(Hit, Hit.id == beliefs.Consensus.hit_id)
        rows = query.filter(beliefs.Consensus.aggregation_id == version.id).all()
    assert len(rows) == HITS
    assert all(found.answers == len(CROWD) and 0 < found.confidence <= 1 for found, _ in rows)
    return sum(found.answer == dumped(truth(hit.row, many=many), many=many) for found, hit in rows) / HITS


@pytest.mark.parametrize("many", [False, True])
def test_dawid_skene_finds_the_truth_where_half_of_the_crowd_clicks_at_random(store, many):
    job_id, _ = answered_job(store, many=many)
    run(store, job_id)
    assert accuracy(store, job_id, "dawid-skene", many=many) >= 0.97
    assert accuracy(store, job_id, "dawid-skene", many=many) >= accuracy(store, job_id, "majority", many=many)


def test_trust_ranks_the_careful_above_the_random_in_the_job_and_over_all(store):
    job_id, workers = answered_job(store)
    run(store, job_id)
    for where in (job_id, beliefs.ALL_JOBS):
        with store.read() as unit:
            trusted = {row.worker_id: row for row in beliefs.trusted(unit, where)}
        careful, others = workers[:4], workers[4:]
        assert min(trusted[one].low for one in careful) > max(trusted[one].high for one in others)
        assert all(trusted[one].low < trusted[one].mean < trusted[one].high for one in workers)
        assert all((row.gold_seen, row.answers, row.median_seconds) == (GOLDS, HITS, 4.0) for row in trusted.values())
        assert trusted[workers[-1]].gold_right == GOLDS / 3


def test_evidence_of_two_jobs_adds_up(store):
    with store.read() as unit:
        assert not beliefs.trusted(unit)
    job_id, workers = answered_job(store)
    run(store, job_id)
    with store.write() as unit:
        mine = beliefs.trust_of(unit, workers[0], job_id)
        other = Job(requester_id=workers[0], kind="choice", settings=settings(), created_at=NOW)
        unit.session.add(other)
        unit.session.flush()
        fields = {name: getattr(mine, name) for name in beliefs.Belief.__dataclass_fields__}
        beliefs.write_trust(unit, other.id, {workers[0]: beliefs.Belief(**fields)}, NOW)
    run(store, job_id)
    with store.read() as unit:
        over_all, alone = beliefs.trust_of(unit, workers[0]), beliefs.trust_of(unit, workers[0], job_id)
    assert over_all.evidence == pytest.approx(2 * alone.evidence)
    assert over_all.high - over_all.low < alone.high - alone.low
    assert over_all.answers == 2 * HITS


def test_agreement_leaves_gold_out(store):
    job_id, _ = answered_job(store)
    first = run(store, job_id).agreement
    with store.write() as unit:
        for hit in unit.session.query(Hit).filter(Hit.gold.is_not(None)):
            answers = unit.session.query(turns.Assignment).filter_by(hit_id=hit.id)
            answers.update({"answer": hit.gold})
    assert run(store, job_id).agreement == pytest.approx(first)


def test_running_versions_are_pruned_and_final_ones_stay(store):
    job_id, _ = answered_job(store, state=JobState.DONE)
    run(store, job_id)
    with store.write() as unit:
        jobs.move_job(unit, job_id, [JobState.DONE], JobState.OPEN)
    for _ in range(4):
        run(store, job_id)
    with store.read() as unit:
        versions = [(one.version, one.model, one.final) for one in beliefs.versions(unit, job_id)]
        kept = unit.session.query(beliefs.Consensus).count()
    assert [version for version, _, _ in versions] == [10, 9, 8, 7, 2, 1]
    assert [final for _, _, final in versions] == [False] * 4 + [True] * 2
    assert kept == 6 * HITS


def test_a_job_without_answers_concludes_nothing(store):
    with store.write() as unit:
        account = enroll.Account("a@example.org", "A", "a long password", ["requester"])
        job = Job(
            requester_id=enroll.sign_up(unit, account, NOW).id, kind="choice", settings=settings(), created_at=NOW
        )
        unit.session.add(job)
        unit.session.flush()
        assert conclude.gather(unit, job.id) is None

"""What the answers of a job say, on both databases: consensus, agreement, trust, versions."""

import datetime as dt
import random

import pytest

from broker.services import conclude, enroll
from broker.store import beliefs, jobs, people, turns
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
    first = run(store, job_id).figures
    with store.write() as unit:
        for hit in unit.session.query(Hit).filter(Hit.gold.is_not(None)):
            answers = unit.session.query(turns.Assignment).filter_by(hit_id=hit.id)
            answers.update({"answer": hit.gold})
    again = run(store, job_id).figures
    assert {name: again[name] == pytest.approx(figure) for name, figure in first.items()} == dict.fromkeys(first, True)


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


def told(store, job_id):
    """The signals about each worker in a job, by their place in the crowd's order of ids."""
    with store.read() as unit:
        rows = sorted(beliefs.trusted(unit, job_id), key=lambda row: row.worker_id)
    return [row.signals["told"] for row in rows]


def test_signals_are_kept_with_their_evidence_in_the_job_and_over_all(store):
    job_id, _ = answered_job(store)
    run(store, job_id)
    for where in (job_id, beliefs.ALL_JOBS):
        signals = told(store, where)
        assert [[sign["name"] for sign in some] for some in signals] == [[]] * 4 + [["random"]] * 3 + [["constant"]]
        assert {sign["job"] for some in signals for sign in some} == {job_id}
        constant = signals[-1][0]
        assert constant["figures"]["top"] == NAMES[0]
        assert constant["figures"]["top_given"] == HITS
        assert constant["figures"]["top_expected"] < HITS / 2
        assert constant["p"] < 1e-9


def test_the_spammer_score_and_the_confusion_matrix_are_kept(store):
    job_id, workers = answered_job(store)
    run(store, job_id)
    with store.read() as unit:
        careful, clicker, same = (beliefs.trust_of(unit, workers[place], job_id) for place in (0, 5, 7))
    assert careful.score > 0.7
    assert max(clicker.score, same.score) < 0.2
    assert same.confusion["labels"] == list(NAMES)
    assert [sum(column) for column in zip(*same.confusion["counts"], strict=True)] == pytest.approx(
        [HITS, 0, 0], abs=0.3
    )
    diagonal = sum(careful.confusion["counts"][place][place] for place in range(3))
    assert diagonal == pytest.approx(0.95 * HITS, abs=8)


def test_who_copies_whom_is_told_by_public_ids(store):
    job_id, workers = answered_job(store)
    with store.write() as unit:
        source = unit.session.query(Assignment).filter_by(job_id=job_id, worker_id=workers[4])
        said = {one.hit_id: one.answer for one in source}
        for one in unit.session.query(Assignment).filter_by(job_id=job_id, worker_id=workers[5]):
            one.answer = said[one.hit_id]
        ids = people.public_ids(unit, workers)
    run(store, job_id)
    pairs = {
        (place, sign["other"]) for place, some in enumerate(told(store, job_id)) for sign in some if "other" in sign
    }
    assert pairs == {(4, ids[workers[5]]), (5, ids[workers[4]])}


def test_who_rushes_is_told_of_and_paid_like_everybody(store):
    job_id, workers = answered_job(store)
    dice = random.Random(3)
    with store.write() as unit:
        for one in unit.session.query(Assignment).filter_by(job_id=job_id):
            own = 1.0 if one.worker_id == workers[1] else 8.0 + workers.index(one.worker_id) / 2
            one.seconds = own * dice.lognormvariate(0, 0.3)
    run(store, job_id)
    signals = told(store, job_id)
    assert [sign["name"] for sign in signals[1]] == ["too-fast"]
    assert signals[1][0]["figures"]["median"] < signals[1][0]["figures"]["crowd"] / 4
    with store.read() as unit:
        states = {one.state for one in unit.session.query(Assignment).filter_by(job_id=job_id)}
    assert states == {Turn.SUBMITTED}


def test_agreement_comes_with_its_interval(store):
    job_id, _ = answered_job(store)
    run(store, job_id)
    with store.read() as unit:
        latest = beliefs.latest(unit, job_id, "dawid-skene")
    assert set(latest.figures) == {"percent", "fleiss", "alpha"}
    for figure in latest.figures.values():
        assert figure["low"] < figure["value"] < figure["high"]
    assert latest.agreement == latest.figures["fleiss"]["value"]

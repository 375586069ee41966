"""One job of every kind, from the wizard's settings to files of results: nothing on the way knows which kind it is."""

import datetime as dt
import itertools

import pytest
from markupsafe import escape

from broker.formats.export import EXPORTS
from broker.kinds.registry import ROOMS, columns, furnish
from broker.services import claim, publish, submit
from broker.store import beliefs, dataset, exports, jobs
from broker.store.errands import later
from broker.store.exports import ExportState
from broker.store.jobs import Job
from broker.wiring import utc_now
from tests.doors.requester import Visitor, broker_on, person
from tests.kinds.samples import SAMPLES
from workers import errands

FIRST = {sample.kind: sample for sample in SAMPLES[::-1]}
ROWS, WORKERS = 6, 4
FILES = {"_image", "_audio", "_video"}
SIZE = {"width": 64, "height": 48}


@pytest.fixture
def broker(database, tmp_path):
    made = broker_on(database, tmp_path)
    yield made
    made.store.close()


def opened(broker, requester, sample):
    """An open job of so many items like the sample's, each file of which is known."""
    item = {**sample.item, "truth": ""}
    item |= {name: f"images/ab/{value.rpartition('/')[2]}" for name, value in item.items() if name in FILES}
    files = {name: value for name, value in item.items() if name in FILES}
    media = {name: {"file": value, "medium": name[1:], **SIZE} for name, value in files.items()}
    with broker.store.write() as unit:
        job = Job(requester_id=requester, title=sample.kind, kind=sample.kind, settings=dict(sample.settings))
        job.columns, job.created_at = [*item], utc_now()
        job.redundancy, job.reward, job.lease_seconds, job.gold_percent = 3, 10_000, 600, 0
        unit.session.add(job)
        unit.session.flush()
        rows = [{**item, **({"_media": media, "name": f"{row}.png"} if media else {})} for row in range(1, ROWS + 1)]
        dataset.write(unit, job.id, list(enumerate(rows, 1)))
        publish.publish(unit, job.id, requester, utc_now())
        return job.id


def worked(broker, job_id, crowd, right, wrong):
    """All answer right but the last worker, who answers wrong where there is such an answer."""
    moment = utc_now()
    for (place, (worker, _)), _ in itertools.product(enumerate(crowd), range(ROWS)):
        moment += dt.timedelta(seconds=20)
        with broker.store.write() as unit:
            offer = claim.claim(unit, job_id, worker.id, [], moment, broker.secret)
            if offer:
                answer = wrong if place == 0 else right
                submit.submit(unit, offer.assignment_id, worker.id, answer, 5.0, moment)
    with broker.store.write() as unit:
        later(unit, "judge", job_id, moment)
    for queue in ("errands", "statistics", "errands"):
        errands.drain_with(broker, queue)


@pytest.mark.parametrize("kind", sorted(ROOMS))
def test_a_job_of_each_kind_goes_from_publishing_to_every_file_it_can_fill(broker, kind):
    sample, ann = FIRST[kind], Visitor(broker, "requester", credit=100_000_000)
    room = furnish(kind, sample.settings)
    right, wrong = sample.answers[0][0], sample.answers[1][0]
    job_id = opened(broker, ann.person.id, sample)
    path = f"/jobs/{broker.names('J').show(job_id)}"
    assert "crowd-form" in ann.get(f"{path}/preview").text or "broker-page" in ann.get(f"{path}/preview").text
    worked(broker, job_id, [person(broker, "worker") for _ in range(WORKERS)], right, wrong)

    with broker.store.read() as unit:
        job, found = jobs.job(unit, job_id), beliefs.latest(unit, job_id)
        consensus = unit.session.query(beliefs.Consensus).filter_by(aggregation_id=found.id).all()
    assert (job.state, found.final, len(consensus)) == ("done", True, ROWS)
    for one in consensus:
        assert room.grade(room.parse(one.answer, {}), room.parse(right, sample.item)) >= room.enough
        assert 0.5 < one.confidence < 1
    assert str(escape(room.brief(room.parse(right, sample.item)))) in ann.get(f"{path}/results").text

    for name in room.exports:
        assert ann.post(
            f"{path}/exports", format=name, split="1", train="50", validation="0", test="50", seed="3"
        ).location
    errands.drain_with(broker, "statistics")
    with broker.store.read() as unit:
        made = exports.of_job(unit, job_id)
    assert {one.format: (one.state, one.message) for one in made} == dict.fromkeys(room.exports, (ExportState.DONE, ""))
    assert all(broker.files.read(one.file) for one in made if one.file)


def test_a_kind_refuses_formats_that_cannot_hold_it(broker):
    sample, ann = FIRST["rating"], Visitor(broker, "requester", credit=100_000_000)
    path = f"/jobs/{broker.names('J').show(opened(broker, ann.person.id, sample))}"
    assert ann.post(f"{path}/exports", format="coco").status_code == 422
    assert "coco" not in ann.get(f"{path}/results").text
    assert EXPORTS["parquet"].title in ann.get(f"{path}/results").text


@pytest.mark.parametrize(
    "fields", [{"train": "80", "validation": "10", "test": "20", "seed": "1"}, {"train": "", "seed": "x"}]
)
def test_shares_that_do_not_sum_to_a_hundred_are_refused(broker, fields):
    ann = Visitor(broker, "requester", credit=100_000_000)
    path = f"/jobs/{broker.names('J').show(opened(broker, ann.person.id, FIRST['choice']))}"
    assert ann.post(f"{path}/exports", format="csv", split="1", **fields).status_code == 422
    assert "Files" not in ann.get(f"{path}/results").text


@pytest.mark.parametrize("kind", sorted(ROOMS))
def test_the_wizard_shows_each_kinds_own_settings(broker, kind):
    ann = Visitor(broker, "requester")
    job, room = ann.job(), ROOMS[kind]
    for offer in room.offers:
        page = ann.post(f"{job}/task", act="kind", title="T", offer=offer.name).text
        assert f'value="{offer.name}" checked' in page.replace("\n", " ")
        for control in room.controls:
            if control.name not in offer.settings and control.name != "field":
                assert control.label in page.replace("&#34;", '"').replace("&#39;", "'"), control.name


def test_columns_that_are_not_there_are_told_beside_their_own_field(broker):
    ann = Visitor(broker, "requester")
    job = ann.job()
    ann.upload(job, "a.csv", b"one,two\nx,y\nz,w\n")
    task = {"title": "T", "offer": "text-pair", "field": "one", "other": "three", "question": "Which?"}
    answer = ann.post(f"{job}/task", **task)
    assert answer.status_code == 422
    assert 'id="other-error"' in answer.text
    assert ann.post(f"{job}/task", **{**task, "other": "two"}).status_code == 303
    with broker.store.read() as unit:
        found = jobs.job(unit, broker.names("J").read(job.rpartition("/")[2]))
    assert [name for _, name in columns(found.kind, found.settings)] == ["one", "two"]

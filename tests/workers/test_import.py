"""Imports that are killed and imports that two runners do at once end with every row exactly once."""

import dataclasses
import json
import signal
import subprocess
import sys

import pytest
import sqlalchemy as sa

from broker.formats.limits import Limits
from broker.services import intake, prepare
from broker.services.intake import Arrival
from broker.store import jobs
from broker.store.files import Files
from broker.store.jobs import UploadState
from broker.store.work import Hit
from broker.wiring import utc_now
from tests.doors.requester import broker_on, person
from tests.formats.samples import packed, png
from workers.errands import ERRANDS

BATCH = 200
ROWS = 20 * BATCH + 50
FAULTY = {1, BATCH, BATCH + 1, 5 * BATCH + 3, ROWS}


@pytest.fixture
def broker(database, tmp_path):
    made = broker_on(database, tmp_path)
    yield made
    made.store.close()


def arrive(broker, content, name="data.csv"):
    """A file waits to be read: the rows of its job and upload."""
    requester, _ = person(broker, "requester")
    key = broker.files.fresh_key("uploads")
    broker.files.write(key, content)
    with broker.store.write() as unit:
        job = prepare.make(unit, requester.id, "Reviews", utc_now())
        upload, _ = intake.receive(unit, job.id, requester.id, Arrival(name, key, len(content)), utc_now())
    return job.id, upload.id


def table():
    lines = (f"{row}" if row in FAULTY else f'{row},"é \\ ""{row}""\n"' for row in range(1, ROWS + 1))
    return ("id,text\n" + "\n".join(lines) + "\n").encode()


def runner(broker, database, upload, dies_in=0):
    """A process that imports on."""
    folder = str(broker.settings.data)
    command = [sys.executable, "-m", "tests.workers.importing", database, folder, str(upload), str(BATCH), str(dies_in)]
    return subprocess.Popen(command)


def assert_each_row_once(broker, job, upload):
    with broker.store.read() as unit:
        hits = unit.session.execute(sa.select(Hit).where(Hit.job_id == job).order_by(Hit.id)).scalars().all()
        faults = [one.row for one in jobs.faults_of(unit, upload)]
        found = jobs.upload(unit, upload)
    good = [row for row in range(1, ROWS + 1) if row not in FAULTY]
    assert [(hit.row, hit.pos) for hit in hits] == [(row, row) for row in good]
    assert [hit.payload for hit in hits] == [{"id": str(row), "text": f'é \\ "{row}"\n'} for row in good]
    assert all((hit.open, hit.taken, hit.extra, hit.answered, hit.done) == (True, 0, 0, 0, False) for hit in hits)
    assert faults == sorted(FAULTY)
    assert (found.state, found.good, found.bad) == (UploadState.REVIEW, len(good), len(FAULTY))
    assert (found.rows_read, found.bytes_read) == (ROWS, found.size)


def test_an_import_that_is_killed_again_and_again_keeps_each_row_once(broker, database):
    job, upload = arrive(broker, table())
    for batches in (1, 3, 2, 8):
        killed = runner(broker, database, upload, dies_in=batches)
        assert killed.wait(60) == -signal.SIGKILL
    assert runner(broker, database, upload).wait(60) == 0
    assert_each_row_once(broker, job, upload)


def test_two_runners_of_one_import_double_nothing_and_either_may_die(broker, database):
    job, upload = arrive(broker, table())
    dying, other, third = (runner(broker, database, upload, dies_in=dies_in) for dies_in in (4, 0, 0))
    assert (other.wait(60), third.wait(60)) == (0, 0)
    assert dying.wait(60) in (-signal.SIGKILL, 0), "the others may have been faster"
    assert_each_row_once(broker, job, upload)
    assert [path for path in (broker.settings.data / "files").rglob("*") if path.is_file()] == []


class Overtaken(Files):
    """Files that let somebody else go first when the first image is kept."""

    def __init__(self, url, act):
        super().__init__(url)
        self.act = act

    def write(self, key, content):
        act, self.act = self.act, None
        if act:
            act()
        super().write(key, content)


def test_a_runner_that_was_overtaken_leaves_the_images_of_the_other(broker):
    names = [f"{number}.png" for number in range(3)]
    job, upload = arrive(broker, packed([(name, png()) for name in names]), "images.zip")
    slow = dataclasses.replace(
        broker, files=Overtaken(broker.settings.files, lambda: ERRANDS["import"](broker, upload))
    )
    ERRANDS["import"](slow, upload)
    with broker.store.read() as unit:
        payloads = unit.session.scalars(sa.select(Hit.payload).where(Hit.job_id == job)).all()
        assert jobs.upload(unit, upload).state == UploadState.KEPT
    assert [payload["name"] for payload in payloads] == names
    assert all(broker.files.read(payload["_image"].rpartition(".")[0]) == png() for payload in payloads)


def test_a_payload_is_stored_as_it_always_was(broker, database):
    rows = [{"a%": "x\ty\\\"'é\u2028", "b": ""}, {"b": 1.5, "a%": [None, {"c": "\n"}]}, {"猫": True}]
    job, upload = arrive(broker, "".join(json.dumps(row) + "\n" for row in rows).encode(), "data.jsonl")
    ERRANDS["import"](broker, upload)
    with broker.store.read() as unit:
        texts = unit.session.scalars(sa.select(sa.cast(Hit.payload, sa.Text)).where(Hit.job_id == job)).all()
    assert texts == [json.dumps(row, ensure_ascii=False) for row in rows]


def test_who_began_where_another_went_on_keeps_nothing(broker, monkeypatch):
    monkeypatch.setattr(intake, "BATCH_ROWS", BATCH)
    _, upload = arrive(broker, table())
    with broker.store.write() as unit:
        reading = intake.begin(unit, upload)
    with broker.files.open(reading.file) as first, broker.files.open(reading.file) as second:
        fast, slow = (next(intake.read(reading, one, Limits(), broker.files.write)) for one in (first, second))
    kept = []
    for batch in (fast, slow):
        with broker.store.write() as unit:
            kept.append(intake.keep(unit, upload, *batch, utc_now()))
    assert kept == [True, False]

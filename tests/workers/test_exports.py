"""Exports: whole files, however often their runner dies; small in memory, and thrown away in time."""

import csv
import dataclasses
import datetime as dt
import io
import json
import tracemalloc

import pytest

from broker.errors import Conflict, Invalid, NotFound
from broker.services import export
from broker.store import beliefs, dataset, errands, exports, jobs, results
from broker.store.beliefs import Finding
from broker.store.errands import ErrandState
from broker.store.exports import ExportState
from broker.store.results import Wish
from tests.services import made
from tests.services.made import NOW
from tests.workers.test_errands import LOST, shown, tick
from workers import exports as exporting
from workers.errands import drain_with
from workers.schedule import ENTRIES, perform_with

ROWS = 7


@pytest.fixture
def job(broker):
    """A published job with one aggregation."""
    found, _ = made.published(broker.store, ROWS)
    made.work(broker.store, found, made.person(broker.store, "worker"))
    with broker.store.write() as unit:
        version = beliefs.write_version(unit, found, "majority", answers=ROWS, figures={}, final=False, at=NOW)
        hits = [row.id for row in results.items(unit, found, Wish(limit=100))]
        answer = {"category": {"label": "cat"}}
        beliefs.write_findings(unit, version, [Finding(hit, answer, 0.9, 1) for hit in hits])
    return found


def ask(broker, job, sort="csv", version=1):
    with broker.store.write() as unit:
        export.ask(unit, jobs.job(unit, job), sort, version, broker.now())


def files(broker, job):
    with broker.store.read() as unit:
        return exports.of_job(unit, job)


def kept(broker):
    """All files of exports in the store."""
    return sorted(path for path in (broker.settings.data / "files" / "exports").rglob("*") if path.is_file())


def test_a_file_holds_every_row_and_its_size_is_known(broker, job):
    ask(broker, job)
    ask(broker, job, "jsonl")
    drain_with(broker, "statistics")
    lines, table = files(broker, job)
    content = broker.files.read(table.file)
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [row["text"] for row in rows] == [f"text {row}" for row in range(1, ROWS + 1)]
    assert {row["consensus"] for row in rows} == {"cat"}
    assert [json.loads(line)["row"] for line in broker.files.read(lines.file).splitlines()] == list(range(1, ROWS + 1))
    assert (table.state, table.done, table.total, table.size) == (ExportState.DONE, ROWS, ROWS, len(content))


def test_asking_twice_makes_one_file(broker, job):
    ask(broker, job)
    ask(broker, job)
    drain_with(broker, "statistics")
    assert [one.state for one in files(broker, job)] == [ExportState.DONE]
    ask(broker, job)
    drain_with(broker, "statistics")
    assert len(files(broker, job)) == 2, "once it is there, another one holds what came since"


def test_the_requester_sees_how_far_it_is(broker, job, monkeypatch):
    monkeypatch.setattr(exporting, "NOTED_ROWS", 3)
    seen = []
    note = export.note

    def noted(unit, export_id, file, done):
        note(unit, export_id, file, done)
        seen.append(exports.progress(unit, export_id))

    monkeypatch.setattr(export, "note", noted)
    ask(broker, job)
    drain_with(broker, "statistics")
    assert seen == [(3, ROWS), (6, ROWS)]


def test_a_runner_that_is_killed_leaves_one_whole_file_after_the_next_run(broker, job, monkeypatch):
    class Killed(BaseException):
        """What no handler of the errand sees."""

    def die(*_):
        raise Killed

    monkeypatch.setattr(exporting, "NOTED_ROWS", 3)
    ask(broker, job)
    with monkeypatch.context() as patch:
        patch.setattr(export, "note", die)
        with pytest.raises(Killed):
            drain_with(broker, "statistics")
    assert [one.state for one in files(broker, job)] == [ExportState.RUNNING]
    assert len(kept(broker)) == 1
    broker.time[0] += LOST
    tick(broker)
    drain_with(broker, "statistics")
    (one,) = files(broker, job)
    assert (one.state, one.done) == (ExportState.DONE, ROWS)
    (path,) = kept(broker)
    assert path.stat().st_size == one.size


def test_a_runner_that_was_overtaken_neither_ends_the_file_nor_leaves_its_own(broker, job, monkeypatch):
    ask(broker, job)
    (asked,) = files(broker, job)
    write = exporting._write

    def overtaken(*arguments):
        size = write(*arguments)
        with broker.store.write() as unit:
            exports.begin(unit, asked.id, "exports/of/another", ROWS)
        return size

    monkeypatch.setattr(exporting, "_write", overtaken)
    with pytest.raises(Conflict, match="Another runner"):
        exporting.run(broker, asked.id)
    (one,) = files(broker, job)
    assert (one.state, one.file, one.done) == (ExportState.RUNNING, "exports/of/another", 0)
    assert kept(broker) == []
    with pytest.raises(Conflict, match="Another runner"), broker.store.write() as unit:
        export.note(unit, asked.id, asked.file, 3)


def test_a_version_that_is_gone_is_a_failure_that_says_so_and_may_be_tried_again(broker, job):
    ask(broker, job, version=9)
    drain_with(broker, "statistics")
    (one,) = files(broker, job)
    assert (one.state, one.message) == (ExportState.FAILED, "There is no version 9 of these results.")
    assert shown(broker)[-1] == ("export", ErrandState.FAILED, one.message)
    assert kept(broker) == []
    ask(broker, job, version=9)
    assert len(files(broker, job)) == 2


def test_what_breaks_is_tried_again_and_no_half_file_stays(broker, job, monkeypatch):
    tried = []

    def broken(*_):
        tried.append(1)
        raise OSError("the disk is full")

    monkeypatch.setitem(exporting.EXPORTS, "csv", dataclasses.replace(exporting.EXPORTS["csv"], write=broken))
    ask(broker, job)
    drain_with(broker, "statistics")
    assert len(tried) == errands.MOST_ATTEMPTS
    (one,) = files(broker, job)
    assert (one.state, one.message) == (ExportState.FAILED, "Something went wrong while it was written.")
    assert kept(broker) == []


def test_old_files_and_more_than_a_job_may_keep_are_thrown_away(broker, job):
    for _ in range(export.MOST + 2):
        ask(broker, job)
        drain_with(broker, "statistics")
    perform_with(broker, ENTRIES["prune"])
    left = files(broker, job)
    assert [one.id for one in left] == sorted((one.id for one in left), reverse=True)
    assert len(left) == len(kept(broker)) == export.MOST
    broker.time[0] = NOW + export.KEPT + dt.timedelta(seconds=1)
    ask(broker, job)
    perform_with(broker, ENTRIES["prune"])
    assert [one.state for one in files(broker, job)] == [ExportState.WAITING]
    assert kept(broker) == []


def test_an_export_that_nobody_wants_any_more_is_not_written(broker, job):
    ask(broker, job)
    with broker.store.write() as unit:
        exports.forget(unit, [one.id for one in exports.of_job(unit, job)])
    drain_with(broker, "statistics")
    assert shown(broker)[-1][1] == ErrandState.DONE
    assert kept(broker) == []


def test_a_draft_and_an_unknown_format_are_refused(broker, job):
    draft = made.draft(broker.store, made.person(broker.store, "requester"), 1)
    with pytest.raises(Conflict, match="draft"):
        ask(broker, draft)
    with pytest.raises(Invalid, match="csv, jsonl"):
        ask(broker, job, "xlsx")


def test_a_file_belongs_to_its_job(broker, job):
    other, _ = made.published(broker.store, 1)
    ask(broker, job)
    (one,) = files(broker, job)
    with broker.store.read() as unit, pytest.raises(NotFound):
        export.own(unit, other, one.id)


def test_memory_does_not_grow_with_the_file(broker):
    peaks = []
    for rows in (1000, 6000):
        job, _ = made.published(broker.store, 1)
        with broker.store.write() as unit:
            dataset.write(unit, job, ((row, {"text": "x" * 1000}) for row in range(2, rows + 1)))
        ask(broker, job, version=0)
        tracemalloc.start()
        drain_with(broker, "statistics")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert files(broker, job)[0].size > rows * 1000
    assert peaks[1] < 1.5 * peaks[0]

"""Drafts and their data: what is read is exactly what the file has, however often the reading is cut short."""

import dataclasses
import io

import pytest
import sqlalchemy as sa

from broker.errors import Conflict, Invalid, NotFound
from broker.formats.limits import Limits
from broker.services import intake, prepare, publish
from broker.services.intake import Arrival
from broker.services.prepare import GoldFile, Task
from broker.store import dataset, jobs
from broker.store.errands import Errand, ErrandState
from broker.store.files import Files
from broker.store.jobs import JobState, Upload, UploadState
from broker.store.work import Hit
from broker.wiring import utc_now
from tests.doors.requester import broker_on, person
from tests.formats.samples import packed, png
from workers import errands

ROWS = 2 * intake.BATCH_ROWS + 500
LABELS = [{"name": "good"}, {"name": "bad"}]


@pytest.fixture
def broker(database, tmp_path):
    made = broker_on(database, tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def requester(broker):
    found, _ = person(broker, "requester", credit=1_000_000_000)
    return found.id


@pytest.fixture
def job(broker, requester):
    with broker.store.write() as unit:
        return prepare.make(unit, requester, "Reviews", utc_now()).id


def arrive(broker, job, requester, content, name="data.csv"):
    """A file has come in and waits to be read; the upload's row id."""
    key = broker.files.fresh_key("uploads")
    broker.files.write(key, content)
    with broker.store.write() as unit:
        upload, leftovers = intake.receive(unit, job, requester, Arrival(name, key, len(content)), utc_now())
    for leftover in leftovers:
        broker.files.remove(leftover)
    return upload.id


def imported(broker, job, requester, content, name="data.csv"):
    upload = arrive(broker, job, requester, content, name)
    errands.drain_with(broker, "errands")
    return upload


def upload_of(broker, upload):
    with broker.store.read() as unit:
        return jobs.upload(unit, upload)


def rows_of(broker, job):
    with broker.store.read() as unit:
        return dataset.sample(unit, job, limit=100_000)


def faults_of(broker, upload):
    with broker.store.read() as unit:
        return [(one.row, one.column) for one in jobs.faults_of(unit, upload, limit=1000)]


def table(rows=ROWS, faulty=()):
    lines = [f"{row},text {row}" if row not in faulty else f"{row}" for row in range(1, rows + 1)]
    return ("id,text\n" + "\n".join(lines) + "\n").encode()


def cut_short(broker, upload, batches):
    """Read some batches, as a worker does that is killed after them."""
    with broker.store.write() as unit:
        reading = intake.begin(unit, upload)
    with broker.files.open(reading.file) as stream:
        found = intake.read(reading, stream, Limits(), broker.files.write)
        for _ in range(batches):
            batch, done = next(found)
            with broker.store.write() as unit:
                assert intake.keep(unit, upload, batch, done, utc_now())
        next(found)  # read, but not kept when the end came


def test_every_row_of_a_file_becomes_an_item(broker, job, requester):
    upload = upload_of(broker, imported(broker, job, requester, table()))
    assert (upload.state, upload.good, upload.bad, upload.rows_read) == (UploadState.KEPT, ROWS, 0, ROWS)
    assert upload.bytes_read == upload.size
    assert rows_of(broker, job) == [(n, {"id": str(n), "text": f"text {n}"}) for n in range(1, ROWS + 1)]


@pytest.mark.parametrize("batches", [0, 1, 2])
def test_a_reading_that_is_killed_goes_on_where_it_was_and_doubles_nothing(broker, job, requester, batches):
    faulty = {7, intake.BATCH_ROWS, intake.BATCH_ROWS + 1, intake.BATCH_ROWS + 500, ROWS - 1}
    upload = arrive(broker, job, requester, table(faulty=faulty))
    cut_short(broker, upload, batches)
    assert len(rows_of(broker, job)) == batches * intake.BATCH_ROWS
    errands.drain_with(broker, "errands")
    assert [row for row, _ in rows_of(broker, job)] == [n for n in range(1, ROWS + 1) if n not in faulty]
    assert faults_of(broker, upload) == [(row, "text") for row in sorted(faulty)]
    found = upload_of(broker, upload)
    assert (found.state, found.good, found.bad) == (UploadState.REVIEW, ROWS - 5, 5)


def test_rows_under_review_cannot_be_published_until_they_are_kept(broker, job, requester):
    upload = imported(broker, job, requester, table(10, faulty={3}))
    fill_in(broker, job, requester)
    with pytest.raises(Invalid, match="faulty rows"), broker.store.write() as unit:
        publish.publish(unit, job, requester, utc_now())
    with broker.store.write() as unit:
        intake.keep_good(unit, job, requester, upload)
        publish.publish(unit, job, requester, utc_now())
    with broker.store.read() as unit:
        assert jobs.job(unit, job).hits == 9


def test_rows_that_are_still_read_cannot_be_published(broker, job, requester):
    upload = arrive(broker, job, requester, table())
    cut_short(broker, upload, 1)
    fill_in(broker, job, requester)
    with pytest.raises(Invalid, match="still being read"), broker.store.write() as unit:
        publish.publish(unit, job, requester, utc_now())


def test_discarding_leaves_neither_rows_nor_columns_nor_files(broker, job, requester, tmp_path):
    upload = imported(broker, job, requester, packed([("a.png", png()), ("b.png", b"no image")]), "images.zip")
    assert len(list((tmp_path / "files").rglob("*/*/1"))) == 1
    with broker.store.write() as unit:
        leftovers = intake.discard(unit, job, requester, upload, utc_now())
    for key in leftovers:
        broker.files.remove(key)
    assert rows_of(broker, job) == []
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []
    assert upload_of(broker, upload).state == UploadState.DISCARDED
    with broker.store.read() as unit:
        assert jobs.job(unit, job).columns == []


def test_another_file_takes_the_place_of_the_rows(broker, job, requester):
    first = imported(broker, job, requester, table(10))
    imported(broker, job, requester, b'{"other": "x"}\n{"other": "y", "more": 1}\n', "data.jsonl")
    assert rows_of(broker, job) == [(1, {"other": "x"}), (2, {"other": "y", "more": 1})]
    assert upload_of(broker, first).state == UploadState.DISCARDED
    with broker.store.read() as unit:
        assert jobs.job(unit, job).columns == ["other", "more"]


def test_a_reading_ends_when_another_file_took_its_place(broker, job, requester):
    first = arrive(broker, job, requester, table())
    with broker.store.write() as unit:
        reading = intake.begin(unit, first)
    with broker.files.open(reading.file) as stream:
        batch, done = next(intake.read(reading, stream, Limits(), broker.files.write))
        arrive(broker, job, requester, table(3))
        with broker.store.write() as unit:
            assert not intake.keep(unit, first, batch, done, utc_now())
    errands.drain_with(broker, "errands")
    assert len(rows_of(broker, job)) == 3


def test_a_file_that_breaks_off_fails_with_its_message_and_leaves_no_rows(broker, job, requester):
    content = b'{"id": 1}\n' * intake.BATCH_ROWS + b'{"id": 2, "_gold": "x"}\n'
    upload = upload_of(broker, imported(broker, job, requester, content, "data.jsonl"))
    assert upload.state == UploadState.FAILED
    assert "'_gold'" in upload.message
    assert rows_of(broker, job) == []


@pytest.mark.parametrize("name", ["_x", 'a"b', "a\\b", "a\tb"])
def test_a_column_whose_name_would_break_queries_is_refused_by_its_name(name):
    with pytest.raises(Invalid, match="give the column another name") as refused:
        intake.check_columns(["fine", name])
    assert refused.value.problems[0].column == name


def test_names_in_any_script_are_columns_that_can_be_searched(broker, job, requester):
    names = ["é", "текст", "a.b[0]", "it's", "$", "日本"]
    imported(broker, job, requester, (",".join(names) + "\n" + ",".join("123456") + "\n").encode())
    with broker.store.read() as unit:
        assert [dataset.distinct(unit, job, name) for name in names] == [[one] for one in "123456"]


def test_images_are_kept_and_named_in_their_rows(broker, job, requester):
    imported(broker, job, requester, packed([("a/1.png", png()), ("2.jpg", png(kind="JPEG"))]), "images.zip")
    (_, first), (_, second) = rows_of(broker, job)
    assert first["name"] == "a/1.png"
    assert (first["width"], first["height"], first["media_type"]) == (4, 3, "image/png")
    key, _, sort = first["_image"].rpartition(".")
    assert sort == "png"
    assert broker.files.read(key) == png()
    assert second["_image"].endswith(".jpeg")


def fill_in(broker, job, requester, field="text"):
    settings = {"media": "text", "field": field, "question": "Mood?", "labels": LABELS}
    with broker.store.write() as unit:
        prepare.save_task(unit, job, requester, Task("Reviews", "", "", "choice", settings))


def gold_file(broker, job, requester, text, key="id", label="mood"):
    with broker.store.write() as unit:
        file = GoldFile("gold.csv", io.BytesIO(text.encode()), key, label)
        return prepare.save_gold(unit, job, requester, file, Limits())


def test_gold_from_a_file_of_its_own_is_found_by_its_key_and_replaced_by_the_next(broker, job, requester):
    imported(broker, job, requester, table(20))
    fill_in(broker, job, requester)
    assert gold_file(broker, job, requester, "id,mood\n3,good\n5,bad\n") == 2
    assert gold_file(broker, job, requester, "id,mood\n 7 , bad\n") == 1
    with broker.store.write() as unit:
        prepare.save_quality(unit, job, requester, prepare.Quality("3", "10", prepare.GOLD))
        publish.publish(unit, job, requester, utc_now())
    with broker.store.read() as unit:
        golds = unit.session.execute(sa.select(Hit.row, Hit.gold).where(Hit.job_id == job, Hit.gold_no.is_not(None)))
        assert [tuple(row) for row in golds] == [(7, {"category": {"label": "bad"}})]


def test_unknown_keys_and_labels_of_a_gold_file_are_named_by_row_and_nothing_is_kept(broker, job, requester):
    imported(broker, job, requester, table(20))
    fill_in(broker, job, requester)
    with pytest.raises(Invalid) as refused:
        gold_file(broker, job, requester, "id,mood\n3,good\n99,bad\n5,horrible\n3,bad\n")
    assert [(one.row, one.column) for one in refused.value.problems] == [(2, "id"), (3, "mood"), (4, "id")]
    assert all(prepare.GOLD not in payload for _, payload in rows_of(broker, job))


def test_a_gold_column_with_an_unknown_label_is_refused_with_its_row(broker, job, requester):
    imported(broker, job, requester, b"id,text,mood\n1,a,good\n2,b,fine\n3,c,\n")
    fill_in(broker, job, requester)
    with pytest.raises(Invalid) as refused, broker.store.write() as unit:
        prepare.save_quality(unit, job, requester, prepare.Quality("3", "10", "mood"))
    assert [(one.row, one.column) for one in refused.value.problems] == [(2, "mood")]


def test_deleting_a_draft_leaves_nothing_and_a_published_job_stays(broker, job, requester):
    imported(broker, job, requester, table(5, faulty={2}))
    with broker.store.write() as unit:
        prepare.delete(unit, job, requester, utc_now())
    with broker.store.read() as unit:
        assert jobs.jobs_of(unit, requester) == []
        assert unit.session.scalar(sa.select(sa.func.count()).select_from(Upload)) == 0
        assert unit.session.scalar(sa.select(sa.func.count()).select_from(Hit)) == 0


def test_a_published_job_takes_no_other_data_and_no_other_task(broker, job, requester):
    imported(broker, job, requester, table(5))
    fill_in(broker, job, requester)
    with broker.store.write() as unit:
        publish.publish(unit, job, requester, utc_now())
    with pytest.raises(Conflict):
        arrive(broker, job, requester, table(3))
    with pytest.raises(Conflict):
        fill_in(broker, job, requester)
    with pytest.raises(Conflict), broker.store.write() as unit:
        prepare.delete(unit, job, requester, utc_now())
    assert len(rows_of(broker, job)) == 5


def test_a_strangers_draft_does_not_exist(broker, job):
    stranger, _ = person(broker, "requester")
    with pytest.raises(NotFound):
        arrive(broker, job, stranger.id, table(3))
    with pytest.raises(NotFound):
        fill_in(broker, job, stranger.id)


def test_the_cost_shown_is_what_publishing_sets_aside(broker, job, requester):
    imported(broker, job, requester, b"id,text,mood\n1,a,good\n2,b,\n3,c,\n")
    fill_in(broker, job, requester)
    with broker.store.write() as unit:
        prepare.save_quality(unit, job, requester, prepare.Quality("3", "20", "mood"))
        prepare.save_pay(unit, job, requester, "0.02", "5")
        before = prepare.cost(unit, jobs.job(unit, job))
        publish.publish(unit, job, requester, utc_now())
        found = jobs.job(unit, job)
        after = prepare.cost(unit, found)
    assert (before.hits, before.golds) == (2, 1)
    assert before.balance - after.balance == before.most == (2 * 3 + 3) * 20_000
    assert found.state == JobState.OPEN


def test_a_budget_bounds_what_the_cost_shows_and_publishing_sets_aside(broker, job, requester):
    imported(broker, job, requester, b"id,text\n1,a\n2,b\n3,c\n")
    fill_in(broker, job, requester)
    with broker.store.write() as unit:
        prepare.save_quality(unit, job, requester, prepare.Quality("2", most="7"))
        prepare.save_pay(unit, job, requester, "0.02", "5", "0.25")
        before = prepare.cost(unit, jobs.job(unit, job))
        publish.publish(unit, job, requester, utc_now())
        after = prepare.cost(unit, jobs.job(unit, job))
    assert before.balance - after.balance == before.most == 250_000


@pytest.mark.parametrize(
    ("most", "reward", "budget", "words"),
    [
        ("7", "0.02", "-1", "-1 is not within 0 and 1000000"),
        ("7", "0.02", "much", "'much' is not an amount"),
        ("7", "0.02", "nan", "is not"),
        ("7", "0.02", "0.0000001", "has more than six decimals"),
        ("", "0.02", "5", "is for paid answers and plans that ask on where answers disagree"),
        ("7", "0", "5", "is for paid answers and plans that ask on where answers disagree"),
    ],
)
def test_a_budget_that_cannot_be_is_refused_beside_its_field(broker, job, requester, most, reward, budget, words):
    imported(broker, job, requester, b"id,text\n1,a\n2,b\n")
    fill_in(broker, job, requester)
    with broker.store.write() as unit:
        prepare.save_quality(unit, job, requester, prepare.Quality("2", most=most))
    with pytest.raises(Invalid, match=words) as refused, broker.store.write() as unit:
        prepare.save_pay(unit, job, requester, reward, "5", budget)
    assert {one.column for one in refused.value.problems} == {"budget"}
    with broker.store.read() as unit:
        assert jobs.job(unit, job).budget == 0


class Interrupted(Files):
    """Files that call somebody when the first image is kept."""

    def __init__(self, url, act):
        super().__init__(url)
        self.act = act

    def write(self, key, content):
        super().write(key, content)
        act, self.act = self.act, None
        if act:
            act()


@pytest.mark.parametrize("begun", [False, True])
def test_a_draft_deleted_during_its_import_ends_it_quietly_and_leaves_no_file(broker, job, requester, begun):
    arrive(broker, job, requester, packed([(f"{number}.png", png()) for number in range(3)]), "digits.zip")

    def delete():
        with broker.store.write() as unit:
            leftovers = prepare.delete(unit, job, requester, utc_now())
        for leftover in leftovers:
            broker.files.remove(leftover)

    if begun:
        broker = dataclasses.replace(broker, files=Interrupted(broker.settings.files, delete))
    else:
        delete()
    errands.drain_with(broker, "errands")
    with broker.store.read() as unit:
        assert unit.session.scalars(sa.select(Errand.state)).all() == [ErrandState.DONE]
    assert [path for path in (broker.settings.data / "files").rglob("*") if path.is_file()] == []

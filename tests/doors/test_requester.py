"""The requester's door: forms that keep what was typed, clear refusals of bad input, nothing half-written."""

import io
import re
import zipfile

import pytest

from broker.store import dataset
from broker.store.jobs import JobState, Upload
from broker.store.work import Hit
from tests.doors.requester import CSV, Visitor, broker_on, count, row_of
from tests.formats.samples import packed, png

MOST = 300_000


@pytest.fixture
def broker(sqlite_database, tmp_path):
    made = broker_on(sqlite_database, tmp_path, upload_bytes=MOST)
    yield made
    made.store.close()


@pytest.fixture
def ann(broker):
    return Visitor(broker, "requester", credit=100_000_000)


@pytest.fixture
def job(ann):
    """A draft with four rows."""
    found = ann.job()
    assert ann.upload(found, "reviews.csv", CSV).status_code == 303
    return found


def files(broker):
    return [path for path in (broker.settings.data / "files").rglob("*") if path.is_file()]


def test_a_job_goes_from_a_file_to_open_hits_by_plain_forms(ann, broker, job):
    ann.described(job)
    answer = ann.post(f"{job}/quality", redundancy="3", gold="column", gold_column="mood", gold_percent="10")
    assert answer.location == f"{job}/pay"
    assert "Before you can publish" not in ann.get(f"{job}/check").text
    assert ann.post(f"{job}/check").location == job
    found = row_of(broker, job)
    assert (found.state, found.hits, found.golds, found.redundancy) == (JobState.OPEN, 2, 2, 3)
    assert found.settings["labels"][0] == {
        "name": "good",
        "definition": "the customer is happy",
        "examples": ["Lovely!", "Again!"],
    }
    assert ann.get(job).status_code == 200
    for step in ("data", "task", "quality", "pay", "check"):
        assert ann.get(f"{job}/{step}").location == job


def test_the_list_says_what_happened_when_and_leaves_no_cell_of_a_draft_empty(ann, job):
    path = ann.job("Later")
    ann.described(job)
    assert ann.post(f"{job}/check").status_code == 303
    rows = {key: ann.get("/jobs").text.split(f'href="{key}')[1].split("</tr>")[0] for key in (path, job)}
    assert re.search(r">made\s+<time", rows[path])
    assert re.search(r">published\s+<time", rows[job])
    assert rows[path].count("–") == 4
    assert rows[job].count("–") == 1


def test_scripts_can_watch_an_import(ann, job):
    assert ann.state(job) | {"upload": ""} == {
        "upload": "",
        "state": "kept",
        "name": "reviews.csv",
        "size": len(CSV),
        "bytes_read": len(CSV),
        "rows_read": 4,
        "good": 4,
        "bad": 0,
        "message": "",
    }


def test_the_page_shows_how_far_an_import_is_and_reloads_at_its_end(ann):
    found = ann.job()
    ann.upload(found, "a.csv", CSV, drain=False)
    answer = ann.get(f"{found}/data/progress")
    assert "Waiting for its turn" in answer.text
    assert ann.get(f"{found}/data/progress", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert "data-poll" in ann.get(f"{found}/data").text
    ann.upload(found, "a.csv", CSV)
    assert ann.get(f"{found}/data/progress").status_code == 204


BOMB = packed([("zeros.png", b"\0" * 30_000_000)], zipfile.ZIP_DEFLATED)
REFUSED = {
    "no rows": ("a.csv", b"id,text\n", "no rows"),
    "empty": ("a.csv", b"", "empty"),
    "broken header": ("a.csv", b'id,"text\n1,a\n', "may not hold"),
    "UTF-16": ("a.csv", "id,text\n1,ä\n".encode("utf-16"), "UTF-16"),
    "two columns of a name": ("a.csv", b"id,id\n1,2\n", "occurs twice"),
    "a reserved column": ("a.csv", b"id,_gold\n1,2\n", "reserved"),
    "a quote in a name": ("a.csv", b'id,"a""b"\n1,2\n', "give the column another name"),
    "too many columns": ("a.csv", ",".join(map(str, range(201))).encode() + b"\n1\n", "at most 200"),
    "a spreadsheet": ("a.xlsx", packed([("[Content_Types].xml", b"<x/>")]), "Office file"),
    "one image": ("a.png", png(), "put the images in a ZIP"),
    "a ZIP bomb": ("a.zip", BOMB, "ZIP bomb"),
    "a path out of the ZIP": ("a.zip", packed([("../../etc/passwd.png", png())]), "leads out of its folder"),
    "an empty ZIP": ("a.zip", packed([]), "no rows"),
    "a JSON list": ("a.json", b'[{"a": 1}]', "JSON Lines"),
    "not what it says": ("a.zip", b"hello, this is text", "none inside"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_used_is_refused_beside_its_field_and_changes_nothing(ann, broker, job, case):
    name, content, message = REFUSED[case]
    kept = files(broker)
    answer = ann.upload(job, name, content)
    assert answer.status_code == 422
    shown = re.search(r'id="file-error".*?</div>', answer.text, re.DOTALL)
    assert shown
    assert message in shown.group()
    assert count(broker, Hit) == 4
    assert count(broker, Upload) == 1
    assert files(broker) == kept


def test_a_file_that_is_too_large_is_refused_with_the_limit(ann, broker):
    found = ann.job()
    answer = ann.upload(found, "a.csv", b"text\n" + b"x" * MOST)
    assert answer.status_code == 413
    assert "At most 300,000 bytes are accepted" in answer.text
    assert (files(broker), count(broker, Upload)) == ([], 0)


def test_no_file_at_all_is_an_error_beside_the_field(ann, job):
    answer = ann.post(f"{job}/data")
    assert answer.status_code == 422
    assert "choose a file" in answer.text


def test_broken_quoting_and_wrong_encoding_are_reported_by_row_and_the_good_rows_wait(ann, broker):
    found = ann.job()
    content = b'id,text\n1,fine\n2,"broken"x\n3,caf\xe9\n4,fine\n'
    ann.upload(found, "a.csv", content)
    state = ann.state(found)
    assert (state["state"], state["good"], state["bad"]) == ("review", 2, 2)
    page = ann.get(f"{found}/data").text
    assert "2 of 4 rows are faulty" in page
    report = ann.get(f"{found}/uploads/{state['upload']}/faults").text
    assert "broken quoting" in report
    assert "not UTF-8" in report
    lines = ann.get(f"{found}/uploads/{state['upload']}/faults.csv").text.splitlines()
    assert lines[0] == "row,column,message"
    assert [line[:6] for line in lines[1:]] == ["2,text", "3,,byt"]
    assert ann.post(f"{found}/uploads/{state['upload']}/keep").status_code == 303
    with broker.store.read() as unit:
        assert [row for row, _ in dataset.sample(unit, row_of(broker, found).id)] == [1, 4]


def test_the_error_report_has_pages(ann):
    found = ann.job()
    ann.upload(found, "a.csv", b"id,text\n1,fine\n" + b"2\n" * 70)
    state = ann.state(found)
    first = ann.get(f"{found}/uploads/{state['upload']}/faults").text
    after = re.search(r'href="([^"]+)">\s*Next', first).group(1)
    assert (first.count('data-label="Row"'), ann.get(after).text.count('data-label="Row"')) == (50, 20)
    assert len(ann.get(f"{found}/uploads/{state['upload']}/faults.csv").text.splitlines()) == 71


def test_an_image_that_is_no_image_is_a_faulty_row(ann):
    found = ann.job()
    ann.upload(found, "a.zip", packed([("1.png", png()), ("2.png", b"<svg onload=alert(1)>")]))
    state = ann.state(found)
    assert (state["state"], state["bad"]) == ("review", 1)
    assert "2.png: not an image" in ann.get(f"{found}/data").text


def test_a_file_without_one_good_row_fails(ann, broker):
    found = ann.job()
    ann.upload(found, "a.zip", packed([("1.png", b"no"), ("2.png", b"no")]))
    assert ann.state(found)["state"] == "failed"
    assert "Not one row" in ann.get(f"{found}/data").text
    assert files(broker) == []


def test_a_form_with_errors_shows_each_beside_its_field_and_keeps_what_was_typed(ann, broker, job):
    answer = ann.post(
        f"{job}/task",
        title="",
        offer="text-one",
        field="colour",
        question="",
        description="typed",
        label_name=["good", "good", ""],
        label_definition=["", "", "a definition without a name"],
        label_examples=["", "", ""],
    )
    assert answer.status_code == 422
    for name in ("title", "field", "question", "labels.2.name"):
        assert f'id="{name}-error"' in answer.text
    assert "a definition without a name" in answer.text
    assert ">\ntyped</textarea>" in answer.text
    assert row_of(broker, job).settings == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"offer": "telepathy"}, "choose a kind"),
        ({"offer": "image-one"}, "your data has no images"),
        ({"label_name": ["good"]}, "at least 2"),
        ({"label_name": ["good", "good"]}, "stands there twice"),
        ({"label_name": ["x" * 101, "y"]}, "at most 100"),
        ({"offer": "text-many", "label_name": ["a|b", "c"]}, "separates labels"),
        ({"question": "q" * 501}, "at most 500"),
        ({"title": "t" * 201}, "at most 200"),
        ({"guide": "g" * 50_001}, "at most 50,000"),
        ({"field": "colour"}, "there is no column"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused(ann, broker, job, changes, message):
    fields = {"title": "T", "offer": "text-one", "field": "text", "question": "Q?", "label_name": ["a", "b"]}
    answer = ann.post(f"{job}/task", **(fields | changes))
    assert answer.status_code == 422
    assert message in answer.text
    assert row_of(broker, job).kind == ""


@pytest.mark.parametrize(
    ("step", "fields", "message"),
    [
        ("quality", {"redundancy": "0"}, "0 is not within 1 and 100"),
        ("quality", {"redundancy": "101"}, "101 is not within 1 and 100"),
        ("quality", {"redundancy": "2.5"}, "no whole number"),
        ("quality", {"redundancy": "9" * 5000}, "no whole number"),
        ("quality", {"redundancy": ""}, "no whole number"),
        ("quality", {"gold_percent": "60"}, "60 is not within 0 and 50"),
        ("quality", {"gold": "column", "gold_column": "colour"}, "there is no column"),
        ("quality", {"gold": "column", "gold_column": "text"}, "none of the labels"),
        ("quality", {"gold": "column", "gold_column": ""}, "choose the column with the known answers"),
        ("quality", {"gold": "file"}, "choose the file with the known answers"),
        ("pay", {"reward": "-1"}, "not within 0"),
        ("pay", {"reward": "NaN"}, "not within 0"),
        ("pay", {"reward": "inf"}, "not within 0"),
        ("pay", {"reward": "1e9"}, "not within 0"),
        ("pay", {"reward": "two"}, "not an amount"),
        ("pay", {"reward": ""}, "not an amount"),
        ("pay", {"lease_minutes": "0"}, "between 1 and"),
        ("pay", {"lease_minutes": "99999"}, "between 1 and"),
    ],
)
def test_a_plan_out_of_its_limits_is_refused_and_not_kept(ann, broker, job, step, fields, message):
    ann.described(job)
    before = row_of(broker, job)
    sound = {
        "quality": {"redundancy": "5", "gold": "none", "gold_percent": "20"},
        "pay": {"reward": "0.5", "lease_minutes": "9"},
    }
    answer = ann.post(f"{job}/{step}", **(sound[step] | fields))
    assert answer.status_code == 422
    assert message in answer.text
    after = row_of(broker, job)
    for name in ("redundancy", "gold_percent", "gold_column", "reward", "lease_seconds"):
        assert getattr(after, name) == getattr(before, name)


def test_gold_from_a_file_names_the_rows_it_cannot_use(ann, broker, job):
    ann.described(job)

    def gold(text):
        file = (io.BytesIO(text.encode()), "gold.csv")
        return ann.post(
            f"{job}/quality",
            redundancy="3",
            gold="file",
            gold_percent="10",
            gold_key="id",
            gold_label="mood",
            gold_file=file,
        )

    refused = gold("id,mood\n1,good\n9,bad\n2,horrible\n")
    assert refused.status_code == 422
    assert "no row of your data has" in refused.text
    assert "horrible" in refused.text
    assert row_of(broker, job).gold_column == ""
    assert gold("id,feeling\n1,good\n").status_code == 422
    assert gold("id,mood\n1,good\n").status_code == 303
    assert row_of(broker, job).gold_column == "_gold"
    assert "1 rows have a known answer" in ann.get(f"{job}/quality").text


def test_autosave_keeps_what_is_half_written(ann, broker, job):
    answer = ann.post(f"{job}/task", act="autosave", title="T", question="Half a quest", label_name=["one"])
    assert answer.status_code == 204
    page = ann.get(f"{job}/task").text
    assert "Half a quest" in page
    assert 'value="one"' in page
    assert ann.post(f"{job}/pay", act="autosave", reward="-1", lease_minutes="5").status_code == 422
    assert row_of(broker, job).reward == 0


def test_label_rows_are_added_moved_and_removed_without_a_script(ann, job):
    def names(act, *labels):
        page = ann.post(f"{job}/task", act=act, label_name=list(labels)).text
        return re.findall(r'name="label_name"\s+value="([^"]*)"', page)

    assert names("add:2", "a", "b") == ["a", "b", ""]
    assert names("up:1", "a", "b") == ["b", "a"]
    assert names("down:0", "a", "b", "c") == ["b", "a", "c"]
    assert names("remove:0", "a", "b", "c") == ["b", "c"]
    assert names("remove:junk", "a", "b") == ["a", "b"]


def test_everything_that_is_missing_is_listed_before_publishing(ann, broker):
    found = ann.job()
    page = ann.get(f"{found}/check").text
    assert "upload your data" in page
    assert re.search(r"<button[^>]*disabled", page)
    assert ann.post(f"{found}/check").status_code == 422
    assert row_of(broker, found).state == JobState.DRAFT


def test_a_budget_is_asked_for_where_a_plan_may_ask_on(ann, job, broker):
    ann.upload(job, "a.csv", CSV)
    ann.described(job)
    assert 'id="budget"' not in ann.get(f"{job}/pay").text
    ann.post(f"{job}/quality", redundancy="2", most="5", gold="none", act="save")
    assert 'id="budget"' in ann.get(f"{job}/pay").text
    assert ann.post(f"{job}/pay", reward="0.02", lease_minutes="5", budget="0.01").status_code == 303
    assert 'for <bdi class="money">0.01</bdi>' in ann.get(f"{job}/check").text
    answer = ann.post(f"{job}/check")
    assert answer.status_code == 422
    assert "give that or more, or nothing" in answer.text
    assert row_of(broker, job).state == JobState.DRAFT
    refused = ann.post(f"{job}/pay", reward="0.02", lease_minutes="5", budget="a lot")
    assert refused.status_code == 422
    assert 'href="#budget"' in refused.text


def test_a_job_nobody_can_pay_is_not_published(broker):
    poor = Visitor(broker, "requester")
    found = poor.job()
    poor.upload(found, "a.csv", CSV)
    poor.described(found)
    assert "your account lacks 0.24" in poor.get(f"{found}/check").text
    assert poor.post(f"{found}/check").status_code == 402
    assert row_of(broker, found).state == JobState.DRAFT

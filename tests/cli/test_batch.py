"""Batches as in MTurk's old web page, by commands: a page and a table in, results out, decisions back in."""

import csv
import re

import pytest

from broker.rules import ledger
from broker.store import jobs, money
from broker.store.jobs import Job
from tests.cli.brought import MILLION, Site

PAGE = """<p>What is on <img src="${image_url}" alt="${name}">?</p> <b>{{ not_liquid }}</b>
<input name="animal" required><input type="checkbox" name="sure" value="yes">"""
TABLE = "image_url,name\nhttps://example.org/1.png,First\nhttps://example.org/2.png,=Second\n"


@pytest.fixture
def site(tmp_path):
    found = Site(tmp_path)
    yield found
    found.close()


def given(site, page=PAGE, table=TABLE):
    (site.folder / "page.html").write_text(page)
    (site.folder / "data.csv").write_text(table)
    return ["import", "batch", "--html", site.folder / "page.html", "--csv", site.folder / "data.csv"]


@pytest.fixture
def batch(site):
    """A published batch that two people have worked on."""
    said = site.done(*given(site), "--title", "Animals", "--reward", "0.05", "--assignments", 2, "--publish")
    job = re.match(r"\w+", said)[0]
    site.work(job, lambda place, payload: {"animal": f"cat {place}", "sure": ["yes", "no"][:place]}, site.crowd[:2])
    return job


def results(site, job):
    site.done("export", "batch", job, "--to", site.folder / "results.csv")
    with (site.folder / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def reviewed(site, job, lines):
    path = site.folder / "filled.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return site.run("import", "review", job, path)


def earned(site, worker):
    with site.broker.store.read() as unit:
        return money.balance(unit, ledger.person(worker.id))


def test_each_row_is_a_hit_with_the_page_as_a_template(site, batch):
    with site.broker.store.read() as unit:
        job = jobs.job(unit, site.broker.names("J").read(batch))
    assert (job.kind, job.hits, job.redundancy, job.reward, job.approval_seconds) == ("page", 2, 2, 50_000, 3 * 86_400)
    assert '{{ task.input["image_url"] | skip_autoescape }}' in job.settings["template"]


def test_the_results_have_what_the_old_file_had(site, batch):
    lines = results(site, batch)
    assert [(line["Input.name"], line["Answer.animal"], line["Answer.sure"]) for line in lines] == [
        ("First", "cat 0", ""),
        ("First", "cat 1", "yes"),
        ("'=Second", "cat 0", ""),
        ("'=Second", "cat 1", "yes"),
    ]
    first = lines[0]
    assert (first["HITTypeId"], first["Title"], first["Reward"], first["MaxAssignments"]) == (
        batch,
        "Animals",
        "$0.05",
        "2",
    )
    assert (first["AssignmentStatus"], first["WorkerId"], first["WorkTimeInSeconds"]) == (
        "Submitted", site.crowd[0].public_id, "6",
    )  # fmt: skip
    assert first["HITId"] == lines[1]["HITId"] != lines[2]["HITId"]
    assert first["LifetimeApprovalRate"] == "0% (0/0)"


def test_the_filled_file_approves_and_rejects(site, batch):
    lines = results(site, batch)
    lines[0]["Approve"], lines[1]["Reject"] = "x", "Not an animal"
    code, output = reviewed(site, batch, lines)
    assert (code, output.splitlines()[-1]) == (0, "2 answers decided; 0 were so already.")
    assert [earned(site, worker) for worker in site.crowd] == [50_000, 0, 0]
    again = results(site, batch)
    assert [line["AssignmentStatus"] for line in again] == ["Approved", "Rejected", "Submitted", "Submitted"]
    assert again[1]["RequesterFeedback"] == "Not an animal"
    assert (again[0]["LifetimeApprovalRate"], again[1]["Last7DaysApprovalRate"]) == ("100% (1/1)", "0% (0/1)")
    assert again[0]["ApprovalTime"]
    assert again[1]["RejectionTime"]


def test_reading_the_same_file_again_changes_nothing(site, batch):
    lines = results(site, batch)
    lines[0]["Approve"], lines[1]["Reject"] = "x", "Not an animal"
    reviewed(site, batch, lines)
    assert reviewed(site, batch, lines) == (0, "0 answers decided; 2 were so already.\n")
    assert earned(site, site.crowd[0]) == 50_000


def test_a_rejected_answer_can_be_approved_after_all_and_an_approved_one_not_rejected(site, batch):
    lines = results(site, batch)
    lines[0]["Reject"], lines[1]["Approve"] = "Blank", "x"
    reviewed(site, batch, lines)
    lines[0] |= {"Approve": "x", "Reject": ""}
    assert reviewed(site, batch, lines[:1])[0] == 0
    assert earned(site, site.crowd[0]) == 50_000
    code, output = reviewed(site, batch, [lines[1] | {"Approve": "", "Reject": "changed my mind"}])
    assert code == 2
    assert "row 1, column 'Reject': is approved already" in output


def test_one_faulty_row_and_nothing_is_decided(site, batch):
    lines = results(site, batch)
    lines[0]["Approve"] = "x"
    lines[1] |= {"Approve": "x", "AssignmentId": "NONSENSE"}
    lines[2] |= {"Approve": "x", "Reject": "both"}
    code, output = reviewed(site, batch, lines)
    assert code == 2
    assert "nothing was decided" in output
    assert "row 2, column 'AssignmentId'" in output
    assert "row 3, column 'Reject'" in output
    assert earned(site, site.crowd[0]) == 0


def test_answers_of_another_job_are_not_decided(site, batch):
    other = re.match(r"\w+", site.done(*given(site), "--publish", "--assignments", 1))[0]
    lines = results(site, batch)
    lines[0]["Approve"] = "x"
    code, output = reviewed(site, other, lines)
    assert (code, "there is no such answer in this job" in output) == (2, True)


def test_a_stranger_sees_and_decides_nothing(site, batch):
    site.person("rob", "requester", credit=MILLION)
    lines = ["--requester", "rob@example.org"]
    assert site.run("export", "batch", batch, "--to", site.folder / "x.csv", *lines)[0] == 1
    (site.folder / "f.csv").write_text("AssignmentId,Approve,Reject\nT,x,\n")
    assert site.run("import", "review", batch, site.folder / "f.csv", *lines)[0] in {1, 2}
    assert not (site.folder / "x.csv").exists()


@pytest.mark.parametrize(
    ("page", "table", "words"),
    [
        ("${image} ${name}", TABLE, "column 'image': the page has ${image}, the data has only image_url, name"),
        (PAGE, "image_url,name\na\n", "row 1, column 'name'"),
        (PAGE, "image_url,name,_x\na,b,c\n", "reserved"),
        (PAGE, "", "no rows"),
        ("", TABLE, "the page is empty"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_imported(site, page, table, words):
    code, output = site.run(*given(site, page, table))
    assert code == 2
    assert words in output
    with site.broker.store.read() as unit:
        assert unit.session.query(Job).count() == 0

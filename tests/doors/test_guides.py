"""Guides: pictures and examples, versions of a running job's guide, and workers who are told once what changed."""

import io
import re

import pytest
import sqlalchemy as sa

from broker.store import guides
from broker.store.guides import Picture
from broker.web import shown
from tests.doors.requester import Visitor, broker_on
from tests.formats.test_images import SECRET, exif, file

GUIDE = "Read the **whole** review.\n\nWhen in doubt, choose good."
BETTER = "Read the **whole** review, its title too.\n\nWhen in doubt, choose good."


@pytest.fixture
def broker(sqlite_database, tmp_path):
    made = broker_on(sqlite_database, tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def ann(broker):
    return Visitor(broker, "requester", credit=100_000_000)


@pytest.fixture
def job(ann):
    """The path of a published job with a guide."""
    found = ann.job()
    ann.upload(found, "data.csv", b"text\nLovely!\nNever again.\nFine.\n")
    ann.described(found, guide=GUIDE)
    assert ann.post(f"{found}/check").status_code == 303
    return found


def version(visitor, job):
    return re.search(r'name="version" value="(\d+)"', visitor.get(f"{job}/guide").text)[1]


def save(visitor, job, text=BETTER, examples=(), **more):
    fields = {"act": "save", "version": version(visitor, job), "guide": text, **more}
    for name, values in zip(("label", "side", "text", "picture"), zip(*examples, strict=True), strict=False):
        fields[f"example_{name}"] = list(values)
    return visitor.post(f"{job}/guide", **fields)


def add_picture(visitor, job, content, text=""):
    answer = visitor.post(
        f"{job}/guide", act="picture", version=version(visitor, job), guide=text, picture=(io.BytesIO(content), "a.jpg")
    )
    found = re.search(r"picture:([A-Z0-9]+)\)\n?</textarea>", answer.text)
    return answer, found and found[1]


def work(job):
    return job.replace("/jobs/", "/work/")


def told(visitor, job):
    """What a worker's page says has changed; None if it has nothing to tell."""
    page = visitor.get(work(job)).text
    if '"changed": true' not in page:
        return None
    return re.sub(r"<[^>]+>", "", page.split("data-changes>")[1].split("</dialog>")[0])


def begin(visitor, job):
    """Answer one HIT, as somebody who has read the guide."""
    headers = {"X-CSRFToken": visitor.csrf}
    turn = visitor.client.post(f"{work(job)}/claim", json={}, headers=headers).json["assignment"]
    answer = {"assignment": turn["id"], "answer": {"category": {"label": "good"}}, "claim": False}
    assert visitor.client.post(f"{work(job)}/submit", json=answer, headers=headers).status_code == 200


def acknowledge(visitor, job, number):
    return visitor.client.post(f"{work(job)}/guide", json={"version": number}, headers={"X-CSRFToken": visitor.csrf})


@pytest.fixture
def walt(broker):
    return Visitor(broker, "worker", "requester")


def test_a_picture_is_kept_without_metadata_and_shown_to_workers_under_a_signed_address(broker, ann, job, walt):
    content = file("JPEG", exif=exif(6))
    assert SECRET in content
    answer, name = add_picture(ann, job, content, "Look:")
    assert answer.status_code == 200
    assert save(ann, job, f"Look:\n\n![a red car](picture:{name})").status_code == 303
    page = walt.get(work(job)).text
    address = re.search(r'<img src="(/media/[^"]+)" alt="a red car"', page)[1]
    picture = walt.get(address)
    assert picture.content_type == "image/jpeg"
    assert SECRET not in picture.data
    assert "<textarea" in answer.text, "the form is shown again with what was typed"
    assert "Look:" in answer.text


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"", b"%PDF-1.4", file("JPEG")[:200]])
def test_what_is_no_picture_is_refused_beside_its_field(broker, ann, job, content):
    answer, _ = add_picture(ann, job, content)
    assert answer.status_code == 422
    assert 'id="picture-error"' in answer.text
    with broker.store.read() as unit:
        assert unit.session.scalar(sa.select(sa.func.count(Picture.id))) == 0
    folder = broker.settings.data / "files" / "guides"
    assert not folder.exists() or [one for one in folder.rglob("*") if one.is_file()] == []


def test_pictures_of_another_job_and_of_other_hosts_are_only_words(broker, ann, job, walt):
    bob = Visitor(broker, "requester", credit=100_000_000)
    other = bob.job()
    _, name = add_picture(bob, other, file("PNG"))
    text = f"![mine](picture:{name}) ![far](https://example.org/a.png) ![data](data:image/png;base64,AAAA)"
    save(ann, job, text)
    page = walt.get(work(job)).text
    assert "<img" not in page.split("data-guide-text")[1].split("hit-keys")[0]
    assert "mine far data" in page


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    '![x" onerror="alert(1)](picture:G1)',
    "<script>alert(1)</script>",
    "![x](/media/../logout)",
    "<iframe src=//example.org>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_of_strangers_runs_nothing(text):
    html = shown.markdown(text, {"G1": "/media/abc"})
    tags = re.findall(r"<(\w+)([^>]*)>", html)
    assert {name for name, _ in tags} <= {"p", "a", "img"}
    for name, attributes in tags:
        assert not re.search(r'(^|[\s"])on\w+=(?![^"]*")', attributes.replace("&quot;", ""))
        assert "javascript:" not in attributes
        assert name != "img" or 'src="/media/abc"' in attributes


def test_a_picture_address_is_taken_only_from_our_own_media():
    assert "<img" in shown.markdown("![x](picture:G1)", {"G1": "/media/abc"})
    assert "src" not in shown.markdown("![x](picture:G1)", {"G1": "https://example.org/a.png"})


def test_examples_of_right_and_wrong_stand_under_their_label(ann, job, walt):
    _, name = add_picture(ann, job, file("PNG"))
    rows = [
        ("bad", "wrong", "It is fine, I guess", ""),
        ("bad", "right", "Broken on day one", name),
        ("", "wrong", "Two", ""),
    ]
    assert save(ann, job, GUIDE, rows).status_code == 303
    page = walt.get(work(job)).text.split("data-guide-text")[1].split("hit-keys")[0]
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert re.search(r"Examples bad Right Broken on day one Wrong It is fine, I guess Wrong Two", words), words
    assert re.search(r'<img src="/media/[^"]+" alt="Broken on day one"', page)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("", "right", "", ""), "write the example"),
        (("good", "right", "x" * 501, ""), "at most 500"),
        (("great", "right", "x", ""), "no label of this job"),
    ],
)
def test_an_example_that_says_nothing_is_refused_in_its_row(ann, job, row, words):
    answer = save(ann, job, GUIDE, [("good", "right", "Fine", ""), row])
    assert answer.status_code == 422
    assert words in answer.text
    assert 'id="example-error-1"' in answer.text
    assert version(ann, job) == "1"


def test_adding_and_removing_examples_needs_no_script_and_saves_nothing(ann, job):
    more = ann.post(f"{job}/guide", act="add", version="1", guide="half written")
    assert "half written" in more.text
    assert 'name="example_text"' in more.text
    fields = {"example_label": ["", ""], "example_side": ["right"] * 2, "example_text": ["first here", "second here"]}
    fewer = ann.post(f"{job}/guide", act="remove:0", version="1", guide="", **fields, example_picture=["", ""])
    assert "first here" not in fewer.text
    assert "second here" in fewer.text
    assert GUIDE in ann.get(f"{job}/guide").text


def test_a_worker_who_knew_the_older_guide_is_told_once_what_changed(ann, job, walt):
    begin(walt, job)
    assert told(walt, job) is None
    save(ann, job)
    words = told(walt, job)
    assert "its title too" in words
    assert "When in doubt" not in words, "only what changed"
    assert told(walt, job) == words, "looking is not reading: browsers load pages ahead"
    assert acknowledge(walt, job, 2).status_code == 200
    assert told(walt, job) is None
    save(ann, job, f"{BETTER}\n\nSkip what is not English.")
    assert "Skip what" in told(walt, job)
    assert "its title" not in told(walt, job)


def test_a_worker_who_missed_two_changes_is_told_of_both_at_once(ann, job, walt):
    begin(walt, job)
    save(ann, job)
    save(ann, job, f"{BETTER}\n\nSkip what is not English.", [("good", "right", "Lovely!", "")])
    words = told(walt, job)
    assert "its title too" in words
    assert "Skip what" in words
    assert "Lovely!" in words


def test_who_comes_new_is_told_nothing_and_reads_the_guide_as_it_is(broker, ann, job):
    save(ann, job)
    nia = Visitor(broker, "worker", "requester")
    assert told(nia, job) is None
    assert acknowledge(nia, job, 2).status_code == 200
    begin(nia, job)
    assert told(nia, job) is None


def test_a_page_that_stays_open_learns_of_the_change(ann, job, walt):
    begin(walt, job)
    path = f"{work(job)}/guide"
    assert walt.get(f"{path}?version=1").status_code == 204
    save(ann, job)
    news = walt.get(f"{path}?version=1").json
    assert news["version"] == 2
    assert "its title too" in news["changes"]
    assert "<strong>whole</strong>" in news["guide"]
    assert walt.get(f"{path}?version=2").status_code == 204
    assert walt.get(f"{path}?version=7").status_code == 204


@pytest.mark.parametrize("body", [{"version": 0}, {"version": 3}, {"version": "x"}, {}, [], {"version": 1, "more": 1}])
def test_a_version_that_never_was_cannot_be_seen(ann, job, walt, body):
    save(ann, job)
    answer = walt.client.post(f"{work(job)}/guide", json=body, headers={"X-CSRFToken": walt.csrf})
    assert answer.status_code == 422


def test_an_older_version_seen_later_takes_nothing_back(broker, ann, job, walt):
    begin(walt, job)
    save(ann, job)
    acknowledge(walt, job, 2)
    acknowledge(walt, job, 1)
    acknowledge(walt, job, 2)
    number = broker.names("J").read(job.removeprefix("/jobs/"))
    with broker.store.read() as unit:
        assert guides.seen(unit, number, walt.person.id) == 2
    assert told(walt, job) is None


def test_versions_are_kept_with_what_changed_in_each(ann, job):
    save(ann, job)
    save(ann, job, "All new.")
    page = ann.get(f"{job}/guide").text
    assert re.findall(r"Version (\d)", page) == ["3", "2", "1"]
    assert "<ins>" in page


def test_saving_the_same_again_makes_no_version(ann, job):
    save(ann, job, GUIDE)
    assert version(ann, job) == "1"


def test_two_windows_do_not_overwrite_each_other(ann, job):
    first = version(ann, job)
    save(ann, job)
    answer = ann.post(f"{job}/guide", act="save", version=first, guide="Another.")
    assert answer.status_code == 409
    assert BETTER.split(",", maxsplit=1)[0] in ann.get(f"{job}/guide").text


def test_a_draft_has_no_versions_and_is_deleted_with_its_pictures(broker, ann):
    found = ann.job()
    _, name = add_picture(ann, found, file("PNG"))
    save(ann, found, f"![x](picture:{name})")
    save(ann, found, "Other words.")
    assert version(ann, found) == "1"
    assert "Version 1" not in ann.get(f"{found}/guide").text
    assert ann.post(f"{found}/delete").status_code == 303
    assert [one for one in (broker.settings.data / "files").rglob("*") if one.is_file()] == []


def test_a_guide_is_its_requesters_alone(broker, ann, job, walt):
    bob = Visitor(broker, "requester")
    for visitor in (bob, walt):
        assert visitor.get(f"{job}/guide").status_code in {403, 404}
        assert visitor.post(f"{job}/guide", act="save", version="1", guide="Mine.").status_code in {403, 404}
    assert walt.get(f"{work(job)}/guide?version=1").status_code == 204
    assert ann.get(f"{job}/guide").status_code == 200

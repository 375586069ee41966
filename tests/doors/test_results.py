"""Results: the page and the files show what the answers say, beside the requester's own columns, and run nowhere."""

import csv
import dataclasses
import datetime as dt
import io
import json
import re

import pytest

from broker.store import beliefs, exports, results, talk
from broker.store.beliefs import Finding
from broker.store.results import Order, Wish
from broker.web import results as pages
from broker.wiring import utc_now
from tests.doors.requester import Visitor
from tests.doors.worked import ROWS, TRUTH, built, content, number
from workers import errands as background


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def world(request, tmp_path_factory):
    """What every test gets a copy of."""
    template = request.getfixturevalue(f"{request.param}_template")
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    with built(tmp_path_factory.mktemp("worked"), template, server) as made:
        yield made


@pytest.fixture
def broker(world, tmp_path):
    with world.copied(tmp_path) as made:
        yield made


@pytest.fixture
def ann(broker, world):
    return Visitor(broker, known=world.ann)


@pytest.fixture
def crowd(world):
    return world.crowd


@pytest.fixture
def job(world):
    """A job that four workers have done, the last of them at random."""
    return world.job


def rows_on(page):
    return [int(row) for row in re.findall(r"preview\?row=(\d+)", page)]


def test_the_job_page_shows_progress_cost_agreement_workers_and_hardest_items(ann, broker, job, crowd):
    with broker.store.write() as unit:
        hit = results.items(unit, number(broker, job), Wish(limit=1))[0].id
        talk.write_report(unit, number(broker, job), hit, crowd[0][0].id, "This is no review.", utc_now())
    page = ann.get(job).text
    assert "Done" in page
    assert "of 50" in page
    assert "This is no review." in page
    for worker, _ in crowd[:3]:
        assert worker.public_id in page
    for word in ("kappa", "Paid", "Set aside", "Hardest items", "Gold right"):
        assert word in page
    listing = ann.get("/jobs").text
    assert "50 of 50" in listing


def test_the_live_part_changes_and_ends_with_the_jobs_state(ann, job):
    first = ann.get(f"{job}/live?state=done")
    assert "items done" in first.text
    assert "Items done" not in first.text  # the bar says it
    assert "<html" not in first.text
    assert ann.get(f"{job}/live?state=done", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert ann.get(f"{job}/live?state=open").status_code == 204


def charted(page):
    """What the chart says of itself: answers, hours."""
    return [int(one) for one in re.search(r"Answers per hour: ([\d,]+) in (\d+) hours", page).groups()]


def test_the_chart_leaves_out_the_hour_that_is_not_over(ann, broker, job):
    hour = dt.timedelta(hours=1)
    last = by_hour(broker, job)[-1]
    at = dt.datetime.fromtimestamp(last[0] * 3600 + 1800, dt.UTC)

    def seen(now):
        ann.client.application.config["BROKER"] = dataclasses.replace(broker, now=lambda: now)
        return ann.get(f"{job}/live?state=done").text

    given = sum(answers for _, answers in by_hour(broker, job))
    assert charted(seen(at + hour)) == [given, len(by_hour(broker, job))]
    assert "so far in this hour" not in seen(at + hour)
    assert re.search(rf"{last[1]}</bdi> answers? so far in this hour", seen(at))
    assert f"{given} in" not in seen(at)


def by_hour(broker, job):
    with broker.store.read() as unit:
        return results.answers_by_hour(unit, number(broker, job))


def test_a_job_that_nobody_has_worked_on_shows_no_empty_lists(ann):
    path = ann.job()
    ann.upload(path, "reviews.csv", content())
    ann.described(path)
    assert ann.post(f"{path}/check").status_code == 303
    page = ann.get(path).text
    assert "No answers yet." in page
    assert "Hardest items" not in page
    assert 'id="workers"' not in page


def test_the_table_shows_each_items_consensus_confidence_and_answers(ann, job, crowd):
    page = ann.get(f"{job}/results").text
    assert rows_on(page) == list(range(1, 51))
    after = re.search(r'href="([^"]*after=[^"]*)"', page).group(1).replace("&amp;", "&")
    assert rows_on(ann.get(after).text) == list(range(51, 61))
    assert crowd[0][0].public_id in page
    assert "known: <bdi>bad</bdi>" in page
    assert "Dawid-Skene" in page


@pytest.mark.parametrize("number", ["9" * 23, "9" * 5000, "-" + "9" * 23, "x"])
def test_a_number_too_large_for_a_database_is_no_number(ann, job, number):
    assert ann.get(f"{job}/results?after={number}&sure=nan").status_code == 200
    assert ann.get(f"{job}/preview?row={number}").status_code == 200


def test_the_table_is_filtered_by_label(ann, job):
    rows = rows_on(ann.get(f"{job}/results?label=good").text)
    assert rows == [row for row in range(1, ROWS + 1) if TRUTH[str(row)] == "good"]
    for word in ("label", "category", "goo", 'x","y', "%"):  # names in the JSON, halves and signs are no labels
        assert rows_on(ann.get(f"{job}/results", query_string={"label": word}).text) == []


def test_a_label_is_never_shown_as_certain_unless_it_was_known(ann, broker, job):
    job_id = number(broker, job)
    shares = [0.5, 0.9942, 0.9951, 0.99949, 1.0]
    with broker.store.write() as unit:
        hits = [one.id for one in results.items(unit, job_id, Wish(limit=100))]
        made = beliefs.Aggregation(
            job_id=job_id, version=9, model="dawid-skene", answers=9, agreement=0.5, final=False, at=utc_now()
        )
        unit.session.add(made)
        unit.session.flush()
        good = {"category": {"label": "good"}}
        beliefs.write_findings(unit, made.id, [Finding(hit, good, shares[at % 5], 3) for at, hit in enumerate(hits)])
    page = ann.get(f"{job}/results").text
    shown = re.findall(r'data-label="Confidence">(.*?)</td>', page, re.DOTALL)
    words = [re.sub(r"<[^>]*>", "", one).strip() for one in shown]
    assert words[:10] == ["known"] * 10
    assert words[10:15] == ["50.0 %", "99.4 %", "99.5 %", "&gt; 99.9 %", "&gt; 99.9 %"]
    assert not [path for path in (job, f"{job}/results?sort=most") if re.search(r"\b100(\.0)? %", ann.get(path).text)]


def test_the_table_is_sorted_by_confidence_and_its_pages_miss_and_repeat_nothing(ann, broker, job):
    job_id = number(broker, job)
    with broker.store.write() as unit:
        hits = [one.id for one in results.items(unit, job_id, Wish(limit=100))]
        made = beliefs.Aggregation(
            job_id=job_id, version=9, model="dawid-skene", answers=9, agreement=0.5, final=False, at=utc_now()
        )
        unit.session.add(made)
        unit.session.flush()
        good = {"category": {"label": "good"}}
        findings = [Finding(hit, good, (at % 7) / 7, 3) for at, hit in enumerate(hits)]
        beliefs.write_findings(unit, made.id, findings)
    path, seen = f"{job}/results?sort=least", []
    while path:
        page = ann.get(path).text
        seen += rows_on(page)
        found = re.search(r'href="([^"]*after=[^"]*)">\s*Next', page)
        path = found and found.group(1).replace("&amp;", "&")
    assert seen == sorted(range(1, ROWS + 1), key=lambda row: ((row - 1) % 7, row))
    with broker.store.read() as unit:
        falling = results.items(unit, job_id, Wish(made.id, order=Order.MOST_SURE, limit=100))
    assert [one.row for one in falling] == sorted(range(1, ROWS + 1), key=lambda row: (-((row - 1) % 7), row))


def test_a_version_is_chosen_and_an_unknown_one_does_not_exist(ann, broker, job):
    with broker.store.read() as unit:
        models = {one.model: one.version for one in beliefs.versions(unit, number(broker, job))}
    assert set(models) == {"majority", "dawid-skene"}
    for version in models.values():
        assert re.search(rf'value="{version}"\s+selected', ann.get(f"{job}/results?version={version}").text)
    for path in ("results", "results.csv", "results.jsonl"):
        assert ann.get(f"{job}/{path}?version=77").status_code == 404


def test_the_csv_has_the_requesters_columns_and_ours_under_names_of_their_own(ann, job, crowd):
    download = ann.get(f"{job}/results.csv")
    assert download.content_type == "text/csv; charset=utf-8"
    assert "attachment" in download.headers["Content-Disposition"]
    lines = list(csv.DictReader(io.StringIO(download.text)))
    assert list(lines[0]) == [
        "row",
        "id",
        "text",
        "truth",
        "confidence",
        "gold",
        "consensus",
        "confidence_",
        "undecided",
        "answers",
        "workers",
    ]
    assert [line["consensus"] for line in lines] == list(TRUTH.values())
    assert all(0 <= float(line["confidence_"]) <= 1 for line in lines)
    assert lines[0]["gold"] == "bad"
    assert lines[30]["confidence"] == "mine 31"
    assert len(json.loads(lines[30]["answers"])) == len(json.loads(lines[30]["workers"])) == 3
    assert set(json.loads(lines[30]["workers"])) <= {worker.public_id for worker, _ in crowd}


def test_no_cell_of_the_csv_is_a_formula(ann, job):
    cells = [cell for line in csv.reader(io.StringIO(ann.get(f"{job}/results.csv").text)) for cell in line]
    assert "'=cmd|' /C calc'!A0" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_the_jsonl_has_an_object_for_each_item(ann, job):
    lines = [json.loads(line) for line in ann.get(f"{job}/results.jsonl").text.splitlines()]
    assert len(lines) == ROWS
    assert lines[19]["text"] == "=cmd|' /C calc'!A0"
    assert lines[30]["answers"].count(lines[30]["consensus"]) >= 2
    assert lines[30]["gold"] is None


def test_a_job_without_answers_has_results_without_consensus(ann):
    found = ann.job()
    ann.upload(found, "reviews.csv", content())
    ann.described(found)
    ann.post(f"{found}/check")
    assert "No answers yet" in ann.get(found).text
    assert len(rows_on(ann.get(f"{found}/results").text)) == 50
    lines = list(csv.DictReader(io.StringIO(ann.get(f"{found}/results.csv").text)))
    assert {line["consensus"] for line in lines} == {""}


def prepared(ann, broker, job, **fields):
    """A file asked for and written: its address on the page."""
    assert ann.post(f"{job}/exports", **fields).status_code == 303
    background.drain_with(broker, "statistics")
    return re.search(rf'href="({job}/exports/[^"]+)"', ann.get(f"{job}/results").text)[1]


@pytest.mark.parametrize(("sort", "mime"), [("csv", "text/csv"), ("jsonl", "application/jsonl")])
def test_a_prepared_file_is_the_one_that_is_downloaded_directly(ann, broker, job, sort, mime):
    answer = ann.get(prepared(ann, broker, job, format=sort))
    assert answer.data == ann.get(f"{job}/results.{sort}").data
    assert answer.mimetype == mime
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    name = job.rpartition("/")[2]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="results-{name}-v3.{sort}"'


def test_a_prepared_file_is_of_the_version_that_was_chosen(ann, broker, job):
    answer = ann.get(prepared(ann, broker, job, format="jsonl", version="1"))
    assert answer.data == ann.get(f"{job}/results.jsonl?version=1").data
    assert "-v1.jsonl" in answer.headers["Content-Disposition"]


def test_how_far_a_file_is_shows_live_until_it_is_there(ann, broker, job):
    assert ann.get(f"{job}/exports").status_code == 204
    there = ann.post(f"{job}/exports", format="csv").location
    assert there.endswith("#files")
    assert "Waiting for its turn" in ann.get(there).text
    with broker.store.write() as unit:
        (one,) = exports.of_job(unit, number(broker, job))
        exports.begin(unit, one.id, "exports/some/file", 60)
        exports.note(unit, one.id, "exports/some/file", 45)
    shown = ann.get(f"{job}/exports")
    assert 'value="45"' in shown.text
    assert "<html" not in shown.text
    assert ann.get(f"{job}/exports", headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    background.drain_with(broker, "statistics")
    assert ann.get(f"{job}/exports").status_code == 204
    assert "Download" in ann.get(f"{job}/results").text


def test_a_file_is_for_its_owner_and_not_before_it_is_whole(ann, broker, job):
    there = prepared(ann, broker, job, format="csv")
    bob = Visitor(broker, "requester")
    for path in (there, f"{job}/exports"):
        assert bob.get(path).status_code == 404
    assert bob.post(f"{job}/exports", format="csv").status_code == 404
    other = bob.job()
    assert bob.get(f"{other}/exports/{there.rpartition('/')[2]}").status_code == 404
    ann.post(f"{job}/exports", format="csv")
    with broker.store.read() as unit:
        latest = exports.of_job(unit, number(broker, job))[0].id
    with broker.store.write() as unit:
        exports.begin(unit, latest, "exports/half/written", 60)
    broker.files.write("exports/half/written", b"row,")
    latest = broker.names("X").show(latest)
    assert ann.get(f"{job}/exports/{latest}").status_code == 404


def test_a_file_that_was_thrown_away_is_not_found(ann, broker, job):
    there = prepared(ann, broker, job, format="csv")
    with broker.store.read() as unit:
        broker.files.remove(exports.of_job(unit, number(broker, job))[0].file)
    assert ann.get(there).status_code == 404


def test_a_large_job_offers_files_to_be_prepared_and_a_small_one_downloads(ann, job, monkeypatch):
    assert f"{job}/results.csv" in ann.get(f"{job}/results").text
    monkeypatch.setattr(pages, "LARGE", 10)
    page = ann.get(f"{job}/results").text
    assert f"{job}/results.csv" not in page
    assert "Prepare CSV" in page


def test_a_file_of_another_sort_is_refused_and_so_is_one_of_a_draft(ann, job):
    assert ann.post(f"{job}/exports", format="exe").status_code == 422
    assert ann.post(f"{ann.job()}/exports", format="csv").status_code == 409


def test_a_file_that_failed_says_why_and_may_be_tried_again(ann, broker, job):
    ann.post(f"{job}/exports", format="csv", version="1")
    with broker.store.write() as unit:
        (one,) = exports.of_job(unit, number(broker, job))
        exports.begin(unit, one.id, "exports/some/file", 60)
        exports.fail(unit, one.id, "exports/some/file", "There is no version 1 of these results.", utc_now())
    page = ann.get(f"{job}/results").text
    assert "There is no version 1" in page
    assert "Try again" in page


SIGNS = [
    {
        "name": "constant",
        "p": 2e-9,
        "figures": {"top": "<b>good</b>", "top_given": 48.0, "top_expected": 16.2, "compared": 48.0, "known": 0.0},
    },
    {"name": "random", "p": 0.012, "figures": {"known": 0.04, "compared": 48.0, "score": 0.03}},
    {"name": "swapped-labels", "p": 0.02, "figures": {"renamed": 0.81}},
    {
        "name": "copying",
        "p": 0.0004,
        "other": "A0B1C2",
        "figures": {"common": 40.0, "agreed": 39.0, "expected": 22.4, "copied": 0.94},
    },
    {"name": "too-fast", "p": 0.001, "figures": {"timed": 48.0, "median": 0.8, "crowd": 6.5}},
    {"name": "drift", "p": 0.003, "figures": {"answers": 90.0, "early": 0.91, "late": 0.44}},
]
"""One of each."""


def test_signals_are_told_with_their_evidence_in_plain_words(ann, broker, job, crowd):
    worker, job_id = crowd[0][0], number(broker, job)
    with broker.store.write() as unit:
        found = beliefs.trust_of(unit, worker.id, job_id)
        found.signals = {"told": [{**sign, "job": job_id} for sign in SIGNS]}
    text = re.sub(r"\s+", " ", re.sub(r"</?(bdi|span|p)\b[^>]*>", "", ann.get(job).text))
    for words in (
        "Answered &lt;b&gt;good&lt;/b&gt; 48 of 48 times; on the same items the crowd would have about 16 times",
        "less than one in a million",
        "Seems to know 4 % of 48 answers",
        "with the labels renamed the agreement would be 0.81",
        "A0B1C2 to 39 of 40 items; two such workers on their own would to about 22",
        "one in 2,500",
        "Takes 0.8 s per answer (median of 48) where the crowd takes 6.5 s",
        "fell from 91 % in the first third of 90 answers to 44 % in the last",
        "everybody is paid",
    ):
        assert words in text, words


def test_the_results_show_agreement_with_its_interval(ann, broker, job):
    page = ann.get(f"{job}/results").text
    with broker.store.read() as unit:
        figures = beliefs.latest(unit, number(broker, job)).figures
    for name in ("fleiss", "alpha"):
        low, high = (f"{figures[name][end]:.2f}" for end in ("low", "high"))
        assert f"95 % between {low} and {high}" in page
    assert "Percent agreement" in page
    assert "Krippendorff" in page


def test_results_of_before_figures_were_kept_show_none(ann, broker, job):
    with broker.store.write() as unit:
        for version in beliefs.versions(unit, number(broker, job)):
            version.figures = None
    assert "Krippendorff" not in ann.get(f"{job}/results").text

"""What the quality step says plans would find and cost, and what it refuses."""

import random
import re

import pytest

from broker.truth.plan import usual
from broker.truth.stopping import Rule
from tests.doors.requester import Visitor, broker_on, person, work_through

CSV = b"id,text\n" + b"".join(b"%d,Lovely\n" % row for row in range(100))


@pytest.fixture
def ann(sqlite_database, tmp_path):
    broker = broker_on(sqlite_database, tmp_path)
    yield Visitor(broker, "requester", credit=100_000_000)
    broker.store.close()


@pytest.fixture
def job(ann):
    found = ann.job()
    ann.upload(found, "reviews.csv", CSV)
    return found


def rows(page):
    """The cells' words of each plan."""
    table = re.findall(r"<tr[^>]*>(.*?)</tr>", page.split("What to expect")[1], re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in table[1:]]


def test_plans_are_shown_with_what_they_find_and_cost(ann, job):
    ann.described(job)
    ann.post(f"{job}/quality", redundancy="2", most="6", sure="90", gold="none", act="save")
    page = ann.get(f"{job}/quality?accuracy=70").text
    fixed, adaptive = usual(2, 0.7, Rule(2, 6, 0.9))[:4], usual(2, 0.7, Rule(2, 6, 0.9))[4]
    costs = ("2.00", "6.00", "10.00", "14.00")
    found = rows(page)
    for row, plan, cost in zip(found, fixed, costs, strict=False):
        assert f"{100 * plan.accuracy:.1f} % {cost}" in row
    assert found[4].startswith("2 to 6, until 90 % sure your plan")
    assert f"{100 * adaptive.accuracy:.1f} % {round(100 * adaptive.per_item) * 0.02:.2f}" in found[4]
    assert "standard error" in page


def test_a_fixed_plan_is_marked_and_an_adaptive_one_is_an_example(ann, job):
    ann.described(job)
    found = rows(ann.get(f"{job}/quality").text)
    assert found[1].startswith("3 answers your plan")
    assert found[4].startswith("3 to 7, until 87 % sure example")


@pytest.mark.parametrize("accuracy", ["", "many", "50", "100", "-80", "0.8", "80" * 5000, "٨٠", "nan"])
def test_an_accuracy_that_cannot_be_is_refused_beside_its_field(ann, job, accuracy):
    ann.described(job)
    answer = ann.client.get(f"{job}/quality", query_string={"accuracy": accuracy})
    assert answer.status_code == 422
    assert 'href="#accuracy"' in answer.text
    assert "is no whole number from 51 to 99" in answer.text


@pytest.mark.parametrize("fields", [{"offer": "text-many"}, {"most": "16"}])
def test_an_adaptive_plan_that_is_not_simulated_is_left_out(ann, job, fields):
    ann.described(job, **fields)
    ann.post(f"{job}/quality", redundancy="3", gold="none", most=fields.get("most", ""), act="save")
    page = ann.get(f"{job}/quality").text
    assert len(rows(page)) == 4
    assert "Adaptive plans are simulated for one label an item" in page


def test_nothing_is_shown_without_labels_or_with_too_many(ann, job):
    assert "What to expect" not in ann.get(f"{job}/quality").text
    names = [f"label {number}" for number in range(21)]
    ann.described(job, label_name=names, label_definition=[""] * 21, label_examples=[""] * 21)
    assert "What to expect" not in ann.get(f"{job}/quality").text


MOODS = b"id,text\n" + b"".join(b"%d,%s\n" % (row, (b"good", b"bad")[row % 2]) for row in range(40))


def told(number, payload, dice):
    """Three in four are right."""
    return payload["text"] if dice.random() < 0.75 else {"good": "bad", "bad": "good"}[payload["text"]]


@pytest.fixture
def earlier(ann):
    """The path of a job that a crowd has worked through, with 120 answers."""
    path = ann.job("Pilot")
    ann.upload(path, "moods.csv", MOODS)
    ann.described(path)
    assert ann.post(f"{path}/check").status_code == 303
    number = ann.broker.names("J").read(path.rpartition("/")[2])
    work_through(ann.broker, number, [person(ann.broker, "worker") for _ in range(3)], told, random.Random(7))
    return path.rpartition("/")[2]


def test_the_answers_of_an_earlier_job_stand_for_the_crowd(ann, job, earlier):
    ann.described(job)
    page = ann.get(f"{job}/quality").text
    assert f'<option value="{earlier}"' in page
    assert "as in Reviews (120 answers)" in page
    answer = ann.get(f"{job}/quality?pilot={earlier}")
    assert answer.status_code == 200
    right = int(re.search(r"right in about (\d+) %", answer.text).group(1))
    assert 65 <= right <= 90
    one, seven = (float(re.search(r"([\d.]+) %", rows(answer.text)[at]).group(1)) for at in (0, 3))
    assert abs(one - right) < 8
    assert seven > one
    assert 'id="accuracy"' not in answer.text


def test_only_jobs_with_the_same_labels_are_offered(ann, job, earlier):
    ann.described(job, label_name=["happy", "sad"])
    assert 'name="pilot"' not in ann.get(f"{job}/quality").text
    assert ann.client.get(f"{job}/quality?pilot={earlier}").status_code == 404
    ann.described(job, label_name=["bad", "good"])
    assert 'name="pilot"' in ann.get(f"{job}/quality").text


def test_a_strangers_job_is_no_pilot(ann, job, earlier):
    bob = Visitor(ann.broker, "requester", credit=100_000_000)
    own = bob.job()
    bob.upload(own, "reviews.csv", CSV)
    bob.described(own)
    assert 'name="pilot"' not in bob.get(f"{own}/quality").text
    assert bob.client.get(f"{own}/quality?pilot={earlier}").status_code == 404
    assert bob.client.get(f"{own}/quality?pilot=nonsense").status_code == 404

"""Batches as MTurk's old web page had them."""

import csv
import datetime as dt
import io
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liquid import Environment
from markupsafe import Markup

from broker.errors import Invalid
from broker.formats import batch
from broker.formats.batch import Decision, Work
from broker.formats.limits import Limits

THEN = dt.datetime(2026, 1, 21, 20, 15, 1, tzinfo=dt.UTC)
WORK = Work(
    hit="H1",
    hit_type="J1",
    title="Animals",
    description="What is it?",
    keywords="image, animal",
    reward=50_000,
    created=THEN,
    most=3,
    annotation="BatchId:J1;",
    duration_seconds=3600,
    approval_seconds=86_400,
    expires=THEN + dt.timedelta(days=7),
    assignment="T1",
    worker="W1",
    status="submitted",
    accepted=THEN,
    submitted=THEN + dt.timedelta(seconds=90),
    approved=None,
    rejected=None,
    feedback="",
    seconds=89.6,
    lifetime=(14, 15),
    month=(0, 0),
    week=(2, 2),
    inputs={"image_url": "https://example.org/cat.png", "note": '=SUM("a")'},
    answers={"animal": "cat", "sure": "very|quite"},
)
# The header of the files that the old page gave, as published with many data sets.
HEADER = """
HITId HITTypeId Title Description Keywords Reward CreationTime MaxAssignments RequesterAnnotation
AssignmentDurationInSeconds AutoApprovalDelayInSeconds Expiration NumberOfSimilarHITs LifetimeInSeconds
AssignmentId WorkerId AssignmentStatus AcceptTime SubmitTime AutoApprovalTime ApprovalTime RejectionTime
RequesterFeedback WorkTimeInSeconds LifetimeApprovalRate Last30DaysApprovalRate Last7DaysApprovalRate
"""


def written(*works, inputs=("image_url", "note"), answers=("sure", "animal")):
    text = b"".join(batch.write(works, inputs, answers)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def reviewed(text):
    return batch.read_review(io.BytesIO(text.encode()), Limits())


def rendered(template, row):
    pages = Environment(autoescape=True)
    pages.add_filter("skip_autoescape", Markup)
    return pages.from_string(template).render(task={"input": row})


def test_a_results_file_has_the_old_columns_in_the_old_order():
    (line,) = written(WORK)
    ours = ["Input.image_url", "Input.note", "Answer.animal", "Answer.sure", "Approve", "Reject"]
    assert list(line) == [*HEADER.split(), *ours]
    assert line["Reward"] == "$0.05"
    assert line["CreationTime"] == "Wed Jan 21 20:15:01 UTC 2026"
    assert line["AutoApprovalTime"] == "Thu Jan 22 20:16:31 UTC 2026"
    assert (line["AssignmentStatus"], line["WorkTimeInSeconds"]) == ("Submitted", "90")
    assert (line["LifetimeApprovalRate"], line["Last30DaysApprovalRate"]) == ("93% (14/15)", "0% (0/0)")
    assert (line["Answer.sure"], line["Approve"], line["Reject"]) == ("very|quite", "", "")


def test_no_cell_of_a_results_file_is_a_formula():
    (line,) = written(WORK)
    assert line["Input.note"] == '\'=SUM("a")'


@pytest.mark.parametrize(
    ("micros", "words"),
    [(50_000, "$0.05"), (1_500_000, "$1.50"), (0, "$0.00"), (2_500, "$0.0025"), (12_000_000, "$12.00")],
)
def test_money_is_written_in_dollars(micros, words):
    assert batch.dollars(micros) == words


def test_a_page_becomes_a_liquid_template_with_markup_in_its_values():
    page = "<p>${greeting}, ${name}</p> {{ angular }} {% tag %} {# note #} $(name) ${ name } {{{x}}}"
    shown = rendered(batch.as_liquid(page), {"greeting": "<b>Hello</b>", "name": "Ada"})
    assert shown == "<p><b>Hello</b>, Ada</p> {{ angular }} {% tag %} {# note #} $(name) ${ name } {{{x}}}"


@given(
    st.lists(st.one_of(st.text("{}%#$'\" abc\n", max_size=8), st.sampled_from(["${a}", "${b}"])), max_size=12),
    st.text(max_size=5),
    st.text(string.printable, max_size=5),
)
def test_whatever_the_page_holds_only_its_variables_are_replaced(parts, a, b):
    page = "".join(parts)
    expected = batch.VARIABLE.sub(lambda found: {"a": a, "b": b}.get(found[1], ""), page)
    assert rendered(batch.as_liquid(page), {"a": a, "b": b}) == expected


def test_every_variable_that_the_data_lacks_is_named():
    batch.check("${a} ${b}", ["a", "b", "c"])
    with pytest.raises(Invalid) as refused:
        batch.check("${a} ${b} ${c} ${b}", ["a"])
    assert [one.column for one in refused.value.problems] == ["b", "c"]


@pytest.mark.parametrize(
    ("page", "answer", "cells"),
    [
        ("<input name=a>", {"a": "1", "b": ["x", "y"]}, {"a": "1", "b": "x|y"}),
        ("<crowd-form>", {"category": {"label": "Kätzchen"}}, {"taskAnswers": '[{"category":{"label":"Kätzchen"}}]'}),
        (
            "<crowd-form answer-format='flatten-objects'>",
            {"category": {"label": "cat"}, "sure": {"on": True}, "n": 3, "none": None},
            {"category.label": "cat", "sure.on": "true", "n": "3", "none": ""},
        ),
        (
            '<crowd-form class="x" answer-format="flatten-objects">',
            {"boxes": {"boundingBoxes": [{"left": 1}]}},
            {"boxes.boundingBoxes": '[{"left":1}]'},
        ),
    ],
)
def test_answers_become_the_columns_that_mturk_made_of_them(page, answer, cells):
    assert batch.cells(answer, page) == cells


def test_a_filled_file_is_read_back():
    decisions, problems = reviewed(
        "HITId,AssignmentId,Approve,Reject\nH1,T1,x,\nH1,T2,,Blank answers\nH1,T3,,\nH2,T4, X ,\n"
    )
    assert problems == []
    assert decisions == [
        Decision(1, "T1", approved=True, feedback=""),
        Decision(2, "T2", approved=False, feedback="Blank answers"),
        Decision(4, "T4", approved=True, feedback=""),
    ]


def test_our_own_file_can_be_filled_in_and_read_back():
    text = b"".join(batch.write([WORK], ["note"], ["animal"])).decode()
    assert reviewed(text) == ([], [])
    filled = text.rstrip("\r\n") + "'-wrong animal\r\n"
    decisions, problems = reviewed(filled)
    assert problems == []
    assert decisions == [Decision(1, "T1", approved=False, feedback="-wrong animal")]


def test_every_faulty_row_is_named():
    decisions, problems = reviewed(
        "AssignmentId,Approve,Reject\nT1,x,bad\n,x,\nT2,no,\nT3,x,\nT3,x,\nT4,," + "y" * 1025 + "\nT5,x\nT6,x,\n"
    )
    assert [one.assignment for one in decisions] == ["T3", "T6"]
    assert [(one.row, one.column) for one in problems] == [
        (1, "Reject"),
        (2, "AssignmentId"),
        (3, "Approve"),
        (5, "AssignmentId"),
        (6, "Reject"),
        (7, "Reject"),
    ]
    assert "row 4" in problems[3].message


def test_a_file_without_the_columns_is_refused_by_name():
    with pytest.raises(Invalid, match="Approve, Reject"):
        reviewed("AssignmentId,HITId\nT1,H1\n")

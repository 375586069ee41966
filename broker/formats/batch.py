"""Batches as MTurk's old web page had them: HTML with ${variables} and a CSV in, a results CSV out, decisions back in.

The columns are those of its Batch_*_batch_results.csv; https://docs.aws.amazon.com/AWSMechTurk/latest/RequesterUI/
tells what requesters did with them.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from broker.errors import Invalid, Problem
from broker.formats import csv
from broker.formats.limits import Limits
from broker.formats.rows import Bookmark, expect
from broker.formats.write import FORMULA, write_csv

COLUMNS = (
    "HITId",
    "HITTypeId",
    "Title",
    "Description",
    "Keywords",
    "Reward",
    "CreationTime",
    "MaxAssignments",
    "RequesterAnnotation",
    "AssignmentDurationInSeconds",
    "AutoApprovalDelayInSeconds",
    "Expiration",
    "NumberOfSimilarHITs",
    "LifetimeInSeconds",
    "AssignmentId",
    "WorkerId",
    "AssignmentStatus",
    "AcceptTime",
    "SubmitTime",
    "AutoApprovalTime",
    "ApprovalTime",
    "RejectionTime",
    "RequesterFeedback",
    "WorkTimeInSeconds",
    "LifetimeApprovalRate",
    "Last30DaysApprovalRate",
    "Last7DaysApprovalRate",
)
DECISIONS = ("Approve", "Reject")
VARIABLE = re.compile(r"\$\{(\w+)\}")
BRACE = re.compile(r"\{(?=[{%#]|\Z)")
"""One that would begin a tag of Liquid, alone or before a value."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
YES = {"x", "y", "yes", "true", "1"}
LONGEST_FEEDBACK = 1024
CROWD = re.compile(r"<crowd-form\b[^>]*>", re.IGNORECASE)
FLAT = re.compile(r"answer-format\s*=\s*[\"']?flatten-objects", re.IGNORECASE)
MICROS = 1_000_000


class Decision(NamedTuple):
    """What a requester wrote beside an assignment in the results: row of the file, approved or not, the feedback."""

    row: int
    assignment: str
    approved: bool
    feedback: str


Rate = tuple[int, int]
"""How many of a worker's decided assignments were approved, and how many were decided."""


@dataclass(frozen=True)
class Work:
    """One assignment of a batch; money in micro-units, times in UTC, None where a thing has not happened."""

    hit: str
    hit_type: str
    title: str
    description: str
    keywords: str
    reward: int
    created: dt.datetime
    most: int
    annotation: str
    duration_seconds: int
    approval_seconds: int
    expires: dt.datetime | None
    assignment: str
    worker: str
    status: str
    accepted: dt.datetime
    submitted: dt.datetime
    approved: dt.datetime | None
    rejected: dt.datetime | None
    feedback: str
    seconds: float | None
    lifetime: Rate
    month: Rate
    week: Rate
    inputs: Mapping[str, Any]
    answers: Mapping[str, str]


def variables(html: str) -> list[str]:
    """The names in ${…}, each once, in order of appearance."""
    return list(dict.fromkeys(VARIABLE.findall(html)))


def as_liquid(html: str) -> str:
    """The page as a Liquid template over `task.input`; as on MTurk, values stand in it as they are, markup included.

    What looks like Liquid in the page stays text: its own {{ and {% are written out.
    """
    parts = VARIABLE.split(html)
    parts[::2] = [BRACE.sub("{{ '{' }}", text) for text in parts[::2]]
    parts[1::2] = [f'{{{{ task.input["{name}"] | skip_autoescape }}}}' for name in parts[1::2]]
    return "".join(parts)


def check(html: str, columns: Sequence[str]) -> None:
    """Raises Invalid for an empty page, or naming every ${variable} of it that the data has no column for."""
    if not html.strip():
        raise Invalid("html: the page is empty", problems=[Problem("the page is empty", column="html")])
    missing = [name for name in variables(html) if name not in columns]
    if missing:
        there = ", ".join(columns)
        problems = [Problem(f"the page has ${{{name}}}, the data has only {there}", column=name) for name in missing]
        raise Invalid("; ".join(str(one) for one in problems), problems=problems)


def cells(answer: Mapping[str, Any], html: str) -> dict[str, str]:
    """A worker's answer as Answer.* columns without that prefix.

    A crowd-form gives one, `taskAnswers`, a JSON list of one object; with answer-format="flatten-objects" and in plain
    forms each field gives its own, nested ones joined by dots, several values of one name joined by |.
    """
    form = CROWD.search(html)
    if form and not FLAT.search(form[0]):
        return {"taskAnswers": json.dumps([answer], ensure_ascii=False, separators=(",", ":"))}
    return dict(_flat(answer, ""))


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat(part, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and not any(isinstance(one, list | Mapping) for one in value):
        yield name, "|".join(_text(one) for one in value)
    else:
        yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write(works: Iterable[Work], inputs: Sequence[str], answers: Sequence[str]) -> Iterator[bytes]:
    """The results file in blocks; `inputs` are the data's columns in their order, `answers` all names of answers.

    A cell that a spreadsheet would run as a formula gets a ' before it, which reading takes off again.
    """
    asked, said = [f"Input.{name}" for name in inputs], [f"Answer.{name}" for name in sorted(answers)]
    return write_csv((_line(work) for work in works), [*COLUMNS, *asked, *said, *DECISIONS])


def _line(work: Work) -> dict[str, Any]:
    line = dict.fromkeys(COLUMNS, "") | {
        "HITId": work.hit,
        "HITTypeId": work.hit_type,
        "Title": work.title,
        "Description": work.description,
        "Keywords": work.keywords,
        "Reward": dollars(work.reward),
        "CreationTime": said(work.created),
        "MaxAssignments": work.most,
        "RequesterAnnotation": work.annotation,
        "AssignmentDurationInSeconds": work.duration_seconds,
        "AutoApprovalDelayInSeconds": work.approval_seconds,
        "Expiration": said(work.expires),
        **_turn(work),
    }
    line |= {f"Input.{name}": value for name, value in work.inputs.items()}
    return line | {f"Answer.{name}": value for name, value in work.answers.items()}


def _turn(work: Work) -> dict[str, Any]:
    rates = {"Lifetime": work.lifetime, "Last30Days": work.month, "Last7Days": work.week}
    return {
        "AssignmentId": work.assignment,
        "WorkerId": work.worker,
        "AssignmentStatus": work.status.capitalize(),
        "AcceptTime": said(work.accepted),
        "SubmitTime": said(work.submitted),
        "AutoApprovalTime": said(work.submitted + dt.timedelta(seconds=work.approval_seconds)),
        "ApprovalTime": said(work.approved),
        "RejectionTime": said(work.rejected),
        "RequesterFeedback": work.feedback,
        "WorkTimeInSeconds": "" if work.seconds is None else round(work.seconds),
        **{f"{name}ApprovalRate": share(*rate) for name, rate in rates.items()},
    }


def dollars(micros: int) -> str:
    """An amount as MTurk wrote it: $0.05; parts of a cent are kept where there are any."""
    whole, part = divmod(micros, MICROS)
    digits = f"{part:06d}".rstrip("0")
    return f"${whole}.{digits:0<2}"


def said(moment: dt.datetime | None) -> str:
    """A time as MTurk wrote it, in UTC: Wed Jan 21 20:15:01 UTC 2026; empty for none."""
    if moment is None:
        return ""
    utc = moment.astimezone(dt.UTC)
    return f"{DAYS[utc.weekday()]} {MONTHS[utc.month - 1]} {utc:%d %H:%M:%S} UTC {utc.year:04d}"


def share(approved: int, decided: int) -> str:
    """A rate as MTurk wrote it: 93% (14/15)."""
    return f"{round(100 * approved / decided) if decided else 0}% ({approved}/{decided})"


def read_review(stream: BinaryIO, limits: Limits) -> tuple[list[Decision], list[Problem]]:
    """The decisions in a results file that its requester filled in: x under Approve, or the reason under Reject.

    Rows with neither are passed over. Raises Invalid for a file without the columns AssignmentId, Approve and Reject.
    """
    decisions: list[Decision] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for item in csv.read(stream, Bookmark(), limits):
        if isinstance(item, Problem):
            problems.append(item)
            continue
        expect(list(item.payload), ("AssignmentId", *DECISIONS))
        found = _decided(item.number, item.payload)
        if found is None:
            continue
        if isinstance(found, Decision) and found.assignment in seen:
            found = Problem(f"decided in row {seen[found.assignment]} already", found.row, "AssignmentId")
        if isinstance(found, Problem):
            problems.append(found)
        else:
            seen[found.assignment] = found.row
            decisions.append(found)
    return decisions, problems


def _decided(row: int, line: Mapping[str, str]) -> Decision | Problem | None:
    name, yes, reason = (_plain(line[column]) for column in ("AssignmentId", *DECISIONS))
    if not yes and not reason:
        return None
    if not name:
        return Problem("is empty", row, "AssignmentId")
    if yes and reason:
        return Problem("there is something under Approve and under Reject: leave one empty", row, "Reject")
    if yes and yes.lower() not in YES:
        return Problem(f"{yes[:50]!r} is no x; to reject, write the reason under Reject", row, "Approve")
    if len(reason) > LONGEST_FEEDBACK:
        return Problem(f"the reason has more than {LONGEST_FEEDBACK:,} characters", row, "Reject")
    return Decision(row, name, bool(yes), reason)


def _plain(text: str) -> str:
    text = text.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text

"""PREPARE: a draft from its first word to the moment it can be published: each step checked and kept."""

import datetime as dt
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from broker.annotation.kind import Kind
from broker.errors import BrokerError, Conflict, Invalid, Problem
from broker.formats import detect, gold
from broker.formats.limits import Limits
from broker.formats.rows import Bookmark, Item
from broker.kinds.registry import columns, furnish
from broker.rules import ledger
from broker.rules.plan import Plan
from broker.store import dataset, guides, jobs, money, requirements, results
from broker.store.db import Unit
from broker.store.jobs import Job, JobState, UploadState

GOLD = "_gold"
FILES = {"_image": "images", "_audio": "sounds", "_video": "films"}
"""The columns that an import writes for the files of a ZIP."""
LONGEST_TITLE, LONGEST_TEXT = 200, 50_000
MOST_SHOWN = 20
MOST_GOLD_ROWS = 20_000
REVIEW_DAYS = ("", "1", "3", "7", "14", "30")
"""How long a requester may look at answers before they are paid: not at all, or so many days."""
SAMPLE = 50


@dataclass(frozen=True)
class Task:
    """The step "task" as it was filled in; `settings` are the kind's, not yet checked."""

    title: str
    description: str
    guide: str
    kind: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class GoldFile:
    """A file of known answers: the column that finds the rows, which the data has too, and the one with the answer."""

    name: str
    stream: BinaryIO
    key: str
    label: str


@dataclass(frozen=True)
class Cost:
    """What a draft would ask for and cost, as far as it is known; money in micro-units."""

    rows: int
    golds: int
    answers: int
    most: int
    balance: int
    seconds: float
    observed: bool

    @property
    def hits(self) -> int:
        """Rows that are labelled, gold aside."""
        return self.rows - self.golds


def make(unit: Unit, requester_id: int, title: str, now: dt.datetime) -> Job:
    """Begin a draft. Raises Invalid for a title that is too long."""
    _raise(_title_problems(title))
    job = Job(requester_id=requester_id, title=title.strip(), created_at=now)
    unit.session.add(job)
    unit.session.flush()
    return job


def draft(unit: Unit, job_id: int, requester_id: int) -> Job:
    """The requester's own draft, held till the end of the unit. Raises NotFound, Conflict if it is published."""
    job = jobs.own_job(unit, job_id, requester_id, lock=True)
    if job.state != JobState.DRAFT:
        raise Conflict("This job is published: it cannot be changed any more.")
    return job


def delete(unit: Unit, job_id: int, requester_id: int, now: dt.datetime) -> list[str]:
    """Delete a draft with its rows; the keys of files nobody needs any more. Raises NotFound, Conflict."""
    draft(unit, job_id, requester_id)
    files = jobs.discard_uploads(unit, job_id, now)
    dataset.remove(unit, job_id)
    pictures = guides.remove(unit, job_id)
    requirements.remove(unit, job_id)
    jobs.delete_job(unit, job_id)
    return pictures + [key for file in files for key in (file, f"images/{file.rpartition('/')[2]}")]


def save_task(unit: Unit, job_id: int, requester_id: int, task: Task, *, loosely: bool = False) -> None:
    """Keep the step "task"; `loosely` keeps what is half written too, for autosave. Raises Invalid, NotFound."""
    job = draft(unit, job_id, requester_id)
    problems = _task_problems(job, task)
    if loosely:
        problems = [
            one for one in problems if one.column in {"title", "description", "guide"} and "at most" in str(one)
        ]
    _raise(problems)
    job.title, job.description, job.guide = task.title.strip(), task.description.strip(), task.guide.strip()
    job.kind, job.settings = task.kind, dict(task.settings)


def _title_problems(title: str) -> list[Problem]:
    if not title.strip():
        return [Problem("give the job a title", column="title")]
    if len(title.strip()) > LONGEST_TITLE:
        return [Problem(f"write at most {LONGEST_TITLE} characters", column="title")]
    return []


def _task_problems(job: Job, task: Task) -> list[Problem]:
    problems = _title_problems(task.title)
    for name, text in (("description", task.description), ("guide", task.guide)):
        if len(text) > LONGEST_TEXT:
            problems.append(Problem(f"write at most {LONGEST_TEXT:,} characters", column=name))
    try:
        furnish(task.kind, task.settings)
    except Invalid as error:
        problems += error.problems or [Problem(error.message, column="offer")]
    return problems + _field_problems(job, task.kind, task.settings)


def _field_problems(job: Job, kind: str, settings: Mapping[str, Any]) -> list[Problem]:
    missing = [(control, name) for control, name in columns(kind, settings) if name not in job.columns]
    return [_missing(job, control.name, name) for control, name in missing] if job.columns else []


def _missing(job: Job, field: str, name: str) -> Problem:
    if name in FILES:
        return Problem(f"your data has no {FILES[name]}: upload a ZIP of them, or choose another kind", column="offer")
    there = ", ".join(name for name in job.columns if not name.startswith("_"))
    return Problem(f"there is no column {name!r}; the data has {there}", column=field)


@dataclass(frozen=True)
class Quality:
    """The step "quality" as it was filled in; columns are empty where none is used, `sure` is in percent."""

    redundancy: str
    gold_percent: str = "0"
    gold_column: str = ""
    most: str = ""
    sure: str = "87"
    priority_column: str = ""


def save_quality(unit: Unit, job_id: int, requester_id: int, step: Quality) -> None:
    """Keep the step "quality". Raises Invalid naming fields and rows, NotFound."""
    job = draft(unit, job_id, requester_id)
    answers, first = _whole(step.redundancy, "redundancy")
    percent, second = _whole(step.gold_percent, "gold_percent")
    most, third = _whole(step.most.strip() or "0", "most")
    sure, fourth = _whole(step.sure, "sure")
    _raise(first + second + third + fourth)
    plan = Plan(answers, percent, job.reward, job.lease_seconds, most, sure / 100)
    _raise(_plan_problems(plan))
    _raise(_gold_problems(unit, job, step.gold_column) + _priority_problems(unit, job, step.priority_column))
    job.redundancy, job.gold_percent, job.most, job.sure = answers, percent, most, plan.sure
    job.gold_column, job.priority_column = step.gold_column, step.priority_column


def _priority_problems(unit: Unit, job: Job, column: str) -> list[Problem]:
    if not column:
        return []
    if column not in job.columns:
        return [Problem(f"there is no column {column!r} in your data", column="priority_column")]
    return dataset.unknown_priorities(unit, job.id, column, limit=MOST_SHOWN)


def save_gold(unit: Unit, job_id: int, requester_id: int, file: GoldFile, most: Limits) -> int:
    """Take known answers from a file of their own into the rows that have their key; how many.

    Raises Invalid naming every row of the file whose key or label is unknown, NotFound, Conflict.
    """
    job = draft(unit, job_id, requester_id)
    room = _room(job)
    found, problems = gold.read(_gold_rows(file.name, file.stream, most), file.key, [file.label])
    cells: dict[str, str] = {}
    for one in found:
        try:
            cells[one.key.strip()] = room.show(room.read(str(one.value)))
        except Invalid as error:
            problems.append(Problem(error.message, row=one.row, column=file.label))
    rows = {one.key.strip(): one.row for one in found}
    if file.key not in job.columns:
        problems = [Problem(f"your data has no column {file.key!r} to find the rows by", column="gold_key")]
    else:
        dataset.clear_cells(unit, job.id, GOLD)
        missing = dataset.write_cells(unit, job.id, file.key, GOLD, cells)
        problems += [Problem(f"no row of your data has {one!r}", row=rows[one], column=file.key) for one in missing]
    _raise(sorted(problems, key=lambda one: one.row or 0))
    if not cells:
        _raise([Problem("the file has no answers", column="gold_file")])
    job.columns = [*(one for one in job.columns if one != GOLD), GOLD]
    job.gold_column = GOLD
    return len(cells)


def _gold_rows(name: str, stream: BinaryIO, most: Limits) -> list[Item]:
    reader = detect.reader_for(name, stream.read(detect.HEAD))
    if reader.name not in {"csv", "tsv", "jsonl"}:
        raise Invalid("Known answers are taken from CSV, TSV or JSON Lines.")
    stream.seek(0)
    items: list[Item] = []
    for item in reader.read(stream, Bookmark(), most):
        if len(items) >= MOST_GOLD_ROWS:
            raise Invalid(f"The file has more than {MOST_GOLD_ROWS:,} rows.")
        items.append(item)
    return items


def _room(job: Job) -> Kind[Any]:
    try:
        return furnish(job.kind, job.settings)
    except Invalid:
        raise Invalid("Fill in the task first: known answers are checked against its labels.") from None


def _gold_problems(unit: Unit, job: Job, column: str) -> list[Problem]:
    if not column:
        return []
    if column not in job.columns:
        if column == GOLD:
            return [Problem("choose the file with the known answers", column="gold_file")]
        return [Problem(f"there is no column {column!r} in your data", column="gold_column")]
    room = _room(job)
    _, problems = dataset.read_gold(unit, job.id, column, lambda text: room.dump(room.read(text)), limit=MOST_SHOWN)
    return problems


def _whole(text: str, field: str) -> tuple[int, list[Problem]]:
    # int() takes other things too: digits of other scripts, underscores, numbers of thousands of digits.
    if text.strip().isascii() and text.strip().lstrip("-").isdigit() and len(text.strip()) <= 9:
        return int(text), []
    return 0, [Problem(f"{text[:40]!r} is no whole number", column=field)]


def save_pay(
    unit: Unit,
    job_id: int,
    requester_id: int,
    reward: str,
    lease_minutes: str,
    budget: str = "",
    review_days: str = "",
) -> None:
    """Keep the step "pay": an amount such as 0.02, whole minutes, and what an adaptive plan may cost, or nothing.

    In so many days the requester looks at answers before they are paid; "" has each paid once it is judged. Raises
    Invalid naming the fields, NotFound.
    """
    job = draft(unit, job_id, requester_id)
    minutes, problems = _whole(lease_minutes, "lease_minutes")
    amount, more = _amount(reward, "reward", ledger.parse_reward)
    most, yet_more = _amount(budget.strip() or "0", "budget", ledger.parse_budget)
    problems += more + yet_more
    if review_days not in REVIEW_DAYS:
        problems.append(Problem("choose one of the times", column="review_days"))
    if not problems:
        for one in _plan_problems(replace(_plan(job), reward=amount, lease_seconds=minutes * 60, budget=most)):
            minute = one.column == "lease_seconds"
            problems.append(Problem("choose between 1 and 10,080 minutes", column="lease_minutes") if minute else one)
    _raise(problems)
    job.reward, job.lease_seconds, job.budget = amount, minutes * 60, most
    job.approval_seconds = int(review_days) * 24 * 3600 if review_days else None


def _amount(text: str, field: str, parse: Callable[[str], int]) -> tuple[int, list[Problem]]:
    try:
        return parse(text), []
    except Invalid as error:
        return 0, [Problem(error.message.removeprefix(f"{field}: "), column=field)]


def _plan(job: Job) -> Plan:
    return Plan(job.redundancy, job.gold_percent, job.reward, job.lease_seconds, job.most, job.sure, job.budget)


def _plan_problems(plan: Plan) -> Sequence[Problem]:
    try:
        plan.check()
    except Invalid as error:
        return error.problems
    return []


def cost(unit: Unit, job: Job) -> Cost:
    """What the draft would cost now."""
    rows = dataset.size(unit, job.id)
    golds = dataset.filled(unit, job.id, job.gold_column) if job.gold_column and job.gold_percent else 0
    hits = rows - golds
    top = _plan(job).top
    answers = hits * top + (ledger.gold_answers(hits, top, job.gold_percent) if golds else 0)
    observed = results.median_seconds(unit, job.requester_id, job.kind)
    seconds = observed if observed is not None else _guess(unit, job)
    balance = money.balance(unit, ledger.person(job.requester_id))
    most = min(answers * job.reward, job.budget) if job.budget else answers * job.reward
    return Cost(rows, golds, answers, most, balance, seconds, observed is not None)


def _guess(unit: Unit, job: Job) -> float:
    try:
        room: Kind[Any] = furnish(job.kind, job.settings)
    except Invalid:
        return 0.0
    times = [room.seconds(payload) for _, payload in dataset.sample(unit, job.id, limit=SAMPLE)]
    return statistics.median(times) if times else 0.0


def problems(unit: Unit, job: Job, most: int, balance: int) -> dict[str, list[Problem]]:
    """What keeps a draft from being published, by the step where it is put right."""
    found = {"data": _data_problems(unit, job), "task": [], "quality": [], "pay": []}
    found["task"] = _task_problems(job, Task(job.title, job.description, job.guide, job.kind, job.settings))
    if not found["data"] and not found["task"]:
        found["data"] = _unfit(unit, job)
    found["quality"] += _plan_problems(_plan(job))
    if not found["data"] and not found["task"]:
        found["quality"] += _quietly(unit, job) + _priority_problems(unit, job, job.priority_column)
    if most > balance:
        missing = (most - balance) / ledger.UNIT
        found["pay"].append(Problem(f"your account lacks {missing:,.2f}: ask an admin to add money, or pay for less"))
    return found


def _unfit(unit: Unit, job: Job) -> list[Problem]:
    """The first rows that lack what their kind shows, and those of the very first that it cannot show."""
    found: list[Problem] = []
    for control, name in columns(job.kind, job.settings):
        if not control.optional:
            found += dataset.unfit_rows(unit, job.id, name, nested=control.sort == "cells", limit=MOST_SHOWN)
    room = _room(job)
    for row, payload in [] if found else dataset.sample(unit, job.id, limit=SAMPLE):
        try:
            room.task_input(payload)
        except Invalid as error:
            found.append(Problem(error.message, row=row))
    return found[:MOST_SHOWN]


def _quietly(unit: Unit, job: Job) -> list[Problem]:
    try:
        found = _gold_problems(unit, job, job.gold_column if job.gold_percent else "")
    except BrokerError as error:
        return [Problem(error.message)]
    if not found and job.gold_column and dataset.filled(unit, job.id, job.gold_column) == dataset.size(unit, job.id):
        return [Problem("every row is gold: there is nothing left to label")]
    return found


def _data_problems(unit: Unit, job: Job) -> list[Problem]:
    upload = jobs.unsettled(unit, job.id)
    if upload is not None:
        waits = upload.state == UploadState.REVIEW
        return [Problem("decide about the faulty rows" if waits else "your data is still being read")]
    return [] if dataset.size(unit, job.id) else [Problem("upload your data")]


def _raise(found: Sequence[Problem]) -> None:
    if found:
        raise Invalid("; ".join(str(one) for one in found[:MOST_SHOWN]), problems=found)

"""PUBLISH: from a draft with data to open HITs, all or nothing: items checked, gold marked, money set aside."""

import datetime as dt

from broker.annotation.kind import Kind
from broker.errors import Conflict, Invalid, Problem
from broker.kinds.registry import columns, furnish
from broker.rules import ledger
from broker.rules.order import Priority, mask
from broker.rules.plan import Plan
from broker.store import dataset, errands, hits, jobs, money, posted, turns
from broker.store.db import Unit
from broker.store.jobs import ENDED, RUNNING, Job, JobState, UploadState

MOST_SHOWN = 20


def publish(unit: Unit, job_id: int, requester_id: int, now: dt.datetime) -> None:
    """Open a draft to workers. Raises Invalid with everything that is wrong, Unpaid, Conflict, NotFound."""
    job = jobs.own_job(unit, job_id, requester_id, lock=True)
    if job.state != JobState.DRAFT:
        raise Conflict("This job is published already.")
    room = ready(unit, job)
    golds = mark_gold(unit, job, room)
    mark_priority(unit, job)
    rows = dataset.size(unit, job_id)
    if rows == golds:
        raise Invalid("Every row is gold: there is nothing left to label.")
    job.hits, job.golds = rows - golds, golds
    job.gold_left = ledger.gold_answers(job.hits, plan_of(job).top, job.gold_percent) if golds else 0
    job.next_pos, job.bands = dataset.last_pos(unit, job_id), mask(dataset.bands(unit, job_id))
    job.state, job.published_at = JobState.OPEN, now
    _set_aside(unit, job, _owed(unit, job, job.budget), f"publish:{job_id}", now)


def ready(unit: Unit, job: Job) -> Kind[object]:
    """The furnished room of a draft whose steps are all filled in. Raises Invalid with what is missing."""
    if not job.title.strip():
        raise Invalid("title: give the job a title", problems=[Problem("give the job a title", column="title")])
    plan_of(job).check()
    room: Kind[object] = furnish(job.kind, job.settings)
    upload = jobs.unsettled(unit, job.id)
    if upload is not None:
        undecided = upload.state == UploadState.REVIEW
        raise Invalid("Decide about the faulty rows first." if undecided else "Your data is still being read.")
    if not dataset.size(unit, job.id):
        raise Invalid("There are no rows yet: upload your data first.")
    for control, field in columns(job.kind, job.settings):
        if field not in job.columns:
            there = ", ".join(map(repr, job.columns))
            raise Invalid(f"{control.name}: there is no column {field!r}; the data has {there}")
        if field == job.gold_column:
            raise Invalid(f"gold column: {field!r} is what is shown to workers; the truth must stand in another column")
        unfit = dataset.unfit_rows(unit, job.id, field, nested=control.sort == "cells", limit=MOST_SHOWN)
        if unfit and not control.optional:
            raise Invalid(f"{unfit[0]}", problems=unfit)
    return room


def plan_of(job: Job) -> Plan:
    """The plan a job has now."""
    return Plan(job.redundancy, job.gold_percent, job.reward, job.lease_seconds, job.most, job.sure, job.budget)


def mark_priority(unit: Unit, job: Job) -> None:
    """Put rows into the bands that the priority column says. Raises Invalid naming rows with an unknown priority."""
    if not job.priority_column:
        return
    if job.priority_column not in job.columns:
        raise Invalid(f"priority column: there is no column {job.priority_column!r}")
    problems = dataset.unknown_priorities(unit, job.id, job.priority_column, limit=MOST_SHOWN)
    if problems:
        raise Invalid(f"priority: {problems[0]}", problems=problems)
    dataset.mark_priority(unit, job.id, job.priority_column)


def mark_gold(unit: Unit, job: Job, room: Kind[object]) -> int:
    """Mark the rows whose gold column is filled as gold; how many. Raises Invalid naming rows with unknown labels."""
    if not job.gold_column or not job.gold_percent:
        return 0
    if job.gold_column not in job.columns:
        raise Invalid(f"gold column: there is no column {job.gold_column!r}")
    answers, problems = dataset.read_gold(
        unit, job.id, job.gold_column, lambda text: room.dump(room.read(text)), limit=MOST_SHOWN
    )
    if problems:
        raise Invalid(f"gold: {problems[0]}", problems=problems)
    return dataset.mark_gold(unit, job.id, job.gold_column, answers)


def _owed(unit: Unit, job: Job, budget: int) -> int:
    """What the job may still cost: everything its plan can ask for, or its budget. Raises Invalid for too little."""
    sure = job.gold_left + turns.outstanding(unit, job.id)
    most = (hits.free_seats(unit, job) + sure) * job.reward
    if not job.budget:
        return most
    least = (hits.promised(unit, job) + sure) * job.reward
    if budget < least:
        need = (
            f"the answers that every item gets cost {least / ledger.UNIT:,.2f} already; give that or more, or nothing"
        )
        raise Invalid(f"budget: {need}", problems=[Problem(need, column="budget")])
    return min(most, budget)


def _covered(unit: Unit, job: Job) -> int:
    # An ended job may have given its money back: what is set aside anew is what is missing, not what is added.
    return money.balance(unit, ledger.escrow(job.id), lock=True)


def _set_aside(unit: Unit, job: Job, amount: int, ref: str, now: dt.datetime) -> None:
    money.transfer(unit, ledger.fund(job.id, job.requester_id, amount, ref), now)


def pause(unit: Unit, job_id: int, requester_id: int) -> None:
    """Hand out nothing more for now; what is out may be submitted. Raises NotFound, Conflict."""
    jobs.own_job(unit, job_id, requester_id)
    if not jobs.move_job(unit, job_id, [JobState.OPEN], JobState.PAUSED):
        raise Conflict("Only an open job can be paused.")


def resume(unit: Unit, job_id: int, requester_id: int) -> None:
    """Go on handing out HITs. Raises NotFound, Conflict."""
    jobs.own_job(unit, job_id, requester_id)
    if not jobs.move_job(unit, job_id, [JobState.PAUSED], JobState.OPEN):
        raise Conflict("Only a paused job can be resumed.")


def stop(unit: Unit, job_id: int, requester_id: int, now: dt.datetime) -> None:
    """End the job early; what is out may be submitted and is paid, the rest of the money returns.

    Of a HIT type, all HITs expire; the type stays.
    """
    if jobs.own_job(unit, job_id, requester_id).hit_type is not None:
        posted.end_all(unit, job_id, now)
        return
    if not jobs.move_job(unit, job_id, RUNNING, JobState.STOPPED, finished_at=now):
        raise Conflict("Only a running job can be stopped.")
    errands.later(unit, "settle", job_id, now)
    errands.later(unit, "conclude", job_id, now, queue="statistics")


def set_priority(unit: Unit, job_id: int, requester_id: int, priority: str) -> None:
    """Say how urgent the job is among the requester's own. Raises NotFound, Invalid."""
    job = jobs.own_job(unit, job_id, requester_id, lock=True)
    known = {str(int(one)): one for one in Priority}
    if priority not in known:
        message = "choose high (0), normal (1) or low (2)"
        raise Invalid(f"priority: {message}", problems=[Problem(message, column="priority")])
    job.priority = known[priority]


def add_answers(unit: Unit, job_id: int, requester_id: int, more: int, now: dt.datetime) -> None:
    """Ask for more answers to every HIT of a published job. Raises Invalid, Unpaid, Conflict, NotFound."""
    job = jobs.own_job(unit, job_id, requester_id, lock=True)
    if job.state == JobState.DRAFT:
        raise Conflict("This job is not published yet.")
    if job.hit_type is not None:
        raise Conflict("The HITs of a HIT type get more answers one by one, through the Requester API.")
    if more < 1:
        raise Invalid(f"more: {more} is not 1 or more", problems=[Problem("must be 1 or more", column="more")])
    job.redundancy += more
    job.most += more if job.most else 0
    plan_of(job).check()
    golds = ledger.gold_answers(job.hits, more, job.gold_percent) if job.golds else 0
    job.gold_left += golds
    dearer = (job.hits * more + golds) * job.reward
    job.budget += dearer if job.budget else 0
    covered = _covered(unit, job)
    _set_aside(unit, job, _owed(unit, job, covered + dearer) - covered, f"more:{job_id}:{job.redundancy}", now)
    reopened = dataset.reopen_full(unit, job_id, job.redundancy, job.next_pos)
    job.next_pos += reopened
    job.done = 0
    if job.state in ENDED:
        job.state, job.finished_at = JobState.OPEN, None

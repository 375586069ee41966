"""The worker's pages: the jobs open to them, the HIT page and its preview, what they answered and earned."""

import datetime as dt
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from broker.kinds.registry import furnish
from broker.rules import ledger
from broker.rules.qualification import Act
from broker.services import assign, claim
from broker.store import desk, hits, jobs, money, people, requirements
from broker.store.db import Record, Unit
from broker.store.jobs import Job, JobState
from broker.web import frames, guides, kindpage
from broker.web.gate import broker, me, need
from broker.web.shown import round_up
from broker.web.work import WHY_NOTHING, turn_shown

blueprint = Blueprint("worker", __name__, url_prefix="/work")
A_PAGE = 40
DAYS = 30


@blueprint.get("")
@need("worker")
def home() -> str:
    """The jobs that have something for this worker, and how their day goes."""
    now = broker().now()
    with broker().store.read() as unit:
        openings = desk.openings(unit, me().id, now, broker().leniency)
        answers, earned, seconds = desk.today(unit, me().id, _midnight(now))
        new = not desk.history(unit, me().id, limit=1)
    names = broker().names("J")
    return render_template(
        "worker/home.html",
        openings=openings,
        show=names.show,
        answers=answers,
        earned=earned,
        rate=ledger.hourly(earned, seconds),
        new=new,
        hourly=ledger.hourly,
        most=desk.MOST_COUNTED,
        currency=broker().settings.currency,
    )


@blueprint.get("/next")
@need("worker")
def next_job() -> ResponseReturnValue:
    """Go on with a job that the broker chooses."""
    with broker().store.read() as unit:
        found = assign.requesters(unit)
        how = broker().leniency
        job_id = assign.next_job(unit, me().id, found, broker().dice, now=broker().now(), how=how)
    if job_id is None:
        flash("There is no HIT left for you in any job at the moment.")
        return redirect("/work")
    return redirect(f"/work/{broker().names('J').show(job_id)}")


@blueprint.get("/<job>")
@need("worker")
def hit(job: str) -> ResponseReturnValue:
    """The HIT page. Reading leases nothing, since browsers prefetch; its script asks for the first HIT."""
    job_id = broker().names("J").read(job)
    with broker().store.read() as unit:
        found = jobs.published(unit, job_id)
        held = claim.holding(unit, found, me().id, broker().now())
        if not held and _barred(unit, found, Act.ACCEPT):
            return redirect(f"/work/{job}/requirements")
        shown, left = _job_shown(unit, found)
        changes = guides.told(unit, found, me().id)
    state = JobState(found.state)
    nothing = not held and (state != JobState.OPEN or not left)
    return frames.confined(
        render_template(
            "worker/hit.html",
            job=shown,
            assignment=turn_shown(found, held[0]) if held else None,
            preview=False,
            shortcuts=me().shortcuts,
            message=WHY_NOTHING[state] if nothing else "",
            changes=changes,
        )
    )


@blueprint.get("/<job>/preview")
@need("worker")
def preview(job: str) -> ResponseReturnValue:
    """The HIT page on one of the job's items, to look at: nothing is leased, nothing can be submitted."""
    job_id = broker().names("J").read(job)
    with broker().store.read() as unit:
        found = jobs.published(unit, job_id)
        if _barred(unit, found, Act.PREVIEW):
            return redirect(f"/work/{job}/requirements")
        payload = desk.specimen(unit, job_id)
        shown, left = _job_shown(unit, found)
    state = JobState(found.state)
    return frames.confined(
        render_template(
            "worker/hit.html",
            job=shown,
            assignment=_specimen_shown(found, payload) if payload else None,
            preview=True,
            shortcuts=me().shortcuts,
            message="" if state == JobState.OPEN and left else WHY_NOTHING[state],
        )
    )


def _barred(unit: Unit, job: Job, act: Act) -> bool:
    """Whether the worker lacks what the job requires for this."""
    if not job.requirements:
        return False
    lacks = requirements.lacks(unit, [job], me().id, broker().leniency, broker().now())[job.id]
    return requirements.barred(lacks, act)


def _job_shown(unit: Unit, job: Job) -> tuple[dict[str, Any], int]:
    positions, done = hits.place(unit, job.id, me().id)
    is_open = job.state == JobState.OPEN
    left = hits.left_for(unit, job, me().id, positions, limit=desk.MOST_COUNTED) if is_open else 0
    requester = people.person(unit, job.requester_id)
    shown = {
        "id": broker().names("J").show(job.id),
        "title": job.title,
        "description": job.description,
        "requester": requester.name if requester else "",
        **guides.shown(unit, job),
        "reward": job.reward,
        "lease_seconds": job.lease_seconds,
        "left": left,
        "done": done,
    }
    return shown, left


def _specimen_shown(job: Job, payload: dict[str, Any]) -> dict[str, Any]:
    room, frame = furnish(job.kind, job.settings), f"/frame/job/{broker().names('J').show(job.id)}"
    task_input = kindpage.seen(broker(), room, claim.seen(payload, job.gold_column), frame)
    return {
        "id": None,
        "html": str(kindpage.render(job.kind, task_input)),
        "input": task_input,
        "deadline": None,
        "seconds": job.lease_seconds,
        "reward": job.reward,
    }


@blueprint.get("/history")
@need("worker")
def history() -> str:
    """What the worker answered, the newest first, a page at a time."""
    names = broker().names("T")
    before = request.args.get("before")
    with broker().store.read() as unit:
        rows = desk.history(unit, me().id, before=names.read(before) if before else None, limit=A_PAGE + 1)
    lines = [_line(row) for row in rows[:A_PAGE]]
    older = names.show(rows[A_PAGE - 1][0].id) if len(rows) > A_PAGE else None
    return render_template("worker/history.html", lines=lines, older=older, paged=before is not None)


def _line(row: Record) -> dict[str, Any]:
    turn, job = row
    room = furnish(job.kind, job.settings)
    return {
        "turn": turn,
        "id": broker().names("T").show(turn.id),
        "title": job.title,
        "job": broker().names("J").show(job.id),
        "answer": room.brief(room.parse(turn.answer, {})),
    }


@blueprint.get("/earnings")
@need("worker")
def earnings() -> str:
    """What the worker earned: the balance, by day, by job, and every movement."""
    now, account, names = broker().now(), ledger.person(me().id), broker().names("E")
    before = request.args.get("before")
    first = _midnight(now) - dt.timedelta(days=DAYS - 1)
    with broker().store.read() as unit:
        balance = money.balance(unit, account)
        by_day = desk.earned_by_day(unit, account, first)
        shares = desk.shares(unit, me().id)
        movements = desk.movements(unit, account, before=names.read(before) if before else None, limit=A_PAGE + 1)
    days = [(first + dt.timedelta(days=number)).date() for number in range(DAYS)]
    return render_template(
        "worker/earnings.html",
        balance=balance,
        top=round_up(max(by_day.values(), default=0)),
        days=[(day, by_day.get(day, 0)) for day in days],
        shares=shares,
        movements=movements[:A_PAGE],
        older=names.show(movements[A_PAGE - 1].id) if len(movements) > A_PAGE else None,
        paged=before is not None,
        currency=broker().settings.currency,
        hourly=ledger.hourly,
        show=broker().names("J").show,
    )


def _midnight(now: dt.datetime) -> dt.datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)

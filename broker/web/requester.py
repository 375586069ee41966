"""The requester's pages: their jobs, a job as it runs, and what can be done with it."""

import datetime as dt
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from broker.errors import Invalid, Problem
from broker.kinds.registry import furnish
from broker.rules import ledger
from broker.services import deliver, prepare, publish
from broker.store import beliefs, dataset, jobs, money, results
from broker.store.db import Unit
from broker.store.jobs import Job, JobState
from broker.store.results import Order, Wish
from broker.web import drafts, frames, kindpage
from broker.web.gate import broker, me, need

blueprint = Blueprint("requester", __name__, url_prefix="/jobs")
HARDEST = 8
MOST_HOURS = 7 * 24


@blueprint.get("")
@need("requester")
def listing() -> str:
    """All jobs of the requester."""
    with broker().store.read() as unit:
        found = jobs.jobs_of(unit, me().id)
        balance = money.balance(unit, ledger.person(me().id))
        rows = [_row(unit, job) for job in found]
    currency = broker().settings.currency
    return render_template("requester/jobs.html", rows=rows, balance=balance, currency=currency)


def _row(unit: Unit, job: Job) -> dict[str, Any]:
    """A job in the list: what it cost so far, and how far its workers agree."""
    mine, escrow = ledger.person(job.requester_id), ledger.escrow(job.id)
    spent = money.moved(unit, mine, escrow) - money.moved(unit, escrow, mine) - money.balance(unit, escrow)
    latest = beliefs.latest(unit, job.id)
    agreement = latest.agreement if latest else None
    return {"job": job, "id": broker().names("J").show(job.id), "spent": spent, "agreement": agreement}


@blueprint.get("/new")
@need("requester")
def new() -> str:
    """The first words of a job."""
    return render_template("requester/new.html", title="", errors={})


@blueprint.post("/new")
@need("requester")
def make() -> ResponseReturnValue:
    """Make a draft."""
    title = request.form.get("title", "")
    try:
        with broker().store.write() as unit:
            job = prepare.make(unit, me().id, title, broker().now())
    except Invalid as error:
        return render_template("requester/new.html", title=title, errors=drafts.errors_of(error, "title")), 422
    return redirect(url_for("wizard.data", job=broker().names("J").show(job.id)), 303)


@blueprint.post("/<job>/delete")
@need("requester")
def delete(job: str) -> ResponseReturnValue:
    """Delete a draft."""
    with broker().store.write() as unit:
        leftovers = prepare.delete(unit, drafts.number(job), me().id, broker().now())
    for key in leftovers:
        broker().files.remove(key)
    flash("The draft is deleted.", "good")
    return redirect(url_for("requester.listing"), 303)


@blueprint.get("/<job>")
@need("requester")
def overview(job: str) -> ResponseReturnValue:
    """A job as it runs."""
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
        if found.state == JobState.DRAFT:
            return redirect(url_for("wizard.data", job=job), 303)
        latest = deliver.chosen(unit, found)
        wish = Wish(latest.id if latest else None, order=Order.LEAST_SURE, gold=False, limit=HARDEST)
        context = {
            "hardest": deliver.page(unit, found, wish) if latest else [],
            "workers": results.workers(unit, found.id),
            "reports": results.reports(unit, found.id),
        }
    return render_template("requester/job.html", id=job, **_figures(found), **context)


def _figures(job: Job) -> dict[str, Any]:
    """What the live part of a job's page shows."""
    hour = int(broker().now().timestamp()) // 3600
    with broker().store.read() as unit:
        mine, escrow = ledger.person(job.requester_id), ledger.escrow(job.id)
        by_hour = dict(results.answers_by_hour(unit, job.id))
        aside, given, back = (
            money.balance(unit, escrow),
            money.moved(unit, mine, escrow),
            money.moved(unit, escrow, mine),
        )
        return {
            "job": job,
            "this_hour": by_hour.pop(hour, 0),
            "hours": _every_hour(by_hour),
            "aggregation": deliver.chosen(unit, job),
            "crowd": results.worker_count(unit, job.id),
            "aside": aside,
            "paid": given - back - aside,
            "returned": back,
            "currency": broker().settings.currency,
        }


def _every_hour(answers: dict[int, int]) -> list[tuple[dt.datetime, int]]:
    """The answers of each hour from the first to the last, those with none too; the latest MOST_HOURS."""
    if not answers:
        return []
    last = max(answers)
    first = max(min(answers), last - MOST_HOURS)
    return [(dt.datetime.fromtimestamp(hour * 3600, dt.UTC), answers.get(hour, 0)) for hour in range(first, last + 1)]


@blueprint.get("/<job>/live")
@need("requester")
def live(job: str) -> ResponseReturnValue:
    """The part of a job's page that changes while people work; 204 when the job's state has changed."""
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
    if request.args.get("state", found.state) != found.state:
        return "", 204
    answer = make_response(render_template("requester/live.html", id=job, **_figures(found)))
    answer.add_etag()
    return answer.make_conditional(request)


@blueprint.get("/<job>/preview")
@need("requester")
def preview(job: str) -> Response:
    """The worker's page on one of the requester's own rows."""
    row = min(max(request.args.get("row", 1, type=drafts.whole), 1), broker().settings.row_limit)
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
        rows = dataset.sample(unit, found.id, skip=row - 1, limit=1)
    try:
        room = furnish(found.kind, found.settings)
        frame = url_for("frames.row", job=job, row=row)
        page = kindpage.render(found.kind, kindpage.seen(broker(), room, rows[0][1], frame)) if rows else ""
        message = "" if rows else "There is no such row."
    except Invalid as error:
        page, message = "", error.message
    shown = render_template("requester/preview.html", page=page, message=message, job=found, row=row)
    return frames.confined(shown)


def _more() -> int:
    text = request.form.get("more", "")
    try:
        return drafts.whole(text)
    except ValueError:
        problem = Problem(f"{text[:40]!r} is no whole number", column="more")
        raise Invalid(str(problem), problems=[problem]) from None


@blueprint.post("/<job>/<any(pause, resume, stop, more, priority):act>")
@need("requester")
def run(job: str, act: str) -> ResponseReturnValue:
    """Pause, resume or stop a job, ask for more answers, or say how urgent it is."""
    number = drafts.number(job)
    with broker().store.write() as unit:
        if act == "pause":
            publish.pause(unit, number, me().id)
        elif act == "resume":
            publish.resume(unit, number, me().id)
        elif act == "stop":
            publish.stop(unit, number, me().id, broker().now())
        elif act == "priority":
            publish.set_priority(unit, number, me().id, request.form.get("priority", ""))
        else:
            drafts.mine(unit, job)  # strangers learn nothing, not even what is wrong with their form
            publish.add_answers(unit, number, me().id, _more(), broker().now())
    return redirect(url_for("requester.overview", job=job), 303)

"""A requester looks at answers before they are paid: approve, reject with a reason, give a bonus, write, block."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from broker.errors import Conflict, Invalid, NotFound
from broker.kinds.registry import furnish
from broker.rules import ledger, verdict
from broker.rules.posting import APPEAL, OVERRIDE
from broker.services import block, bonus, review
from broker.store import blocks, people, reviews
from broker.store.db import Unit
from broker.store.jobs import Job
from broker.store.reviews import Bonus
from broker.store.work import Assignment, Hit, Turn
from broker.web import drafts
from broker.web.gate import broker, me, need

blueprint = Blueprint("review", __name__, url_prefix="/jobs")
A_PAGE = 40
STATES = (Turn.SUBMITTED, Turn.APPROVED, Turn.REJECTED)
MOST_AT_ONCE = 100


@blueprint.get("/<job>/answers")
@need("requester")
def listing(job: str) -> str:
    """The answers of a job in one state, by default those that wait for a decision."""
    wanted = Turn(request.args["state"]) if request.args.get("state") in STATES else Turn.SUBMITTED
    names, after = broker().names("T"), request.args.get("after")
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
        where = (Assignment.job_id == found.id, Assignment.state == wanted)
        rows = reviews.answers(unit, *where, after=names.read(after) if after else 0, limit=A_PAGE + 1)
        decisions = reviews.latest(unit, [row[0].id for row in rows])
        counts = reviews.state_counts(unit, found.id)
    return render_template(
        "requester/answers.html",
        id=job,
        job=found,
        wanted=wanted,
        counts=counts,
        lines=[_line(found, *row) | {"decision": decisions.get(row[0].id)} for row in rows[:A_PAGE]],
        older=names.show(rows[A_PAGE - 1][0].id) if len(rows) > A_PAGE else None,
        paged=after is not None,
        currency=broker().settings.currency,
    )


def _line(job: Job, turn: Assignment, hit: Hit, worker: str) -> dict[str, Any]:
    return {
        "turn": turn,
        "id": broker().names("T").show(turn.id),
        "hit": broker().names("H").show(hit.id),
        "worker": worker,
        "answer": _said(job, turn),
    }


def _said(job: Job, turn: Assignment) -> str:
    room: Any = furnish(job.kind, job.settings)
    try:
        return str(room.brief(room.parse(turn.answer, {})))
    except Invalid:  # the requester changed the settings since
        return str(turn.answer)


@blueprint.post("/<job>/answers/approve")
@need("requester")
def approve_some(job: str) -> ResponseReturnValue:
    """Approve all that were ticked; what was decided meanwhile is passed over."""
    names, done = broker().names("T"), 0
    with broker().store.read() as unit:
        drafts.mine(unit, job)
    for name in request.form.getlist("answer")[:MOST_AT_ONCE]:
        try:
            with broker().store.write() as unit:
                review.approve(unit, names.read(name), me().id, "", broker().now())
            done += 1
        except (Conflict, NotFound):
            continue
    flash(
        f"{done or 'No'} {'answer was' if done == 1 else 'answers were'} approved and paid.", "good" if done else "info"
    )
    return redirect(url_for("review.listing", job=job), 303)


@blueprint.get("/<job>/answers/<answer>")
@need("requester")
def one(job: str, answer: str) -> ResponseReturnValue:
    """One answer, and what can be done about it."""
    return _page(job, answer, {})


def _page(job: str, answer: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    with broker().store.read() as unit:
        found, turn, hit, worker = _mine(unit, job, answer)
        context = {
            "decision": reviews.latest(unit, [turn.id]).get(turn.id),
            "appeal": reviews.appeal_of(unit, turn.id),
            "bonuses": reviews.bonuses(unit, Bonus.assignment_id == turn.id, limit=50),
            "blocked": blocks.blocked(unit, me().id, turn.worker_id),
            "writable": bool(blocks.known_workers(unit, me().id, [turn.worker_id])),
        }
    line = _line(found, turn, hit, worker)
    over = turn.submitted_at is None or broker().now() > turn.submitted_at + OVERRIDE
    page = render_template(
        "requester/answer.html",
        id=job,
        job=found,
        line=line,
        item={name: value for name, value in hit.payload.items() if not name.startswith("_") and str(value).strip()},
        reasons=list(verdict.REASONS.items()),
        words=verdict.REASONS,
        appeal_days=APPEAL.days,
        overturnable=turn.state == Turn.REJECTED and not over,
        errors=errors,
        given=request.form,
        currency=broker().settings.currency,
        **context,
    )
    return page, status


def _mine(unit: Unit, job: str, answer: str) -> tuple[Job, Assignment, Hit, str]:
    found = drafts.mine(unit, job)
    number = broker().names("T").read(answer)
    rows = reviews.answers(unit, Assignment.id == number, Assignment.job_id == found.id, limit=1)
    if not rows:
        raise NotFound("There is no such answer in this job.")
    return found, *rows[0]


@blueprint.post("/<job>/answers/<answer>/<any(approve, reject, bonus, write, block, unblock):act>")
@need("requester")
def do(job: str, answer: str, act: str) -> ResponseReturnValue:
    """Do one of these things about an answer or its worker."""
    try:
        with broker().store.write() as unit:
            _, turn, _, _ = _mine(unit, job, answer)
            flash(ACTS[act](unit, turn), "good")
    except Invalid as error:
        return _page(
            job,
            answer,
            {one.column or act: f"{one.message[:1].upper()}{one.message[1:]}." for one in error.problems}
            or {act: error.message},
            error.status,
        )
    return redirect(url_for("review.one", job=job, answer=answer), 303)


def _text(name: str) -> str:
    return request.form.get(name, "").encode(errors="replace").decode()


def _approve(unit: Unit, turn: Assignment) -> str:
    review.override(unit, turn.id, me().id, _text("praise"), broker().now())
    return "The answer is approved and paid."


def _reject(unit: Unit, turn: Assignment) -> str:
    reason = verdict.reason(_text("reason"), _text("feedback"))
    review.reject(unit, turn.id, me().id, _text("feedback").strip(), broker().now(), reason=reason)
    return f"The answer is rejected. Its worker reads why, and may appeal for {APPEAL.days} days."


def _bonus(unit: Unit, turn: Assignment) -> str:
    given = bonus.give(unit, turn.id, me().id, ledger.parse_credit(_text("amount")), _text("why"), broker().now())
    return f"A bonus of {given.amount / ledger.UNIT:,.2f} {broker().settings.currency} was paid."


def _write(unit: Unit, turn: Assignment) -> str:
    reader = people.person(unit, turn.worker_id)
    unsent = block.notify(unit, me().id, [reader] if reader else [], _text("subject"), _text("text"), broker().now())
    if unsent:
        raise Conflict("You can write to workers once you have approved or rejected an answer of theirs.")
    return "Your message is in the worker's inbox."


def _block(unit: Unit, turn: Assignment) -> str:
    block.block(unit, me().id, turn.worker_id, _text("block_reason"), broker().now())
    return "This worker gets no more of your HITs."


def _unblock(unit: Unit, turn: Assignment) -> str:
    block.unblock(unit, me().id, turn.worker_id)
    return "This worker gets your HITs again."


ACTS: dict[str, Callable[[Unit, Assignment], str]] = {
    "approve": _approve,
    "reject": _reject,
    "bonus": _bonus,
    "write": _write,
    "block": _block,
    "unblock": _unblock,
}

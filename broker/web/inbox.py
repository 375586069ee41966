"""What requesters tell a worker: messages, decisions about answers with their reasons; and the worker's appeal."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from broker.errors import Conflict, Invalid, NotFound
from broker.kinds.registry import furnish
from broker.rules import verdict
from broker.rules.posting import APPEAL
from broker.services import appeal
from broker.store import blocks, jobs, people, reviews, turns
from broker.store.reviews import Bonus
from broker.store.work import ANSWERED, Turn
from broker.web.gate import broker, me, need

blueprint = Blueprint("inbox", __name__, url_prefix="/work")
A_PAGE = 40


@blueprint.get("/inbox")
@need("worker")
def inbox() -> str:
    """The worker's messages, the latest first, and who wants no work of theirs; looking marks them as read."""
    names, before, now = broker().names("N"), request.args.get("before"), broker().now()
    with broker().store.read() as unit:
        found = blocks.inbox(unit, me().id, before=names.read(before) if before else None, limit=A_PAGE + 1)
        against = blocks.blocks_against(unit, me().id)
        unread = blocks.unread(unit, me().id)
    if unread:
        with broker().store.write() as unit:
            blocks.note_read(unit, me().id, now)
    return render_template(
        "worker/inbox.html",
        messages=found[:A_PAGE],
        older=names.show(found[A_PAGE - 1][0].id) if len(found) > A_PAGE else None,
        paged=before is not None,
        blocks=against,
    )


@blueprint.get("/answers/<answer>")
@need("worker")
def decided(answer: str) -> ResponseReturnValue:
    """One of the worker's answers: what was decided about it and why, bonuses, and the appeal."""
    return _page(answer, {})


def _page(answer: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    number = broker().names("T").read(answer)
    with broker().store.read() as unit:
        turn = turns.assignment(unit, number, me().id)
        if turn is None or turn.state not in ANSWERED:
            raise NotFound("There is no such answer among yours.")
        job = jobs.job(unit, turn.job_id)
        requester = people.person(unit, job.requester_id)
        decision = reviews.latest(unit, [number]).get(number)
        made = reviews.appeal_of(unit, number)
        bonuses = reviews.bonuses(unit, Bonus.assignment_id == number, limit=50)
    may = turn.state == Turn.REJECTED and made is None and decision is not None and decision.disputable
    room: Any = furnish(job.kind, job.settings)
    page = render_template(
        "worker/answer.html",
        turn=turn,
        id=answer,
        job=job,
        requester=requester.name if requester else "",
        answer=room.brief(room.parse(turn.answer, {})),
        decision=decision,
        reasons=verdict.REASONS,
        appeal=made,
        may=may and decision is not None and broker().now() <= decision.at + APPEAL,
        until=decision.at + APPEAL if decision is not None else None,
        bonuses=bonuses,
        errors=errors,
        given=request.form.get("text", ""),
        longest=appeal.LONGEST,
        currency=broker().settings.currency,
    )
    return page, status


@blueprint.post("/answers/<answer>/appeal")
@need("worker")
def lodge(answer: str) -> ResponseReturnValue:
    """Appeal against a rejection."""
    try:
        with broker().store.write() as unit:
            number = broker().names("T").read(answer)
            appeal.lodge(unit, number, me().id, request.form.get("text", ""), broker().now())
    except Invalid as error:
        return _page(answer, {"text": f"{error.problems[0].message.capitalize()}."}, error.status)
    except Conflict as error:
        flash(error.message, "warn")
        return redirect(url_for("inbox.decided", answer=answer), 303)
    flash("Your appeal is with the people who run this installation.", "good")
    return redirect(url_for("inbox.decided", answer=answer), 303)

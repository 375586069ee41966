"""For admins: workers' appeals against rejections."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from broker.errors import Invalid
from broker.kinds.registry import furnish
from broker.rules import verdict
from broker.services import appeal
from broker.services.appeal import Ruling
from broker.store import people, reviews
from broker.web.gate import broker, me, need

blueprint = Blueprint("appeals", __name__, url_prefix="/admin/appeals")


@blueprint.get("")
@need("admin")
def listing() -> ResponseReturnValue:
    """Appeals that wait, the oldest first, and the last ones that were decided."""
    return _page({})


def _page(errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    with broker().store.read() as unit:
        waiting, decided = (reviews.appeals(unit, open_=open_) for open_ in (True, False))
        rows = [*waiting, *decided]
        decisions = reviews.rejections(unit, [turn.id for _, turn, _, _ in rows])
        requesters = {job.requester_id: people.person(unit, job.requester_id) for _, _, job, _ in rows}

    def shown(row: tuple[Any, Any, Any, Any]) -> dict[str, Any]:
        made, turn, job, worker = row
        return {
            "appeal": made,
            "id": broker().names("A").show(made.id),
            "turn": turn,
            "job": job,
            "worker": worker,
            "requester": requesters[job.requester_id],
            "decision": decisions.get(turn.id),
            "answer": _said(job, turn),
        }

    page = render_template(
        "admin/appeals.html",
        waiting=[shown(row) for row in waiting],
        decided=[shown(row) for row in decided],
        reasons=verdict.REASONS,
        errors=errors,
        given=request.form,
        currency=broker().settings.currency,
    )
    return page, status


def _said(job: Any, turn: Any) -> str:
    room: Any = furnish(job.kind, job.settings)
    try:
        return str(room.brief(room.parse(turn.answer, {})))
    except Invalid:  # the requester changed the settings since
        return str(turn.answer)


@blueprint.post("/<name>")
@need("admin")
def decide(name: str) -> ResponseReturnValue:
    """Decide an appeal."""
    number = broker().names("A").read(name)
    upheld, answer = request.form.get("ruling") == "uphold", request.form.get(f"answer_{name}", "")
    try:
        with broker().store.write() as unit:
            appeal.decide(unit, number, Ruling(me(), upheld, answer, broker().now()))
    except Invalid as error:
        return _page({f"answer_{name}": f"{error.problems[0].message.capitalize()}."}, error.status)
    flash("The answer is approved and paid." if upheld else "The rejection stands.", "good")
    return redirect(url_for("appeals.listing"), 303)

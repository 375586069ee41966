"""What the pages of a draft share: whose it is, its steps, and a form that keeps what was typed when it is refused."""

from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from broker.errors import Invalid, Problem
from broker.store import jobs
from broker.store.db import Unit
from broker.store.jobs import Job
from broker.web.gate import broker, me

STEPS = (("data", "Data"), ("task", "Task"), ("quality", "Quality"), ("pay", "Pay"), ("check", "Check and publish"))
LONGEST_MESSAGE = 300
LARGEST = 2**53


def number(job: str) -> int:
    """The row id behind a job's public id. Raises NotFound."""
    return broker().names("J").read(job)


def mine(unit: Unit, job: str) -> Job:
    """The job of this public id, if it belongs to the person who asks. Raises NotFound."""
    return jobs.own_job(unit, number(job), me().id)


def whole(text: str) -> int:
    """A number in an address or a form. Raises ValueError for what no column of the database could hold."""
    value = int(text)
    if abs(value) > LARGEST:
        raise ValueError(text)
    return value


def page(step: str, job: Job, **context: Any) -> str:
    """The page of a step."""
    name = broker().names("J").show(job.id)
    places = [one for one, _ in STEPS]
    steps = [(title, url_for(f"wizard.{one}", job=name)) for one, title in STEPS]
    at = places.index(step)
    before = url_for(f"wizard.{places[at - 1]}", job=name) if at else None
    context = {"errors": {}, "problems": []} | context
    return render_template(f"requester/{step}.html", job=job, id=name, steps=steps, at=at, before=before, **context)


def errors_of(error: Invalid, otherwise: str, fields: tuple[str, ...] = ()) -> dict[str, str]:
    """What to show beside which field: the first problem of each, the whole message where none is named."""
    shown: dict[str, str] = {}
    for one in error.problems:
        named = one.column is not None and one.row is None and (not fields or one.column in fields)
        shown.setdefault(str(one.column) if named else otherwise, one.message if named else str(one))
    return shown or {otherwise: error.message[:LONGEST_MESSAGE]}


def rows_of(error: Invalid) -> list[Problem]:
    """The problems that stand in rows of a file."""
    return [one for one in error.problems if one.row is not None]


def wants(act: str) -> bool:
    """Which of a form's buttons was pressed."""
    return request.form.get("act", "next") == act


def onward(step: str, job: str) -> ResponseReturnValue:
    """Where a step that was kept leads: on, or back to the same page for "save"; nowhere for autosave."""
    if wants("autosave"):
        return "", 204
    places = [one for one, _ in STEPS]
    following = step if wants("save") else places[places.index(step) + 1]
    if following == step:
        flash("The draft is saved.", "good")
    return Response(status=303, headers={"Location": url_for(f"wizard.{following}", job=job)})

"""The requester's pages: their jobs, a job as it runs, and what can be done with it."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from broker.errors import Invalid
from broker.kinds.registry import furnish
from broker.rules import ledger
from broker.services import prepare, publish
from broker.store import dataset, jobs, money
from broker.web import drafts, kindpage
from broker.web.gate import broker, me, need

blueprint = Blueprint("requester", __name__, url_prefix="/jobs")


@blueprint.get("")
@need("requester")
def listing() -> str:
    """All jobs of the requester."""
    with broker().store.read() as unit:
        found = jobs.jobs_of(unit, me().id)
        balance = money.balance(unit, ledger.person(me().id))
    names = {job.id: broker().names("J").show(job.id) for job in found}
    return render_template("requester/jobs.html", jobs=found, names=names, balance=balance)


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
    return render_template("requester/job.html", job=found, id=job)


@blueprint.get("/<job>/preview")
@need("requester")
def preview(job: str) -> str:
    """The worker's page on one of the requester's own rows."""
    row = min(max(request.args.get("row", 1, type=int), 1), broker().settings.row_limit)
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
        rows = dataset.sample(unit, found.id, skip=row - 1, limit=1)
    try:
        room = furnish(found.kind, found.settings)
        page = kindpage.render(found.kind, kindpage.seen(room, rows[0][1])) if rows else ""
        message = "" if rows else "There is no such row."
    except Invalid as error:
        page, message = "", error.message
    return render_template("requester/preview.html", page=page, message=message, job=found)


@blueprint.post("/<job>/<any(pause, resume, stop, more):act>")
@need("requester")
def run(job: str, act: str) -> ResponseReturnValue:
    """Pause, resume or stop a job, or ask for more answers."""
    number = drafts.number(job)
    with broker().store.write() as unit:
        if act == "pause":
            publish.pause(unit, number, me().id)
        elif act == "resume":
            publish.resume(unit, number, me().id)
        elif act == "stop":
            publish.stop(unit, number, me().id, broker().now())
        else:
            publish.add_answers(unit, number, me().id, request.form.get("more", 0, type=int), broker().now())
    return redirect(url_for("requester.overview", job=job), 303)

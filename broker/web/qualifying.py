"""A requester's qualification types: made, granted, taken back; requests decided; and what a draft requires."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from broker.errors import Conflict, Invalid, NotFound, Problem
from broker.formats import plain_test
from broker.rules import notice, qualification
from broker.rules.qualification import NAMES, SYSTEM, Comparator, Guard, Locale, Requirement, System
from broker.services import qualify
from broker.services.qualify import Kept
from broker.store import jobs, notices, people, qualifications, requirements
from broker.store.db import Unit
from broker.store.jobs import Job
from broker.store.qualifications import QualificationRequest, QualificationType
from broker.web import drafts
from broker.web.gate import broker, me, need

blueprint = Blueprint("qualifying", __name__)
A_PAGE = 50
HOUR, MINUTE = 3600, 60
LABELS = {
    "name": "Name",
    "description": "Description",
    "keywords": "Keywords",
    "retry": "Again after",
    "test": "Test",
    "minutes": "Time for the test",
    "auto_value": "Value",
}
OFFERED = (System.APPROVED, System.NUMBER_APPROVED, System.LOCALE, System.ADULT)
"""The system qualifications that the wizard offers."""


def _number(name: str) -> int:
    return broker().names("Q").read(name)


@blueprint.get("/qualifications")
@need("requester")
def listing() -> str:
    """The requester's types, the requests that wait, and how notices went."""
    after = request.args.get("after")
    with broker().store.read() as unit:
        start = _number(after) if after else 0
        made = qualifications.types(unit, owner_id=me().id, after=start, limit=A_PAGE + 1)
        counts = qualifications.counts(unit, [one.id for one in made])
        waiting = qualifications.pending(unit, me().id, limit=A_PAGE)
        told = notices.recent(unit, me().id, limit=10)
    show = broker().names("Q").show
    return render_template(
        "requester/qualifications.html",
        types=made[:A_PAGE],
        counts=counts,
        waiting=waiting,
        told=told,
        secret=notice.webhook_secret(broker().secret, me().id),
        show=show,
        later=show(made[A_PAGE - 1].id) if len(made) > A_PAGE else None,
        paged=after is not None,
    )


BLANK = {
    "name": "",
    "description": "",
    "keywords": "",
    "how": "decide",
    "auto_value": "1",
    "retry": "",
    "minutes": "10",
}


@blueprint.get("/qualifications/new")
@need("requester")
def new() -> str:
    """A form for a type."""
    return _form(BLANK | {"test": "", "active": True}, {})


def _form(form: Mapping[str, Any], errors: dict[str, str], made: QualificationType | None = None) -> str:
    name = broker().names("Q").show(made.id) if made else None
    return render_template(
        "requester/qualification_form.html", form=form, errors=errors, made=made, id=name, labels=LABELS
    )


@blueprint.post("/qualifications/new")
@need("requester")
def make() -> ResponseReturnValue:
    """Make a type."""
    try:
        kept = _read(None)
        with broker().store.write() as unit:
            made = qualify.make(unit, me().id, request.form.get("name", ""), kept, broker().now())
    except Invalid as error:
        return _form(_typed(), _errors(error)), 422
    except Conflict:
        return _form(_typed(), {"name": "You have a qualification of this name already."}), 409
    flash("The qualification is made.", "good")
    return redirect(url_for("qualifying.one", name=broker().names("Q").show(made.id)), 303)


def _typed() -> dict[str, Any]:
    form: dict[str, Any] = BLANK | {"test": ""} | request.form.to_dict()
    return form | {"active": "active" in request.form}


def _errors(error: Invalid) -> dict[str, str]:
    """Problems by the fields of the form."""
    fields = {"retry_seconds": "retry", "test_seconds": "minutes", "answer_key": "test"}
    shown: dict[str, str] = {}
    for one in error.problems:
        field = fields.get(one.column or "", one.column or "name")
        shown.setdefault(field, f"line {one.row}: {one.message}" if one.row else one.message)
    return shown or {"name": error.message}


def _read(made: QualificationType | None) -> Kept:
    """What the form says of a type; a test that no text makes stays as it is. Raises Invalid."""
    form, how = request.form, request.form.get("how", "decide")
    test, key = (made.test, made.answer_key) if made and "test" not in form else ("", "")
    if how == "test" and "test" in form:
        questions = plain_test.read(form["test"])
        test, key = plain_test.form(questions), plain_test.key(questions)
    tested = how == "test" and bool(test)
    retry = _whole("retry", form.get("retry", ""), HOUR)
    return Kept(
        description=form.get("description", ""),
        keywords=form.get("keywords", ""),
        active="active" in form,
        retry_seconds=retry,
        test=test if tested else "",
        answer_key=key if tested else "",
        test_seconds=_whole("minutes", form.get("minutes", ""), MINUTE) if tested else None,
        auto_granted=how == "all",
        auto_value=_whole("auto_value", form.get("auto_value", ""), 1) or 0 if how == "all" else 1,
    )


def _whole(field: str, text: str, unit: int) -> int | None:
    """A whole number of units; None for an empty field. Raises Invalid."""
    text = text.strip()
    if not text:
        return None
    try:
        return drafts.whole(text) * unit
    except ValueError:
        message = f"{text[:40]!r} is no whole number"
        raise Invalid(f"{field}: {message}", problems=[Problem(message, column=field)]) from None


@blueprint.get("/qualifications/<name>")
@need("requester")
def one(name: str) -> str:
    """A type: who holds it, who asks for it."""
    return _page(name, {}, {})


def _page(name: str, form: Mapping[str, str], errors: dict[str, str]) -> str:
    revoked, after = request.args.get("state") == "revoked", request.args.get("after")
    with broker().store.read() as unit:
        made = qualifications.own_type(unit, _number(name), me().id)
        start = broker().names("N").read(after) if after else 0
        rows = qualifications.holders(unit, made.id, revoked=revoked, after=start, limit=A_PAGE + 1)
        waiting = qualifications.pending(unit, me().id, type_id=made.id, limit=A_PAGE)
        counts = qualifications.counts(unit, [made.id])[made.id]
    return render_template(
        "requester/qualification.html",
        id=name,
        made=made,
        rows=rows[:A_PAGE],
        revoked=revoked,
        waiting=[(asked, who, _answered(made, asked)) for asked, _, who in waiting],
        counts=counts,
        show=broker().names("R").show,
        later=broker().names("N").show(rows[A_PAGE - 1][0].worker_id) if len(rows) > A_PAGE else None,
        paged=after is not None,
        form={"worker": "", "value": "1", **form},
        errors=errors,
    )


def _answered(made: QualificationType, asked: QualificationRequest) -> list[tuple[str, str]]:
    """A worker's answers to a test, as people read them."""
    return qualify.answers_shown(made.test, asked.answers or {}) if made.test else []


@blueprint.get("/qualifications/<name>/edit")
@need("requester")
def edit(name: str) -> str:
    """The form of a type as it is."""
    with broker().store.read() as unit:
        made = qualifications.own_type(unit, _number(name), me().id)
    how = "test" if made.test else "all" if made.auto_granted else "decide"
    form = BLANK | {
        "name": made.name,
        "description": made.description,
        "keywords": made.keywords,
        "how": how,
        "auto_value": str(made.auto_value),
        "retry": "" if made.retry_seconds is None else str(made.retry_seconds // HOUR),
        "minutes": str((made.test_seconds or 600) // MINUTE or 1),
    }
    return _form(form | {"active": made.active, "test": plain_test.write(made.test, made.answer_key)}, {}, made)


@blueprint.post("/qualifications/<name>/edit")
@need("requester")
def change(name: str) -> ResponseReturnValue:
    """Keep what the form says of a type."""
    with broker().store.read() as unit:
        made = qualifications.own_type(unit, _number(name), me().id)
    try:
        kept = _read(made)
        with broker().store.write() as unit:
            qualify.change(unit, made.id, me().id, kept)
    except Invalid as error:
        return _form(_typed() | {"name": made.name}, _errors(error), made), 422
    flash("The qualification is changed.", "good")
    return redirect(url_for("qualifying.one", name=name), 303)


@blueprint.post("/qualifications/<name>/dispose")
@need("requester")
def dispose(name: str) -> ResponseReturnValue:
    """Do away with a type."""
    with broker().store.write() as unit:
        qualify.dispose(unit, _number(name), me().id, broker().now())
    flash("The qualification is given up. Who holds it keeps it in jobs that require it.", "good")
    return redirect(url_for("qualifying.listing"), 303)


@blueprint.post("/qualifications/<name>/grant")
@need("requester")
def grant(name: str) -> ResponseReturnValue:
    """Grant a worker the type, by their public id."""
    form = {field: request.form.get(field, "").strip() for field in ("worker", "value")}
    try:
        value = _whole("value", form["value"], 1)
        with broker().store.write() as unit:
            qualify.grant(
                unit, _number(name), me().id, _worker(unit, form["worker"]), value or 0, broker().now(), tell=True
            )
    except Invalid as error:
        return _page(name, form, drafts.errors_of(error, "worker")), 422
    flash("The qualification is granted, and the worker is told.", "good")
    return redirect(url_for("qualifying.one", name=name), 303)


def _worker(unit: Unit, public_id: str) -> int:
    found = people.by_public_id(unit, public_id.upper())
    if found is None or not found.worker:
        message = f"there is no worker {public_id[:40]!r}"
        raise Invalid(message, problems=[Problem(message, column="worker")])
    return found.id


@blueprint.post("/qualifications/<name>/revoke")
@need("requester")
def revoke(name: str) -> ResponseReturnValue:
    """Take the type back from a worker."""
    with broker().store.write() as unit:
        qualifications.own_type(unit, _number(name), me().id)
        worker = _worker(unit, request.form.get("worker", ""))
        qualify.revoke(unit, _number(name), me().id, worker, request.form.get("reason", ""), broker().now())
    flash("The qualification is taken back.", "good")
    return redirect(url_for("qualifying.one", name=name), 303)


@blueprint.post("/qualifications/requests/<asked>/<any(accept, reject):act>")
@need("requester")
def decide(asked: str, act: str) -> ResponseReturnValue:
    """Grant or refuse what a worker asked for."""
    number, form = broker().names("R").read(asked), request.form
    try:
        with broker().store.write() as unit:
            if act == "accept":
                qualify.accept(unit, number, me().id, _whole("value", form.get("value", "1"), 1) or 0, broker().now())
            else:
                qualify.reject(unit, number, me().id, form.get("reason", ""), broker().now())
            name = broker().names("Q").show(qualifications.request(unit, number).type_id)
    except (Conflict, Invalid) as error:
        flash(error.message, "warn")
        return redirect(url_for("qualifying.listing"), 303)
    flash("Granted." if act == "accept" else "Refused.", "good")
    return redirect(url_for("qualifying.one", name=name), 303)


def offered(unit: Unit) -> list[tuple[str, str]]:
    """What a job of this requester may require: (id, name), their own types first."""
    mine = qualifications.types(unit, owner_id=me().id, limit=500)
    show = broker().names("Q").show
    return [*((show(one.id), one.name) for one in mine), *((one.value, NAMES[one]) for one in OFFERED)]


def required(unit: Unit, job: Job) -> list[tuple[str, str]]:
    """What a job requires, in words, and what it guards."""
    named = requirements.names(unit, job)
    guards = {Guard.ACCEPT: "to work on it", Guard.PREVIEW: "to preview it", Guard.DISCOVER: "to see it"}
    return [
        (qualification.said(one, named.get(one.type, one.type)), guards[one.guard]) for one in requirements.of_job(job)
    ]


@blueprint.post("/jobs/<job>/requirements")
@need("requester")
def require(job: str) -> ResponseReturnValue:
    """Add a requirement to a draft, or take one away."""
    form = request.form
    try:
        with broker().store.write() as unit:
            found = jobs.own_job(unit, drafts.number(job), me().id)
            wanted = requirements.of_job(found)
            if form.get("act") == "add":
                wanted.append(_asked(form))
            elif form.get("act", "").isdecimal() and len(form["act"]) < 4:
                del wanted[int(form["act"]) : int(form["act"]) + 1]
            qualify.require_in_draft(unit, found.id, me().id, wanted, _types(wanted))
    except Invalid as error:
        flash(error.problems[-1].message if error.problems else error.message, "warn")
    return redirect(url_for("wizard.check", job=job, _anchor="c-workers"), 303)


def _types(wanted: list[Requirement]) -> dict[str, int]:
    found = {}
    for one_ in wanted:
        if one_.type not in SYSTEM:
            try:
                found[one_.type] = _number(one_.type)
            except NotFound:
                continue
    return found


def _asked(form: Mapping[str, str]) -> Requirement:
    """A requirement as it was typed. Raises Invalid."""
    sort = form.get("type", "")
    texts = [text.strip() for text in form.get("values", "").split(",") if text.strip()]
    try:
        how, guard = Comparator(form.get("comparator", "")), Guard(form.get("guard", Guard.ACCEPT))
    except ValueError:
        raise Invalid("choose how the value is compared") from None
    if sort == System.LOCALE:
        return Requirement(sort, how, locales=tuple(_locale(text) for text in texts), guard=guard)
    return Requirement(sort, how, tuple(_whole("values", text, 1) or 0 for text in texts), guard=guard)


def _locale(text: str) -> Locale:
    country, _, part = text.upper().partition("-")
    if not (len(country) == 2 and country.isascii() and country.isalpha() and len(part) <= 3):
        raise Invalid(f"{text[:40]!r} is no country: write US, or US-CA for a part of it")
    return Locale(country, part)

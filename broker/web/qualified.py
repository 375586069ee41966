"""A worker's qualifications: held, asked for, earned by a test; and what a job requires of them."""

from collections.abc import Sequence
from typing import Any

import nh3
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from broker.annotation import asking, questionform
from broker.annotation.asking import OTHER, Content, Selection
from broker.errors import Conflict, Invalid, NotFound
from broker.rules import qualification
from broker.rules.qualification import Act
from broker.services import qualify
from broker.services.qualify import NotNow
from broker.store import jobs, people, qualifications, requirements
from broker.store.db import Unit
from broker.store.qualifications import QualificationRequest, QualificationType, RequestState
from broker.web import drafts
from broker.web.gate import broker, me, need

blueprint = Blueprint("qualified", __name__, url_prefix="/work")
MOST = 100
LONGEST_SEARCH = 100


def _number(name: str) -> int:
    return broker().names("Q").read(name)


@blueprint.get("/qualifications")
@need("worker")
def listing() -> str:
    """What the worker holds, what they wait for, and what they can ask for."""
    return _listing({}, {})


def _listing(form: dict[str, Any], errors: dict[str, str]) -> str:
    search = request.args.get("search", "").strip()[:LONGEST_SEARCH]
    with broker().store.read() as unit:
        mine = qualifications.of_worker(unit, me().id)
        held = {made.id for one, made in mine if one.revoked_at is None}
        found = qualifications.types(unit, requestable=True, search=search, limit=MOST)
        last = qualifications.last_requests(unit, me().id, [made.id for made in found])
        profile = requirements.profile(unit, me().id)
    form = form or {"country": profile.country, "subdivision": profile.subdivision, "adult": profile.adult}
    context = {"form": form, "errors": errors, "search": search, "show": broker().names("Q").show}
    offered = [(made, last.get(made.id)) for made in found if made.id not in held]
    return render_template("worker/qualifications.html", mine=mine, offered=offered, **context)


@blueprint.post("/qualifications")
@need("worker")
def introduce() -> ResponseReturnValue:
    """Keep what the worker says of themselves."""
    form = request.form
    country, part, adult = form.get("country", ""), form.get("subdivision", ""), "adult" in form
    try:
        with broker().store.write() as unit:
            qualify.introduce(unit, me().id, country, part, adult=adult)
    except Invalid as error:
        typed = {"country": country, "subdivision": part, "adult": adult}
        return _listing(typed, drafts.errors_of(error, "country")), 422
    flash("Your details are saved.", "good")
    return redirect(url_for("qualified.listing"), 303)


@blueprint.get("/qualifications/<name>")
@need("worker")
def one(name: str) -> str:
    """One type: what it is, and how this worker stands with it."""
    with broker().store.read() as unit:
        made = qualifications.qualification_type(unit, _number(name))
        owner = people.person(unit, made.owner_id)
        held = qualifications.held(unit, made.id, me().id)
        last = qualifications.last_request(unit, made.id, me().id)
    return render_template(
        "worker/qualification.html",
        id=name,
        made=made,
        owner=owner.name if owner else "",
        held=held,
        last=last,
        refusal=_refusal(made, last),
    )


def _refusal(made: QualificationType, last: QualificationRequest | None) -> str:
    """Why the worker may not ask for it now; "" if they may."""
    if last is not None and last.state == RequestState.STARTED:
        return ""
    if not made.active:
        return "This qualification cannot be asked for at the moment."
    try:
        qualify.allow(made, last, broker().now())
    except NotNow as error:
        return error.message
    return ""


@blueprint.post("/qualifications/<name>/ask")
@need("worker")
def ask(name: str) -> ResponseReturnValue:
    """Ask for a qualification; where it has a test, begin it."""
    try:
        with broker().store.write() as unit:
            asked = qualify.ask(unit, _number(name), me().id, broker().now())
    except NotNow as error:
        flash(error.message, "warn")
        return redirect(url_for("qualified.one", name=name), 303)
    if asked.state == RequestState.STARTED:
        return redirect(url_for("qualified.test", name=name), 303)
    flash("The qualification is yours." if asked.state == RequestState.GRANTED else "The requester is asked.", "good")
    return redirect(url_for("qualified.one", name=name), 303)


def _running(unit: Unit, name: str) -> tuple[QualificationType, QualificationRequest | None]:
    """The type, and the worker's test if it runs."""
    made = qualifications.qualification_type(unit, _number(name))
    last = qualifications.last_request(unit, made.id, me().id)
    runs = last is not None and last.state == RequestState.STARTED and made.test
    over = last is not None and last.deadline is not None and last.deadline <= broker().now()
    return made, last if runs and not over else None


@blueprint.get("/qualifications/<name>/test")
@need("worker")
def test(name: str) -> ResponseReturnValue:
    """The test, while its time runs."""
    with broker().store.read() as unit:
        made, running = _running(unit, name)
    if running is None:
        return redirect(url_for("qualified.one", name=name), 303)
    return _test_page(name, made, running, {}, {})


def _test_page(
    name: str, made: QualificationType, asked: QualificationRequest, answers: dict[str, Any], errors: dict[str, str]
) -> str:
    form = questionform.read(made.test)
    numbers = {question.name: f"q{number}" for number, question in enumerate(form.questions)}
    return render_template(
        "worker/test.html",
        id=name,
        made=made,
        form=form,
        numbers=numbers,
        deadline=asked.deadline,
        answers=answers,
        errors={numbers[question]: message for question, message in errors.items() if question in numbers},
        labels={numbers[question.name]: f"Question {place}" for place, question in enumerate(form.questions, 1)},
        is_question=lambda part: isinstance(part, asking.Question),
        is_selection=lambda answer: isinstance(answer, Selection),
        formatted=_formatted,
    )


def _formatted(content: Content) -> Markup:
    """A requester's XHTML, cleaned."""
    return Markup(nh3.clean(content.text, tags=nh3.ALLOWED_TAGS - {"img"}, link_rel="noopener noreferrer nofollow"))  # noqa: S704


@blueprint.post("/qualifications/<name>/test")
@need("worker")
def hand_in(name: str) -> ResponseReturnValue:
    """Hand the test in."""
    with broker().store.read() as unit:
        made, running = _running(unit, name)
    answers = _answers(questionform.read(made.test).questions) if made.test else {}
    try:
        with broker().store.write() as unit:
            done = qualify.hand_in(unit, made.id, me().id, answers, broker().now())
    except Invalid as error:
        if running is None:
            return redirect(url_for("qualified.one", name=name), 303)
        return _test_page(name, made, running, answers, drafts.errors_of(error, "q0")), 422
    except Conflict as error:
        flash(error.message, "warn")
        return redirect(url_for("qualified.one", name=name), 303)
    granted = done.state == RequestState.GRANTED
    flash(
        f"Your test is scored: {done.value}." if granted else "Your test is handed in; the requester reads it.", "good"
    )
    return redirect(url_for("qualified.one", name=name), 303)


def _answers(questions: Sequence[asking.Question]) -> dict[str, Any]:
    """What was filled in, by question; what was left empty is left out."""
    found: dict[str, Any] = {}
    for number, question in enumerate(questions):
        if isinstance(question.answer, Selection):
            chosen = request.form.getlist(f"q{number}")
            own = request.form.get(f"q{number}-other", "").strip()
            if chosen or own:
                found[question.name] = {"selections": chosen, OTHER: own} if own else chosen
        elif text := request.form.get(f"q{number}", "").strip():
            found[question.name] = text
    return found


@blueprint.get("/<job>/requirements")
@need("worker")
def required(job: str) -> str:
    """What a job requires, and which of it the worker lacks."""
    with broker().store.read() as unit:
        found = jobs.published(unit, broker().names("J").read(job))
        lacks = requirements.lacks(unit, [found], me().id, broker().leniency, broker().now())[found.id]
        named = requirements.names(unit, found)
    if requirements.barred(lacks, Act.DISCOVER):
        raise NotFound("There is no such job.")
    lacking = {lack.requirement: lack for lack in lacks}
    show = broker().names("Q").show
    lines = [
        (qualification.said(one, named[one.type]), one not in lacking, _way(lacking.get(one), show))
        for one in requirements.of_job(found)
    ]
    preview = not requirements.barred(lacks, Act.PREVIEW)
    return render_template("worker/requirements.html", id=job, job=found, lines=lines, met=not lacks, preview=preview)


def _way(lack: requirements.Lack | None, show: Any) -> str:
    """Where the worker can do something about it; "" if nowhere."""
    if lack is None:
        return ""
    if lack.type_id is not None:
        return url_for("qualified.one", name=show(lack.type_id)) if lack.requestable else ""
    ours = (qualification.System.LOCALE, qualification.System.ADULT)
    return url_for("qualified.listing") + "#about" if lack.requirement.type in ours else ""

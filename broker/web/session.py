"""Coming in: the landing page, log in, sign up, log out."""

import re
import secrets
from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from broker.errors import BrokerError, Conflict, Forbidden, Invalid, NotFound
from broker.services import enroll
from broker.store import people
from broker.store.people import Person
from broker.web import throttle
from broker.web.gate import broker, token_hash, visitor, wants_json

blueprint = Blueprint("session", __name__)
HOMES = {"worker": "/work", "requester": "/jobs", "admin": "/admin/workers"}
OFFERED = {"open": ("worker", "requester"), "workers": ("worker",), "closed": ()}
LONGEST_NEXT = 2000


def home(person: Person) -> str:
    """The page where a person's work is."""
    return next((path for role, path in HOMES.items() if role in person.roles), "/account")


def local(path: str | None) -> str | None:
    """The path if it leads to a page of ours; None for any other address, however disguised."""
    if not path or len(path) > LONGEST_NEXT or not re.match(r"/(?![/\\])", path):
        return None
    # Browsers drop tabs and newlines and read a backslash as a slash before they look at an address.
    if re.search(r"[\\\x00-\x20\x7f]", path) or urlsplit(path).netloc:
        return None
    return path


@blueprint.get("/")
def landing() -> ResponseReturnValue:
    """What this installation is, for visitors; the page with their work for people who are logged in."""
    person = visitor()
    return render_template("landing.html") if person is None else redirect(home(person))


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """The form to log in."""
    person, wanted = visitor(), local(request.args.get("next"))
    if person is not None:
        return redirect(wanted or home(person))
    return render_template("session/login.html", next=wanted, email="", error=None)


@blueprint.post("/login")
def log_in() -> ResponseReturnValue:
    """Log in with e-mail address and password."""
    email, password = request.form.get("email", "").strip(), request.form.get("password", "")
    wanted = local(request.form.get("next"))
    throttle.before_log_in(email)
    try:
        person = _right_person(email, password)
    except Forbidden as error:
        throttle.wrong_log_in()
        return _again(error, email, wanted)
    throttle.right_log_in(email)
    try:
        _enter(person)
    except Forbidden as error:
        return _again(error, email, wanted)
    return redirect(wanted or home(person))


def _right_person(email: str, password: str) -> Person:
    with broker().store.read() as unit:
        person = people.by_email(unit, email)
    enroll.check_password(person, password)  # slow on purpose, so outside of any transaction
    if person is None:
        raise Forbidden("Please log in.")
    return person


def _again(error: Forbidden, email: str, wanted: str | None) -> ResponseReturnValue:
    if wants_json():
        raise error
    return render_template("session/login.html", next=wanted, email=email, error=error.message), error.status


def _enter(person: Person) -> None:
    token, before = secrets.token_urlsafe(32), session.get("token")
    with broker().store.write() as unit:
        enroll.log_in(
            unit,
            person,
            token_hash(token),
            request.headers.get("User-Agent", ""),
            broker().now(),
            instead=None if before is None else token_hash(str(before)),
        )
    # Nothing that a cookie held before the log-in is worth anything after it: no fixed session, no known CSRF token.
    session.clear()
    session["token"] = token
    session.permanent = True


def _offered() -> tuple[str, ...]:
    roles = OFFERED[broker().settings.signup]
    if not roles:
        raise NotFound(
            "Nobody can sign up here by themselves. Ask the people who run this installation for an account."
        )
    return roles


@blueprint.get("/signup")
def signup() -> ResponseReturnValue:
    """The form to make an account."""
    person, offered = visitor(), _offered()
    if person is not None:
        return redirect(home(person))
    chosen = [role for role in request.args.getlist("as") if role in offered]
    return _signup_form({}, chosen or ["worker"])


def _signup_form(errors: dict[str, str], chosen: list[str], status: int = 200) -> ResponseReturnValue:
    page = render_template(
        "session/signup.html",
        errors=errors,
        offered=_offered(),
        chosen=chosen,
        given=request.form,
        shortest=enroll.SHORTEST_PASSWORD,
    )
    return page, status


@blueprint.post("/signup")
def sign_up() -> ResponseReturnValue:
    """Make an account and log in."""
    offered = _offered()
    throttle.sign_up()
    # What was not offered cannot be taken: a form field is no way to become an admin.
    roles = [role for role in request.form.getlist("roles") if role in offered] if len(offered) > 1 else list(offered)
    name, email, password = (request.form.get(field, "") for field in ("name", "email", "password"))
    account = enroll.Account(email, name, password, roles)
    try:
        person = _enrolled(account)
    except (Invalid, Conflict) as error:
        if wants_json():
            raise
        return _signup_form(_beside(error), roles, error.status)
    _enter(person)
    flash(f"Welcome, {person.name}.", "good")
    return redirect(home(person))


def _enrolled(account: enroll.Account) -> Person:
    _ = account.password_hash  # slow on purpose, so before the transaction
    with broker().store.write() as unit:
        return enroll.sign_up(unit, account, broker().now(), credit=broker().settings.opening_credit)


def _beside(error: BrokerError) -> dict[str, str]:
    return {one.column or "email": one.message[:1].upper() + one.message[1:] + "." for one in error.problems}


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """End this session, here and in the database: a copy of the cookie is worth nothing afterwards."""
    token = session.get("token")
    if token is not None:
        with broker().store.write() as unit:
            enroll.log_out(unit, token_hash(str(token)), broker().now())
    session.clear()
    flash("You are logged out.", "good")
    return redirect(url_for("session.login"))

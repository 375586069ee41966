"""Who is asking: the person behind the session, and what each page demands of them."""

import datetime as dt
import functools
import hashlib
import re
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import Flask, current_app, g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from broker.errors import Forbidden, Invalid
from broker.rules import access
from broker.store import people
from broker.store.people import Login, Person
from broker.wiring import Broker

NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL as JSON writes it; with one more backslash before it, it is only a text about one."""
P = ParamSpec("P")
R = TypeVar("R")
SEEN_EVERY = dt.timedelta(minutes=10)


def broker() -> Broker:
    """The broker of this application."""
    installation: Broker = current_app.config["BROKER"]
    return installation


def token_hash(token: str) -> str:
    """What the database keeps of a session's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _load() -> None:
    g.me, g.login = None, None
    token = session.get("token")
    if token is None:
        return
    now = broker().now()
    with broker().store.read() as unit:
        found = people.logged_in(unit, token_hash(str(token)), now)
    if found is None:
        session.clear()
        return
    g.me, g.login = found
    if now - g.login.seen_at > SEEN_EVERY:
        with broker().store.write() as unit:
            people.see_login(unit, g.login.id, now)
        session.modified = True  # its cookie lasts as long as the log-in


def visitor() -> Person | None:
    """The person who is logged in, if anybody is."""
    if "me" not in g:
        _load()
    person: Person | None = g.me
    return person


def me() -> Person:
    """The person who is logged in. Raises Forbidden if nobody is."""
    person = visitor()
    if person is None:
        raise Forbidden("Please log in.")
    return person


def login() -> Login:
    """The log-in behind this request."""
    me()
    found: Login = g.login
    return found


def need(role: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """Only for people who are logged in, in good standing, and hold the role."""

    def wrap(view: Callable[P, R]) -> Callable[P, R | Response]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            person = visitor()
            if person is None:
                return _to_login()
            access.need_good_standing(person.suspended_at, person.suspended_reason)
            if role is not None:
                access.need_role(person.roles, role)
            return view(*args, **kwargs)

        guarded.__dict__["needs"] = role or "login"
        return guarded

    return wrap


def _to_login() -> Response:
    if wants_json():
        raise Forbidden("Please log in again.")
    return redirect(url_for("session.login", next=request.full_path if request.method == "GET" else None))


def wants_json() -> bool:
    """Whether the asker is a script that reads JSON."""
    return request.is_json or request.accept_mimetypes.best_match(["text/html", "application/json"]) == (
        "application/json"
    )


def _no_nul() -> None:
    # PostgreSQL keeps no NUL in a text, and nobody types one.
    texts = (request.path, *request.values.keys(), *request.values.values())
    if any("\0" in text for text in texts) or (request.is_json and NUL.search(request.get_data())):
        raise Invalid("The input holds a NUL character.")


def hang(app: Flask) -> None:
    """Give every template the person who is asking; refuse text that no database keeps."""
    app.before_request(_no_nul)
    app.context_processor(lambda: {"me": visitor(), "signup": broker().settings.signup})

"""One's own account: who one is here, money, password, sessions, keyboard shortcuts."""

import re

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from broker.errors import Forbidden, Invalid
from broker.rules import ledger
from broker.services import enroll
from broker.store import money, people
from broker.web import throttle
from broker.web.gate import broker, login, me, need

blueprint = Blueprint("account", __name__, url_prefix="/account")
LINES = 50
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Macintosh": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def device(agent: str) -> str:
    """The browser and system that a User-Agent names, or its first words."""
    browser = next((name for sign, name in BROWSERS.items() if f"{sign}/" in agent), "")
    system = next((name for sign, name in SYSTEMS.items() if sign in agent), "")
    known = " on ".join(word for word in (browser, system) if word)
    return known or re.sub(r"\s.*", "", agent)[:60] or "Unknown device"


@blueprint.get("")
@need()
def show() -> ResponseReturnValue:
    """The account of the person who asks."""
    return _page({})


def _page(errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    account, now = ledger.person(me().id), broker().now()
    with broker().store.read() as unit:
        page = render_template(
            "account.html",
            balance=money.balance(unit, account),
            lines=[ledger.line(one, account) for one in money.statement(unit, account, limit=LINES)],
            most_lines=LINES,
            logins=people.open_logins(unit, me().id, now),
            this_login=login(),
            device=device,
            sessions=broker().names("S"),
            currency=broker().settings.currency,
            shortest=enroll.SHORTEST_PASSWORD,
            errors=errors,
        )
    return page, status


@blueprint.post("/password")
@need()
def password() -> ResponseReturnValue:
    """Change the password; all other sessions end."""
    old, new = request.form.get("old", ""), request.form.get("new", "")
    throttle.before_log_in(me().email)
    try:
        hashed = enroll.new_password(me(), old, new)
    except Forbidden as error:
        throttle.wrong_log_in()
        return _page({"old": "This is not your present password."}, error.status)
    except Invalid as error:
        return _page(
            {one.column or "new": f"{one.message[:1].upper()}{one.message[1:]}." for one in error.problems}, 422
        )
    throttle.right_log_in(me().email)
    with broker().store.write() as unit:
        ended = enroll.change_password(unit, me(), hashed, login().id, broker().now())
    flash(f"Your password is changed. {_ended(ended)}", "good")
    return redirect(url_for("account.show"))


def _ended(count: int) -> str:
    return "One other session was ended." if count == 1 else f"{count or 'No'} other sessions were ended."


@blueprint.post("/sessions/<session_id>/end")
@need()
def end_session(session_id: str) -> ResponseReturnValue:
    """End one session, on whatever device it is."""
    with broker().store.write() as unit:
        enroll.end_session(unit, me(), broker().names("S").read(session_id), broker().now())
    flash("The session was ended.", "good")
    return redirect(url_for("account.show", _anchor="sessions"))


@blueprint.post("/sessions/end")
@need()
def end_others() -> ResponseReturnValue:
    """End all sessions but this one."""
    with broker().store.write() as unit:
        ended = enroll.end_other_sessions(unit, me(), login().id, broker().now())
    flash(_ended(ended), "good")
    return redirect(url_for("account.show", _anchor="sessions"))


@blueprint.post("/shortcuts")
@need()
def shortcuts() -> ResponseReturnValue:
    """Turn single-key shortcuts on or off."""
    on = bool(request.form.get("shortcuts"))
    with broker().store.write() as unit:
        enroll.set_shortcuts(unit, me(), on=on)
    flash(f"Keyboard shortcuts are {'on' if on else 'off'}.", "good")
    return redirect(url_for("account.show"))

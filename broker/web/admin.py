"""For admins: workers and what is believed of them, accounts, the audit log, errands."""

import datetime as dt
import secrets
from collections import Counter
from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from broker.errors import BrokerError, NotFound
from broker.rules import ledger
from broker.services import oversee
from broker.services.oversee import Act
from broker.store import errands, money, people, records, schedule
from broker.store.db import Unit
from broker.store.people import ROLES
from broker.web.gate import broker, me, need

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
PAGE = 50
MOST_PAGES = 10_000
CLOCK_SIGNS = dt.timedelta(minutes=1)
"""A clock that runs notes so several times in this time."""
SUBJECTS = {"import": "U", "export": "X"}
"""What an errand is about, by the prefix of its public id: an upload, a file of results, else a job."""
SORTS = {"trust": "Trust", "gold": "Gold right", "answers": "Answers", "time": "Median time", "name": "Name"}


@blueprint.get("/workers")
@need("admin")
def workers() -> ResponseReturnValue:
    """All workers, the least trusted first."""
    asked = request.args
    sort = asked.get("sort", "trust") if asked.get("sort") in SORTS else "trust"
    down, search, page = asked.get("order") == "down", asked.get("q", "")[:100], _number("page") or 0
    with broker().store.read() as unit:
        found = records.workers(unit, sort, down=down, search=search, skip=page * PAGE, limit=PAGE + 1)

    def address(**changes: str | int | None) -> str:
        values: dict[str, Any] = {
            "sort": sort,
            "order": "down" if down else None,
            "q": search or None,
            "page": page,
            **changes,
        }
        return url_for("admin.workers", **{key: value for key, value in values.items() if value not in (None, 0)})

    return render_template(
        "admin/workers.html",
        rows=found[:PAGE],
        more=len(found) > PAGE,
        sort=sort,
        down=down,
        search=search,
        page=page,
        address=address,
        sorts=SORTS,
        first=page * PAGE,
    )


def _number(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and int(text[:18]) <= 10**15 else None


@blueprint.get("/workers/<public_id>")
@need("admin")
def worker(public_id: str) -> ResponseReturnValue:
    """The record of one worker."""
    return _worker(public_id, {})


def _worker(public_id: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    with broker().store.read() as unit:
        record = oversee.record(unit, public_id)
        acts = people.acts(unit, subject=public_id, limit=20)
    page = render_template(
        "admin/worker.html",
        record=record,
        titles={one.job_id: title for one, title in record.by_job},
        person=record.person,
        acts=acts,
        errors=errors,
        given=request.form,
        hits=broker().names("H"),
        currency=broker().settings.currency,
    )
    return page, status


@blueprint.get("/accounts")
@need("admin")
def accounts() -> ResponseReturnValue:
    """All people with an account, the newest first."""
    search = request.args.get("q", "")[:100]
    with broker().store.read() as unit:
        found = records.accounts(unit, search=search, before=_number("before"), limit=PAGE + 1)
    after = url_for("admin.accounts", q=search or None, before=found[PAGE - 1].id) if len(found) > PAGE else None
    return render_template("admin/accounts.html", people=found[:PAGE], search=search, after=after)


@blueprint.get("/accounts/<public_id>")
@need("admin")
def account(public_id: str) -> ResponseReturnValue:
    """One account: its roles, money and standing."""
    return _account(public_id, {})


def _account(public_id: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    with broker().store.read() as unit:
        person = people.by_public_id(unit, public_id)
        if person is None:
            raise NotFound("There is no such account.")
        acts = people.acts(unit, subject=public_id, limit=20)
        balance = money.balance(unit, ledger.person(person.id))
        sessions = len(people.open_logins(unit, person.id, broker().now()))
    page = render_template(
        "admin/account.html",
        person=person,
        acts=acts,
        balance=balance,
        sessions=sessions,
        errors=errors,
        given=request.form,
        once=secrets.token_hex(16),
        currency=broker().settings.currency,
    )
    return page, status


def _act(public_id: str, field: str, deed: Callable[[Unit, Act], str]) -> ResponseReturnValue:
    """Do it and go back to the page it was asked on; or show that page again, with what is wrong beside its field."""
    act = Act(me().id, public_id, request.form.get(field, ""), broker().now())
    of_worker = request.form.get("page") == "worker"
    try:
        with broker().store.write() as unit:
            done = deed(unit, act)
    except NotFound:
        raise
    except BrokerError as error:
        columns = {"reason": field}
        problems = {columns.get(one.column or "", one.column or field): one.message for one in error.problems}
        errors = {name: f"{text[:1].upper()}{text[1:].rstrip('.')}." for name, text in problems.items()}
        show = _worker if of_worker else _account
        return show(public_id, errors or {field: error.message}, error.status)
    flash(done, "good")
    return redirect(url_for("admin.worker" if of_worker else "admin.account", public_id=public_id))


@blueprint.post("/accounts/<public_id>/suspend")
@need("admin")
def suspend(public_id: str) -> ResponseReturnValue:
    """Shut somebody out."""

    def deed(unit: Unit, act: Act) -> str:
        oversee.suspend(unit, act)
        return "Suspended. All sessions were ended, and HITs they held went back to the queue."

    return _act(public_id, "why_standing", deed)


@blueprint.post("/accounts/<public_id>/restore")
@need("admin")
def restore(public_id: str) -> ResponseReturnValue:
    """Let somebody in again."""

    def deed(unit: Unit, act: Act) -> str:
        oversee.restore(unit, act)
        return "Restored. They can log in again."

    return _act(public_id, "why_standing", deed)


@blueprint.post("/accounts/<public_id>/roles")
@need("admin")
def roles(public_id: str) -> ResponseReturnValue:
    """Give and take roles."""

    def deed(unit: Unit, act: Act) -> str:
        oversee.set_roles(unit, act, {role for role in request.form.getlist("roles") if role in ROLES})
        return "The roles were changed."

    return _act(public_id, "why_roles", deed)


@blueprint.post("/accounts/<public_id>/credit")
@need("admin")
def credit(public_id: str) -> ResponseReturnValue:
    """Add money to a requester's account."""

    def deed(unit: Unit, act: Act) -> str:
        amount = ledger.parse_credit(request.form.get("amount", ""))
        balance = oversee.add_credit(unit, act, amount, once=request.form.get("once", ""))
        return f"Credit was added; the balance is {balance / ledger.UNIT:,.2f} {broker().settings.currency}."

    return _act(public_id, "why_credit", deed)


@blueprint.get("/audit")
@need("admin")
def audit() -> ResponseReturnValue:
    """Who did what to whom, when and why."""
    about = request.args.get("about", "")[:100] or None
    with broker().store.read() as unit:
        found = people.acts(unit, subject=about, before=_number("before"), limit=PAGE + 1)
    after = url_for("admin.audit", about=about, before=found[PAGE - 1][0].id) if len(found) > PAGE else None
    return render_template("admin/audit.html", acts=found[:PAGE], about=about, after=after)


def _background() -> dict[str, Any]:
    """What happens in the background at this moment."""
    with broker().store.read() as unit:
        lines, running, entries = errands.lines(unit), errands.running(unit), schedule.entries(unit)
    now = broker().now()
    return {
        "lines": lines,
        "running": running,
        "entries": entries,
        "clock_runs": any(now - entry.looked_at < CLOCK_SIGNS for entry in entries),
        "workers": broker().queue.workers(),
        "subject": lambda errand: broker().names(SUBJECTS.get(errand.name, "J")).show(errand.subject),
    }


@blueprint.get("/errands")
@need("admin")
def errand_list() -> ResponseReturnValue:
    """What happens in the background: queues, the schedule, failures, the last runs."""
    with broker().store.read() as unit:
        failures, recent, last = errands.failures(unit), errands.recent(unit, limit=PAGE), errands.last_runs(unit)
    return render_template(
        "admin/errands.html",
        failures=failures,
        failed_names=Counter(errand.name for errand in failures),
        recent=recent,
        last=last,
        names=broker().names("E"),
        **_background(),
    )


@blueprint.get("/errands/live")
@need("admin")
def errands_live() -> ResponseReturnValue:
    """The part of the page that changes while somebody looks at it."""
    answer = make_response(render_template("admin/errands_live.html", **_background()))
    answer.add_etag()
    return answer.make_conditional(request)


@blueprint.post("/errands/retry")
@need("admin")
def retry_all() -> ResponseReturnValue:
    """Run the failed errands of one name once more."""
    with broker().store.write() as unit:
        count = oversee.retry_all(unit, me().id, request.form.get("name", "")[:40], broker().now())
    flash("No such errand has failed." if not count else f"{count} of them wait to run again.", "good" if count else "")
    return redirect(url_for("admin.errand_list"))


@blueprint.post("/errands/<errand_id>/retry")
@need("admin")
def retry(errand_id: str) -> ResponseReturnValue:
    """Run a failed errand once more."""
    with broker().store.write() as unit:
        oversee.retry(unit, me().id, broker().names("E").read(errand_id), broker().now())
    flash("The errand waits to run again.", "good")
    return redirect(url_for("admin.errand_list"))

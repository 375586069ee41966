"""OVERSEE: what admins do to accounts and errands. Each act is logged in the transaction that does it."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from broker.errors import Conflict, Forbidden, Invalid, NotFound, Problem
from broker.kinds.registry import furnish
from broker.rules import ledger
from broker.store import beliefs, errands, hits, money, people, records, turns
from broker.store.beliefs import Trust
from broker.store.db import Json, Record, Unit
from broker.store.jobs import Job
from broker.store.people import ROLES, Person
from broker.store.work import Assignment, Turn

LONGEST_REASON = 1000


@dataclass(frozen=True)
class Act:
    """Who (nobody: the command line) acts on whose account (a public id), why and when."""

    actor_id: int | None
    about: str
    reason: str
    now: dt.datetime


@dataclass(frozen=True)
class Answer:
    """One answer of a worker, in words; `truth` and `score` on gold."""

    turn: Assignment
    job: Job
    row: int
    text: str
    truth: str | None


@dataclass(frozen=True)
class WorkerRecord:
    """All that an admin reads of one worker."""

    person: Person
    trust: Trust | None
    by_job: Sequence[tuple[Trust, str]]
    gold: Sequence[Answer]
    recent: Sequence[Answer]
    turns: dict[str, int]
    balance: int
    earned: int


def record(unit: Unit, public_id: str) -> WorkerRecord:
    """The record of one worker. Raises NotFound."""
    person = people.by_public_id(unit, public_id)
    if person is None:
        raise NotFound("There is no such account.")
    return WorkerRecord(
        person,
        beliefs.trust_of(unit, person.id),
        records.trust_by_job(unit, person.id),
        [_in_words(row) for row in records.answers(unit, person.id, gold=True)],
        [_in_words(row) for row in records.answers(unit, person.id, gold=False)],
        records.turn_counts(unit, person.id),
        money.balance(unit, ledger.person(person.id)),
        records.earned(unit, person.id),
    )


def _in_words(row: Record) -> Answer:
    turn, truth, number, job = row
    return Answer(turn, job, number, _text(job, turn.answer), _text(job, truth) if turn.gold and truth else None)


def _text(job: Job, answer: Json | None) -> str:
    try:
        room: Any = furnish(job.kind, job.settings)
        return str(room.brief(room.parse(answer, {})))
    except Invalid:  # the requester changed the labels since
        return str(answer)


def suspend(unit: Unit, act: Act) -> None:
    """Shut somebody out: their sessions end, and the HITs they hold go to others. What they earned stays theirs.

    Raises NotFound, Invalid without a reason, Forbidden for oneself, Conflict if they are, or are the last admin.
    """
    actor, person = _prepare(unit, act)
    if person.id == act.actor_id:
        raise Forbidden("You cannot suspend yourself. Ask another admin.")
    if person.admin:
        _keep_an_admin(unit, person)
    if not people.suspend(unit, person.id, act.reason.strip(), act.now):
        raise Conflict(f"{person.name} is suspended already.")
    ended = people.revoke_logins(unit, person.id, act.now)
    returned = _give_back(unit, person.id, act.now)
    _note(unit, act, actor, "suspend", sessions_ended=ended, hits_returned=returned)


def restore(unit: Unit, act: Act) -> None:
    """Let somebody in again. Raises NotFound, Invalid without a reason, Conflict if they are not suspended."""
    actor, person = _prepare(unit, act)
    if not people.restore(unit, person.id):
        raise Conflict(f"{person.name} is not suspended.")
    _note(unit, act, actor, "restore")


def set_role(unit: Unit, act: Act, role: str, *, given: bool) -> None:
    """Give or take a role. Raises NotFound, Invalid, Forbidden for one's own admin role, Conflict for no change."""
    actor, person = _prepare(unit, act)
    if role not in ROLES:
        raise Invalid(f"role: choose among {', '.join(ROLES)}", problems=[Problem("choose a role", column="role")])
    if (role in person.roles) == given:
        raise Conflict(f"{person.name} {'has' if given else 'does not have'} the role {role} already.")
    _change_role(unit, act, actor, person, role)


def set_roles(unit: Unit, act: Act, roles: Collection[str]) -> None:
    """Let somebody hold these roles and no others. Raises as `set_role` does."""
    actor, person = _prepare(unit, act)
    changes = [role for role in ROLES if (role in person.roles) != (role in roles)]
    if not changes:
        message = "nothing was changed"
        raise Invalid(f"roles: {message}", problems=[Problem(message, column="roles")])
    for role in changes:
        _change_role(unit, act, actor, person, role)


def _change_role(unit: Unit, act: Act, actor: Person | None, person: Person, role: str) -> None:
    given = role not in person.roles
    if role == "admin" and not given:
        if person.id == act.actor_id:
            raise Forbidden("You cannot take your own admin role. Ask another admin.")
        _keep_an_admin(unit, person)
    people.set_role(unit, person.id, role, given=given)
    _note(unit, act, actor, "give role" if given else "take role", role=role)


def add_credit(unit: Unit, act: Act, amount: int, *, once: str) -> int:
    """Add money (micro-units) that came in from outside; the balance after it. The same `once` counts once.

    Raises NotFound, Invalid without a reason or an amount, Conflict for somebody who is no requester.
    """
    actor, person = _prepare(unit, act)
    if amount <= 0:
        raise Invalid("amount: give more than 0", problems=[Problem("give more than 0", column="amount")])
    if not person.requester:
        raise Conflict(f"{person.name} is no requester: only they pay for jobs.")
    ref = f"deposit:{person.id}:{once[:40]}"
    if not money.known(unit, ref):
        money.transfer(unit, ledger.deposit(person.id, amount, ref), act.now)
        _note(unit, act, actor, "add credit", amount=amount)
    return money.balance(unit, ledger.person(person.id))


def retry(unit: Unit, actor_id: int, errand_id: int, now: dt.datetime) -> None:
    """Run a failed errand once more. Raises NotFound, Conflict if it did not fail or a later one took its place."""
    actor = _actor(unit, actor_id)
    errand = errands.errand(unit, errand_id)
    if errand is None:
        raise NotFound("There is no such errand.")
    if not errands.is_failure(unit, errand):
        raise Conflict("This errand did not fail, or was run again since.")
    errands.later(unit, errand.name, errand.subject, now, queue=errand.queue)
    people.write_act(unit, actor, "retry errand", f"{errand.name} {errand.subject}", "", now, attempts=errand.attempts)


def retry_all(unit: Unit, actor_id: int, name: str, now: dt.datetime) -> int:
    """Run every failed errand of this name once more, as many at once as the admin is shown; how many."""
    actor = _actor(unit, actor_id)
    failed = errands.failures(unit, name=name)
    for errand in failed:
        errands.later(unit, errand.name, errand.subject, now, queue=errand.queue)
    if failed:
        people.write_act(unit, actor, "retry errands", name, "", now, errands=len(failed))
    return len(failed)


def _prepare(unit: Unit, act: Act) -> tuple[Person | None, Person]:
    if not 0 < len(act.reason.strip()) <= LONGEST_REASON:
        message = f"write between 1 and {LONGEST_REASON} characters"
        raise Invalid(f"reason: {message}", problems=[Problem(message, column="reason")])
    # All admins are held till the end of the unit: two who shut each other out must not both succeed.
    people.hold_admins(unit)
    actor = None if act.actor_id is None else _actor(unit, act.actor_id)
    person = people.by_public_id(unit, act.about, lock=True)
    if person is None:
        raise NotFound("There is no such account.")
    return actor, person


def _actor(unit: Unit, actor_id: int) -> Person:
    actor = people.person(unit, actor_id)
    if actor is None or not actor.admin or actor.suspended_at is not None:
        raise Forbidden("Your account may not do this any more.")
    return actor


def _keep_an_admin(unit: Unit, person: Person) -> None:
    if not people.other_admins(unit, person.id):
        raise Conflict("This is the last admin: nobody could undo it. Make somebody else an admin first.")


def _give_back(unit: Unit, worker_id: int, now: dt.datetime) -> int:
    held = turns.held_anywhere(unit, worker_id)
    for row in held:
        if turns.move(unit, row.id, worker_id, Turn.ACCEPTED, Turn.RETURNED, decided_at=now):
            hits.free_seat(unit, row.job_id, row.hit_id, gold=row.gold)
    return len(held)


def _note(unit: Unit, act: Act, actor: Person | None, name: str, **detail: int | str) -> None:
    people.write_act(unit, actor, name, act.about, act.reason.strip(), act.now, **detail)

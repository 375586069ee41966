"""ENROLL: how people get an account, come in, and change their password."""

import datetime as dt
import functools
import re
import secrets
import threading
from collections.abc import Collection
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from broker.errors import Conflict, Forbidden, Invalid, NotFound, Problem
from broker.rules import access, ledger
from broker.store import money, people
from broker.store.db import Unit
from broker.store.people import ROLES, Login, Person

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}\.[^@\s.]{2,60}")
_hasher = PasswordHasher()
# One hash holds 64 MiB for some 50 ms: a rush of log-ins must not hold that for every thread of the web server.
_hashing = threading.BoundedSemaphore(2)


@dataclass(frozen=True)
class Account:
    """What somebody who signs up gives. Hash it before the transaction: that takes long, and writers queue."""

    email: str
    name: str
    password: str
    roles: Collection[str]

    @functools.cached_property
    def password_hash(self) -> str:
        """The hash that is kept. Raises Invalid naming every bad field."""
        _check(self)
        return _hash(self.password)


def sign_up(unit: Unit, account: Account, now: dt.datetime, *, credit: int = 0) -> Person:
    """Make an account. Raises Invalid naming every bad field, Conflict if the address is taken."""
    public_id = "A" + "".join(secrets.choice("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(13))
    person = people.enlist(
        unit,
        public_id=public_id,
        email=account.email.strip().lower(),
        name=account.name.strip(),
        password_hash=account.password_hash,
        created_at=now,
        **{role: role in account.roles for role in ROLES},
    )
    if person is None:
        taken = "There is an account with this e-mail address already."
        raise Conflict(taken, problems=[Problem(taken, column="email")])
    if credit and person.requester:
        money.transfer(unit, ledger.deposit(person.id, credit, f"opening:{person.id}"), now)
    if person.admin:
        people.write_act(unit, None, "add admin", person.public_id, "made on the command line", now)
    return person


def _check(account: Account) -> None:
    problems = [Problem(message, column=column) for column, message in _faults(account)]
    if problems:
        raise Invalid("; ".join(map(str, problems)), problems=problems)


def _faults(account: Account) -> list[tuple[str, str]]:
    faults = []
    if not _EMAIL.fullmatch(account.email.strip()):
        faults.append(("email", "this is not an e-mail address"))
    name = account.name.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        faults.append(("name", "write between 1 and 100 characters, on one line"))
    fault = password_fault(account.password)
    if fault:
        faults.append(("password", fault))
    if not account.roles or not set(account.roles) <= set(ROLES):
        faults.append(("roles", f"choose among {', '.join(ROLES)}"))
    return faults


def password_fault(password: str) -> str | None:
    """What is wrong with a password; None if it will do. Length is what counts (NIST SP 800-63B, 3.1.1.2)."""
    if SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return None
    return f"use between {SHORTEST_PASSWORD} and {LONGEST_PASSWORD} characters"


def _hash(password: str) -> str:
    with _hashing:
        return _hasher.hash(password)


@functools.cache
def _nobody() -> str:
    return _hash(secrets.token_hex())


def check_password(person: Person | None, password: str) -> None:
    """Raises Forbidden unless this is the person's password; takes as long for nobody as for somebody."""
    kept = person.password_hash if person else _nobody()
    try:
        with _hashing:
            _hasher.verify(kept, password[: LONGEST_PASSWORD + 1])
    except VerificationError:
        person = None
    if person is None:
        raise Forbidden("The e-mail address and the password do not belong together.")


def log_in(
    unit: Unit, person: Person, token_hash: str, agent: str, now: dt.datetime, *, instead: str | None = None
) -> Login:
    """Open a session for somebody whose password was checked; one that this device had before (`instead`) ends.

    Raises Forbidden for a suspended account, and if the password was changed since it was checked.
    """
    fresh = people.person(unit, person.id)
    if fresh is None or fresh.password_hash != person.password_hash:
        raise Forbidden("The password was changed just now. Please log in again.")
    access.need_good_standing(fresh.suspended_at, fresh.suspended_reason)
    if instead is not None:
        people.revoke_token(unit, instead, now)
    login = Login(token_hash=token_hash, person_id=person.id, agent=agent[:300], created_at=now, seen_at=now)
    unit.session.add(login)
    return login


def log_out(unit: Unit, token_hash: str, now: dt.datetime) -> None:
    """End this session."""
    people.revoke_token(unit, token_hash, now)


def new_password(person: Person, old: str, new: str) -> str:
    """The hash of a new password; takes long, so call it before the transaction.

    Raises Forbidden for a wrong old one, Invalid for a bad new one.
    """
    check_password(person, old)
    fault = password_fault(new)
    if fault:
        raise Invalid(f"new password: {fault}", problems=[Problem(fault, column="new")])
    return _hash(new)


def change_password(unit: Unit, person: Person, password_hash: str, login_id: int, now: dt.datetime) -> int:
    """Keep the new password and end all other sessions; how many. Raises Conflict if it was changed meanwhile."""
    if not people.set_password(unit, person.id, password_hash, old=person.password_hash):
        raise Conflict("The password was changed on another device just now.")
    return people.revoke_logins(unit, person.id, now, but=login_id)


def end_session(unit: Unit, person: Person, login_id: int, now: dt.datetime) -> None:
    """End one of the person's sessions. Raises NotFound for a stranger's."""
    if not people.revoke_login(unit, person.id, login_id, now):
        raise NotFound("There is no such session among yours.")


def end_other_sessions(unit: Unit, person: Person, login_id: int, now: dt.datetime) -> int:
    """End all the person's sessions but this one; how many."""
    return people.revoke_logins(unit, person.id, now, but=login_id)


def set_shortcuts(unit: Unit, person: Person, *, on: bool) -> None:
    """Turn the keys without modifier on or off for this person (WCAG 2.1.4)."""
    people.set_shortcuts(unit, person.id, on=on)

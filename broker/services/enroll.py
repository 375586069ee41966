"""ENROLL: how people get an account, come in, and change their password."""

import datetime as dt
import functools
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from broker.errors import Conflict, Forbidden, Invalid, Problem
from broker.rules import ledger
from broker.store import money, people
from broker.store.db import Unit
from broker.store.people import ROLES, Login, Person

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}\.[^@\s.]{2,60}")
_hasher = PasswordHasher()


@dataclass(frozen=True)
class Account:
    """What somebody who signs up gives."""

    email: str
    name: str
    password: str
    roles: Collection[str]


def sign_up(unit: Unit, account: Account, now: dt.datetime, *, credit: int = 0) -> Person:
    """Make an account. Raises Invalid naming every bad field, Conflict if the address is taken."""
    _check(account)
    email = account.email.strip().lower()
    if people.by_email(unit, email) is not None:
        raise Conflict("There is an account with this e-mail address already.")
    person = Person(
        public_id="A" + "".join(secrets.choice("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(13)),
        email=email,
        name=account.name.strip(),
        password_hash=_hasher.hash(account.password),
        created_at=now,
        **{role: role in account.roles for role in ROLES},
    )
    unit.session.add(person)
    unit.session.flush()
    if credit and person.requester:
        money.transfer(unit, ledger.deposit(person.id, credit, f"opening:{person.id}"), now)
    return person


def _check(account: Account) -> None:
    problems = [Problem(message, column=column) for column, message in _faults(account)]
    if problems:
        raise Invalid("; ".join(map(str, problems)), problems=problems)


def _faults(account: Account) -> list[tuple[str, str]]:
    faults = []
    if not _EMAIL.fullmatch(account.email.strip()):
        faults.append(("email", "this is not an e-mail address"))
    if not 1 <= len(account.name.strip()) <= 100:
        faults.append(("name", "write between 1 and 100 characters"))
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


@functools.cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_hex())


def check_password(person: Person | None, password: str) -> None:
    """Raises Forbidden unless this is the person's password; takes as long for nobody as for somebody."""
    try:
        _hasher.verify(person.password_hash if person else _nobody(), password[:LONGEST_PASSWORD])
    except VerificationError:
        person = None
    if person is None:
        raise Forbidden("The e-mail address and the password do not belong together.")


def log_in(unit: Unit, person: Person, token_hash: str, agent: str, now: dt.datetime) -> Login:
    """Open a session for somebody whose password was checked."""
    login = Login(token_hash=token_hash, person_id=person.id, agent=agent[:300], created_at=now, seen_at=now)
    unit.session.add(login)
    return login


def change_password(unit: Unit, person: Person, old: str, new: str, login_id: int, now: dt.datetime) -> None:
    """Change the password and end all other sessions. Raises Forbidden for a wrong old one, Invalid for a bad new."""
    check_password(person, old)
    fault = password_fault(new)
    if fault:
        raise Invalid(f"new password: {fault}", problems=[Problem(fault, column="new")])
    people.set_password(unit, person.id, _hasher.hash(new))
    people.revoke_logins(unit, person.id, now, but=login_id)

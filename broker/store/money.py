"""Accounts and the transfers between them: double entry, append-only, in integer micro-units of one currency.

A transfer takes from one account what it gives to another, so every movement sums to zero by construction; the
database itself refuses a negative balance, a zero or negative amount, and the same reference twice.
"""

import datetime as dt
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from broker.errors import Unpaid
from broker.rules.ledger import WORLD, Transfer
from broker.store.db import Rows, Unit, key, micros
from broker.store.jobs import Job


class Account(Rows):
    """One account; its name says whose: person:7, escrow:3, world. Only the world may owe."""

    __tablename__ = "accounts"
    __table_args__ = (sa.CheckConstraint(f"balance >= 0 OR name = '{WORLD}'", name="balance"),)

    name: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    balance: Mapped[micros] = mapped_column(default=0)


class Entry(Rows):
    """One transfer that was made."""

    __tablename__ = "transfers"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("source <> target", name="two_sides"),
    )

    id: Mapped[key]
    ref: Mapped[str] = mapped_column(sa.String(100), unique=True)
    source: Mapped[str] = mapped_column(sa.ForeignKey("accounts.name"), index=True)
    target: Mapped[str] = mapped_column(sa.ForeignKey("accounts.name"), index=True)
    amount: Mapped[micros]
    at: Mapped[dt.datetime]


def transfer(unit: Unit, transfers: Sequence[Transfer], now: dt.datetime) -> None:
    """Make the transfers that were not made before (told by their references).

    Raises Unpaid if an account does not hold what is taken from it; nothing is written then.
    """
    known = set(unit.session.scalars(sa.select(Entry.ref).where(Entry.ref.in_([one.ref for one in transfers]))).all())
    fresh = [one for one in transfers if one.ref not in known]
    if not fresh:
        return
    changes: dict[str, int] = {}
    for one in fresh:
        changes[one.source] = changes.get(one.source, 0) - one.amount
        changes[one.target] = changes.get(one.target, 0) + one.amount
    _cover(unit, changes)
    rows = [
        {"ref": one.ref, "source": one.source, "target": one.target, "amount": one.amount, "at": now} for one in fresh
    ]
    unit.session.connection().execute(sa.insert(Entry), rows)


def _cover(unit: Unit, changes: Mapping[str, int]) -> None:
    """Change these balances, however many transfers each sums up. Raises Unpaid before any of them is changed."""
    names = sorted(changes)
    mine = sa.select(Account.name, Account.balance).where(Account.name.in_(names)).order_by(Account.name)
    there = {row.name for row in unit.session.connection().execute(mine)}
    for name in names:
        if name not in there:
            unit.insert_once(Account, name=name, balance=0)
    # Locked in one fixed order, so that two units never wait for each other in a circle.
    for name, balance_now in unit.session.connection().execute(mine.with_for_update()):
        if name != WORLD and balance_now + changes[name] < 0:
            raise Unpaid(f"The account {name} holds less than the {-changes[name] / 1_000_000:.2f} that this takes.")
    change = sa.update(Account).where(Account.name == sa.bindparam("account"))
    change = change.values(balance=Account.balance + sa.bindparam("change"))
    unit.session.connection().execute(change, [{"account": name, "change": changes[name]} for name in names])


def known(unit: Unit, ref: str) -> bool:
    """Whether the transfer with this reference was made."""
    return unit.session.scalar(sa.select(Entry.id).where(Entry.ref == ref)) is not None


def balance(unit: Unit, account: str, *, lock: bool = False) -> int:
    """What the account holds, in micro-units; `lock` keeps it so till the end of the unit."""
    query = sa.select(Account.balance).where(Account.name == account)
    query = query.with_for_update() if lock else query
    return int(unit.session.connection().execute(query).scalar() or 0)


def moved(unit: Unit, source: str, target: str) -> int:
    """All that ever went from one account to another, in micro-units."""
    query = sa.select(sa.func.sum(Entry.amount)).where(Entry.source == source, Entry.target == target)
    return int(unit.session.scalar(query) or 0)


def statement(unit: Unit, account: str, *, limit: int = 100) -> Sequence[Entry]:
    """The account's transfers, the latest first."""
    mine = sa.or_(Entry.source == account, Entry.target == account)
    return unit.session.scalars(sa.select(Entry).where(mine).order_by(Entry.id.desc()).limit(limit)).all()


def on_hold(unit: Unit, requester_id: int) -> int:
    """What is set aside for all jobs of a requester, in micro-units."""
    escrow = sa.literal("escrow:").op("||")(sa.cast(Job.id, sa.String))
    query = sa.select(sa.func.sum(Account.balance)).join(Job, Account.name == escrow)
    return int(unit.session.scalar(query.where(Job.requester_id == requester_id)) or 0)

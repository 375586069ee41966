"""`broker user`: accounts from the command line; the way the first admin comes to be."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from broker.cli.serve import configured
from broker.errors import Invalid
from broker.rules import ledger
from broker.services import enroll, keys, oversee
from broker.store import keys as kept
from broker.store import people
from broker.store.db import Unit
from broker.store.people import ROLES, Person
from broker.store.schema import current, migrate
from broker.wiring import Broker, build

ROLE = click.Choice(ROLES)


@contextmanager
def _installation() -> Iterator[Broker]:
    """The configured installation, its database migrated: an admin can be made before the first `broker serve`."""
    broker = build(configured())
    if not current(broker.store.engine):
        migrate(broker.store.engine)
    try:
        yield broker
    finally:
        broker.store.close()


@click.group()
def command() -> None:
    """Accounts: add, list, role, suspend, restore, credit; key, keys, revoke-key for programs."""


def _password(*, from_input: bool) -> str:
    # Never an argument: those are seen by everybody on the machine, and kept in the shell's history.
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked


def _credit(context: click.Context, parameter: click.Parameter, text: str) -> int:  # noqa: ARG001 - click's signature
    try:
        return ledger.parse_credit(text) if text else 0
    except Invalid as error:
        raise click.BadParameter(error.message) from error


@command.command()
@click.argument("email")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", "roles", type=ROLE, multiple=True, required=True, help="May be given several times.")
@click.option("--credit", callback=_credit, default="", help="Money a requester starts with, such as 100.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of the input.")
def add(email: str, name: str, roles: tuple[str, ...], credit: int, *, password_stdin: bool) -> None:
    """Make an account for EMAIL; asks for its password."""
    account = enroll.Account(email, name, _password(from_input=password_stdin), roles)
    _ = account.password_hash
    with _installation() as broker:
        with broker.store.write() as unit:
            person = enroll.sign_up(unit, account, broker.now(), credit=credit)
        click.echo(f"{person.public_id} {person.email}: {', '.join(sorted(person.roles))}")


@command.command("list")
def show() -> None:
    """List all accounts, the newest first."""
    with _installation() as broker, broker.store.read() as unit:
        for person in people.everyone(unit, limit=1_000_000):
            state = f"  suspended: {person.suspended_reason}" if person.suspended_at else ""
            roles = ",".join(role for role in ROLES if role in person.roles)
            click.echo(f"{person.public_id}  {roles:24}  {person.email}  {person.name}{state}")


@command.command()
@click.argument("who")
@click.argument("role", type=ROLE)
@click.option("--take", is_flag=True, help="Take the role away instead of giving it.")
@click.option("--reason", required=True, help="Why; kept in the audit log.")
def role(who: str, role: str, reason: str, *, take: bool) -> None:
    """Give the person WHO (e-mail address or public id) a ROLE, or take it."""
    with _installation() as broker, broker.store.write() as unit:
        act = oversee.Act(None, _found(unit, who).public_id, reason, broker.now())
        oversee.set_role(unit, act, role, given=not take)
    click.echo(f"{who}: {role} {'taken' if take else 'given'}")


@command.command()
@click.argument("who")
@click.option("--reason", required=True, help="Why; the person reads it.")
def suspend(who: str, reason: str) -> None:
    """Suspend WHO: their sessions end, and what they hold goes to others."""
    with _installation() as broker, broker.store.write() as unit:
        oversee.suspend(unit, oversee.Act(None, _found(unit, who).public_id, reason, broker.now()))
    click.echo(f"{who}: suspended")


@command.command()
@click.argument("who")
@click.option("--reason", required=True, help="Why; kept in the audit log.")
def restore(who: str, reason: str) -> None:
    """Let WHO in again."""
    with _installation() as broker, broker.store.write() as unit:
        oversee.restore(unit, oversee.Act(None, _found(unit, who).public_id, reason, broker.now()))
    click.echo(f"{who}: restored")


@command.command()
@click.argument("who")
@click.argument("amount", callback=_credit)
@click.option("--reason", required=True, help="Why; kept in the audit log.")
def credit(who: str, amount: int, reason: str) -> None:
    """Add AMOUNT, such as 100, to the money of the requester WHO."""
    with _installation() as broker, broker.store.write() as unit:
        act = oversee.Act(None, _found(unit, who).public_id, reason, broker.now())
        balance = oversee.add_credit(unit, act, amount, once=secrets.token_hex(8))
    click.echo(f"{who}: {balance / ledger.UNIT:,.2f} {broker.settings.currency}")


def _found(unit: Unit, who: str) -> Person:
    found = people.by_email(unit, who) if "@" in who else people.by_public_id(unit, who)
    if found is None:
        raise click.ClickException(f"there is no account {who}")
    return found


@command.command()
@click.argument("who")
@click.option("--label", required=True, help="What the key is for.")
def key(who: str, label: str) -> None:
    """Make an access key for the requester WHO; its secret is printed this once."""
    with _installation() as broker, broker.store.write() as unit:
        made = keys.make(unit, _found(unit, who), label, broker.now(), broker.secret)
    click.echo(f"AWS_ACCESS_KEY_ID={made.public_id}\nAWS_SECRET_ACCESS_KEY={made.secret}")


@command.command("keys")
@click.argument("who")
def show_keys(who: str) -> None:
    """List the access keys of WHO that hold."""
    with _installation() as broker, broker.store.read() as unit:
        for one in kept.open_keys(unit, _found(unit, who).id):
            used = one.used_at.isoformat(timespec="minutes") if one.used_at else "never used"
            click.echo(f"{one.public_id}  {used}  {one.label}")


@command.command("revoke-key")
@click.argument("who")
@click.argument("key_id")
def revoke_key(who: str, key_id: str) -> None:
    """Revoke the access key KEY_ID of WHO."""
    with _installation() as broker, broker.store.write() as unit:
        keys.revoke(unit, _found(unit, who).id, key_id, broker.now())
    click.echo(f"{key_id}: revoked")

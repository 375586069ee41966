"""What the commands that bring jobs have in common: the installation, the requester, the draft that is filled."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from broker.cli.serve import address, configured
from broker.errors import Invalid, NotFound, Problem
from broker.rules import ledger
from broker.services import bring, publish
from broker.services.bring import Brought, File, Origin, Wanted
from broker.store import people
from broker.store.db import Unit
from broker.store.people import Person
from broker.store.schema import current, migrate
from broker.wiring import Broker, build

BATCH = 1000
MOST_SHOWN = 20
LONGEST_TITLE = 200
T = TypeVar("T")
Rows = Iterable[tuple[int, Mapping[str, Any]]]
Command = TypeVar("Command", bound=Callable[..., Any])


@contextmanager
def installation() -> Iterator[Broker]:
    """The configured installation, its database migrated."""
    broker = build(configured())
    if not current(broker.store.engine):
        migrate(broker.store.engine)
    try:
        yield broker
    finally:
        broker.store.close()


def requester_of(unit: Unit, email: str) -> Person:
    """The requester with this e-mail address; without one, the only requester there is. Raises NotFound, Invalid."""
    if email:
        found = people.by_email(unit, email)
        if found is None or not found.requester:
            raise NotFound(f"There is no requester {email}: make one with broker user add.")
        return found
    there = [one for one in people.everyone(unit, limit=1_000_000) if one.requester and not one.suspended_at]
    if len(there) != 1:
        raise Invalid(f"There are {len(there)} requesters: say whose job it is with --requester EMAIL.")
    return there[0]


def sound(items: Iterable[T | Problem]) -> list[T]:
    """The items, if none of them is a problem. Raises Invalid naming the first of those that are."""
    good: list[T] = []
    bad: list[Problem] = []
    for item in items:
        if isinstance(item, Problem):
            bad.append(item)
        else:
            good.append(item)
    if bad:
        raise Invalid(f"{len(bad):,} rows cannot be used; nothing was imported.", problems=bad[:MOST_SHOWN])
    return good


def money(text: str) -> int:
    """An amount such as 0.05 in micro-units. Raises BadParameter."""
    try:
        return ledger.parse_reward(text)
    except Invalid as error:
        raise click.BadParameter(error.message) from error


def fill(broker: Broker, requester_id: int, wanted: Wanted, file: File, rows: Rows, origin: Origin | None) -> Brought:
    """Make a draft with all these rows, or none: what fails half-way takes it back, with its files."""
    brought = None
    try:
        with broker.store.write() as unit:
            brought = bring.begin(unit, requester_id, wanted, file, broker.now())
            if origin is not None:
                bring.originate(unit, brought, origin, file.key)
        waiting = iter(rows)
        while batch := list(itertools.islice(waiting, BATCH)):
            with broker.store.write() as unit:
                bring.keep(unit, brought, batch)
        with broker.store.write() as unit:
            bring.finish(unit, brought, broker.now())
    except BaseException:
        _take_back(broker, brought, file)
        raise
    return brought


def _take_back(broker: Broker, brought: Brought | None, file: File) -> None:
    if brought is not None:
        with broker.store.write() as unit:
            bring.give_up(unit, brought)
    for key in (file.key, f"images/{file.key.rpartition('/')[2]}"):
        broker.files.remove(key)


def tell(broker: Broker, brought: Brought, requester_id: int, *, published: bool) -> None:
    """Say what was made, after publishing it if that was asked for."""
    name, home = broker.names("J").show(brought.job_id), address(broker.settings)
    if published:
        with broker.store.write() as unit:
            publish.publish(unit, brought.job_id, requester_id, broker.now())
        click.echo(f"{name} is open to workers: {home}/jobs/{name}")
    else:
        click.echo(f"{name} is a draft: look at it and publish it at {home}/jobs/{name}/check")


def told_of_job(command: Command) -> Command:
    """Give a command the options that every job has."""
    options = (
        click.option("--requester", default="", help="E-mail address of whose job it is; needed if there are several."),
        click.option("--title", default="", help="What workers see in the list."),
        click.option("--description", default="", help="What workers read about the job."),
        click.option("--reward", default="0", callback=lambda *given: money(given[2]), help="For one answer: 0.05"),
        click.option("--minutes", default=60, type=click.IntRange(1, 10_080), show_default=True, help="For one HIT."),
        click.option("--publish", "published", is_flag=True, help="Open it to workers at once."),
    )
    for option in reversed(options):
        command = option(command)
    return command

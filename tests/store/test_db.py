"""Units of work: committed whole or not at all, and what was read stays readable."""

import pytest
import sqlalchemy as sa

from broker.errors import Conflict
from broker.store import people
from broker.store.people import Person
from tests.services import made


def test_what_was_read_can_be_shown_after_the_unit(store):
    worker = made.person(store, "worker")
    with store.read() as unit:
        found = people.person(unit, worker)
    assert found.roles == {"worker"}


def test_a_unit_that_fails_writes_nothing_and_rings_for_nothing(store):
    rung = []
    store.bell = rung.append
    worker = made.person(store, "worker")

    def fail(unit):
        unit.changed(sa.update(Person).where(Person.id == worker).values(name="changed"))
        unit.ring("errands")
        raise Conflict("no")

    with pytest.raises(Conflict), store.write() as unit:
        fail(unit)
    with store.read() as unit:
        assert people.person(unit, worker).name != "changed"
    assert rung == []


def test_the_bell_rings_after_the_commit(store):
    worker = made.person(store, "worker")
    seen = []

    def bell(names):
        with store.read() as unit:
            seen.append((names, people.person(unit, worker).name))

    store.bell = bell
    with store.write() as unit:
        unit.changed(sa.update(Person).where(Person.id == worker).values(name="changed"))
        unit.ring("errands")
    assert seen == [({"errands"}, "changed")]

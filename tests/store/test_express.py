"""A worker's turn, the same on both databases, in a transaction of its own and as part of one."""

import hypothesis
import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import strategies as st

from broker.rules.gold import NEVER
from broker.rules.lease import MOST_HELD
from broker.services import submit
from broker.store import hits
from broker.store.db import EPOCH, MICROSECOND, Store
from broker.store.express import COUNTABLE, Ask, Code, Gold, turn
from broker.store.express_postgres import array, quoted
from broker.store.jobs import Job
from broker.store.people import Login, Person
from broker.store.work import Assignment, Cursor, Hit
from tests.services import made
from tests.services.made import NOW

ANSWER = '{"category": {"label": "cat"}}'
LEASE = 600_000_000


class Golds:
    """No gold, ever."""

    def at(self, _):
        return None

    def after(self, _):
        return NEVER


@pytest.fixture(scope="module")
def unnest(postgres):
    """The texts of an array, as PostgreSQL reads them."""
    with psycopg.connect(**postgres._address("postgres")) as connection:
        yield lambda array: [row[0] for row in connection.execute("SELECT unnest(%s::text[])", [array])]


@hypothesis.given(st.lists(st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1))
@hypothesis.example(['{"a": "\\\\"}', "NULL", "", None, " {1,2}, "])
def test_any_text_is_an_element_of_an_array(unnest, texts):
    assert unnest(array(map(quoted, texts))) == texts


@pytest.fixture(params=["lane", "unit"])
def run(request, store):
    """Do a turn in a transaction of its own, or as part of a unit."""

    def in_unit(ask, gold=None):
        with store.write() as unit:
            return unit.turn(ask, gold)

    return store.lane.turn if request.param == "lane" else in_unit


@pytest.fixture
def scene(store):
    """A job of six HITs, and the place of a worker in it."""
    job, _ = made.published(store, 6)
    (worker,) = made.crowd(store, 1)
    with store.write() as unit:
        hits.begin(unit, job, worker, NEVER)
    return job, worker


def ask(job, worker, now=NOW, **values):
    given = {"worker": worker, "job": job, "now": (now - EPOCH) // MICROSECOND, "lease": LEASE, "most_held": MOST_HELD}
    return Ask(**{**given, **values})


def answered(given, job, worker, **values):
    return ask(job, worker, assignment=given.assignment, answer=ANSWER, seconds=2.5, **values)


def log_in(store, worker, **values):
    with store.write() as unit:
        login = Login(person_id=worker, token_hash=f"{worker}", agent="", created_at=NOW, seen_at=NOW, **values)
        unit.session.add(login)
        unit.session.flush()
        return login.id


def change(store, statement):
    with store.write() as unit:
        unit.session.execute(statement)


def rows(store, *columns):
    with store.read() as unit:
        return [tuple(row) for row in unit.session.execute(sa.select(*columns).order_by(columns[0]))]


def test_an_answer_is_kept_and_the_next_hit_given(store, run, scene):
    job, worker = scene
    first = run(ask(job, worker), None)
    assert (first.code, first.kept, first.served, first.left, first.reward) == (Code.NEXT, False, 0, 5, 20_000)
    assert first.deadline == (NOW - EPOCH) // MICROSECOND + LEASE
    second = run(answered(first, job, worker), None)
    assert (second.code, second.kept, second.late, second.done, second.left) == (Code.NEXT, True, False, 1, 4)
    kept = rows(store, Assignment.id, Assignment.state, Assignment.answer, Assignment.seconds, Assignment.submitted_at)
    assert kept == [
        (first.assignment, "submitted", {"category": {"label": "cat"}}, 2.5, NOW),
        (second.assignment, "accepted", None, None, None),
    ]
    assert rows(store, Cursor.served, Cursor.answered) == [(2, 1)]
    assert [taken for _, taken in rows(store, Hit.id, Hit.taken)] == [1, 1, 0, 0, 0, 0]


def test_the_last_seat_closes_a_hit(store, run, scene):
    job, worker = scene
    change(store, sa.update(Job).values(redundancy=1))
    given = run(ask(job, worker), None)
    assert [is_open for _, is_open in rows(store, Hit.id, Hit.open)] == [False] + [True] * 5
    assert given.left == 5


def test_what_is_not_theirs_to_answer_changes_nothing(store, run, scene):
    job, worker = scene
    (stranger,) = made.crowd(store, 1)
    first = run(ask(job, worker), None)
    with store.write() as unit:
        hits.begin(unit, job, stranger, NEVER)
    assert run(answered(first, job, stranger), None).code == Code.REFUSED
    assert run(answered(first, job + 1, worker), None).code == Code.REFUSED
    run(answered(first, job, worker), None)
    before = rows(store, Assignment.id, Assignment.state), rows(store, Cursor.worker_id, Cursor.answered)
    assert run(answered(first, job, worker), None).code == Code.REFUSED
    assert (rows(store, Assignment.id, Assignment.state), rows(store, Cursor.worker_id, Cursor.answered)) == before


@pytest.mark.parametrize(
    "end",
    [
        sa.update(Login).values(revoked_at=NOW),
        sa.update(Login).values(seen_at=NOW - made.LEASE),
        sa.update(Person).values(suspended_at=NOW),
        sa.update(Person).values(worker=False),
    ],
    ids=["revoked", "forgotten", "suspended", "no worker"],
)
def test_a_log_in_that_ended_does_nothing(store, run, scene, end):
    job, worker = scene
    login = log_in(store, worker)
    seen_after = (NOW - made.LEASE - EPOCH) // MICROSECOND
    first = run(ask(job, worker, login=login, seen_after=seen_after), None)
    assert first.code == Code.NEXT
    change(store, end)
    refused = run(answered(first, job, worker, login=login, seen_after=seen_after), None)
    assert (refused.code, refused.kept) == (Code.REFUSED, False)
    assert [state for _, state in rows(store, Assignment.id, Assignment.state)] == ["accepted"]


def test_nobody_takes_a_turn_on_somebody_elses_log_in(store, run, scene):
    job, worker = scene
    (other,) = made.crowd(store, 1)
    assert run(ask(job, worker, login=log_in(store, other)), None).code == Code.REFUSED


def test_what_is_held_is_told_and_no_more_than_allowed_are_given(run, scene):
    job, worker = scene
    have = ()
    for _ in range(MOST_HELD):
        have += (run(ask(job, worker, have=have), None).assignment,)
    assert run(ask(job, worker, have=have), None).code == Code.FULL
    assert run(ask(job, worker, have=have[1:]), None).code == Code.HELD
    # A lease that ran out fills no hands.
    assert run(ask(job, worker, NOW + made.LEASE, have=have), None).code == Code.NEXT


@pytest.mark.parametrize("state", ["paused", "stopped", "done"])
def test_a_job_that_is_not_open_keeps_answers_and_gives_nothing(store, run, scene, state):
    job, worker = scene
    first = run(ask(job, worker), None)
    change(store, sa.update(Job).values(state=state))
    given = run(answered(first, job, worker), None)
    assert (given.code, given.kept, given.done) == (Code.CLOSED, True, 1)
    assert rows(store, Cursor.answered) == [(1,)]


def test_who_has_no_place_yet_is_told_so(store, run, scene):
    job, _ = scene
    (newcomer,) = made.crowd(store, 1)
    assert run(ask(job, newcomer), None).code == Code.NEW


def test_nothing_left_is_none_and_a_late_answer_says_so(store, run, scene):
    job, worker = scene
    change(store, sa.update(Hit).where(Hit.row > 1).values(open=False))
    first = run(ask(job, worker), None)
    given = run(answered(first, job, worker, now=NOW + 2 * made.LEASE), None)
    assert (given.code, given.kept, given.late) == (Code.NONE, True, True)


def test_a_start_moves_only_a_lease_that_runs(store, run, scene):
    job, worker = scene
    first = run(ask(job, worker), None)
    second = run(ask(job, worker, have=(first.assignment,)), None)
    later = NOW + made.LEASE / 2
    run(answered(first, job, worker, now=later, start=second.assignment, have=(second.assignment,)), None)
    over = NOW + 2 * made.LEASE
    run(ask(job, worker, over, start=second.assignment), None)
    deadlines = dict(rows(store, Assignment.id, Assignment.deadline))
    assert deadlines[second.assignment] == later + made.LEASE


def test_bands_come_in_their_order_and_each_has_its_own_place(store, run, scene):
    job, worker = scene
    change(store, sa.update(Job).values(bands=0b111111))
    for row, band in enumerate((5, 3, 0, 3, 2, 1), 1):
        change(store, sa.update(Hit).where(Hit.row == row).values(band=band))
    order, have = [], ()
    for _ in range(6):
        given = run(ask(job, worker, have=have, most_held=9), None)
        order.append(given.hit)
        have += (given.assignment,)
    place = dict(rows(store, Hit.id, Hit.row))
    assert [place[hit] for hit in order] == [3, 6, 5, 2, 4, 1]
    assert rows(store, Cursor.pos) == [([3, 6, 5, 4, 0, 1],)]


def test_a_hit_they_have_and_that_is_open_again_does_not_stop_their_cursor(store, run, scene):
    job, worker = scene
    first = run(ask(job, worker), None)
    change(store, sa.update(Hit).where(Hit.id == first.hit).values(pos=2))
    change(store, sa.update(Hit).where(Hit.row > 1).values(pos=Hit.pos + 1))
    run(ask(job, worker, have=(first.assignment,)), None)
    assert rows(store, Cursor.pos) == [([0, 0, 0, 3, 0, 0],)]


def test_what_is_far_from_the_end_is_not_counted(store, run):
    job, _ = made.published(store, COUNTABLE + 2)
    (worker,) = made.crowd(store, 1)
    with store.write() as unit:
        hits.begin(unit, job, worker, NEVER)
    first = run(ask(job, worker), None)
    second = run(answered(first, job, worker), None)
    assert (first.left, second.left) == (None, COUNTABLE)


def test_gold_is_asked_for_by_its_place_and_paid_for(store, run):
    job, _ = made.published(store, 6, golds=2, gold_percent=20)
    (worker,) = made.crowd(store, 1)
    with store.write() as unit:
        hits.begin(unit, job, worker, 0)
    assert run(ask(job, worker), None)[:5] == (Code.GOLD, False, False, 0, 0)
    wrong = run(ask(job, worker), Gold(1, 0, 2))
    assert wrong.code == Code.GOLD
    before = rows(store, Job.gold_left)[0][0]
    given = run(ask(job, worker), Gold(0, 1, 2))
    assert given.code == Code.NEXT
    assert rows(store, Assignment.id, Assignment.gold) == [(given.assignment, True)]
    assert rows(store, Job.gold_left) == [(before - 1,)]
    assert rows(store, Cursor.gold_at, Cursor.served) == [(2, 1)]


@pytest.mark.parametrize("why", ["had", "unpaid", "none"])
def test_where_gold_is_due_and_cannot_be_given_an_ordinary_hit_is(store, run, why):
    job, _ = made.published(store, 6, golds=2, gold_percent=20)
    (worker,) = made.crowd(store, 1)
    with store.write() as unit:
        hits.begin(unit, job, worker, 0)
    gold = Gold(0, None if why == "none" else 1, 7)
    if why == "had":
        given = run(ask(job, worker), gold)
        change(store, sa.update(Cursor).values(served=0, gold_at=0))
        change(store, sa.update(Assignment).values(state="submitted"))
    if why == "unpaid":
        change(store, sa.update(Job).values(gold_left=0))
    given = run(ask(job, worker), gold)
    assert given.code == Code.NEXT
    assert rows(store, Assignment.id, Assignment.gold)[-1] == (given.assignment, False)
    assert rows(store, Cursor.gold_at, Cursor.served) == [(7, 1)]


def test_a_turn_that_ends_in_gold_keeps_its_answer_once(store, run, scene):
    job, worker = scene
    first = run(ask(job, worker), None)
    change(store, sa.update(Cursor).values(gold_at=1))
    given = turn(run, answered(first, job, worker), Golds())
    assert (given.code, given.kept, given.done) == (Code.NEXT, True, 1)
    assert rows(store, Cursor.answered, Cursor.gold_at) == [(1, NEVER)]


def test_a_unit_that_fails_takes_its_turn_back(store, scene):
    job, worker = scene

    def fail():
        with store.write() as unit:
            assert unit.turn(ask(job, worker), None).code == Code.NEXT
            raise RuntimeError("over")

    with pytest.raises(RuntimeError, match="over"):
        fail()
    assert rows(store, Assignment.id) == []
    assert rows(store, Cursor.served) == [(0,)]


def test_a_lane_whose_database_refuses_says_that_nobody_knows(store, scene):
    job, worker = scene
    first = store.lane.turn(ask(job, worker), None)
    broken = ask(job, worker, assignment=first.assignment, answer=ANSWER, lease=2**70)
    assert store.lane.turn(broken, None) is None
    assert store.lane.turn(answered(first, job, worker), None).code == Code.NEXT


def test_late_answers_to_seats_that_went_away_are_not_the_lanes_to_keep(store, run, scene):
    job, worker = scene
    first = run(ask(job, worker), None)
    with store.write() as unit:
        submit.sweep(unit, NOW + made.LEASE)
    assert run(answered(first, job, worker), None).code == Code.REFUSED


def test_a_hit_that_results_are_written_about_is_given_all_the_same(postgres_database):
    store = Store(postgres_database)
    job, _ = made.published(store, 1)
    (worker,) = made.crowd(store, 1)
    with store.write() as unit:
        hits.begin(unit, job, worker, NEVER)
    with store.write() as refit:
        # What a foreign key holds of its row until the commit.
        refit.session.execute(sa.select(Hit.id).with_for_update(read=True, key_share=True))
        with store.write() as unit:
            assert unit.turn(ask(job, worker), None).code == Code.NEXT
    store.close()

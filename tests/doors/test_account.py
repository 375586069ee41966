"""The account page: money, password, sessions, keyboard shortcuts."""

import pytest

from broker.rules import ledger
from broker.store import money, people
from broker.store.people import Person
from broker.web.account import device
from tests.doors.visiting import PASSWORD

NEW = "another good password"


def change(visitor, old=PASSWORD, new=NEW):
    return visitor.post("/account/password", {"old": old, "new": new}, page="/account")


def person(site, email="ann@example.org"):
    with site.store.read() as unit:
        return people.by_email(unit, email)


def test_the_page_shows_who_one_is(site):
    ann = site.logged_in("ann", "worker", "requester")
    page = ann.get("/account").text
    for word in ("ann@example.org", person(site).public_id, "Worker", "Requester", "This device", "Firefox on Linux"):
        assert word in page
    assert "Admin<" not in page


def test_the_statement_tells_what_came_and_went(site):
    ann = site.logged_in("ann", "requester", credit=20_000_000)
    me = person(site).id
    with site.store.write() as unit:
        money.transfer(unit, ledger.fund(7, me, 5_000_000, "fund:7"), site.clock())
        money.transfer(unit, ledger.pay(7, me, 3, 20_000), site.clock())
        money.transfer(unit, ledger.refund(7, me, 1_000_000, "refund:7"), site.clock())
    page = ann.get("/account").text
    for word in (
        "16.02",
        "Credit added",
        "+20.00",
        "Set aside for a job",
        "−5.00",
        "Reward",
        "+0.02",
        "Returned",
        "+1.00",
    ):
        assert word in page


def test_changing_the_password_ends_all_other_sessions(site):
    ann, phone = site.logged_in("ann"), site.visitor()
    phone.log_in("ann@example.org")
    answer = change(ann)
    assert answer.status_code == 302
    assert "One other session was ended." in ann.get("/account").text
    assert phone.get("/account").status_code == 302
    assert site.visitor().log_in("ann@example.org").status_code == 403
    assert site.visitor().log_in("ann@example.org", NEW).status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "status", "says"),
    [
        ("not the password", NEW, 403, "This is not your present password."),
        (PASSWORD, "short", 422, "Use between 10 and 200 characters."),
        (PASSWORD, "x" * 201, 422, "Use between 10 and 200 characters."),
    ],
)
def test_a_bad_change_of_password_changes_nothing(site, old, new, status, says):
    ann, before = site.logged_in("ann"), person(site).password_hash
    answer = change(ann, old, new)
    assert answer.status_code == status
    assert answer.text.count(says) == 2  # in the summary and beside the field
    assert person(site).password_hash == before


def test_one_session_can_be_ended_alone(site):
    ann, phone, tablet = site.logged_in("ann"), site.visitor(), site.visitor()
    phone.log_in("ann@example.org")
    with site.store.read() as unit:
        latest = people.open_logins(unit, person(site).id, site.clock())[0]
    tablet.log_in("ann@example.org")
    name = site.broker.names("S").show(latest.id)
    assert f"/account/sessions/{name}/end" in ann.get("/account").text
    assert ann.post(f"/account/sessions/{name}/end", page="/account").status_code == 302
    assert phone.get("/account").status_code == 302
    assert tablet.get("/account").status_code == ann.get("/account").status_code == 200


def test_all_other_sessions_can_be_ended_at_once(site):
    ann, others = site.logged_in("ann"), [site.visitor(), site.visitor()]
    for other in others:
        other.log_in("ann@example.org")
    ann.post("/account/sessions/end", page="/account")
    assert "2 other sessions were ended." in ann.get("/account").text
    assert [other.get("/account").status_code for other in others] == [302, 302]


def test_the_list_says_when_a_session_was_last_used(site):
    ann = site.logged_in("ann")
    site.clock.move(hours=3)
    assert "2026-03-01T12:00:00" in ann.get("/account").text


def test_shortcuts_stay_off_once_turned_off(site):
    ann = site.logged_in("ann")
    assert person(site).shortcuts
    ann.post("/account/shortcuts", {}, page="/account")
    assert not person(site).shortcuts
    ann.post("/account/shortcuts", {"shortcuts": "1"}, page="/account")
    assert person(site).shortcuts


def test_a_name_is_shown_as_text(site):
    site.enlist("ann")
    with site.store.write() as unit:
        unit.session.get(Person, person(site).id).name = "<script>alert(1)</script>"
    ann = site.visitor()
    ann.log_in("ann@example.org")
    assert "<script>alert" not in ann.get("/account").text


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/139.0 Safari/537.36 Edg/139.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 16; Pixel 9) Chrome/139.0 Mobile Safari/537.36", "Chrome on Android"),
        ("python-requests/2.32", "python-requests/2.32"),
        ("", "Unknown device"),
    ],
)
def test_devices_have_names_that_people_know(agent, name):
    assert device(agent) == name

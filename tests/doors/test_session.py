"""Coming in: landing, log in, sign up, log out."""

import pytest

from broker.errors import Conflict, Forbidden
from broker.services import enroll
from broker.store import people
from broker.web.session import local
from tests.doors.visiting import PASSWORD, Clock, Site


@pytest.mark.parametrize(
    ("roles", "path"),
    [
        (["worker"], "/work"),
        (["requester"], "/jobs"),
        (["admin"], "/admin/workers"),
        (["worker", "requester", "admin"], "/work"),
    ],
)
def test_people_land_where_their_work_is(site, roles, path):
    site.enlist("ann", *roles)
    ann = site.visitor()
    answer = ann.log_in("ann@example.org")
    assert (answer.status_code, answer.location) == (302, path)
    assert ann.get("/").location == path
    assert ann.get("/login").location == path


def test_a_visitor_reads_what_this_installation_is(site):
    page = site.visitor().get("/")
    assert page.status_code == 200
    assert 'href="/login"' in page.text
    assert 'href="/signup"' in page.text


def test_the_icon_is_there_for_browsers_that_ask_unasked(site):
    with site.visitor().get("/favicon.ico") as answer:
        assert answer.content_type.startswith("image/svg")


def test_the_address_is_read_without_regard_to_case(site):
    site.enlist("ann")
    assert site.visitor().log_in("  ANN@Example.ORG ").status_code == 302


def test_a_wrong_password_keeps_the_address_in_the_form(site):
    site.enlist("ann")
    answer = site.visitor().log_in("ann@example.org", "not the password")
    assert answer.status_code == 403
    assert "do not belong together" in answer.text
    assert 'value="ann@example.org"' in answer.text
    assert "not the password" not in answer.text


def test_nobody_and_somebody_read_the_same(site):
    site.enlist("ann")
    visitor = site.visitor()
    wrong, nobody = (visitor.log_in(f"{name}@example.org", "not the password") for name in ("ann", "bob"))
    assert wrong.status_code == nobody.status_code
    assert _without(wrong.text, "ann@example.org") == _without(nobody.text, "bob@example.org")


def _without(text, email):
    lines = text.replace(email, "").splitlines()
    return [line for line in lines if "csrf" not in line]


def test_nobody_costs_as_much_as_somebody(site, monkeypatch):
    verified = []
    monkeypatch.setattr(enroll, "_hasher", Counting(verified))
    for person in (site.enlist("ann"), None):
        with pytest.raises(Forbidden):
            enroll.check_password(person, "not the password")
    assert len(verified) == 2


class Counting:
    """Argon2 that notes what it was asked to verify."""

    def __init__(self, verified):
        self.inner, self.verified = enroll._hasher, verified

    def hash(self, password):
        return self.inner.hash(password)

    def verify(self, kept, password):
        self.verified.append(kept)
        return self.inner.verify(kept, password)


def test_after_the_log_in_people_come_where_they_wanted(site):
    site.enlist("ann")
    ann = site.visitor()
    wanted = ann.get("/account?part=sessions").location
    assert wanted == "/login?next=/account?part%3Dsessions"
    assert 'name="next" value="/account?part=sessions"' in ann.get(wanted).text
    assert ann.log_in("ann@example.org", next="/account?part=sessions").location == "/account?part=sessions"


def test_logging_out_ends_the_session_in_the_database_too(site):
    ann = site.logged_in("ann")
    copy = site.visitor()
    copy.client.set_cookie("broker", ann.cookie())
    assert copy.get("/account").status_code == 200
    assert ann.post("/logout", page="/account").location == "/login"
    assert "You are logged out." in ann.get("/login").text
    assert copy.get("/account").location.startswith("/login")


def test_a_session_ends_when_nobody_uses_it_for_thirty_days(site):
    ann = site.logged_in("ann")
    site.clock.move(days=29)
    assert ann.get("/account").status_code == 200
    site.clock.move(days=29)
    assert ann.get("/account").status_code == 200
    site.clock.move(days=31)
    assert ann.get("/account").status_code == 302


def test_a_suspended_person_reads_why_they_cannot_log_in(site):
    person = site.enlist("ann")
    with site.store.write() as unit:
        people.suspend(unit, person.id, "copied from others", site.clock())
    answer = site.visitor().log_in("ann@example.org")
    assert answer.status_code == 403
    assert "copied from others" in answer.text
    assert "copied from others" not in site.visitor().log_in("ann@example.org", "not the password").text


def test_a_password_changed_while_it_was_checked_opens_no_session(site):
    person = site.enlist("ann")
    with site.store.write() as unit:
        people.set_password(unit, person.id, "another hash", old=person.password_hash)
    with site.store.write() as unit, pytest.raises(Forbidden, match="changed just now"):
        enroll.log_in(unit, person, "a token's hash", "", site.clock())


def form(**changes):
    return {"name": "Ann Example", "email": "ann@example.org", "password": PASSWORD, **changes}


def test_who_signs_up_is_logged_in(site):
    ann = site.visitor()
    answer = ann.post("/signup", form(roles="requester"))
    assert (answer.status_code, answer.location) == (302, "/jobs")
    page = ann.get("/account").text
    assert "Welcome, Ann Example." in page
    assert "ann@example.org" in page


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"email": "ann"}, "This is not an e-mail address."),
        ({"name": "  "}, "Write between 1 and 100 characters, on one line."),
        ({"name": "An\nn"}, "Write between 1 and 100 characters, on one line."),
        ({"password": "short"}, "Use between 10 and 200 characters."),
        ({"roles": "admin"}, "Choose among"),
        ({"email": "eve@example.org"}, "There is an account with this e-mail address already."),
    ],
)
def test_a_bad_field_is_named_and_the_rest_kept(site, changes, says):
    site.enlist("eve")
    answer = site.visitor().post("/signup", form(**{"roles": "worker", **changes}))
    assert answer.status_code in (409, 422)
    assert answer.text.count(says) == 2  # in the summary and beside the field
    assert PASSWORD not in answer.text
    if "email" not in changes:
        assert 'value="ann@example.org"' in answer.text
    with site.store.read() as unit:
        assert [person.name for person in people.everyone(unit)] == ["Eve"]


def test_two_who_sign_up_at_once_with_one_address_get_one_account(store):
    account = enroll.Account("ann@example.org", "Ann", PASSWORD, ["worker"])
    now = Clock()()
    with store.write() as unit:
        enroll.sign_up(unit, account, now)
    with store.write() as unit, pytest.raises(Conflict, match="already"):
        enroll.sign_up(unit, account, now)


def test_a_role_that_is_not_offered_cannot_be_taken(sqlite_database, tmp_path):
    site = Site(sqlite_database, tmp_path, signup="workers")
    assert 'name="roles"' not in site.visitor().get("/signup").text
    assert site.visitor().post("/signup", form(roles="requester")).location == "/work"
    with site.store.read() as unit:
        assert people.by_email(unit, "ann@example.org").roles == {"worker"}


def test_where_sign_up_is_closed_the_page_says_whom_to_ask(sqlite_database, tmp_path):
    site = Site(sqlite_database, tmp_path, signup="closed")
    visitor = site.visitor()
    for answer in (visitor.get("/signup"), visitor.post("/signup", form())):
        assert answer.status_code == 404
        assert "Ask the people who run this installation" in answer.text
    for page in ("/", "/login"):
        assert "/signup" not in visitor.get(page).text


def test_a_new_requester_starts_with_the_opening_credit(sqlite_database, tmp_path):
    site = Site(sqlite_database, tmp_path, signup="open", opening_credit=50_000_000)
    ann = site.visitor()
    ann.post("/signup", form(roles="requester"))
    assert "50.00" in ann.get("/account").text


@pytest.mark.parametrize("path", ["/work", "/account?a=1&b=2", "/jobs/J123/results#top", "/"])
def test_local_paths_stay_what_they_are(path):
    assert local(path) == path


@pytest.mark.parametrize(
    "address",
    [
        "",
        None,
        "work",
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "/\x00",
        "/" + "a" * 3000,
    ],
)
def test_other_addresses_are_no_local_paths(address):
    assert local(address) is None


def test_the_cookie_stays_the_same_from_page_to_page_and_lasts_as_long_as_the_log_in(site):
    site.enlist("ann")
    ann = site.visitor()
    ann.log_in("ann@example.org")
    ann.get("/work")
    assert "Set-Cookie" not in ann.get("/work").headers
    site.clock.move(minutes=11)
    again = ann.get("/work").headers["Set-Cookie"]
    assert "Expires=" in again
    assert "Set-Cookie" not in ann.get("/work").headers


def test_no_writer_waits_while_a_password_is_hashed(site, monkeypatch):
    seen = []
    monkeypatch.setattr(enroll, "_hasher", Watching(seen, site.broker.store.writers))
    ann = site.visitor()
    ann.post("/signup", form(roles="worker"))
    ann.post("/account/password", {"old": PASSWORD, "new": "another good password"}, page="/account")
    ann.log_in("ann@example.org", "another good password")
    assert seen == [False] * 4


class Watching:
    """Argon2 that notes whether a writer holds the database while it works."""

    def __init__(self, seen, writers):
        self.inner, self.seen, self.writers = enroll._hasher, seen, writers

    def hash(self, password):
        self.seen.append(self.writers.taken)
        return self.inner.hash(password)

    def verify(self, kept, password):
        self.seen.append(self.writers.taken)
        return self.inner.verify(kept, password)

"""Attacks on the doors; each test fails without its defence."""

import pytest
from redis import Redis

from broker.store import people
from broker.web import throttle
from broker.web.gate import token_hash
from tests.doors.visiting import PASSWORD, Site

PAGES = ["/", "/login", "/signup", "/account", "/nowhere"]


@pytest.fixture
def guarded(sqlite_database, tmp_path, valkey):
    """An installation that throttles, on a fresh Valkey."""
    made = Site(sqlite_database, tmp_path / "data", throttle=True, redis_url=valkey)
    yield made
    made.store.close()


# ---- Forged requests ----


@pytest.mark.parametrize("path", ["/login", "/signup", "/logout", "/account/password", "/account/sessions/end"])
def test_a_form_without_its_token_is_refused(site, path):
    ann = site.logged_in("ann")
    for data in ({}, {"csrf_token": "forged"}, {"csrf_token": site.visitor().token("/login")}):
        answer = ann.client.post(path, data=data)
        assert answer.status_code == 400
        assert "This form has expired" in answer.text
    assert ann.get("/account").status_code == 200


def test_a_token_from_before_the_log_in_is_worth_nothing_after_it(site):
    site.enlist("ann")
    ann = site.visitor()
    planted = ann.token("/login")
    ann.log_in("ann@example.org")
    assert ann.client.post("/account/sessions/end", data={"csrf_token": planted}).status_code == 400


@pytest.mark.parametrize("path", ["/logout", "/account/shortcuts"])
def test_links_change_nothing(site, path):
    assert site.logged_in("ann").get(path).status_code == 405


# ---- Sessions ----


def test_a_planted_session_is_not_the_one_people_get(site):
    site.enlist("ann"), site.enlist("eve")
    eve, ann = site.visitor(), site.visitor()
    eve.log_in("eve@example.org")
    planted = eve.cookie()
    ann.client.set_cookie("broker", planted)
    ann.log_in("ann@example.org")
    assert ann.cookie() != planted
    assert "ann@example.org" in ann.get("/account").text
    assert "ann@example.org" not in eve.get("/account", follow_redirects=True).text


def test_logging_in_anew_ends_the_session_this_device_had(site):
    ann = site.logged_in("ann")
    before = site.visitor()
    before.client.set_cookie("broker", ann.cookie())
    ann.log_in("ann@example.org")
    assert before.get("/account").status_code == 302


def test_the_database_keeps_no_token(site):
    ann = site.logged_in("ann")
    with ann.client.session_transaction() as session:
        token = session["token"]
    with site.store.read() as unit:
        (login,) = people.open_logins(unit, people.by_email(unit, "ann@example.org").id, site.clock())
    assert login.token_hash == token_hash(token) != token
    assert len(token) >= 43  # 256 bits


@pytest.mark.parametrize("cookie", ["", "x", "eyJ0b2tlbiI6ImEifQ.aaaa.bbbb"])
def test_a_forged_cookie_is_nobody(site, cookie):
    visitor = site.visitor()
    visitor.client.set_cookie("broker", cookie)
    assert visitor.get("/account").status_code == 302


@pytest.mark.parametrize(("url", "secure"), [("https://crowd.example.org", True), ("http://127.0.0.1:8080", False)])
def test_scripts_and_strangers_cannot_read_the_cookie(sqlite_database, tmp_path, url, secure):
    site = Site(sqlite_database, tmp_path, url=url)
    flags = site.visitor().get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in flags
    assert "SameSite=Lax" in flags
    assert ("Secure" in flags) is secure


# ---- Addresses and headers ----


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example"])
def test_the_log_in_leads_to_no_other_site(site, wanted):
    site.enlist("ann")
    ann = site.visitor()
    assert ann.log_in("ann@example.org", next=wanted).location == "/work"
    assert ann.get("/login", query_string={"next": wanted}).location == "/work"


@pytest.mark.parametrize("path", PAGES)
def test_every_page_comes_with_its_headers(site, path):
    headers = site.visitor().get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe" not in policy
    assert "frame-ancestors 'self'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_no_page_asks_another_host_or_runs_inline_script(site, path):
    text = site.visitor().get(path).text
    for word in ("style=", "onclick=", "<script>", "http://", "https://"):
        assert word not in text


def test_what_went_wrong_inside_stays_inside(site):
    site.app.add_url_rule("/broken", "static.broken", lambda: 1 / 0)
    answer = site.visitor().get("/broken")
    assert answer.status_code == 500
    assert "division" not in answer.text


def test_a_nul_character_is_refused_before_a_database_sees_it(site):
    assert site.visitor().log_in("ann\x00@example.org").status_code == 422
    assert site.visitor().get("/login?next=%00").status_code == 422
    ann = site.logged_in("ann")
    answer = ann.client.post("/account/shortcuts", json={"a": "\0"}, headers={"X-CSRFToken": ann.token()})
    assert answer.status_code == 422
    text_about_one = {"a": r"\u0000"}
    answer = ann.client.post("/account/shortcuts", json=text_about_one, headers={"X-CSRFToken": ann.token()})
    assert answer.status_code == 302


@pytest.mark.parametrize(
    ("path", "status", "says"), [("/nowhere", 404, "Page not found"), ("/account/password", 405, "Not possible here")]
)
def test_scripts_get_problems_as_json(site, path, status, says):
    answer = site.logged_in("ann").get(path, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json["title"] == says


def test_too_large_a_request_says_how_much_is_accepted(sqlite_database, tmp_path):
    site = Site(sqlite_database, tmp_path, upload_bytes=5000)
    answer = site.visitor().client.post("/login", data={"email": "x" * 6000})
    assert answer.status_code == 413
    assert "At most 5,000 bytes are accepted." in answer.text


# ---- Guessing ----


def guess(visitor, email="ann@example.org", password="not the password"):
    return visitor.log_in(email, password).status_code


def test_after_ten_wrong_passwords_even_the_right_one_has_to_wait(guarded):
    guarded.enlist("ann")
    eve = guarded.visitor("203.0.113.7")
    assert [guess(eve) for _ in range(10)] == [403] * 10
    answer = eve.log_in("ann@example.org")
    assert answer.status_code == 429
    assert "too many attempts" in answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert guarded.visitor("203.0.113.8").log_in("ann@example.org").status_code == 302


def test_guesses_on_an_account_that_does_not_exist_wait_as_well(guarded):
    eve = guarded.visitor()
    assert [guess(eve, "nobody@example.org") for _ in range(11)] == [403] * 10 + [429]


def test_a_right_password_forgets_the_wrong_ones(guarded):
    guarded.enlist("ann")
    ann = guarded.visitor()
    for _ in range(2):
        assert [guess(ann) for _ in range(9)] == [403] * 9
        assert guess(ann, password=PASSWORD) == 302
        ann = guarded.visitor()


def test_forty_people_log_in_from_one_address(guarded):
    with guarded.store.write() as unit:
        for number in range(40):
            guarded.enlist_in(unit, f"w{number}")
    assert {guess(guarded.visitor(), f"w{number}@example.org", PASSWORD) for number in range(40)} == {302}


def test_guesses_from_many_addresses_are_counted_together(guarded, monkeypatch):
    monkeypatch.setattr(throttle, "WRONG_ANYWHERE", throttle.limits.parse("5 per 1 hour"))
    guarded.enlist("ann")
    assert [guess(guarded.visitor(f"203.0.113.{n}")) for n in range(6)] == [403] * 5 + [429]


def test_guesses_at_many_accounts_are_counted_together(guarded, monkeypatch):
    monkeypatch.setattr(throttle, "WRONG_ADDRESS", throttle.limits.parse("5 per 1 hour"))
    eve = guarded.visitor()
    assert [guess(eve, f"w{n}@example.org") for n in range(6)] == [403] * 5 + [429]


def test_an_ipv6_network_is_one_address(guarded):
    guarded.enlist("ann")
    assert [guess(guarded.visitor(f"2001:db8::{n + 1:x}")) for n in range(11)] == [403] * 10 + [429]


def test_sign_ups_from_one_address_are_limited(guarded, monkeypatch):
    monkeypatch.setattr(throttle, "SIGN_UPS", throttle.limits.parse("2 per 1 hour"))
    form = {"name": "Ann", "email": "ann@example.org", "password": "short", "roles": "worker"}
    assert [guarded.visitor().post("/signup", form).status_code for _ in range(3)] == [422, 422, 429]


def test_guesses_at_the_present_password_are_counted(guarded):
    ann = guarded.logged_in("ann")
    form = {"old": "not the password", "new": "another good password"}
    asked = [ann.post("/account/password", form, page="/account").status_code for _ in range(11)]
    assert asked == [403] * 10 + [429]


def test_two_processes_count_together(guarded, tmp_path):
    other = Site(guarded.broker.settings.database, tmp_path, throttle=True, redis_url=guarded.broker.settings.redis_url)
    guarded.enlist("ann")
    assert [guess(guarded.visitor()) for _ in range(5)] == [guess(other.visitor()) for _ in range(5)] == [403] * 5
    assert guess(guarded.visitor()) == guess(other.visitor()) == 429
    other.store.close()


def test_counting_goes_on_in_memory_while_the_queue_server_is_away(sqlite_database, tmp_path):
    site = Site(sqlite_database, tmp_path, throttle=True)
    site.enlist("ann")
    assert [guess(site.visitor()) for _ in range(11)] == [403] * 10 + [429]
    site.store.close()


def test_the_queue_server_learns_no_address_of_anybody(guarded, valkey):
    guess(guarded.visitor("203.0.113.7"))
    with Redis.from_url(valkey) as client:
        keys = b" ".join(client.keys())
    assert keys
    assert b"ann" not in keys
    assert b"203.0" not in keys


def test_the_settings_turn_throttling_off(site):
    site.enlist("ann")
    assert [guess(site.visitor()) for _ in range(12)] == [403] * 12

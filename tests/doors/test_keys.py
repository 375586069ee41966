"""Access keys on their page and on the command line."""

import re

import pytest
from click.testing import CliRunner

from broker.cli import main
from broker.services import keys as use
from broker.store import keys
from tests.doors.visiting import SECRET


@pytest.fixture
def ada(site):
    return site.logged_in("ada", "requester")


def held(site, name="ada"):
    with site.store.read() as unit:
        person = unit.session.query(keys.Person).filter_by(email=f"{name}@example.org").one()
        return list(keys.open_keys(unit, person.id))


def test_a_secret_is_shown_once_and_signs(site, ada):
    answer = ada.post("/account/keys", {"label": "psiTurk"})
    page, shown = answer.text, re.search(r"AWS_SECRET_ACCESS_KEY=(\S+)", answer.text)[1]
    assert "no-store" in answer.headers["Cache-Control"]
    (key,) = held(site)
    assert key.public_id in page
    assert shown not in ada.get("/account/keys").text
    with site.store.read() as unit:
        assert use.owner(unit, key.public_id, SECRET.encode()).secret == shown


def test_a_revoked_key_is_gone(site, ada):
    ada.post("/account/keys", {"label": "psiTurk"})
    (key,) = held(site)
    assert ada.post(f"/account/keys/{key.public_id}/revoke").status_code == 303
    assert held(site) == []
    assert ada.post(f"/account/keys/{key.public_id}/revoke").status_code == 404


def test_a_stranger_s_key_cannot_be_revoked(site, ada):
    ada.post("/account/keys", {"label": "psiTurk"})
    (key,) = held(site)
    mallory = site.logged_in("mallory", "requester")
    assert mallory.post(f"/account/keys/{key.public_id}/revoke").status_code == 404
    assert len(held(site)) == 1


def test_a_key_needs_a_label_and_there_are_not_too_many(site, ada):
    assert ada.post("/account/keys", {"label": " "}).status_code == 422
    for number in range(use.MOST_KEYS):
        ada.post("/account/keys", {"label": f"key {number}"})
    assert ada.post("/account/keys", {"label": "one more"}).status_code == 409
    assert len(held(site)) == use.MOST_KEYS


def test_workers_have_no_keys(site):
    assert site.logged_in("bob", "worker").get("/account/keys").status_code == 403


def test_a_key_is_made_listed_and_revoked_on_the_command_line(sqlite_database, site, ada, monkeypatch, tmp_path):
    monkeypatch.setenv("BROKER_DATABASE_URL", sqlite_database)
    monkeypatch.setenv("BROKER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("BROKER_SECRET", SECRET)
    made = CliRunner().invoke(main, ["user", "key", "ada@example.org", "--label", "cron"])
    assert made.exit_code == 0, made.output
    (key,) = held(site)
    secret = re.search(r"AWS_SECRET_ACCESS_KEY=(\S+)", made.output)[1]
    with site.store.read() as unit:
        assert use.owner(unit, key.public_id, SECRET.encode()).secret == secret
    listed = CliRunner().invoke(main, ["user", "keys", "ada@example.org"]).output
    assert key.public_id in listed
    assert "cron" in listed
    revoked = CliRunner().invoke(main, ["user", "revoke-key", "ada@example.org", key.public_id])
    assert revoked.exit_code == 0
    assert held(site) == []

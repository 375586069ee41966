"""`broker user`: accounts from the command line."""

import pytest
from click.testing import CliRunner

from broker.cli import main
from broker.settings import Settings
from broker.store import people
from broker.store.db import Store
from tests.doors.visiting import PASSWORD


@pytest.fixture
def user(tmp_path):
    """Runs `broker user …` on an installation that was never started; gives exit code and output."""

    def run(*arguments, typed=""):
        environment = {"BROKER_DATA": str(tmp_path), "BROKER_REDIS_URL": "unix:///nowhere/valkey.sock"}
        result = CliRunner().invoke(main, ["user", *arguments], input=typed, env=environment)
        return result.exit_code, result.output

    return run


@pytest.fixture
def ada(user):
    code, output = user("add", "ada@example.org", "--name", "Ada", "--role", "admin", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert code == 0, output
    return output.split()[-3]


def test_the_first_admin_is_made_before_the_first_start(user, ada, tmp_path):
    store = Store(Settings(data=tmp_path).database)
    with store.read() as unit:
        person = people.by_email(unit, "ada@example.org")
        ((act, actor, about),) = people.acts(unit)
    store.close()
    assert person.roles == {"admin"}
    assert (act.name, actor, about.name) == ("add admin", None, "Ada")
    assert "ada@example.org  Ada" in user("list")[1]


def test_a_password_comes_from_the_input_and_is_never_shown(user):
    command = ("add", "bob@example.org", "--name", "Bob", "--role", "worker", "--password-stdin")
    code, output = user(*command, typed=f"{PASSWORD}\n")
    assert (code, PASSWORD in output) == (0, False)
    assert user(*command, "--password", PASSWORD)[0] == 2
    code, output = user(*command, typed=f"{PASSWORD}\n")
    assert (code, "already" in output) == (1, True)


def test_every_bad_field_is_named_and_nothing_written(user):
    code, output = user("add", "bob", "--name", " ", "--role", "worker", "--password-stdin", typed="short\n")
    assert code == 2
    for word in ("email", "name", "password"):
        assert f"column '{word}'" in output
    assert user("list")[1] == ""


def test_roles_credit_and_suspension(user, ada):
    bob = ("bob@example.org", "--reason", "joins the team")
    add = ("add", "bob@example.org", "--name", "Bob", "--role", "worker", "--password-stdin")
    assert user(*add, typed=f"{PASSWORD}\n")[0] == 0
    assert user("credit", "bob@example.org", "50", "--reason", "invoice 7")[0] == 1  # no requester yet
    assert user("role", bob[0], "requester", *bob[1:])[0] == 0
    assert "50.00 USD" in user("credit", "bob@example.org", "50", "--reason", "invoice 7")[1]
    assert user("credit", "bob@example.org", "nan", "--reason", "invoice 7")[0] == 2
    assert user("suspend", *bob)[0] == 0
    assert "suspended: joins the team" in user("list")[1]
    assert user("restore", *bob)[0] == 0
    assert user("role", bob[0], "requester", "--take", *bob[1:])[0] == 0


def test_the_last_admin_stays(user, ada):
    for command in (("suspend", "ada@example.org"), ("role", ada, "admin", "--take")):
        code, output = user(*command, "--reason", "a mistake")
        assert (code, "last admin" in output) == (1, True)


def test_an_unknown_account_is_named(user):
    code, output = user("suspend", "nobody@example.org", "--reason", "none")
    assert (code, "there is no account nobody@example.org" in output) == (1, True)

"""Real parts for all tests: fresh migrated databases of both sorts, a Valkey, a Chromium. None is ever skipped."""

import itertools
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import expect, sync_playwright
from redis import Redis

from broker.settings import Settings
from broker.store.db import Store
from broker.store.schema import migrate
from tests.browser.chromium import FLAGS, chromium
from tests.servers.postgres import Given, Postgres
from tests.servers.valkey import serving
from tests.spared import spare

pytest_plugins = ["tests.doors.visiting"]
numbers = itertools.count(1)
# No time limit per example: on a shared machine it would measure the neighbours. Nightly runs try more examples.
settings.register_profile("shared", deadline=None, max_examples=100 * int(os.environ.get("BROKER_TEST_EXAMPLES", "1")))
settings.load_profile("shared")
# Nor a short one for a page: another test's servers and browser may be at work beside it.
expect.set_options(timeout=20_000)
spare()


def migrated(url):
    store = Store(url)
    migrate(store.engine)
    store.close()
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server: ours, or that of TEST_DATABASE_URL."""
    # Not pytest's own folder: a socket's path must be short, and user nobody must be able to enter it.
    with tempfile.TemporaryDirectory(prefix="broker-pg-") as name:
        Path(name).chmod(0o755)
        url = os.environ.get("TEST_DATABASE_URL")
        server = Given(url) if url else Postgres(Path(name) / "server")
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def postgres_template(postgres):
    name = f"template_{os.getpid()}"
    migrated(postgres.create(name))
    yield name
    postgres.drop(name)


@pytest.fixture
def sqlite_database(sqlite_template, tmp_path):
    """The URL of a fresh migrated SQLite database."""
    path = tmp_path / f"broker{next(numbers)}.sqlite3"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_database(postgres, postgres_template):
    """The URL of a fresh migrated PostgreSQL database."""
    name = f"test_{os.getpid()}_{next(numbers)}"
    yield postgres.create(name, postgres_template)
    postgres.drop(name)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request):
    """The URL of a fresh migrated database; the test runs once for each sort."""
    return request.getfixturevalue(f"{request.param}_database")


@pytest.fixture
def store(database):
    """A store on a fresh migrated database of each sort."""
    opened = Store(database)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory):
    with serving(Settings(data=tmp_path_factory.mktemp("valkey"))) as url:
        yield url


@pytest.fixture
def valkey(valkey_server):
    """The URL of an empty Valkey."""
    with Redis.from_url(valkey_server) as client:
        client.flushall()
    return valkey_server


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium, driven by Playwright; its contexts are each test's own."""
    try:
        path = chromium()
    except RuntimeError as error:
        pytest.fail(str(error), pytrace=False)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser):
    """A blank page in a context of its own."""
    context = browser.new_context()
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()

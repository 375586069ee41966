"""A broker for the tests of what happens in the background."""

import pytest

from broker import wiring
from broker.settings import Settings
from tests.services.made import NOW
from workers import here


@pytest.fixture
def installation(database, tmp_path):
    """Makes brokers of one database whose clock the test sets, broker.time[0], with a queue server at this URL."""
    opened = []

    def make(redis_url):
        built = wiring.build(Settings(data=tmp_path, database_url=database, redis_url=redis_url, web_threads=4))
        time = [NOW]
        built.__dict__.update(now=lambda: time[0], time=time)
        opened.append(built)
        return built

    yield make
    for built in opened:
        built.store.close()


@pytest.fixture
def broker(installation, valkey, monkeypatch):
    """The broker of this process, too."""
    built = installation(valkey)
    monkeypatch.setattr(here, "broker", lambda: built)
    return built

"""The parts that conftest hands to every test are real, fresh and separate."""

import pytest
import sqlalchemy as sa
from redis import Redis

from broker.store.schema import current


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_gets_a_fresh_migrated_database(store, turn):
    assert current(store.engine)
    with store.write() as unit:
        unit.session.execute(sa.text("CREATE TABLE left_behind (turn INTEGER)"))
        unit.session.execute(sa.text("INSERT INTO left_behind VALUES (:turn)"), {"turn": turn})
    with store.read() as unit:
        assert unit.session.execute(sa.text("SELECT turn FROM left_behind")).all() == [(turn,)]


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_gets_an_empty_valkey(valkey, turn):
    with Redis.from_url(valkey) as client:
        assert client.dbsize() == 0
        client.set("left behind", turn)


@pytest.mark.browser
def test_the_browser_runs_scripts(page):
    page.set_content("<p id=answer></p><script>answer.textContent = 6 * 7</script>")
    assert page.text_content("#answer") == "42"

"""The queue of SQLite's writers: one of all processes at a time, none kept out by the dead."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from broker.store.db import Store
from broker.store.writers import Writers
from tests.conftest import migrated

HOLD = """
import sys
from broker.store.writers import Writers
with Writers(sys.argv[1]):
    print("in", flush=True)
    sys.stdin.read()
"""


def free(database):
    """Whether another process could write now."""
    with Path(f"{database}.lane").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@pytest.fixture
def database(tmp_path):
    return str(tmp_path / "broker.sqlite3")


def test_a_unit_that_writes_stands_in_the_queue_of_all_processes(tmp_path):
    store = Store(migrated(f"sqlite:///{tmp_path / 'broker.sqlite3'}"))
    database = store.engine.url.database
    with store.write():
        assert not free(database)
    assert free(database)
    with store.read():
        assert free(database)
    store.close()


def test_a_writer_that_fails_gives_its_place_up(database):
    writers = Writers(database)
    with pytest.raises(ZeroDivisionError), writers:
        raise ZeroDivisionError
    assert (writers.taken, free(database)) == (False, True)
    writers.close()


def test_a_process_that_is_killed_while_it_writes_keeps_nobody_out(database):
    command = [sys.executable, "-c", HOLD, database]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "in\n"
        assert not free(database)
        other.kill()
        other.wait()
    with Writers(database):
        assert not free(database)


def test_a_fork_waits_for_its_parent(database):
    writers = Writers(database)
    with writers:
        child = os.fork()
        if child == 0:
            # The thread's lock is the parent's in this copy; the file's must hold the child back by itself.
            writers._threads.release()
            fcntl.flock(writers._opened(f"{database}.lane"), fcntl.LOCK_EX)
            os._exit(0)
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
        assert not free(database)
    assert os.waitpid(child, 0)[1] == 0
    writers.close()


def test_a_database_in_memory_has_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Writers(":memory:"):
        assert list(tmp_path.iterdir()) == []

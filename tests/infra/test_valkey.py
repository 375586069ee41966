"""The embedded Valkey keeps its data, is one for a folder, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import tempfile

import pytest
from redis import Redis

from broker.settings import LONGEST_SOCKET, Settings
from tests.servers.processes import gone
from tests.servers.valkey import await_answer, command, serving

STARTER = """
import sys
from broker.settings import Settings
from tests.servers.valkey import serving
with serving(Settings(data=sys.argv[1])):
    input()
"""


def pid_of(url):
    with Redis.from_url(url) as client:
        return client.info("server")["process_id"]


def test_data_survives_kill_9(tmp_path):
    settings = Settings(data=tmp_path)
    with serving(settings) as url, Redis.from_url(url) as client:
        client.set("kept", "yes")
        os.kill(pid_of(url), signal.SIGKILL)
    assert settings.valkey_socket.exists(), "the stale socket is part of this test"
    with serving(settings) as url, Redis.from_url(url) as client:
        assert client.get("kept") == b"yes"


def test_two_starters_share_one_server_and_the_second_takes_over(tmp_path):
    settings = Settings(data=tmp_path)
    with serving(settings) as url, serving(settings):
        first = pid_of(url)
        os.kill(first, signal.SIGKILL)
        assert gone(first)
        await_answer(url)
        assert pid_of(url) != first


def test_only_the_owner_may_connect(tmp_path):
    settings = Settings(data=tmp_path)
    with serving(settings):
        assert settings.valkey_socket.stat().st_mode & 0o077 == 0
        assert settings.valkey_socket.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["x" * LONGEST_SOCKET, "50% #odd? ö"])
def test_long_and_odd_paths_work(tmp_path, name):
    with serving(Settings(data=tmp_path / name)) as url, Redis.from_url(url) as client:
        assert client.ping()


def test_the_server_refuses_a_folder_of_somebody_else(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    settings = Settings(data=tmp_path / ("x" * LONGEST_SOCKET))
    settings.valkey_socket.parent.symlink_to("/usr")
    done = subprocess.run(command(settings), check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "belongs to somebody else" in done.stderr


def test_the_server_ends_when_its_starter_is_killed(tmp_path):
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(tmp_path)], stdin=subprocess.PIPE)
    url = Settings(data=tmp_path).redis
    await_answer(url)
    server = pid_of(url)
    starter.kill()
    starter.communicate()
    assert gone(server)

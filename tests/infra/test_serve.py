"""`broker serve`: everything comes up, what dies is replaced, and nothing is left behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
import redis
import sqlalchemy as sa

from broker.cli.children import DEATHS, Child, Children
from broker.settings import Settings
from broker.store import errands
from broker.store.db import Store
from broker.store.errands import Errand, ErrandState
from broker.wiring import utc_now
from tests.servers.installation import Served, served
from tests.servers.processes import gone, offspring, soon, table

PARTS = ("valkey-server", "broker.cli.web", "workers.run errands", "workers.run statistics", "workers.run clock")


def healthy(url):
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with served(tmp_path_factory.mktemp("served"), web_processes=1, web_threads=2) as installation:
        yield installation


def test_all_parts_run_and_the_web_answers(running):
    assert healthy(running.url)
    for part in PARTS:
        soon(lambda part=part: any(part in line for line in running.parts().values()))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_killed_is_replaced(running, part):
    before = running.part(part)
    os.kill(before, signal.SIGKILL)
    assert gone(before)
    soon(lambda: any(part in line and pid != before for pid, line in running.parts().items()))
    soon(lambda: healthy(running.url))


def test_a_web_process_that_is_killed_is_replaced(running):
    main = running.part("broker.cli.web")
    child = next(pid for pid, (parent, _) in table().items() if parent == main)
    os.kill(child, signal.SIGKILL)
    assert gone(child)
    soon(lambda: healthy(running.url))


def test_errands_run_after_the_queue_was_killed(running):
    os.kill(running.part("valkey-server"), signal.SIGKILL)
    store = Store(running.settings.database)
    with store.write() as unit:
        errands.later(unit, "judge", 12345, utc_now())

    def finished():
        with store.read() as unit:
            state = unit.session.scalar(sa.select(Errand.state).where(Errand.subject == 12345))
        return state in {ErrandState.DONE, ErrandState.FAILED}

    soon(finished, seconds=60)
    store.close()


def test_sigterm_stops_everything_in_a_few_seconds(tmp_path):
    installation = Served(Settings(data=tmp_path, port=0, web_processes=2))
    parts = installation.parts()
    began = time.monotonic()
    assert installation.stop() == 0
    assert time.monotonic() - began < 10
    assert gone(*parts, seconds=0.1)


def test_nothing_outlives_a_supervisor_that_is_killed_but_the_queue_is_kept(tmp_path):
    installation = Served(Settings(data=tmp_path, port=0, web_processes=1))
    with redis.Redis.from_url(installation.settings.redis) as client:
        client.set("kept", "yes")
    parts = installation.parts()
    installation.process.kill()
    installation.process.communicate()
    assert gone(*parts)
    with served(tmp_path, web_processes=1) as again, redis.Redis.from_url(again.settings.redis) as client:
        assert healthy(again.url)
        assert client.get("kept") == b"yes"


def test_nothing_outlives_a_supervisor_and_a_web_server_killed_together(tmp_path):
    installation = Served(Settings(data=tmp_path, port=0))
    parts = installation.parts()
    os.kill(installation.process.pid, signal.SIGSTOP)
    os.kill(installation.part("broker.cli.web"), signal.SIGKILL)
    installation.process.kill()
    installation.process.communicate()
    assert gone(*parts)


def run(*arguments, **environment):
    command = [sys.executable, "-m", "broker.cli", *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )


def test_a_port_in_use_is_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as rival:
        done = run("serve", BROKER_DATA=str(tmp_path), BROKER_PORT=str(rival.getsockname()[1]))
    assert done.returncode == 1
    assert "set BROKER_HOST or BROKER_PORT" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_wrong_setting_is_one_line_that_names_it(tmp_path):
    done = run("serve", BROKER_DATA=str(tmp_path), BROKER_PORT="many")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: BROKER_PORT: ")
    assert done.stderr.count("\n") == 1


def test_help_is_quick_because_it_imports_no_command():
    script = "import sys; from broker.cli import main; main(['--help'], standalone_mode=False)"
    check = "; assert not {'sqlalchemy', 'flask', 'redis'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", script + check], check=True, capture_output=True, text=True)
    assert "serve" in done.stdout


def test_a_child_that_never_lives_is_given_up_loudly():
    told = []
    children = Children(os.environ, told.append)
    children.add([Child("sleeper", ["sleep", "600"], 1), Child("broken", ["false"], 0)])
    children.start()
    soon(lambda: children.failure)
    assert len(told) == DEATHS - 1
    with pytest.raises(RuntimeError, match="broken ended with code 1, 5 times in a row: giving up"):
        children.check()
    children.close()
    assert children.children[0].process is None


def test_children_are_stopped_stage_by_stage():
    ended = []
    children = Children(os.environ, ended.append)
    children.add([Child("last", ["sleep", "600"], 1), Child("first", ["sleep", "600"], 0)])
    children.start()
    soon(lambda: all(child.process for child in children.children))
    last, first = (child.process for child in children.children)
    watcher = threading.Thread(target=lambda: (first.wait(), ended.append(last.poll())))
    watcher.start()
    children.close()
    watcher.join()
    assert ended == [None], "the last one still ran when the first one had ended"


def test_a_child_that_ignores_sigterm_is_killed_with_its_group():
    stubborn = "trap '' TERM; sleep 600 & wait; sleep 600"
    children = Children(os.environ, print)
    children.add([Child("stubborn", ["sh", "-c", stubborn], 0, patience=0.5)])
    children.start()
    soon(lambda: children.children[0].process and len(offspring(children.children[0].process.pid)) == 1)
    child = children.children[0].process.pid
    family = {child, *offspring(child)}
    children.close()
    assert gone(*family, seconds=1)

"""Functions in a process of their own: good ones, and all the ways to be bad."""

import os
import time
from pathlib import Path

import pytest

from broker.cli.groundtruth.functions import Failed, Function, target
from broker.errors import Invalid
from broker.settings import Settings
from tests.servers.processes import gone

HERE = {"PYTHONPATH": str(Path(__file__).parents[2])}


def function(name, seconds=20):
    return Function(f"tests.cli.lambdas:{name}", seconds, HERE)


def test_a_function_gets_the_event_and_a_context_and_may_print():
    with function("pre") as pre:
        result = pre.call({"dataObject": {"source": "a text"}})
    assert result == {"taskInput": {"taskObject": "a text", "by": "pre"}, "humanAnnotationRequired": "true"}


def test_it_runs_in_another_process_which_is_kept_and_ends_with_us():
    with function("pid") as pid:
        first = pid.call({})
        assert first != os.getpid()
        assert pid.call({}) == first
    assert gone(first)


def test_it_sees_none_of_the_brokers_settings(monkeypatch):
    monkeypatch.setenv("BROKER_SECRET", "x" * 40)
    with function("settings") as settings:
        assert settings.call({}) == []


def test_what_it_raises_is_told_and_the_next_call_is_served():
    with function("raises") as raises:
        for what in ("this", "that"):
            with pytest.raises(Failed, match=f"raises: ValueError: cannot do {what}"):
                raises.call({"what": what})


def test_one_that_hangs_is_killed_with_its_children_and_started_again(tmp_path):
    note = tmp_path / "pid"
    with function("hangs", seconds=3) as hangs:
        began = time.monotonic()
        with pytest.raises(Failed, match="no answer within 3 seconds"):
            hangs.call({"note": str(note)})
        assert time.monotonic() - began < 10
        assert gone(int(note.read_text()))
        assert hangs.call({"well": True}) == "well"


def test_one_that_hangs_before_it_reads_a_large_event_is_killed_too():
    with function("hangs", seconds=0.001) as hangs, pytest.raises(Failed, match="no answer"):
        hangs.call({"text": "x" * 1_000_000})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("crashes", "signal 11 .SIGSEGV"),
        ("leaves", "ended with code 3"),
        ("no_json", "TypeError"),
        ("endless", "more than"),
        ("nowhere", "AttributeError"),
    ],
)
def test_one_that_breaks_says_how_and_the_next_call_has_a_fresh_process(name, words):
    with function(name) as broken:
        for _ in range(2):
            with pytest.raises(Failed, match=words):
                broken.call({})


def test_a_function_is_found_by_its_name_or_its_arn():
    functions = {"sms-pre": "a.b:c", "arn:aws:lambda:us-east-1:1:function:full": "d:e"}
    assert target(functions, "sms-pre") == "a.b:c"
    assert target(functions, "arn:aws:lambda:us-east-1:111122223333:function:sms-pre") == "a.b:c"
    assert target(functions, "arn:aws:lambda:us-east-1:111122223333:function:sms-pre:7") == "a.b:c"
    assert target(functions, "arn:aws:lambda:us-east-1:1:function:full") == "d:e"


@pytest.mark.parametrize("name", ["os:system", "subprocess:run", "sms", "arn:aws:lambda:us-east-1:1:function:sms"])
def test_only_what_an_admin_has_set_can_run(name):
    with pytest.raises(Invalid, match="BROKER_FUNCTIONS"):
        target({"sms-pre": "a.b:c"}, name)


@pytest.mark.parametrize("entry", ["a.b", "a b:c", "a:", ":c", "a:b;c", "-m a:b"])
def test_a_setting_that_is_no_entry_point_is_refused(entry):
    with pytest.raises(ValueError, match=r"package\.module:function"):
        Settings(functions={"x": entry})

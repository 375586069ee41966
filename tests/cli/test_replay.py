"""`broker replay` and `broker plan`: figures for good files, and a clear refusal with exit code 2 for bad ones."""

import json

import pytest
from click.testing import CliRunner

from broker.cli import main
from tests.truth.made import made

GOOD = "task,worker,label\na,x,1\na,y,1\nb,x,0\nb,y,1\n"
TRUTH = "task,truth\na,1\nb,0\n"


def run(*arguments):
    return CliRunner().invoke(main, [str(one) for one in arguments])


def folder(path, answers=GOOD, truth=TRUTH):
    (path / "answers.csv").write_text(answers, encoding="utf-8")
    (path / "truth.csv").write_text(truth, encoding="utf-8")
    return path


def crowd(path):
    found = made(1, items=80)
    columns = zip(found.answers.item, found.answers.worker, found.answers.label, strict=True)
    lines = [f"t{item},w{worker},l{label}" for item, worker, label in columns]
    truths = [f"t{item},l{label}" for item, label in enumerate(found.truth)]
    return folder(path, "\n".join(["task,worker,label", *lines]), "\n".join(["task,truth", *truths]))


def test_a_replay_ends_with_a_line_of_json(tmp_path):
    found = run("replay", crowd(tmp_path), "--plan", "fixed:3", "--plan", "adaptive:1,4,0.9", "--seeds", 2)
    assert found.exit_code == 0, found.output
    plans = json.loads(found.output.splitlines()[-1])["plans"]
    assert plans["fixed:3"]["per_item"] == 3.0
    assert 1 <= plans["adaptive:1,4,0.9"]["per_item"] <= 4
    assert len(found.output.splitlines()) > 2


def test_json_alone_is_one_line(tmp_path):
    found = run("replay", crowd(tmp_path), "--seeds", 1, "--gold", 0.2, "--json")
    assert found.exit_code == 0
    assert set(json.loads(found.output)["plans"]) == {"fixed:3", "fixed:5", "adaptive"}


@pytest.mark.parametrize(
    ("answers", "truth", "words"),
    [
        ("", TRUTH, "answers.csv: The file is empty"),
        ("task,worker,label\n", TRUTH, "answers.csv is empty: it has no rows"),
        ("task,worker\na,x\n", TRUTH, "no column 'label'"),
        ("task,worker,label\na,x,1\na,,1\n", TRUTH, "row 2, column 'worker': the value is missing"),
        ("task,worker,label\na,x\n", TRUTH, "row 1: 2 fields, but the header has 3"),
        ("task,worker,label\na,x,NaN\n", TRUTH, "row 1, column 'label': the value is missing ('NaN')"),
        (GOOD, "task,truth\n", "truth.csv is empty: it has no rows"),
        (GOOD, "task,truth\na,1\na,0\n", "row 2, column 'truth': task 'a' is '0' here, but '1' before"),
        (GOOD, "task,truth\nz,1\n", "no task that was answered"),
    ],
)
def test_bad_files_are_refused_naming_row_and_column(tmp_path, answers, truth, words):
    found = run("replay", folder(tmp_path, answers, truth))
    assert found.exit_code == 2
    assert words in found.output


def test_what_is_not_text_or_not_there_is_refused(tmp_path):
    folder(tmp_path)
    (tmp_path / "answers.csv").write_bytes(b"task,worker,label\n\xff,x,1\n")
    assert "not UTF-8" in run("replay", tmp_path).output
    (tmp_path / "answers.csv").unlink()
    found = run("replay", tmp_path)
    assert (found.exit_code, "no such file" in found.output) == (2, True)


def test_a_million_labels_are_no_categories(tmp_path):
    rows = "\n".join(f"t,w{one},l{one}" for one in range(1001))
    found = run("replay", folder(tmp_path, f"task,worker,label\n{rows}\n"))
    assert (found.exit_code, "the 1,001th different label" in found.output) == (2, True)


@pytest.mark.parametrize(
    "plan", ["fixed", "fixed:0", "fixed:x", "adaptive:3,2,0.9", "adaptive:1,2", "adaptive:1,2,7", "best"]
)
def test_a_plan_that_is_none_is_refused(tmp_path, plan):
    found = run("replay", folder(tmp_path), "--plan", plan)
    assert found.exit_code == 2
    assert "Traceback" not in found.output


def test_planning_prints_accuracy_and_cost_of_every_plan(tmp_path):
    found = run("plan", "--classes", 4, "--accuracy", 0.8, "--items", 10000, "--reward", 0.02)
    assert found.exit_code == 0
    plans = json.loads(found.output.splitlines()[-1])["plans"]
    assert [plans[f"fixed:{n}"]["cost"] for n in (1, 3, 5, 7)] == [200.0, 600.0, 1000.0, 1400.0]
    assert plans["adaptive"]["accuracy"] > plans["fixed:1"]["accuracy"]
    pilot = run("plan", "--pilot", crowd(tmp_path) / "answers.csv", "--json")
    assert json.loads(pilot.output)["classes"] == 4


@pytest.mark.parametrize("options", [("--classes", 1), ("--accuracy", 1.5), ("--items", 0), ("--adaptive", "x")])
def test_a_figure_that_cannot_be_is_refused(options):
    assert run("plan", *options).exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--reward", "nan"),
        ("plan", "--reward", "inf"),
        ("plan", "--items", "1" + 400 * "0"),
        ("replay", ".", "--gold", "nan"),
    ],
)
def test_numbers_that_cannot_be_are_refused_before_anything_is_counted(arguments):
    found = run(*arguments, "--json")
    assert (found.exit_code, found.stdout) == (2, "")
    assert f"Invalid value for '{arguments[-2]}'" in found.stderr

"""`broker agreement` on files of answers: the figures, and what it says of files it cannot use."""

import csv
import json

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from broker.cli import main
from broker.truth.agreement import agreement
from broker.truth.distance import alpha
from tests.truth.made import made

HEADER = "task,worker,label\n"


def run(*arguments):
    return CliRunner().invoke(main, ["agreement", *map(str, arguments)])


def told(*arguments):
    outcome = run(*arguments, "--json")
    assert outcome.exit_code == 0, outcome.output
    return json.loads(outcome.stdout)


@pytest.fixture
def crowd():
    return made(1, items=60, workers=8).answers


def columns(answers, label="L{}"):
    labels = [label.format(code) for code in answers.label.tolist()]
    return {"task": answers.item.tolist(), "worker": [f"w{one}" for one in answers.worker.tolist()], "label": labels}


def written(path, table):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    return path


def test_csv_and_parquet_give_the_figures_of_the_library(tmp_path, crowd):
    parquet.write_table(pa.table(columns(crowd)), tmp_path / "answers.parquet")
    expected = agreement(crowd)
    for file in (written(tmp_path / "answers.csv", columns(crowd)), tmp_path / "answers.parquet"):
        found = told(file)
        assert (found["answers"], found["tasks"], found["workers"], found["replaced"]) == (300, 60, 8, 0)
        assert set(found["figures"]) == {"percent", "fleiss", "alpha-nominal"}
        for name, figure in found["figures"].items():
            assert figure == pytest.approx(expected[name]._asdict())
        assert len(found["cohen"]) == 20
        assert found["cohen"][0]["items"] >= found["cohen"][-1]["items"] > 0


def test_numbers_are_ordered_as_numbers_and_get_interval_alpha(tmp_path, crowd):
    file = written(tmp_path / "a.csv", columns(crowd, "{}0"))
    found = told(file)["figures"]
    expected = agreement(crowd, np.array([0.0, 10.0, 20.0, 30.0]))
    for name in ("alpha-ordinal", "alpha-interval"):
        assert found[name] == pytest.approx(expected[name]._asdict())


def test_the_order_of_words_can_be_given(tmp_path, crowd):
    file = written(tmp_path / "a.csv", columns(crowd))
    assert told(file, "--order", "L0, L1,L2,L3")["figures"]["alpha-ordinal"]["value"] == pytest.approx(
        agreement(crowd)["alpha-ordinal"].value
    )
    outcome = run(file, "--order", "L0,L1,L2")
    assert outcome.exit_code == 2
    assert "column 'label'" in outcome.output


def test_sets_are_compared_by_what_they_share(tmp_path):
    rows = [
        (task, worker, label) for task in range(6) for worker, label in enumerate(("a|b", "b | a", f"a|{task % 2}"))
    ]
    table = dict(zip(("task", "worker", "label"), zip(*rows, strict=True), strict=True))
    figures = told(written(tmp_path / "a.csv", table), "--sets")["figures"]
    units = [({"a", "b"}, {"a", "b"}, {"a", str(task % 2)}) for task in range(6)]
    expected = alpha(units, lambda one, other: len(one & other) / len(one | other))
    assert figures["alpha-sets"]["value"] == pytest.approx(expected)
    assert figures["alpha-nominal"]["value"] != pytest.approx(expected)


def test_the_tables_name_every_figure_and_what_was_replaced(tmp_path):
    (tmp_path / "a.csv").write_text(HEADER + "1,ann,x\n1,bob,x\n2,ann,x\n2,bob,y\n2,bob,x\n3,ann,y\n", encoding="utf-8")
    outcome = run(tmp_path / "a.csv")
    assert outcome.exit_code == 0
    assert "1 earlier answers of a worker to the same task were replaced" in outcome.stdout
    assert "Percent agreement" in outcome.stdout
    assert "undefined" in outcome.stdout
    assert "ann and bob" in outcome.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (HEADER.encode(), "no rows"),
        (b"task,worker\n1,2\n", "label"),
        (HEADER.encode() + b"1,ann,x\n2,,x\n", "row 2, column 'worker'"),
        (HEADER.encode() + b"1,ann,nan\n", "row 1, column 'label'"),
        (HEADER.encode() + b"1,ann\n", "row 1, column 'label'"),
        (HEADER.encode() + b"1,ann,x\n2,bob,caf\xe9\n", "row 2"),
        (HEADER.encode() + b'1,ann,"x\n', "row 1"),
        (HEADER.encode("utf-16"), "UTF-16"),
        (b"PAR1 nothing", "Parquet"),
    ],
)
def test_a_file_that_cannot_be_used_ends_with_2_and_says_where(tmp_path, content, said):
    (tmp_path / "a.csv").write_bytes(content)
    outcome = run(tmp_path / "a.csv")
    assert outcome.exit_code == 2, outcome.output
    assert said in outcome.output
    assert outcome.stdout == ""


def test_a_file_that_is_not_there_ends_with_2(tmp_path):
    assert run(tmp_path / "none.csv").exit_code == 2


def test_very_many_labels_are_no_trouble(tmp_path):
    rows = [(task, worker, f"{task}-{worker % 2}") for task in range(20_000) for worker in range(3)]
    file = written(tmp_path / "a.csv", dict(zip(("task", "worker", "label"), zip(*rows, strict=True), strict=True)))
    found = told(file, "--pairs", "0")
    assert found["labels"] == 40_000
    assert found["figures"]["percent"]["value"] == pytest.approx(1 / 3)

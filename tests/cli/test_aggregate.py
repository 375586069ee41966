"""`broker aggregate` on files of all sorts: what it finds, and what it says of those it cannot read."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from broker.cli import answers_file, main
from broker.cli.answers_file import read_answers, read_gold
from broker.errors import Invalid
from broker.truth.answers import Answers
from broker.truth.calibration import calibration_error, reliability
from broker.truth.models import MODELS, aggregate
from tests.truth.made import folder_of, made, odd_answers, real

HEAD = "task,worker,label\n"
FEW = HEAD + "t1,ann,cat\nt1,bob,cat\nt2,ann,dog\nt2,bob,cat\nt2,eve,dog\n"


def run(*arguments):
    return CliRunner().invoke(main, ["aggregate", *map(str, arguments)])


def written(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture
def few(tmp_path):
    return written(tmp_path / "answers.csv", FEW)


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def named(answers):
    names = (f"t{code}" for code in answers.item), (f"w{code}" for code in answers.worker)
    return list(zip(*names, (f"l{code}" for code in answers.label), strict=True))


def as_csv(path, table):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("task", "worker", "label"), *table])
    return path


def test_the_labels_come_in_the_order_of_the_tasks_with_confidence_and_count(few):
    done = run(few, "--model", "majority")
    assert done.exit_code == 0
    assert done.stdout == "task,label,confidence,undecided,answers\nt1,cat,0.794273,False,2\nt2,dog,0.606727,False,3\n"
    said = "confidence is calibrated by a default, for want of gold"
    assert done.stderr == f"5 answers of 3 workers to 2 tasks; {said}\n"


def test_confidence_is_what_gold_says_it_is_where_there_is_enough(tmp_path):
    found = made(1, items=400)
    answers = as_csv(tmp_path / "answers.csv", named(found.answers))
    truths = "\n".join(f"t{item},l{label}" for item, label in enumerate(found.truth[:200]))
    done = run(answers, "--gold", written(tmp_path / "gold.csv", f"task,label\n{truths}\n"))
    assert "confidence is calibrated on 200 gold tasks" in done.stderr
    told = {row["task"]: row for row in rows(done.stdout)}
    others = [
        (float(told[f"t{item}"]["confidence"]), told[f"t{item}"]["label"] == f"l{found.truth[item]}")
        for item in range(200, 400)
    ]
    sure, right = np.array(others).T
    assert calibration_error(reliability(sure, right.astype(bool))) < 0.08
    assert all(told[f"t{item}"]["confidence"] == "1.0" for item in range(200))


def test_files_are_written_whole_and_alike_in_both_formats(few, tmp_path):
    outs = [tmp_path / "out.csv", tmp_path / "out.parquet", tmp_path / "workers.csv", tmp_path / "workers.parquet"]
    for out, workers in (outs[0::2], outs[1::2]):
        done = run(few, "--out", out, "--workers", workers)
        assert (done.exit_code, done.stdout) == (0, "")
    for plain, packed in (outs[:2], outs[2:]):
        assert rows(plain.read_text()) == [
            {name: str(value) for name, value in row.items()} for row in parquet.read_table(packed).to_pylist()
        ]
    assert [row["worker"] for row in rows(outs[2].read_text())] == ["ann", "bob", "eve"]
    assert sorted(tmp_path.iterdir()) == sorted([few, *outs])


@pytest.mark.parametrize("model", MODELS)
def test_every_model_runs_from_a_file(model, tmp_path):
    crowd = made(3, items=120, workers=12, accuracy=(0.6, 0.9))
    path = as_csv(tmp_path / "answers.csv", named(crowd.answers))
    done = run(path, "--model", model, "--workers", tmp_path / "workers.csv")
    assert done.exit_code == 0
    right = [row["label"] == f"l{crowd.truth[int(row['task'][1:])]}" for row in rows(done.stdout)]
    assert np.mean(right) > 0.85
    assert len(rows((tmp_path / "workers.csv").read_text())) == 12


def test_gold_decides_and_may_be_a_label_that_nobody_gave(few, tmp_path):
    gold = written(tmp_path / "gold.csv", "task,truth\nt1,fox\nt9,cat\n")
    done = run(few, "--gold", gold, "--workers", tmp_path / "workers.csv")
    told = {"task": "t1", "label": "fox", "confidence": "1.0", "undecided": "False", "answers": "2"}
    assert rows(done.stdout)[0] == told
    assert "gold for 1 tasks, and for 1 without answers" in done.stderr
    assert [row["gold_total"] for row in rows((tmp_path / "workers.csv").read_text())] == ["1", "1", "0"]


def test_the_last_answer_to_a_task_counts_and_repeats_are_told(tmp_path):
    path = written(tmp_path / "answers.csv", HEAD + "t1,ann,cat\nt2,ann,cat\nt1,ann,dog\n")
    done = run(path, "--model", "majority")
    assert [row["label"] for row in rows(done.stdout)] == ["dog", "cat"]
    assert "1 rows repeated a task and worker; the last one of each counts" in done.stderr


def test_blanks_around_names_do_not_count(few, tmp_path):
    path = written(tmp_path / "spaced.csv", FEW.replace(",", " , ").replace("\n", " \n"))
    gold = written(tmp_path / "gold.csv", "task, truth\nt1 , cat\n")
    assert run(path, "--gold", gold).output == run(few, "--gold", gold).output
    table = {" label": ["cat ", "dog"], "task ": ["t1", "t1 "], "worker": ["ann", "bob"]}
    parquet.write_table(pa.table(table), tmp_path / "spaced.parquet")
    assert rows(run(tmp_path / "spaced.parquet").stdout)[0]["answers"] == "2"


def test_ties_go_to_the_first_label_and_numbers_are_in_order(tmp_path):
    path = written(tmp_path / "answers.csv", HEAD + "t1,ann,10\nt1,bob,9\n")
    assert rows(run(path, "--model", "majority").stdout)[0]["label"] == "9"
    assert rows(run(path, "--model", "majority", "--labels", "10,9").stdout)[0]["label"] == "10"


@pytest.mark.parametrize("odd", ["--5", "5-", "-", "9" * 5000, "5.0"])
def test_labels_that_only_look_like_numbers_are_texts(odd, tmp_path):
    path = written(tmp_path / "answers.csv", HEAD + f"t1,ann,{odd}\nt1,bob,10\nt1,eve,9\n")
    assert rows(run(path, "--model", "majority").stdout)[0]["label"] == min(odd, "10", "9")


BAD = {
    "": "The file is empty",
    HEAD: "has no rows",
    "task,worker\nt1,ann\n": "there is no column 'label'; the columns are 'task', 'worker'",
    "task,worker,label,label\nt1,ann,a,b\n": "there is more than one column 'label'",
    FEW + "t3,,cat\n": "row 6, column 'worker': the value is missing ('')",
    FEW + "t3,ann,nan\n": "row 6, column 'label': the value is missing ('nan')",
    FEW + "t3,ann, \n": "row 6, column 'label': the value is missing (' ')",
    FEW + "t3,ann,NAN\n": "row 6, column 'label': the value is missing ('NAN')",
    FEW + "t3,ann,ca\0t\n": "row 6, column 'label': 'ca\\x00t' has a NUL character",
    FEW + "t3,ann\n": "row 6: 2 fields, but the header has 3",
    FEW.encode() + "t3,ann,Käfer\n".encode("latin-1"): "line 7: byte 0xe4 is not UTF-8",
    FEW.encode("utf-16"): "UTF-16",
    b"PK\x03\x04" + bytes(100): "CSV and Parquet files",
    b"PAR1" + bytes(100): "answers",
    "task,worker,label": "has no rows",
    FEW + 't3,ann,"cat\nt3,bob,cat\n': "row 6: a quote that is opened here is never closed",
    FEW + 't3,"ann,cat\nt3,bob,cat\n': "row 6: a quote that is opened here is never closed",
    FEW + "t3,bob,cat\n" * 500_000 + '"' + "t3,bob,cat\n" * 900_000: "is longer than 4,194,304 bytes, or its quote",
}


@pytest.mark.parametrize(("content", "said"), BAD.items())
def test_a_file_that_cannot_be_read_is_refused_naming_the_place(content, said, tmp_path):
    path, out = written(tmp_path / "answers.csv", content), tmp_path / "out.csv"
    done = run(path, "--out", out)
    assert done.exit_code == 2
    assert said in done.stderr
    assert str(path) in done.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_a_label_outside_the_label_set_is_refused_and_nan_may_be_a_label(few, tmp_path):
    done = run(few, "--labels", "cat,bird")
    assert done.exit_code == 2
    assert "row 3, column 'label': 'dog' is not in the label set ('cat', 'bird')" in done.stderr
    path = written(tmp_path / "bread.csv", HEAD + "t1,ann,nan\n")
    assert rows(run(path, "--labels", "nan,pita").stdout)[0]["label"] == "nan"
    gold = written(tmp_path / "gold.csv", "task,label\nt1,cat\nt2,fox\n")
    assert "row 2, column 'label': 'fox' is not in" in run(few, "--labels", "cat,dog", "--gold", gold).stderr


def test_a_million_distinct_labels_are_refused_at_once(tmp_path):
    text = HEAD + "".join(f"t{row},ann,label{row}\n" for row in range(1_000_000))
    done = run(written(tmp_path / "answers.csv", text))
    assert done.exit_code == 2
    assert "row 1001, column 'label': 'label1000' is the 1,001th different label; at most 1,000" in done.stderr


def test_more_probabilities_than_fit_in_memory_are_refused(few, monkeypatch):
    monkeypatch.setattr(answers_file, "MOST_CELLS", 3)
    done = run(few)
    assert (done.exit_code, "2 tasks times 2 labels are more than 3" in done.stderr) == (2, True)


def test_the_tables_of_workers_and_the_labels_of_gold_count_too(few, tmp_path, monkeypatch):
    monkeypatch.setattr(answers_file, "MOST_CELLS", 7)
    done = run(few)
    assert (done.exit_code, "4 different labels of the workers times 2 labels are more than 7" in done.stderr) == (
        2,
        True,
    )
    assert run(few, "--model", "majority").exit_code == 0
    gold = written(tmp_path / "gold.csv", "task,label\nt1,fox\nt2,hen\n")
    done = run(few, "--model", "majority", "--gold", gold)
    assert (done.exit_code, "2 tasks times 4 labels are more than 7" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "tarot"], "'tarot' is not one of 'majority'"),
        (["--labels", "cat,,dog"], "give every label once"),
        (["--labels", "cat,cat"], "give every label once"),
        (["--gold", "nowhere.csv"], "does not exist"),
        (["--out", "nowhere/out.csv"], "No such file"),
    ],
)
def test_options_that_cannot_be_are_refused(few, arguments, said):
    done = run(few, *arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_gold_for_a_model_without_a_place_for_it_is_refused(few, tmp_path):
    gold = written(tmp_path / "gold.csv", "task,label\nt1,cat\n")
    done = run(few, "--gold", gold, "--model", "wawa")
    assert (done.exit_code, "gold and initial counts are for" in done.stderr) == (2, True)


def test_gold_that_contradicts_itself_is_refused(tmp_path):
    path = written(tmp_path / "gold.csv", "task,label\nt1,cat\nt2,dog\nt1,dog\n")
    with pytest.raises(Invalid, match="row 3, column 'label': task 't1' is 'dog' here, but 'cat' before"):
        read_gold(path)
    assert read_gold(written(path, "task,label\nt1,cat\nt1,cat\n")) == {"t1": "cat"}


def test_an_output_that_fails_leaves_the_old_file(few, tmp_path):
    old = written(tmp_path / "out.csv", "old")
    done = run(few, "--out", old, "--workers", tmp_path / "no folder" / "workers.csv")
    assert done.exit_code == 2
    assert old.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == sorted([few, old])


def test_no_file_of_the_command_is_written_over_and_the_output_can_be_named(few, tmp_path):
    gold = written(tmp_path / "gold.csv", "task,label\nt1,cat\n")
    for option, other in (("--out", few), ("--out", gold), ("--workers", few), ("--workers", tmp_path / "new.csv")):
        out = [] if option == "--out" else ["--out", tmp_path / "new.csv"]
        done = run("--gold", gold, *out, option, other, few)
        assert (done.exit_code, "this is also the file of" in done.stderr) == (2, True)
    assert few.read_text() == FEW
    assert sorted(tmp_path.iterdir()) == sorted([few, gold])
    assert run(few, "--out", "-").stdout == run(few).stdout
    assert run(few, "--workers", "-").exit_code == 2


def test_devices_are_written_to_and_links_stay(few, tmp_path):
    device = tmp_path / "null"
    device.symlink_to("/dev/null")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    assert run(few, "--out", tmp_path / "link.csv", "--workers", device).exit_code == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == run(few).stdout
    assert (device.is_symlink(), device.is_char_device()) == (True, True)
    done = run(few, "--out", "/dev/full")
    assert (done.exit_code, "No space left on device" in done.stderr) == (2, True)
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "broker.cli", "aggregate", str(few)]
        told = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (told.returncode, told.stderr) == (1, b"Error: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.array([1.0, float("nan")]), "row 2, column 'label': the value is missing"),
        (pa.array(["a", None]), "row 2, column 'label': the value is missing"),
        (pa.array([["a"], ["b"]]), "is no type of names or labels"),
    ],
)
def test_parquet_with_gaps_or_lists_is_refused(column, said, tmp_path):
    path = tmp_path / "answers.parquet"
    parquet.write_table(pa.table({"task": ["t1", "t2"], "worker": [1, 2], "label": column}), path)
    done = run(path)
    assert (done.exit_code, said in done.stderr) == (2, True)


def test_parquet_that_is_damaged_is_refused_as_answers_and_as_gold(few, tmp_path):
    path = tmp_path / "damaged.parquet"
    parquet.write_table(pa.table({"task": ["t1"], "worker": ["ann"], "label": ["ä" * 50]}), path, compression="none")
    whole = path.read_bytes()
    for content in (whole[:10] + b"\xff" * 20 + whole[30:], whole[:-60] + b"\xff" * 40 + whole[-20:]):
        path.write_bytes(content)
        for done in (run(path), run(few, "--gold", path)):
            assert (done.exit_code, f"{path}, " in done.stderr, "UTF-8" in done.stderr) == (2, True, False)
    parquet.write_table(pa.table({"task": ["t1"], "worker": ["ann"], "label": pa.array([b"\xff"]).view("utf8")}), path)
    assert (run(path).exit_code, "0xff" in run(path).stderr) == (2, True)


def test_blank_lines_before_the_header_are_passed_over(few, tmp_path):
    assert run(written(tmp_path / "blank.csv", "\n\n" + FEW)).output == run(few).output


def test_a_pipe_is_refused():
    with subprocess.Popen(["cat", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        done = run(f"/dev/fd/{process.stdout.fileno()}")
        process.stdin.close()
    assert (done.exit_code, "is a pipe, which cannot be read twice" in done.stderr) == (2, True)


names = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=5).filter(
    lambda text: text.strip().lower() not in answers_file.MISSING
)


@given(st.lists(st.tuples(names, names, names), min_size=1, max_size=30), st.sampled_from(["csv", "tsv", "parquet"]))
@settings(deadline=None, max_examples=60)
def test_a_file_reads_as_its_columns(tmp_path_factory, table, ending):
    path = tmp_path_factory.mktemp("table") / f"answers.{ending}"
    columns = dict(zip(("task", "worker", "label"), map(list, zip(*table, strict=True)), strict=True))
    if ending == "parquet":
        parquet.write_table(pa.table(columns).append_column("note", pa.array([0] * len(table))), path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter="\t" if ending == "tsv" else ",", quoting=csv.QUOTE_ALL)
            writer.writerows([columns, *table])
    read = read_answers(path)
    plain = [[text.strip() for text in column] for column in columns.values()]
    known = Answers.from_columns(*plain, label_names=read.labels)
    assert sorted(read.labels) == sorted(set(plain[2]))
    for part in ("item", "worker", "label", "items", "workers", "replaced"):
        assert np.array_equal(getattr(read, part), getattr(known, part))


@given(odd_answers(), st.integers(1, 7))
@settings(deadline=None, max_examples=30)
def test_batches_do_not_change_what_is_read(tmp_path_factory, answers, size):
    path = tmp_path_factory.mktemp("batches") / "answers.parquet"
    columns = dict(zip(("task", "worker", "label"), map(list, zip(*named(answers), strict=True)), strict=True))
    parquet.write_table(pa.table(columns), path, row_group_size=size)
    read = read_answers(path)
    assert [*zip(*columns.values(), strict=True)] == [
        (read.items[item], read.workers[worker], read.labels[label])
        for item, worker, label in zip(read.item, read.worker, read.label, strict=True)
    ]


def test_real_answers_are_aggregated_as_the_library_does():
    answers, _ = real("dog")
    path = folder_of("dog") / "answers.csv"
    found = aggregate(answers, "dawid-skene")
    labels = {row["task"]: row["label"] for row in rows(run(path).stdout)}
    assert labels == {
        item: answers.labels[code] for item, code in zip(answers.items, found.labels.tolist(), strict=True)
    }


def test_a_reader_that_stops_reading_is_no_failure_of_ours(tmp_path):
    crowd = made(1, items=30_000, workers=30, per_item=1)
    path = as_csv(tmp_path / "answers.csv", named(crowd.answers))
    command = [sys.executable, "-m", "broker.cli", "aggregate", str(path), "--model", "majority"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"task,label,confidence,undecided,answers\n"
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()

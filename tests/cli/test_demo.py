"""The demo and its simulated crowd, against whole installations."""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile

import pytest
from click.testing import CliRunner
from PIL import Image

from broker.cli import digits, main, truths

DEMO_SECONDS = 240


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return digits.write(tmp_path_factory.mktemp("digits"))


def rows(path, column="label"):
    with path.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row[column] for row in csv.DictReader(file)}


def test_the_digits_are_those_of_scikit_learn_with_as_much_gold_of_each(made):
    with zipfile.ZipFile(made.pictures) as archive:
        names = archive.namelist()
        with Image.open(io.BytesIO(archive.read(names[0]))) as picture:
            assert (picture.size, picture.format) == ((120, 120), "PNG")
    gold = rows(made.gold)
    assert len(names) == len(rows(made.truth)) == digits.ALL
    assert sorted(gold.values()) == sorted([str(digit) for digit in range(10)] * 6)
    assert all(made.labels[name] == label for name, label in gold.items())


def test_a_picture_is_known_by_its_pixels_however_it_is_packed(made):
    known = truths.read(made.truth, "name", "label", made.pictures)
    with zipfile.ZipFile(made.pictures) as archive, Image.open(archive.open("digit-0005.png")) as picture:
        packed = io.BytesIO()
        picture.convert("RGB").save(packed, "BMP")
    assert known.of_picture(packed.getvalue()) == made.labels["digit-0005.png"]


def test_a_truth_file_without_its_column_is_named(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text("text,answer\nx,y\n")
    said = CliRunner().invoke(main, ["simulate", "http://127.0.0.1:9", "J", "--truth", str(path), "--key", "text"])
    assert said.exit_code == 1
    assert "has no column 'label'" in said.output
    assert "SIMULATION" in said.output


def test_the_demo_labels_digits_and_leaves_nothing_running(tmp_path):
    # What goes wrong in a part is in the demo's own log; the command shows what came of it.
    command = [sys.executable, "-m", "broker.cli", "demo", "--exit", "--items", "200"]
    environment = {**os.environ, "BROKER_DATA": str(tmp_path), "BROKER_PORT": "0", "COLUMNS": "200"}
    ran = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=DEMO_SECONDS)
    log = (tmp_path / "demo" / "log").read_text()
    assert ran.returncode == 0, ran.stdout + ran.stderr + log
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["hits"] == 200
    assert told["answers"] > 140 * 3
    assert told["accuracy_dawid_skene"] > 0.7 < told["accuracy_majority"]
    for shown in ("SIMULATION", "random clicker", "requester@demo.example", "money spent", "labels.csv"):
        assert shown in ran.stdout
    labels = rows(tmp_path / "demo" / "labels.csv", "consensus")
    assert len(labels) == 200
    assert "Traceback" not in log

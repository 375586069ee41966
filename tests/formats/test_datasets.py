"""A dataset in Hugging Face's layout, loaded by their own library."""

import io
import json
import zipfile

import pyarrow.parquet as pq
import pytest
import yaml

from tests.formats.labelled_texts import labelled, written


def items(*splits):
    lines = [{"row": at, "text": f"no {at}", "answer": "cat", "confidence": 0.5} for at in range(len(splits))]
    return [labelled("spans", row=at, line=lines[at], split=split) for at, split in enumerate(splits)]


@pytest.fixture
def folder(tmp_path):
    def unpacked(found):
        with zipfile.ZipFile(io.BytesIO(written("datasets", found, ["cat", "dog"]))) as archive:
            archive.extractall(tmp_path)
        return tmp_path

    return unpacked


def test_datasets_loads_the_splits_from_the_folder(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset  # noqa: PLC0415 - it reads the variable when it is imported

    path = folder(items("train", "test", "train", "validation", "train"))
    found = load_dataset(str(path), cache_dir=str(tmp_path / "cache"))
    assert {name: len(rows) for name, rows in found.items()} == {"train": 3, "validation": 1, "test": 1}
    assert found["train"]["text"][:] == ["no 0", "no 2", "no 4"]
    assert found["test"][0] == {"row": 1, "text": "no 1", "answer": "cat", "confidence": 0.5}


def test_without_splits_all_is_for_training(folder):
    path = folder(items("", ""))
    assert pq.read_table(path / "data" / "train-00000-of-00001.parquet").num_rows == 2
    assert [one.name for one in (path / "data").iterdir()] == ["train-00000-of-00001.parquet"]


def test_the_card_says_which_files_are_which_split(folder):
    card = (folder(items("train", "test")) / "README.md").read_text()
    head = yaml.safe_load(card.split("---")[1])
    files = [{"split": "train", "path": "data/train-*"}, {"split": "test", "path": "data/test-*"}]
    assert head == {"configs": [{"config_name": "default", "data_files": files}], "size_categories": ["n<1K"]}
    assert "Labels: cat, dog." in card
    assert json.dumps(files) in card


def test_nothing_labelled_is_a_card_alone(folder):
    assert [one.name for one in folder([]).iterdir()] == ["README.md"]


def test_the_same_items_give_the_same_bytes():
    assert written("datasets", items("train")) == written("datasets", items("train"))

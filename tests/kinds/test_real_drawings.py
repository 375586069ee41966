"""Real boxes and masks of real people: their consensus is nearer to the truth than they are."""

from pathlib import Path

import pytest

from benchmarks import kinds_boxes, kinds_masks

PLACES = [parent / "shared/data" for parent in Path(__file__).resolve().parents]
DATA = next((place for place in PLACES if place.is_dir()), None)
needs_data = pytest.mark.skipif(
    DATA is None, reason="real answers not found: put shared/data beside or above the project"
)


def first(path, folder, items):
    """A copy of a set's tables with its first items only."""
    for table in (DATA / path).glob("*.csv"):
        lines = table.read_text().splitlines(keepends=True)
        kept = dict.fromkeys(line.split(",")[0] for line in (DATA / path / "tasks.csv").read_text().splitlines()[1:])
        chosen = set(list(kept)[:items])
        target = folder / path / table.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("".join([lines[0], *(line for line in lines[1:] if line.split(",")[0] in chosen)]))
    return folder


@needs_data
def test_the_consensus_of_boxes_beats_one_worker_and_the_answer_most_like_the_others(tmp_path):
    found = kinds_boxes.run(first(kinds_boxes.SET, tmp_path, 250))
    assert found["items"] > 100
    assert found["consensus"] > found["single"] + 0.05
    assert found["consensus"] > found["most_alike"]


@needs_data
def test_the_consensus_of_masks_beats_one_reader_and_crowd_kits_ways(tmp_path):
    found = kinds_masks.run(first(kinds_masks.SET, tmp_path, 60))
    assert found["consensus"] > found["single"] + 0.02
    assert found["consensus"] > max(value for name, value in found.items() if name.startswith("crowdkit"))

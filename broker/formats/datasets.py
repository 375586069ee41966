"""The layout that Hugging Face's `datasets` loads from a folder: Parquet for each split, and a card that says so."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import IO, Any, BinaryIO

from broker.annotation.labelled import Labelled
from broker.formats import tables
from broker.formats.archive import Archive

SPLITS = {"train": "train", "validation": "validation", "test": "test"}
ONLY = "train"
IN_MEMORY = 1 << 20


def write_datasets(items: Iterable[Labelled], labels: Sequence[str], file: BinaryIO) -> None:
    """A ZIP of data/<split>-00000-of-00001.parquet and README.md, the dataset's card.

    Layout: huggingface.co/docs/hub/datasets-manual-configuration. Splits come mixed, so that their lines wait in
    temporary files.
    """
    with ExitStack() as stack:
        waiting: dict[str, IO[bytes]] = {}
        counts: dict[str, int] = {}
        columns: list[str] = []
        for item in items:
            split = SPLITS.get(item.split, ONLY)
            if split not in waiting:
                waiting[split] = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))
            columns = columns or list(item.line)
            waiting[split].write(json.dumps(dict(item.line)).encode() + b"\n")
            counts[split] = counts.get(split, 0) + 1
        with Archive(file) as archive:
            for split in [name for name in SPLITS if name in waiting]:
                _parquet(archive, split, waiting[split], columns)
            archive.write("README.md", _card(counts, labels))


def _parquet(archive: Archive, split: str, lines: IO[bytes], columns: Sequence[str]) -> None:
    lines.seek(0)
    with tempfile.TemporaryFile() as table:
        tables.write_parquet(_read(lines), columns, table)
        table.seek(0)
        with archive.open(f"data/{split}-00000-of-00001.parquet") as entry:
            shutil.copyfileobj(table, entry)


def _read(lines: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    return (json.loads(line) for line in lines)


def _card(counts: Mapping[str, int], labels: Sequence[str]) -> str:
    """YAML as JSON: every JSON document is one."""
    files = [{"split": name, "path": f"data/{name}-*"} for name in SPLITS if name in counts]
    head = {
        "configs": [{"config_name": "default", "data_files": files}],
        "size_categories": [_size(sum(counts.values()))],
    }
    about = "\n".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in head.items())
    rows = "\n".join(f"| {name} | {counts[name]:,} |" for name in SPLITS if name in counts)
    named = f"\nLabels: {', '.join(labels)}.\n" if labels else ""
    return (
        f"---\n{about}\n---\n\n# Labelled by a crowd\n\n| split | items |\n|---|---|\n{rows}\n{named}\n"
        "The answers are the consensus of several people, weighed by the trust in each; `confidence` says how sure it\n"
        "is.\n"
    )


def _size(items: int) -> str:
    for most, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")):
        if items < most:
            return name
    return "n>1M"

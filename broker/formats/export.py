"""The formats in which results leave: each writes items with their answers into an open binary file, as a stream."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO

from broker.annotation.labelled import Labelled
from broker.formats import coco, conll, datasets, masks_png, strengths, subtitles, tables, voc, yolo
from broker.formats.write import write_csv, write_jsonl

Write = Callable[[Iterable[Labelled], Sequence[str], BinaryIO], None]


@dataclass(frozen=True)
class Export:
    """A format: its name in addresses (at most 10 letters), what people read, how its files end and are served.

    `write` takes the items, the names of the kind's labels in the order of its settings, and the open file;
    `unanswered` says whether it is given items without a consensus too.
    """

    name: str
    title: str
    suffix: str
    mimetype: str
    write: Write
    unanswered: bool = False


def csv(items: Iterable[Labelled], labels: Sequence[str], file: BinaryIO) -> None:  # noqa: ARG001 - as all writers
    """A line for each item, as spreadsheets read it."""
    lines, columns = _lines(items)
    file.writelines(write_csv(lines, columns))


def jsonl(items: Iterable[Labelled], labels: Sequence[str], file: BinaryIO) -> None:  # noqa: ARG001 - as all writers
    """A JSON object for each item."""
    file.writelines(write_jsonl(_lines(items)[0]))


def parquet(items: Iterable[Labelled], labels: Sequence[str], file: BinaryIO) -> None:  # noqa: ARG001 - as all writers
    """A row for each item."""
    tables.write_parquet(*_lines(items), file)


def _lines(items: Iterable[Labelled]) -> tuple[Iterable[Mapping[str, Any]], list[str]]:
    """The items' lines, and their columns, which are those of the first one."""
    lines = (_line(item) for item in items)
    first = next(lines, None)
    return (chain([first], lines), list(first)) if first is not None else ((), [])


def _line(item: Labelled) -> Mapping[str, Any]:
    """The line; what a table already has under "split" keeps its name."""
    if not item.split:
        return item.line
    name = "split"
    while name in item.line:
        name += "_"
    return {**item.line, name: item.split}


EXPORTS: dict[str, Export] = {
    one.name: one
    for one in (
        Export("csv", "CSV", ".csv", "text/csv; charset=utf-8", csv, unanswered=True),
        Export("jsonl", "JSON Lines", ".jsonl", "application/jsonl; charset=utf-8", jsonl, unanswered=True),
        Export("parquet", "Parquet", ".parquet", "application/vnd.apache.parquet", parquet, unanswered=True),
        Export("datasets", "Hugging Face dataset", ".zip", "application/zip", datasets.write_datasets),
        Export("conll2003", "CoNLL-2003", ".conll", "text/plain; charset=utf-8", conll.write_2003),
        Export("conllu", "CoNLL-U", ".conllu", "text/plain; charset=utf-8", conll.write_conllu),
        Export("webvtt", "WebVTT subtitles", ".zip", "application/zip", subtitles.write_webvtt),
        Export("srt", "SubRip subtitles", ".zip", "application/zip", subtitles.write_srt),
        Export("bradley", "Strengths (Bradley-Terry)", ".csv", "text/csv; charset=utf-8", strengths.write_strengths),
        Export("coco", "COCO", ".json", "application/json; charset=utf-8", coco.write),
        Export("yolo", "YOLO", ".zip", "application/zip", yolo.write),
        Export("voc", "Pascal VOC", ".zip", "application/zip", voc.write),
        Export("masks", "Masks as PNG", ".zip", "application/zip", masks_png.write),
    )
}

"""Files of answers and of gold, read as a stream into codes: CSV (or tab-separated) and Parquet, by Arrow."""

import csv
import io
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import compute, parquet
from pyarrow import csv as arrow_csv

from broker.errors import Invalid, Problem
from broker.formats import detect
from broker.truth.answers import UNKNOWN, Answers, Codes

COLUMNS = ("task", "worker", "label")
TRUTHS = ("label", "truth")
"""What the column of a gold file is called that holds the truth."""
MOST_LABELS = 1000
MOST_CELLS = 400_000_000
"""Tasks times labels: a posterior has a number (8 bytes) for each."""
BLOCK = 1 << 22
END = b"\n\x03 end of the file \x03"
"""A row of one field behind the last row of a CSV file: where a quote is never closed it is no row of its own."""
MISSING = ("", "nan")
"""A missing value as programs write it, in any case; a label may be called so if the label set says it."""
WHOLE = re.compile(r"-?\d{1,1000}")
"""Whole numbers; Python reads none of many thousand digits."""

UNCLOSED = "a quote that is opened here is never closed"

Tell = Callable[[int], None]
"""Called with the number of bytes read so far."""


@dataclass
class Names:
    """The distinct values of a column, without blanks around them, coded as they appear; `fixed`: no others are
    allowed.
    """

    column: str
    fixed: bool = False
    most: int | None = None
    codes: dict[str, int] = field(default_factory=dict)

    def coded(self, values: Any, before: int) -> Codes:
        """The codes of an Arrow array of texts whose first value is in row `before` + 1. Raises Invalid."""
        found = compute.dictionary_encode(values)
        wanted = found.dictionary.to_pylist()
        places = np.array([self._code(text.strip()) for text in wanted], dtype=np.int32)
        indices = found.indices.to_numpy()
        if (places < 0).any():
            row = int(np.flatnonzero(places[indices] < 0)[0])
            self._refuse(wanted[indices[row]], before + row + 1)
        codes: Codes = places[indices]
        return codes

    def _code(self, text: str) -> int:
        known = self.codes.get(text)
        if known is not None:
            return known
        full = self.most is not None and len(self.codes) >= self.most
        if self.fixed or full or "\0" in text or text.lower() in MISSING:
            return UNKNOWN
        return self.codes.setdefault(text, len(self.codes))

    def _refuse(self, text: str, row: int) -> None:
        if text.strip().lower() in MISSING:
            said = f"the value is missing ({text!r})"
        elif "\0" in text:
            said = f"{text!r} has a NUL character"
        elif self.fixed:
            said = f"{text!r} is not in the label set ({_listed(self.codes)})"
        else:
            said = (
                f"{text!r} is the {(self.most or 0) + 1:,}th different label; at most {self.most:,} can be aggregated"
            )
        raise Invalid(str(Problem(said, row=row, column=self.column)))


def read_answers(path: Path, *, labels: Sequence[str] | None = None, tell: Tell = lambda _: None) -> Answers:
    """Answers from a file with the columns task, worker and label; others are not looked at.

    Tasks and workers are coded as they appear, labels in order (of numbers, if all are), or as in `labels`, which also
    fixes what is allowed; blanks around a name do not count. Of several answers of a worker to a task the last one
    counts. Raises Invalid, naming row (the first below the header is 1) and column.
    """
    known = Names("label", fixed=labels is not None, most=MOST_LABELS, codes=_codes(labels or ()))
    names = (Names("task"), Names("worker"), known)
    found = _coded(path, COLUMNS, names, tell)
    order = tuple(labels) if labels is not None else tuple(sorted(known.codes, key=_rank(known.codes)))
    _check_size(path, len(names[0].codes), len(order))
    places = np.empty(len(order), dtype=np.int32)
    places[[known.codes[label] for label in order]] = np.arange(len(order), dtype=np.int32)
    sizes = {"n_items": len(names[0].codes), "n_workers": len(names[1].codes), "n_classes": len(order)}
    answers = Answers.from_codes(found[0], found[1], places[found[2]], **sizes)
    return replace(answers, items=tuple(names[0].codes), workers=tuple(names[1].codes), labels=order)


def read_gold(path: Path, *, labels: Sequence[str] | None = None) -> dict[Hashable, Hashable]:
    """Truth by task from a file with the columns task and label (or truth). Raises Invalid, naming row and column,
    also for a task with two truths.
    """
    header = [name.strip() for name in _header(path)]
    column = next((name for name in TRUTHS if name in header), TRUTHS[0])
    known = Names(column, fixed=labels is not None, most=MOST_LABELS, codes=_codes(labels or ()))
    tasks = Names("task")
    task, truth = _coded(path, ("task", column), (tasks, known), lambda _: None)
    first = np.full(len(tasks.codes), UNKNOWN, dtype=np.int32)
    first[task[::-1]] = truth[::-1]
    unlike = np.flatnonzero(first[task] != truth)
    names, words = list(tasks.codes), list(known.codes)
    if unlike.size:
        row = int(unlike[0])
        said = f"task {names[task[row]]!r} is {words[truth[row]]!r} here, but {words[first[task[row]]]!r} before"
        raise Invalid(f"{path}, {Problem(said, row=row + 1, column=column)}")
    return {names[code]: words[first[code]] for code in range(len(names))}


def with_labels(answers: Answers, labels: Sequence[Hashable]) -> Answers:
    """The same answers in a label set with these labels too: a truth may be one that nobody answered.

    Raises Invalid for more labels than there is room for.
    """
    more = [label for label in dict.fromkeys(labels) if label not in set(answers.labels)]
    if not more:
        return answers
    whole = tuple(sorted((*answers.labels, *more), key=_rank([str(one) for one in (*answers.labels, *more)])))
    _check_size("answers and gold", answers.n_items, len(whole))
    code = {label: place for place, label in enumerate(whole)}
    places = np.array([code[label] for label in answers.labels], dtype=np.int32)
    return replace(answers, label=places[answers.label], n_classes=len(whole), labels=whole)


def _coded(path: Path, columns: Sequence[str], names: Sequence[Names], tell: Tell) -> list[Codes]:
    parts: list[list[Codes]] = [[] for _ in columns]
    rows = 0
    try:
        for batch in _batches(path, columns, tell):
            for place, column in enumerate(columns):
                parts[place].append(names[place].coded(_texts(batch.column(place), column, rows), rows))
            rows += batch.num_rows
    except Invalid as error:
        if error.message.startswith(str(path)):
            raise
        raise Invalid(f"{path}, {error.message}") from error
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path}, {_undecodable(path) or _on_a_line(error)}") from error
    if not rows:
        raise Invalid(f"{path} is empty: it has no rows")
    return [np.concatenate(part) for part in parts]


def _batches(path: Path, columns: Sequence[str], tell: Tell) -> Iterator[Any]:
    written = _header(path)
    header = [name.strip() for name in written]
    for column in columns:
        if header.count(column) != 1:
            fault = "no column" if column not in header else "more than one column"
            raise Invalid(f"there is {fault} {column!r}; the columns are {_listed(header)}")
    columns = [written[header.index(column)] for column in columns]
    with path.open("rb") as file:
        delimiter = _delimiter(path, file)
        if delimiter is None:
            yield from _parquet_batches(file, columns, tell)
        else:
            yield from _csv_batches(file, columns, delimiter, tell)


def _csv_batches(file: BinaryIO, columns: Sequence[str], delimiter: str, tell: Tell) -> Iterator[Any]:
    faults: list[Any] = []
    ends: list[Any] = []

    def refuse(row: Any) -> str:
        ended = str(row.text) == END.decode().strip("\n")
        (ends if ended else faults).append(row)
        return "skip" if ended else "error"

    rows = 0
    try:
        stream = arrow_csv.open_csv(
            _Ended(file),
            read_options=arrow_csv.ReadOptions(block_size=BLOCK, use_threads=False),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), include_columns=list(columns)
            ),
        )
        for batch in stream:
            rows += batch.num_rows
            tell(file.tell())
            yield batch
    except pa.ArrowInvalid as error:
        if "straddling" in str(error):
            said = f"is longer than {BLOCK:,} bytes, or its quote is never closed"
            raise Invalid(f"a row after row {rows} {said}") from error
        if not faults:
            raise
        raise Invalid(str(_fault(faults[0]))) from error
    if not ends:
        raise Invalid(str(Problem(UNCLOSED, row=rows)))


class _Ended(io.RawIOBase):
    """A file with END behind it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._rest = file, END

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        room = len(END) if size < 0 else size - len(block)
        more, self._rest = self._rest[:room], self._rest[room:]
        return block + more


def _fault(row: Any) -> Problem:
    """What is wrong with a row that has not as many fields as the header; rows come with their place in the file."""
    unclosed = str(row.text).endswith(END.decode())
    said = UNCLOSED if unclosed else f"{row.actual_columns} fields, but the header has {row.expected_columns}"
    return Problem(said, row=None if row.number is None else row.number - 1)


def _parquet_batches(file: BinaryIO, columns: Sequence[str], tell: Tell) -> Iterator[Any]:
    for batch in parquet.ParquetFile(file).iter_batches(columns=list(columns)):
        tell(file.tell())
        yield batch.select(list(columns))


def _texts(values: Any, column: str, before: int) -> Any:
    """As texts without gaps; NaN is a gap."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type):
        raise Invalid(str(Problem(f"{values.type} is no type of names or labels", column=column)))
    gaps = compute.is_null(values, nan_is_null=True)
    if values.null_count or compute.any(gaps).as_py():
        row = compute.index(gaps, value=True).as_py()
        raise Invalid(str(Problem("the value is missing", row=before + row + 1, column=column)))
    return values.cast(pa.string())


def _header(path: Path) -> list[str]:
    with path.open("rb") as file:
        if not file.seekable():
            raise Invalid(f"{path} is a pipe, which cannot be read twice: save it in a file first")
        delimiter = _delimiter(path, file)
        if delimiter is None:
            return _parquet_header(path, file)
        head = io.StringIO(file.read(detect.HEAD).decode("utf-8-sig", errors="replace"), newline="")
    return next(filter(None, csv.reader(head, delimiter=delimiter)), [])


def _parquet_header(path: Path, file: BinaryIO) -> list[str]:
    try:
        return [str(name) for name in parquet.read_schema(file).names]
    except (pa.ArrowException, OSError) as error:
        raise Invalid(f"{path}, {_on_a_line(error)}") from error


def _delimiter(path: Path, file: BinaryIO) -> str | None:
    """The delimiter of a text file, None for Parquet; raises Invalid for all else."""
    try:
        reader = detect.reader_for(path.name, file.read(detect.HEAD))
    except Invalid as error:
        raise Invalid(f"{path}: {error.message}") from error
    finally:
        file.seek(0)
    if reader.name not in {"csv", "tsv", "parquet"}:
        raise Invalid(f"{path}: answers are read from CSV and Parquet files")
    keywords: Mapping[str, str] = getattr(reader.read, "keywords", {})
    return keywords.get("delimiter") if reader.name != "parquet" else None


def _undecodable(path: Path) -> str | None:
    """Where a text file stops to be UTF-8, if it does."""
    with path.open("rb") as file:
        if _delimiter(path, file) is None:
            return None
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                byte = line[error.start]
                return f"line {number}: byte {byte:#04x} is not UTF-8; save the whole file in UTF-8"
    return None


def _on_a_line(error: Exception) -> str:
    return " ".join(str(error).split())


def check_tables(path: Path, answers: Answers) -> None:
    """Raise Invalid where the tables of a model that has some, a row per worker and label they used, are too large."""
    rows, labels = min(len(answers), answers.n_workers * answers.n_classes), answers.n_classes
    if rows * labels > MOST_CELLS:
        rows = len(np.unique(answers.worker.astype(np.int64) * labels + answers.label))
    if rows * labels > MOST_CELLS:
        said = f"{rows:,} different labels of the workers times {labels:,} labels"
        raise Invalid(f"{path}: {said} are more than {MOST_CELLS:,} probabilities; --model majority needs none of them")


def _check_size(path: Path | str, tasks: int, labels: int) -> None:
    if tasks * labels > MOST_CELLS:
        raise Invalid(f"{path}: {tasks:,} tasks times {labels:,} labels are more than {MOST_CELLS:,} probabilities")


def _codes(labels: Sequence[str]) -> dict[str, int]:
    return {label: code for code, label in enumerate(labels)}


def _rank(labels: Any) -> Callable[[Any], Any]:
    """Order of numbers where all labels are whole numbers, else of texts."""
    numbers = all(WHOLE.fullmatch(label) for label in labels)
    return (lambda label: (int(label), label)) if numbers else str


def _listed(names: Any, most: int = 20) -> str:
    some = [repr(name) for name in list(names)[:most]]
    return ", ".join(some) + (f" and {len(names) - most} more" if len(names) > most else "")

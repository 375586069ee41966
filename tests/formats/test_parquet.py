"""Parquet: every type's form in JSON, and what has none."""

import datetime as dt
import io
import subprocess
import sys
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet as arrow

from broker.errors import Invalid, TooLarge
from broker.formats import parquet
from broker.formats.limits import Limits
from broker.formats.rows import Problem
from tests.formats.samples import read_all, resume_everywhere


def written(columns, **options) -> bytes:
    stream = io.BytesIO()
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    arrow.write_table(table, stream, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([7, None], pa.int64(), [7, None]),
        ([0.5], pa.float32(), [0.5]),
        ([True], pa.bool_(), [True]),
        (["é"], pa.large_string(), ["é"]),
        (["a", "b", "a"], pa.dictionary(pa.int8(), pa.string()), ["a", "b", "a"]),
        ([b"text"], pa.binary(), ["text"]),
        ([Decimal("1.50")], pa.decimal128(9, 2), ["1.50"]),
        ([dt.date(2026, 1, 2)], pa.date32(), ["2026-01-02"]),
        ([1_001], pa.time64("ns"), ["00:00:00.000001"]),
        ([1_500_000_001], pa.timestamp("ns"), ["1970-01-01T00:00:01.500000"]),
        ([1_500], pa.timestamp("ms", "Europe/Berlin"), ["1970-01-01T01:00:01.500000+01:00"]),
        ([1_500_000_001], pa.duration("ns"), [1.5]),
        ([[1, None], []], pa.list_(pa.int32()), [[1, None], []]),
        ([[1, 2]], pa.list_(pa.int8(), 2), [[1, 2]]),
        ([{"at": 5_000, "n": [1]}], pa.struct([("at", pa.timestamp("ns")), ("n", pa.list_(pa.int8()))]), None),
        ([[("k", 1)], []], pa.map_(pa.string(), pa.int64()), [{"k": 1}, []]),
        ([None], pa.null(), [None]),
    ],
)
def test_every_type_has_a_stated_form(values, kind, expected):
    if expected is None:
        expected = [{"at": "1970-01-01T00:00:00.000005", "n": [1]}]
    rows, problems = read_all(parquet.read, written({"x": pa.array(values, kind)}))
    assert problems == []
    assert [row.payload["x"] for row in rows] == expected


@pytest.mark.parametrize(
    ("bad", "good", "kind", "part"),
    [
        (b"\xff", b"a", pa.binary(), "not UTF-8"),
        (float("nan"), 1.0, pa.float64(), "nan is not a number"),
        (float("-inf"), 1.0, pa.float64(), "-inf is not a number"),
        ("a\0b", "ab", pa.string(), "NUL"),
        ([(1, 2)], [], pa.map_(pa.int8(), pa.int8()), "text keys"),
        ({"y": float("nan")}, {"y": 1.0}, pa.struct([("y", pa.float32())]), "nan"),
    ],
)
def test_a_value_without_a_form_is_a_problem_of_its_row(bad, good, kind, part):
    rows, problems = read_all(parquet.read, written({"id": [1, 2, 3], "x": pa.array([good, bad, good], kind)}))
    assert [row.number for row in rows] == [1, 3]
    assert [(problem.row, problem.column) for problem in problems] == [(2, "x")]
    assert part in problems[0].message


def test_going_on_inside_and_between_row_groups():
    content = written(
        {"x": list(range(40)), "y": [float("nan") if n % 9 == 0 else 1.0 for n in range(40)]}, row_group_size=7
    )
    resume_everywhere(parquet.read, content)


def test_many_batches_keep_their_order():
    rows, _ = read_all(parquet.read, written({"x": list(range(2_000))}, row_group_size=1_500))
    assert [row.payload["x"] for row in rows] == list(range(2_000))
    assert [row.number for row in rows] == list(range(1, 2_001))


def test_repeated_and_empty_names_are_refused():
    for names in (["a", "a"], ["a", ""]):
        with pytest.raises(Invalid, match="header"):
            read_all(parquet.read, written(pa.table([[1], [2]], names=names)))


def test_no_rows_is_invalid():
    with pytest.raises(Invalid, match="no rows"):
        read_all(parquet.read, written({"x": pa.array([], pa.int8())}))


def test_limits_on_rows_bytes_and_row_groups():
    content = written({"x": list(range(1_000))})
    for limits in (Limits(rows=999), Limits(bytes=100), Limits(group_bytes=1_000)):
        with pytest.raises(TooLarge):
            read_all(parquet.read, content, limits=limits)


def test_what_is_no_parquet_is_invalid():
    whole = written({"x": ["abc"] * 100})
    damaged = bytearray(whole)
    damaged[8:40] = b"\xff" * 32
    for content in (b"", b"PAR1", whole[:-5], whole[50:], bytes(damaged)):
        with pytest.raises(Invalid, match="cannot be read"):
            read_all(parquet.read, content)


def test_neither_pyarrow_nor_pandas_is_loaded_before_it_is_needed():
    loads = "import sys; from broker.formats import detect, gold, write; print('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loads], check=True, capture_output=True).stdout == b"False\n"


def test_a_nanosecond_column_does_not_load_pandas(tmp_path):
    path = tmp_path / "times.parquet"
    path.write_bytes(written({"x": pa.array([1_000_000_001], pa.timestamp("ns"))}))
    reads = (
        "import sys; from pathlib import Path; from broker.formats import parquet;"
        "list(parquet.read(Path(sys.argv[1]).open('rb'))); print('pandas' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", reads, path], check=True, capture_output=True)
    assert result.stdout == b"False\n"


def test_a_problem_says_its_place_in_words():
    assert str(Problem("nan", 2, "x")) == "row 2, column 'x': nan"

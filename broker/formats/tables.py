"""Results as Parquet, in row groups of bounded size."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import pyarrow as pa

GROUP = 5000
"""Rows of a row group: what is held in memory."""


def write_parquet(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], file: BinaryIO) -> None:
    """Columns get the type of all their values in the first row group: numbers, booleans, lists of texts, else texts.

    A value that does not fit it later becomes its text where the column is one, and none where it is a number.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, and not for web processes

    rows = iter(rows)
    group = list(islice(rows, GROUP))
    schema = _schema(group, columns)
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        while group:
            writer.write_table(_table(group, schema))
            group = list(islice(rows, GROUP))


def _schema(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415 - heavy, and not for web processes

    types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), list: pa.list_(pa.string())}
    fields = []
    for name in columns:
        found = {type(row[name]) for row in rows if row.get(name) is not None}
        fields.append((name, types.get(found.pop(), pa.string()) if len(found) == 1 else pa.string()))
    return pa.schema(fields)


def _table(rows: Sequence[Mapping[str, Any]], schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415 - heavy, and not for web processes

    arrays = [pa.array([_fitting(row.get(field.name), field.type) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _fitting(value: Any, wanted: "pa.DataType") -> Any:
    import pyarrow.types as kinds  # noqa: PLC0415 - heavy, and not for web processes

    if value is None:
        return None
    if kinds.is_string(wanted):
        return _safe(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    if kinds.is_list(wanted):
        return [_safe(str(one)) for one in value] if isinstance(value, list | tuple) else None
    fits = bool if kinds.is_boolean(wanted) else int if kinds.is_integer(wanted) else (int, float)
    return value if isinstance(value, fits) and (kinds.is_boolean(wanted) or not isinstance(value, bool)) else None


def _safe(text: str) -> str:
    """Half a surrogate pair, which UTF-8 lacks, becomes its escape."""
    return text.encode(errors="backslashreplace").decode()

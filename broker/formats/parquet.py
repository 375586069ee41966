"""Parquet: rows by row group and batch; pyarrow is imported only when a file is read."""

import math
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, BinaryIO

from broker.errors import Invalid, TooLarge
from broker.formats.csv import header
from broker.formats.limits import MIB, Limits
from broker.formats.rows import Bookmark, Item, Problem, Row, guarded, size

BEGINNING, LIMITS = Bookmark(), Limits()
BATCH = 512


def read(stream: BinaryIO, start: Bookmark = BEGINNING, limits: Limits = LIMITS) -> Iterator[Item]:
    """Rows of a Parquet file, values turned into JSON.

    Dates, times and timestamps become ISO 8601 text (to the microsecond, with their zone), decimals become text with
    all their digits, durations seconds, maps with text keys objects. Bytes are read as UTF-8 text. What has no such
    form (other bytes, NaN, infinity, other keys) is a problem of its row.
    Raises Invalid for a file that is no Parquet, damaged, or without rows; TooLarge over the limits.
    """
    return guarded(_rows(stream, start, limits), start, limits)


def _rows(stream: BinaryIO, start: Bookmark, limits: Limits) -> Iterator[Item]:
    # 60 MB that neither the web process nor the other formats need.
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    size(stream, limits)
    try:
        file = parquet.ParquetFile(stream, buffer_size=MIB, pre_buffer=False)
        _check(file.metadata, file.schema_arrow.names, limits)
        yield from _from_groups(file, start, _plain_schema(file.schema_arrow, pa))
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise Invalid(f"The Parquet file cannot be read: {error}") from error


def _from_groups(file: Any, start: Bookmark, schema: Any) -> Iterator[Item]:
    number = 0
    for group in range(file.metadata.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        if number + count <= start.row:
            number += count
            continue
        for batch in file.iter_batches(BATCH, row_groups=[group], use_threads=False):
            for values in batch.cast(schema, safe=False).to_pylist():
                number += 1
                if number > start.row:
                    yield _row(number, values)


def _check(metadata: Any, names: list[str], limits: Limits) -> None:
    """Raise Invalid or TooLarge for what the file's own table of contents gives away."""
    header(names, limits)
    if metadata.num_rows > limits.rows:
        raise TooLarge(f"The file has {metadata.num_rows:,} rows; at most {limits.rows:,} are accepted.")
    for group in range(metadata.num_row_groups):
        unpacked = metadata.row_group(group).total_byte_size
        if unpacked > limits.group_bytes:
            message = (
                f"Row group {group + 1} unpacks to {unpacked:,} bytes; at most {limits.group_bytes:,} are accepted."
            )
            raise TooLarge(message)


def _plain_schema(schema: Any, pa: Any) -> Any:
    return pa.schema([field.with_type(_plain(field.type, pa)) for field in schema])


def _plain(kind: Any, pa: Any) -> Any:
    """The type with microseconds for nanoseconds, at any depth: pyarrow would import pandas to hold the latter."""
    types = pa.types
    if types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    if types.is_time64(kind) or types.is_duration(kind):
        return pa.time64("us") if types.is_time64(kind) else pa.duration("us")
    if types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type, pa)) for field in kind])
    if types.is_map(kind):
        return pa.map_(_plain(kind.key_type, pa), _plain(kind.item_type, pa))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return pa.list_(_plain(kind.value_type, pa))
    return kind


def _row(number: int, values: dict[str, Any]) -> Item:
    payload = {}
    for name, value in values.items():
        try:
            payload[name] = _json(value)
        except ValueError as error:
            return Problem(
                "the bytes are not UTF-8 text" if isinstance(error, UnicodeError) else str(error), number, name
            )
    return Row(number, payload, number)


def _json(value: Any) -> Any:
    """The value as JSON; raises ValueError saying why it has no such form."""
    convert = _CONVERSIONS.get(type(value))
    if convert is None:
        raise ValueError(f"a {type(value).__name__} has no form in JSON")
    return convert(value)


def _same(value: Any) -> Any:
    return value


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("the text has a NUL character")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a number JSON knows; use null for what is missing")
    return value


def _list(values: list[Any]) -> Any:
    """A list, or the pairs of a map, which pyarrow gives as tuples."""
    if values and isinstance(values[0], tuple):
        pairs = dict(values)
        if len(pairs) != len(values) or not all(isinstance(key, str) for key in pairs):
            raise ValueError("a map needs text keys, each once")
        return _object(pairs)
    return [_json(value) for value in values]


def _object(value: dict[str, Any]) -> dict[str, Any]:
    return {_text(key): _json(part) for key, part in value.items()}


_CONVERSIONS: dict[type, Callable[[Any], Any]] = {
    type(None): _same,
    bool: _same,
    int: _same,
    float: _finite,
    str: _text,
    bytes: lambda value: _text(value.decode()),
    Decimal: str,
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: timedelta.total_seconds,
    list: _list,
    dict: _object,
}

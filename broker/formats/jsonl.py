"""JSON Lines: one object on each line, nested values kept, read as a stream that can go on at any row."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

from broker.formats.limits import Limits
from broker.formats.lines import Lines, OverlongError
from broker.formats.rows import Bookmark, Item, Problem, Row, guarded

BEGINNING, LIMITS = Bookmark(), Limits()


def read(stream: BinaryIO, start: Bookmark = BEGINNING, limits: Limits = LIMITS) -> Iterator[Item]:
    r"""Rows of a UTF-8 file with one JSON object on each line; blank lines are passed over.

    Stricter than Python: NaN, Infinity, numbers beyond a double, repeated keys, \u0000 and lone surrogates are
    problems, because databases and other languages cannot hold them.
    Raises Invalid for no rows or too many problems; TooLarge over the limits.
    """
    return guarded(_rows(Lines(stream, limits), start, limits), start, limits)


def _rows(lines: Lines, start: Bookmark, limits: Limits) -> Iterator[Item]:
    lines.go(start.offset)
    number = start.row
    while True:
        try:
            for text in lines:
                if text.strip():
                    number += 1
                    yield _row(number, text, lines, limits)
                lines.close()
        except OverlongError:
            number += 1
            lines.retreat()
            yield Problem(f"the row has more than {limits.row_bytes:,} bytes", number)
        else:
            return


def _row(number: int, text: str, lines: Lines, limits: Limits) -> Item:
    if lines.fault:
        return Problem(lines.fault, number)
    try:
        value = _decoded(text)
        _check(value, text, limits)
    except json.JSONDecodeError as error:
        return Problem(f"not JSON at character {error.pos + 1}: {error.msg}", number)
    except RecursionError:
        return Problem(_too_deep(limits), number)
    except _RefusedError as error:
        return Problem(str(error), number, error.column)
    except ValueError as error:  # an integer of thousands of digits
        return Problem(str(error), number)
    return Row(number, value, lines.offset)


class _RefusedError(ValueError):
    """JSON by its grammar, but not what we take; `column` is the key it stands under."""

    def __init__(self, message: str, column: str | None = None) -> None:
        super().__init__(message)
        self.column = column


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _RefusedError("the key occurs twice in one object", twice)
    return value


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _RefusedError(f"{digits[:40]} is beyond the numbers a computer holds")
    return value


def _constant(name: str) -> NoReturn:
    raise _RefusedError(f"{name} is not JSON; leave the key out or write null")


_FAST = json.JSONDecoder(parse_float=_finite, parse_constant=_constant)
# The only ways to write a NUL or half of a surrogate pair in UTF-8 that is JSON.
_SUSPECT = re.compile(r"\\u(0000|[dD][89a-fA-F])")
_HALF = re.compile("[\ud800-\udfff]")
_CAREFUL = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_constant)


def _decoded(text: str) -> Any:
    """The line's value; raises ValueError for bad JSON and repeated keys."""
    value = _FAST.decode(text)
    # As many colons as keys: no key can have been lost. Only other lines are read again, key by key at half the speed.
    if isinstance(value, dict) and text.count(":") == len(value):
        return value
    return _CAREFUL.decode(text)


def _check(value: Any, text: str, limits: Limits) -> None:
    """Raise _RefusedError for what is JSON but no row."""
    if not isinstance(value, dict):
        raise _RefusedError("the line is not a JSON object: write {…} on each line")
    if not value or "" in value:
        raise _RefusedError("the object has no keys" if not value else "a key is empty")
    if len(value) > limits.fields:
        raise _RefusedError(f"the object has {len(value)} keys; at most {limits.fields} are accepted")
    # Most lines have neither: only what the text allows for is looked for.
    if text.count("{") + text.count("[") > limits.depth:
        _check_depth(value, limits)
    if _SUSPECT.search(text):
        for column, part in value.items():
            _check_text([column, part], column)


def _check_depth(value: Any, limits: Limits) -> None:
    level = [value]
    for _ in range(limits.depth):
        level = [part for whole in level for part in _parts(whole)]
        if not level:
            return
    raise _RefusedError(_too_deep(limits))


def _too_deep(limits: Limits) -> str:
    return f"nested deeper than {limits.depth} levels"


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [part for part in value.values() if isinstance(part, (dict, list))]
    return [part for part in value if isinstance(part, (dict, list))]


def _check_text(value: Any, column: str) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise _RefusedError("the text has a NUL character (\\u0000)", column)
        if _HALF.search(value):
            raise _RefusedError("the text has half of a surrogate pair", column)
    elif isinstance(value, dict):
        for key, part in value.items():
            _check_text([key, part], column)
    elif isinstance(value, list):
        for part in value:
            _check_text(part, column)

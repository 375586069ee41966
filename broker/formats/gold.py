"""Gold from a file of its own: which row of the data has which known answer."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from broker.errors import Problem
from broker.formats.rows import Item, Row, expect


class Gold(NamedTuple):
    """One known answer: the row of the gold file it comes from, the key of the item, and the value as it stands there.

    `value` is that of the label column, or, when there are several, an object of column and value.
    """

    row: int
    key: str
    value: Any


def read(items: Iterable[Item], key: str, labels: Sequence[str]) -> tuple[list[Gold], list[Problem]]:
    """All gold of a file as read by any reader, and what is wrong with it; a key counts once.

    Raises Invalid naming the columns that no row of the file has, and what the reader raises.
    """
    gold: list[Gold] = []
    problems: list[Problem] = []
    columns: dict[str, None] = {}
    keys: dict[str, int] = {}
    for item in items:
        if isinstance(item, Row):
            columns |= dict.fromkeys(item.payload)
            found = _gold(item, key, labels, keys)
            (gold if isinstance(found, Gold) else problems).append(found)  # type: ignore[arg-type]
        else:
            problems.append(item)
    if columns:
        expect(list(columns), [key, *labels])
    return gold, problems


def _gold(row: Row, key: str, labels: Sequence[str], keys: dict[str, int]) -> Gold | Problem:
    for name in (key, *labels):
        if row.payload.get(name) in (None, ""):
            return Problem("is empty", row.number, name)
    name = row.payload[key]
    if type(name) not in (str, int):
        return Problem("a key is a text or a whole number", row.number, key)
    first = keys.setdefault(str(name), row.number)
    if first != row.number:
        return Problem(f"{str(name)!r} has its answer in row {first} already", row.number, key)
    values = {label: row.payload[label] for label in labels}
    return Gold(row.number, str(name), values[labels[0]] if len(labels) == 1 else values)

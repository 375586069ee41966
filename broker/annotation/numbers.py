"""Readers for numbers and lists in JSON we do not trust: each raises Invalid that names the field."""

import math
from typing import Any

from broker.errors import Invalid


def number(raw: Any, name: str, least: float = -math.inf, most: float = math.inf) -> float:
    """A finite JSON number within least..most."""
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise Invalid(f"{name}: expected a number, got {_kind(raw)}")
    try:
        found = float(raw)
    except OverflowError:
        raise Invalid(f"{name}: the number is too large") from None
    if not math.isfinite(found):
        raise Invalid(f"{name}: the number is not finite")
    if not least <= found <= most:
        raise Invalid(f"{name}: {found:g} is not within {least:g} and {most:g}")
    return found


def whole(raw: Any, name: str, least: int, most: int) -> int:
    """A whole JSON number within least..most; 5.0 is one."""
    found = number(raw, name, least, most)
    if found != int(found):
        raise Invalid(f"{name}: {found:g} is no whole number")
    return int(found)


def entries(raw: Any, name: str, *, most: int = 1000) -> list[Any]:
    """A JSON list of at most `most` entries."""
    if not isinstance(raw, list):
        raise Invalid(f"{name}: expected a list, got {_kind(raw)}")
    if len(raw) > most:
        raise Invalid(f"{name}: {len(raw)} entries are more than {most}")
    return raw


def _kind(raw: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a yes or no", type(None): "nothing"}
    return names.get(type(raw), "a number")

"""Readers for JSON we do not trust: each gives a value of the right type or raises Invalid naming the field."""

from collections.abc import Mapping
from typing import Any, TypeVar

import pydantic
from pydantic_core import ErrorDetails

from broker.errors import Invalid, Problem

M = TypeVar("M", bound=pydantic.BaseModel)


def record(raw: Any, name: str) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(raw, Mapping):
        raise Invalid(f"{name}: expected an object, got {_kind(raw)}")
    return raw


def text(raw: Any, name: str, *, longest: int = 10_000) -> str:
    """A JSON string of at most `longest` characters."""
    if not isinstance(raw, str):
        raise Invalid(f"{name}: expected a text, got {_kind(raw)}")
    if len(raw) > longest:
        raise Invalid(f"{name}: {len(raw)} characters are more than {longest}")
    return raw


def texts(raw: Any, name: str, *, most: int = 1000) -> list[str]:
    """A JSON list of at most `most` strings."""
    if not isinstance(raw, list):
        raise Invalid(f"{name}: expected a list, got {_kind(raw)}")
    if len(raw) > most:
        raise Invalid(f"{name}: {len(raw)} entries are more than {most}")
    return [text(one, f"{name}[{index}]") for index, one in enumerate(raw)]


def model(cls: type[M], raw: Any) -> M:
    """A pydantic model; what does not fit becomes one Invalid that names every field."""
    try:
        return cls.model_validate(raw)
    except pydantic.ValidationError as error:
        problems = [Problem(_said(one), column=".".join(map(str, one["loc"])) or None) for one in error.errors()]
        raise Invalid("; ".join(map(str, problems)), problems=problems) from None


def _said(error: ErrorDetails) -> str:
    """What is wrong in words for people, where pydantic's are for programmers."""
    words = {
        "missing": "is missing",
        "string_too_short": "write something here",
        "string_too_long": "write at most {max_length} characters",
        "too_short": "give at least {min_length}",
        "too_long": "give at most {max_length}",
    }
    text = words.get(error["type"], error["msg"].removeprefix("Value error, "))
    return text.format_map(error.get("ctx", {})) if error["type"] in words else text


def _kind(raw: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a yes or no", type(None): "nothing"}
    return names.get(type(raw), "a number")

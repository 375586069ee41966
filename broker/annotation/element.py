"""Kinds whose whole answer is what one crowd element submits."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from broker.annotation import reading
from broker.annotation.written import Written
from broker.errors import Invalid

A = TypeVar("A")


class Element(Written[A]):
    """A kind answered by one element: {name: {part: [...]}}, where `name` is the element's in the template."""

    element: ClassVar[str] = "annotation"
    """The element's name in the template."""
    part: ClassVar[str]
    """The key of what the element submits that holds the answer."""

    def inside(self, raw: Any) -> Mapping[str, Any]:
        """What the element submitted. Raises Invalid."""
        return reading.record(reading.record(raw, "answer").get(self.element), self.element)

    def read(self, text: str) -> A:
        """An answer as JSON: all of it, or what the element submits, or only its part. Raises Invalid."""
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError):
            return super().read(text)
        if isinstance(raw, dict) and self.element in raw:
            return self.parse(raw, {})
        if not isinstance(raw, dict | list):
            raise Invalid(f"{text.strip()[:70]!r}: an object or a list is written here")
        return self.parse({self.element: raw if isinstance(raw, dict) else {self.part: raw}}, {})

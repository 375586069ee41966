"""Kinds whose answers have no shorter form: people write them in a table as the JSON of their crowd element."""

import json
from typing import TypeVar

from broker.annotation.kind import Kind
from broker.errors import Invalid

A = TypeVar("A")
LONGEST = 5_000_000


class Written(Kind[A]):
    """A kind whose answer in a cell is compact JSON with sorted keys; read(show(a)) == a."""

    def read(self, text: str) -> A:
        """An answer as JSON. Raises Invalid."""
        if len(text) > LONGEST:
            raise Invalid(f"{len(text):,} characters are more than {LONGEST:,}")
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError):
            raise Invalid(f"{text.strip()[:70]!r} is no JSON; this kind's answers are written as JSON") from None
        return self.parse(raw, {})

    def show(self, answer: A) -> str:
        """The answer as compact JSON."""
        return json.dumps(self.dump(answer), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

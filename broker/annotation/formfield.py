"""One field of a form: what it asks, which answers it takes, how alike two are, and what several workers agree on."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from broker.annotation import fields, reading
from broker.annotation.asked import Short
from broker.annotation.fields import Given
from broker.annotation.numbers import number, whole
from broker.errors import Invalid
from broker.truth.distance import medoid, weighted_median

Sort = Literal["text", "long", "number", "choice", "many", "yes", "rating"]
CLOSED: frozenset[Sort] = frozenset({"choice", "many", "yes"})
"""The sorts whose answers are labels."""
STEPS = 11
LONGEST = 20_000
RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\s*(?:to|\.\.|–|-)\s*(-?\d+(?:\.\d+)?)")
OPTIONAL = "?"


class FormField(BaseModel):
    """A field as a requester sets it: `choices` of the sorts choice and many, `least` and `most` of number and rating.

    In a wizard it is a line: "Tone | choice | calm, angry", "How sure? | rating | 1 to 5", "Why? | text?".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    sort: Sort = "text"
    choices: tuple[Short, ...] = Field((), max_length=50)
    least: float | None = Field(None, allow_inf_nan=False)
    most: float | None = Field(None, allow_inf_nan=False)
    optional: bool = False

    @model_validator(mode="before")
    @classmethod
    def _line(cls, raw: Any) -> Any:
        return _of_line(raw) if isinstance(raw, str) else raw

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.sort in {"choice", "many"} and len(set(self.choices)) < max(2, len(self.choices)):
            raise ValueError(f"{self.label!r} needs two or more different choices, separated by commas")
        if self.least is not None and self.most is not None and self.least >= self.most:
            raise ValueError(f"{self.label!r}: {self.least:g} is not below {self.most:g}")
        if self.sort == "rating" and not self._scale():
            raise ValueError(f"{self.label!r} needs a scale of at most {STEPS} whole numbers, such as 1 to 5")
        return self

    def _scale(self) -> bool:
        ends = (self.least, self.most)
        return all(one is not None and one == int(one) for one in ends) and (self.most or 0) - (self.least or 0) < STEPS

    def parse(self, raw: Any) -> Any:
        """An answer in its one form; None for an empty one. Raises Invalid, naming the field."""
        readers: dict[str, Callable[[Any], Any]] = {
            "text": self._text,
            "long": self._text,
            "number": lambda one: number(one, self.label, *self._ends()),
            "rating": lambda one: whole(one, self.label, *map(int, self._ends())),
            "choice": self._choice,
            "many": lambda one: self._many(reading.texts(one, self.label)),
            "yes": self._yes,
        }
        return None if raw is None else readers[self.sort](raw)

    def likeness(self, one: Any, other: Any) -> float:
        """1 for the same .. 0 for nothing in common."""
        if one is None or other is None or one == other:
            return float(one == other)
        if self.sort in {"text", "long"}:
            return min(fields.ALMOST, fields.word_f1(one, other))
        if self.sort == "many":
            return len(set(one) & set(other)) / len(set(one) | set(other))
        return self._near(one, other) if self.sort in {"number", "rating"} else 0.0

    def agree(self, given: Sequence[Given]) -> Given:
        """What workers agree on, and the share of their weight behind it: votes, medians, or the text most alike."""
        if self.sort in {"text", "long"}:
            central = medoid([value for value, _ in given], self.likeness, [weight for _, weight in given])
            return given[central.place][0], central.support
        if self.sort == "many":
            return self._agree_on_many(given)
        best: Any
        values, weights = [value for value, _ in given], [weight for _, weight in given]
        if self.sort in {"number", "rating"}:
            best = weighted_median(values, weights)
        else:
            shares = {value: sum(weight for one, weight in given if one == value) for value in values}
            best = max(self._options(), key=lambda option: shares.get(option, 0.0))
        alike = [self.likeness(value, best) * weight for value, weight in given]
        return best, sum(alike) / (sum(weights) or 1.0)

    def shown(self) -> dict[str, Any]:
        """The field as the page's element draws it."""
        return self.model_dump(mode="json")

    def _options(self) -> Sequence[Any]:
        return (True, False) if self.sort == "yes" else self.choices

    def _ends(self) -> tuple[float, float]:
        least = -1e15 if self.least is None else self.least
        return least, 1e15 if self.most is None else self.most

    def _near(self, one: float, other: float) -> float:
        if self.least is None or self.most is None:
            return min(fields.ALMOST, fields.closeness(one, other))
        return max(0.0, 1 - abs(one - other) / (self.most - self.least))

    def _text(self, raw: Any) -> str | None:
        return reading.text(raw, self.label, longest=LONGEST).strip() or None

    def _choice(self, raw: Any) -> str:
        return self._known(reading.text(raw, self.label))

    def _known(self, name: str) -> str:
        if name not in self.choices:
            raise Invalid(f"{self.label}: {name[:50]!r} is none of {', '.join(map(repr, self.choices))}")
        return name

    def _many(self, names: list[str]) -> list[str]:
        chosen = {self._known(name) for name in names}
        return [name for name in self.choices if name in chosen]

    def _yes(self, raw: Any) -> bool:
        if not isinstance(raw, bool):
            raise Invalid(f"{self.label}: expected yes or no")
        return raw

    def _agree_on_many(self, given: Sequence[Given]) -> Given:
        total = sum(weight for _, weight in given) or 1.0
        share = {name: sum(weight for value, weight in given if name in value) / total for name in self.choices}
        kept = [name for name in self.choices if share[name] > 0.5]
        return kept, sum(max(one, 1 - one) for one in share.values()) / len(share)


def _of_line(line: str) -> dict[str, Any]:
    """A field as it is written in one line of the wizard."""
    parts = [part.strip() for part in line.split("|")]
    label, sort, rest = parts[0], "".join(parts[1:2]), "|".join(parts[2:])
    found: dict[str, Any] = {"label": label, "sort": sort.removesuffix(OPTIONAL).strip().lower() or "text"}
    if sort.endswith(OPTIONAL):
        found["optional"] = True
    if found["sort"] in {"choice", "many"}:
        found["choices"] = [one.strip() for one in rest.split(",") if one.strip()]
    ends = RANGE.fullmatch(rest)
    if found["sort"] in {"number", "rating"} and ends:
        found |= {"least": float(ends[1]), "most": float(ends[2])}
    elif found["sort"] in {"number", "rating"} and rest:
        raise ValueError(f"{label!r}: {rest!r} is no range such as 1 to 5")
    return found

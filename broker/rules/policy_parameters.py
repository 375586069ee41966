"""The parameters of a review policy: each read once, in its range, and none left over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from broker.errors import Invalid, Problem


@dataclass(frozen=True)
class Parameter:
    """A PolicyParameter: a key with values, or with entries of keys and values."""

    key: str
    values: tuple[str, ...] = ()
    entries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        """The parameter as MTurk's JSON has it."""
        entries = [{"Key": key, "Values": list(values)} for key, values in self.entries.items()]
        return {"Key": self.key, **({"MapEntries": entries} if entries else {"Values": list(self.values)})}

    @classmethod
    def parse(cls, told: Mapping[str, Any]) -> "Parameter":
        """The parameter from MTurk's JSON, whose shape was looked at already."""
        entries = {str(one.get("Key", "")): tuple(one.get("Values", ())) for one in told.get("MapEntries", ())}
        return cls(str(told.get("Key", "")).strip(), tuple(told.get("Values", ())), entries)


def _refuse(key: str, message: str) -> Invalid:
    return Invalid(f"{key}: {message}", problems=[Problem(message, column=key)])


class Parameters:
    """The parameters of one policy by their keys."""

    def __init__(self, given: Sequence[Parameter]) -> None:
        self._given = {one.key: one for one in given}
        if len(self._given) < len(given):
            raise _refuse("Parameters", "a key occurs twice")

    def _take(self, key: str, *, required: bool = False) -> Parameter | None:
        found = self._given.pop(key, None)
        if found is None and required:
            raise _refuse(key, "this parameter is required")
        return found

    def text(self, key: str) -> str:
        """A single text; empty where it is left out."""
        found = self._take(key)
        if found is None:
            return ""
        if len(found.values) != 1:
            raise _refuse(key, f"takes one value, not {len(found.values)}")
        return found.values[0].strip()

    def number(self, key: str, least: int, most: int | None, *, required: bool = False) -> int | None:
        """A whole number within bounds; None where it is left out."""
        if key not in self._given and not required:
            return None
        self._given.setdefault(key, Parameter(key))
        text = self.text(key)
        if not text:
            raise _refuse(key, "this parameter is required")
        if not text.removeprefix("-").isdecimal() or len(text) > 12:
            raise _refuse(key, f"{text[:40]!r} is no whole number")
        if int(text) < least or (most is not None and int(text) > most):
            raise _refuse(key, f"{text} is not {least} or more" if most is None else f"{text} is not {least} to {most}")
        return int(text)

    def yes(self, key: str) -> bool:
        """True or false, as T and F or in full; false where it is left out."""
        text = self.text(key).lower()
        if text not in {"", "t", "f", "true", "false"}:
            raise _refuse(key, f"{text[:40]!r} is neither true nor false")
        return text in {"t", "true"}

    def names(self, key: str, most: int, *, required: bool) -> tuple[str, ...]:
        """Names, each a value or several in one with commas between them; each counts once."""
        found = self._take(key, required=required)
        texts = [text.strip() for value in (found.values if found else ()) for text in value.split(",")]
        names = tuple(dict.fromkeys(text for text in texts if text))
        if found is not None and not 1 <= len(names) <= most:
            raise _refuse(key, f"takes 1 to {most} names, not {len(names)}")
        return names

    def entries(self, key: str) -> Mapping[str, list[str]]:
        """A map that must be there."""
        found = self._take(key, required=True)
        if found is None or not found.entries or "" in found.entries:
            raise _refuse(key, "needs MapEntries, each with a Key")
        return {name: list(values) for name, values in found.entries.items()}

    def close(self) -> None:
        """Raises Invalid for a parameter that nobody asked for: a misspelt one would silently do nothing."""
        # What older sample code of the vendor still sends, and MTurk ignored.
        left = sorted(set(self._given) - {"ExtendAssignments"})
        if left:
            raise _refuse(left[0], "the policy has no such parameter")

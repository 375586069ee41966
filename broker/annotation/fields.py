"""Answers of named fields whose sorts nobody declared: read as JSON, compared and agreed upon field by field."""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from broker.annotation import reading
from broker.errors import Invalid
from broker.truth.distance import medoid

Filled = tuple[tuple[str, str], ...]
"""The fields of an answer in the order of their names: each name with its value as canonical JSON."""
Given = tuple[Any, float]
"""A value and the weight of the worker who gave it."""

MOST_FIELDS, LONGEST_NAME, LONGEST, DEEPEST = 1000, 255, 1_000_000, 20
EXACT = 2**53
ALMOST = 1 - 1e-6
"""The most that two different values are alike."""
MATCHED = 40
"""Longer lists are compared by their equal entries only: matching is quadratic."""
WORD = re.compile(r"\w+")


def read(raw: Any) -> Filled:
    """The fields of an answer. Raises Invalid for JSON that is no object, or that no database would keep."""
    record = reading.record(raw, "answer")
    if len(record) > MOST_FIELDS:
        raise Invalid(f"answer: {len(record)} fields are more than {MOST_FIELDS}")
    filled = tuple((_name(name), canonical(record[name], name)) for name in sorted(record))
    if sum(len(name) + len(value) for name, value in filled) > LONGEST:
        raise Invalid(f"answer: longer than {LONGEST:,} characters")
    return filled


def values(filled: Filled) -> dict[str, Any]:
    """The fields as JSON; read(values(f)) == f."""
    return {name: json.loads(value) for name, value in filled}


def canonical(value: Any, name: str) -> str:
    """The value as the one JSON text that equal values share. Raises Invalid, naming the field."""
    try:
        text = json.dumps(_plain(value, name, 0), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:
        raise Invalid(f"{name}: holds half a character (a lone surrogate)") from None
    if r"\u0000" in text:
        raise Invalid(f"{name}: holds a NUL character")
    return text


def alike(one: Any, other: Any) -> float:
    """How alike two JSON values are: 1 only if equal; symmetric.

    Numbers (also written as texts) by their relative difference, texts by F1 over words as SQuAD has it, lists by F1
    over entries and their order, objects by the mean over their keys.
    """
    if _same(one, other):
        return 1.0
    return min(ALMOST, max(0.0, _alike(one, other)))


def agree(given: Sequence[Given]) -> Given:
    """The consensus on one value, and the share of weight behind it, 0..1.

    Numbers: weighted median. Texts and yes/no: the weightiest one, if two gave the same; objects key by key; lists of
    plain entries entry by entry; whatever is left: the value most like all others.
    """
    shares = _shares(given)
    if len(shares) == 1:
        return given[0][0], 1.0
    all_values = [value for value, _ in given]
    if all(_is_number(value) for value in all_values):
        return _median(given)
    if all(isinstance(value, Mapping) for value in all_values):
        return agree_fields(given)
    if all(isinstance(value, bool) for value in all_values) or _repeats(given):
        return _plurality(shares)
    if all(_is_set(value) for value in all_values) and len({frozenset(value) for value in all_values}) > 1:
        return _each_entry(given)
    return _central(given)


def agree_fields(given: Sequence[tuple[Mapping[str, Any], float]]) -> tuple[dict[str, Any], float]:
    """The consensus of objects key by key, and its mean support. A key stands if workers of half the weight have it."""
    total = _total(given)
    names = sorted({name for value, _ in given for name in value})
    found, supports = {}, []
    for name in names:
        having = [(value[name], weight) for value, weight in given if name in value]
        share = _total(having) / total
        if share >= 0.5:
            found[name], support = agree(having)
            supports.append(share * support)
        else:
            supports.append(1 - share)
    return found, math.fsum(supports) / len(supports) if supports else 1.0


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
        raise Invalid(f"answer: the name of a field has 1 to {LONGEST_NAME} characters")
    canonical(name, "answer")
    return name


def _plain(value: Any, name: str, depth: int) -> Any:
    """JSON with one form for each number. Raises Invalid."""
    if depth > DEEPEST:
        raise Invalid(f"{name}: more than {DEEPEST} brackets in brackets")
    if isinstance(value, Mapping):
        return {_key(key, name): _plain(inner, name, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, name, depth + 1) for inner in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Invalid(f"{name}: {value} is no number")
        return int(value) if value.is_integer() and abs(value) < EXACT else value
    if value is None or isinstance(value, str | bool | int):
        return value
    raise Invalid(f"{name}: {type(value).__name__} is no JSON")


def _key(key: Any, name: str) -> str:
    if not isinstance(key, str):
        raise Invalid(f"{name}: the keys of an object are texts")
    return key


def _same(one: Any, other: Any) -> bool:
    return canonical(one, "value") == canonical(other, "value")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _alike(one: Any, other: Any) -> float:
    numbers = (_number(one), _number(other))
    if numbers[0] is not None and numbers[1] is not None:
        return closeness(numbers[0], numbers[1])
    if isinstance(one, str) and isinstance(other, str):
        return word_f1(one, other)
    if isinstance(one, list) and isinstance(other, list):
        return _lists_alike(one, other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = one.keys() | other.keys()
        shared = sorted(one.keys() & other.keys())
        return math.fsum(alike(one[name], other[name]) for name in shared) / len(names) if names else 1.0
    return 0.0


def closeness(one: float, other: float) -> float:
    """1 less the difference relative to the larger of two numbers, 0..1."""
    largest = max(abs(one), abs(other))
    return max(0.0, 1 - abs(one / largest - other / largest)) if largest else 1.0


def word_f1(one: str, other: str) -> float:
    """F1 over words, as the SQuAD evaluation has it (Rajpurkar et al. 2016), without regard to case."""
    return _dice(WORD.findall(one.casefold()), WORD.findall(other.casefold()))


def _dice(one: Sequence[Any], other: Sequence[Any]) -> float:
    shared = sum((Counter(one) & Counter(other)).values())
    return 2 * shared / (len(one) + len(other)) if one or other else 0.0


def _lists_alike(one: list[Any], other: list[Any]) -> float:
    if all(map(_is_plain, one + other)):
        first, second = [[canonical(entry, "entry") for entry in entries] for entries in (one, other)]
        return _dice(first, second) * (1 + _concordance(first, second)) / 2
    if max(len(one), len(other)) > MATCHED:
        return _dice(*([canonical(entry, "entry") for entry in entries] for entries in (one, other)))
    # Which of two equally good pairs is taken first could depend on the side, so both ways count.
    return (_matched(one, other) + _matched(other, one)) / 2


def _matched(one: list[Any], other: list[Any]) -> float:
    """Soft F1: the likeness of entries paired greedily, the most alike first."""
    pairs = sorted(((alike(a, b), i, j) for i, a in enumerate(one) for j, b in enumerate(other)), reverse=True)
    rows: set[int] = set()
    columns: set[int] = set()
    total = 0.0
    for likeness, row, column in pairs:
        if row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            total += likeness
    return 2 * total / (len(one) + len(other))


def _concordance(one: list[str], other: list[str]) -> float:
    """The share of pairs of common entries that stand in the same order in both lists; 1 without any, or too many."""
    place = {entry: at for at, entry in reversed(list(enumerate(other)))}
    order = [place[entry] for entry in dict.fromkeys(one) if entry in place]
    if len(order) > MATCHED * 5:
        return 1.0
    pairs = [(a, b) for at, a in enumerate(order) for b in order[at + 1 :]]
    return sum(a < b for a, b in pairs) / len(pairs) if pairs else 1.0


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | bool | int | float)


def _is_set(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value) and len(set(value)) == len(value)


def _total(given: Sequence[Given]) -> float:
    return math.fsum(weight for _, weight in given) or 1.0


def _shares(given: Sequence[Given]) -> dict[str, float]:
    """The weight behind each different value, by its JSON."""
    weights: dict[str, list[float]] = defaultdict(list)
    for value, weight in given:
        weights[canonical(value, "value")].append(weight)
    return {text: math.fsum(several) for text, several in weights.items()}


def _repeats(given: Sequence[Given]) -> bool:
    counts = Counter(canonical(value, "value") for value, _ in given if _is_plain(value))
    return bool(counts) and max(counts.values()) > 1


def _plurality(shares: Mapping[str, float]) -> Given:
    best = min(shares, key=lambda text: (-shares[text], text))
    return json.loads(best), shares[best] / (math.fsum(shares.values()) or 1.0)


def _median(given: Sequence[Given]) -> Given:
    """The lower weighted median, so that it is a number somebody gave."""
    ordered, half, passed = sorted(given, key=lambda one: one[0]), _total(given) / 2, 0.0
    middle = ordered[-1][0]
    for value, weight in ordered:
        passed += weight
        if passed >= half - 1e-12:
            middle = value
            break
    return middle, math.fsum(weight * alike(value, middle) for value, weight in given) / _total(given)


def _each_entry(given: Sequence[tuple[list[str], float]]) -> Given:
    """Yes or no for each entry that a list may hold, in the mean order of those who have it."""
    total = _total(given)
    places: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for value, weight in given:
        for place, entry in enumerate(value):
            places[entry].append((place, weight))
    share = {entry: math.fsum(weight for _, weight in seen) / total for entry, seen in places.items()}
    kept = [entry for entry in share if share[entry] > 0.5]
    kept.sort(key=lambda entry: (sum(place for place, _ in places[entry]) / len(places[entry]), entry))
    return kept, math.fsum(max(one, 1 - one) for one in share.values()) / len(share)


def _central(given: Sequence[Given]) -> Given:
    best = medoid([value for value, _ in given], alike, [weight for _, weight in given])
    return given[best.place][0], best.support

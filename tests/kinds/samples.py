"""For each room of the registry: settings that requesters give, an item, and answers. A new room adds its own."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from broker.errors import Invalid


@dataclass(frozen=True)
class Sample:
    """Settings of a room, an item, and (raw answer of a worker, as it stands in a table) examples."""

    kind: str
    settings: dict[str, Any]
    item: dict[str, Any]
    answers: tuple[tuple[dict[str, Any], str], ...]


def _choice(names, **more):
    labels = [{"name": name, "definition": f"what {name} means", "examples": ["one"]} for name in names]
    return {"media": "text", "field": "text", "question": "Which?", "labels": labels, **more}


SAMPLES = [
    Sample(
        "choice",
        _choice(["cat", "dog", "bird"]),
        {"text": "it barks"},
        (({"category": {"label": "dog"}}, "dog"), ({"category": {"label": "cat"}}, "cat")),
    ),
    Sample(
        "choice",
        _choice(["cat | dog", "ünï cödé", "no"], media="image", field="_image"),
        {"_image": "images/ab/abcd.png", "name": "a.png"},
        (({"category": {"label": "cat | dog"}}, "cat | dog"), ({"category": {"label": "no"}}, "no")),
    ),
    Sample(
        "choice",
        _choice(["yes", "no", "fish"], many=True),
        {"text": 5},
        (
            ({"category": {"labels": ["yes", "fish"]}}, "yes|fish"),
            ({"category": {"labels": []}}, ""),
            ({"category": {"labels": ["no", "no"]}}, "no"),
        ),
    ),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def damaged(raw):
    """The raw answer with something else in one of its places."""
    if isinstance(raw, dict) and raw:
        places = st.sampled_from(sorted(raw))
        return JSON | places.flatmap(lambda key: damaged(raw[key]).map(lambda new: {**raw, key: new}))
    if isinstance(raw, list) and raw:
        places = st.integers(0, len(raw) - 1)
        return JSON | places.flatmap(lambda at: damaged(raw[at]).map(lambda new: [*raw[:at], new, *raw[at + 1 :]]))
    return JSON


def outcome(act, *arguments):
    """What the call gives, or the Invalid it raises; any other exception fails the test."""
    try:
        return act(*arguments)
    except Invalid as error:
        return error

"""For each room of the registry: settings that requesters give, an item, and answers. A new room adds its own."""

from hypothesis import strategies as st

from broker.errors import Invalid
from tests.kinds import samples_choice, samples_page, samples_shapes, samples_texts

SAMPLES = [*samples_choice.SAMPLES, *samples_shapes.SAMPLES, *samples_texts.SAMPLES, *samples_page.SAMPLES]

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

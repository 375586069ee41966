"""Public ids: each row number has its own, and nothing about the number shows."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import NotFound
from broker.rules.names import ALPHABET, LENGTH, Names

HITS, OTHERS = Names(b"s" * 48, "H"), Names(b"t" * 48, "H")
NUMBERS = st.integers(0, 2**60 - 1)


@given(NUMBERS)
def test_a_name_is_read_as_the_number_it_shows(number):
    assert HITS.read(HITS.show(number)) == number
    assert re.fullmatch("[A-Z0-9]{1,64}", HITS.show(number))


@given(st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH))
def test_every_body_is_the_name_of_one_number(body):
    assert HITS.show(HITS.read(f"H{body}")) == f"H{body}"


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_not_found(text):
    try:
        assert HITS.show(HITS.read(text)) == text
    except NotFound:
        return


@pytest.mark.parametrize("text", ["", "H", "H1", HITS.show(1)[1:], HITS.show(1).lower(), "T" + HITS.show(1)[1:]])
def test_what_is_no_name_is_not_found(text):
    with pytest.raises(NotFound):
        HITS.read(text)


def test_neighbours_share_nothing_and_each_installation_has_its_own_names():
    shown = [HITS.show(number) for number in range(2000)]
    assert len(set(shown)) == 2000
    same = [sum(a == b for a, b in zip(one[1:], other[1:], strict=True)) for one, other in itertools.pairwise(shown)]
    assert sum(same) / len(same) < 2 * LENGTH / len(ALPHABET)
    assert all(HITS.show(number) != OTHERS.show(number) for number in range(100))

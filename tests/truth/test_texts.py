"""Transcripts, clusters of mentions and orders: how alike they are, and what several people agree on."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.truth import rover as network
from broker.truth.mentions import b_cubed, gather
from broker.truth.rankings import concordance, kemeny
from broker.truth.rover import rover
from broker.truth.wording import by_both, by_words, folded

WORDS = st.lists(st.sampled_from(["the", "cat", "Cat.", "sat", "on", "a"]), max_size=7)


def voted(*texts, weights=None):
    return " ".join(one.word for one in rover([text.split() for text in texts], weights or [1.0] * len(texts)))


def test_words_are_compared_without_case_and_punctuation():
    assert [folded(word) for word in ("Don’t,", "CAFÉ!", "—", "3.5", "'tis")] == ["don't", "café", "", "35", "tis"]


def test_a_wrong_word_costs_more_than_a_wrong_sign():
    assert by_words("how are you", "how are you") == 1
    assert by_words("how are you", "How are you?") == pytest.approx(0.9 + 0.1 / 3)
    assert by_words("how are you", "how were you") == pytest.approx(2 / 3)
    assert by_words("", "how") == 0


@given(st.text(max_size=20), st.text(max_size=20))
def test_texts_are_alike_from_both_sides(one, other):
    assert by_both(one, other) == by_both(other, one)
    assert 0 <= by_both(one, other) <= 1
    assert by_both(one, one) == 1


def test_each_word_is_voted_on():
    assert voted("the cat sat on a mat", "the bat sat on a mat", "the cat sat on mat") == "the cat sat on a mat"


def test_a_word_that_few_heard_is_left_out_and_one_that_most_did_is_put_in():
    assert voted("we go home", "we go right home", "we go home") == "we go home"
    assert voted("we home", "we go home", "we go home") == "we go home"


def test_the_way_most_write_a_word_wins_after_the_word_has():
    assert voted("Hello, ada", "hello Ada", "Hello, Ada") == "Hello, Ada"


def test_weight_decides_against_number():
    assert voted("red", "bed", "bed", weights=[5.0, 1.0, 1.0]) == "red"


@given(WORDS, st.integers(1, 4))
def test_the_same_words_stay_as_they_are(words, voters):
    found = rover([words] * voters, [0.7] * voters)
    assert [one.word for one in found] == words
    assert all(one.share == 1 for one in found)
    assert [one.origin for one in found] == list(range(len(words)))


@given(WORDS, WORDS, WORDS)
def test_long_transcripts_are_aligned_in_less_memory_to_the_same_words(one, other, third):
    best = [one, one, other, third]
    exact = voted(*(" ".join(words) for words in best), weights=[3.0, 3.0, 1.0, 1.0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "MOST_CELLS", 0)
        assert voted(*(" ".join(words) for words in best), weights=[3.0, 3.0, 1.0, 1.0]) == exact == " ".join(one)


def test_b_cubed_is_that_of_its_authors():
    # Bagga & Baldwin 1998, figure 2: precision 0.76, recall 1
    truth, answer = [[1, 2, 3, 4, 5], [6, 7], [8, 9, 10, 11, 12]], [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11, 12]]
    precision = (5 + 2 * 2 / 7 + 5 * 5 / 7) / 12
    assert precision == pytest.approx(0.76, abs=0.005)
    assert b_cubed(truth, answer) == pytest.approx(2 * precision / (precision + 1))
    assert b_cubed(answer, truth) == b_cubed(truth, answer)


def test_a_mention_too_many_costs_and_nothing_equals_nothing():
    assert b_cubed([[1, 2]], [[1, 2], [3]]) == pytest.approx(2 * (2 / 3) / (5 / 3))
    assert (b_cubed([], []), b_cubed([[1]], [])) == (1, 0)


def test_mentions_are_together_as_most_have_them():
    votes = [[[1, 2], [3, 4]], [[1, 2], [3], [4]], [[1, 2, 3, 4]]]
    assert gather([1, 2, 3, 4], votes, [1.0, 1.0, 1.0]) == [[1, 2], [3, 4]]
    assert gather([1, 2, 3, 4], votes, [1.0, 5.0, 1.0]) == [[1, 2], [3], [4]]


@given(st.lists(st.integers(0, 3), max_size=8), st.integers(1, 3))
def test_clusters_that_all_have_stay(homes, voters):
    clusters = [[at for at, home in enumerate(homes) if home == one] for one in dict.fromkeys(homes)]
    assert gather(list(range(len(homes))), [clusters] * voters, [0.5] * voters) == clusters


def test_concordance_is_the_share_of_pairs_in_order():
    assert concordance("abc", "abc") == 1
    assert concordance("abc", "cba") == 0
    assert concordance("abc", "acb") == pytest.approx(2 / 3)
    assert concordance(("a",), ("b",)) == 0
    assert concordance((), ()) == 1


@given(st.lists(st.permutations("abcde"), min_size=1, max_size=5))
def test_no_other_order_contradicts_less(orders):
    def agreed(order):
        return sum(concordance(order, one) for one in orders)

    found, share = kemeny(orders, [1.0] * len(orders))
    best = max(agreed(order) for order in permutations("abcde"))
    assert agreed(found) >= best - 0.1 * len(orders)  # one pair of ten in each: it searches, it does not try all
    assert share == pytest.approx(agreed(found) / len(orders))


def test_a_trusted_order_wins():
    assert kemeny(["abc", "cba", "cba"], [5.0, 1.0, 1.0])[0] == ["a", "b", "c"]

"""How alike two texts are: by words, as transcripts are compared, and by characters."""

import unicodedata

from rapidfuzz.distance import Levenshtein

EXACT = 0.1
"""What case and punctuation count for between transcripts."""


def folded(word: str) -> str:
    """A word without case and punctuation, as speech is compared; a word of signs only is empty."""
    plain = unicodedata.normalize("NFKC", word).casefold().replace("’", "'")
    return "".join(sign for sign in plain if unicodedata.category(sign)[0] not in "PSCZ" or sign == "'").strip("'")


def spoken(text: str) -> list[str]:
    """The words of a text as they are compared."""
    return [word for word in map(folded, text.split()) if word]


def by_words(one: str, other: str) -> float:
    """1 - edits / words of the longer text: 1 - WER made symmetric, of words without case and punctuation.

    Case and punctuation count for EXACT of it, so that only texts of the same words, written alike, have 1.
    """
    alike = Levenshtein.normalized_similarity(spoken(one), spoken(other))
    written = Levenshtein.normalized_similarity(one.split(), other.split())
    return 1.0 if written == 1 else (1 - EXACT) * alike + EXACT * written


def by_characters(one: str, other: str) -> float:
    """1 - edits / characters of the longer text."""
    return Levenshtein.normalized_similarity(one, other)


def by_both(one: str, other: str) -> float:
    """The mean of both: words see what was said, characters see inflections and scripts without blanks."""
    return (by_words(one, other) + by_characters(one, other)) / 2

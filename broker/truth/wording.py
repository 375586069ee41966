"""How alike two texts are: by words, as transcripts are compared, and by characters, as translations are."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

ORDER = 6
"""chrF's longest n-gram of characters."""
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
    """The mean of chrF with beta = 1 (Popović, WMT 2015: symmetric then) and of 1 - edits / characters; 1 if equal."""
    if one == other:
        return 1.0
    return (_chrf(one, other) + Levenshtein.normalized_similarity(one, other)) / 2


def _chrf(one: str, other: str) -> float:
    """The mean F1 of n-grams of 1 to ORDER characters without blanks; orders that neither text has are left out."""
    left, right = _grams("".join(one.split())), _grams("".join(other.split()))
    scores = []
    for mine, theirs in zip(left, right, strict=True):
        total = mine.total() + theirs.total()
        if total:
            scores.append(2 * (mine & theirs).total() / total)
    return sum(scores) / len(scores) if scores else 0.0


@lru_cache(maxsize=256)
def _grams(text: str) -> Sequence[Counter[str]]:
    return [Counter(text[at : at + size] for at in range(len(text) - size + 1)) for size in range(1, ORDER + 1)]

"""Cuts a text into words and signs, the same for every worker, whatever their browser takes for a word."""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

from broker.errors import Invalid

JOINER = "\u200d"
INNER = "'’-_"
"""Signs that stay inside a word."""
POINTS = ".,"
"""Signs that stay inside a number."""


def tokens(text: str) -> list[tuple[int, int]]:
    """(start, end) of words and signs in code points, blanks left out.

    Letters, digits and their accents make words; ' and - do between letters, points between digits; every other sign
    is a token with what belongs to it (accents, skin tones, joined emoji). Scripts without blanks come out in one piece
    up to the next sign.
    """
    edges = [0, *(at for at in range(1, len(text)) if not _joined(text, at)), len(text)]
    return [(start, end) for start, end in pairwise(edges) if start < end and not text[start:end].isspace()]


def _joined(text: str, at: int) -> bool:
    """Whether the sign at a place belongs to the one before it."""
    before, here = text[at - 1], text[at]
    if _clings(here) or before == JOINER:
        return True
    if here.isspace() or before.isspace():
        return here.isspace() and before.isspace()
    if _lettered(here):
        return _lettered(before) or (at > 1 and _inner(text[at - 2 : at + 1]))
    return at + 1 < len(text) and _inner(text[at - 1 : at + 2])


def _inner(three: str) -> bool:
    """Whether the middle one of three signs holds the others together."""
    before, here, after = three[0], three[1], three[2]
    if here in POINTS:
        return before.isdecimal() and after.isdecimal()
    return here in INNER and _lettered(before) and _lettered(after)


def _clings(sign: str) -> bool:
    return unicodedata.category(sign) in {"Mn", "Mc", "Me", "Cf"} or "\U0001f3fb" <= sign <= "\U0001f3ff"


def _lettered(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "LNM"


def words(text: str) -> Iterator[str]:
    """The tokens themselves."""
    return (text[start:end] for start, end in tokens(text))


def located(text: str, wanted: Sequence[str], name: str) -> list[tuple[int, int]]:
    """Where given tokens stand in the text, in their order. Raises Invalid for one that does not follow there."""
    places, at = [], 0
    for token in wanted:
        start = text.find(token, at) if token else -1
        if start < 0:
            raise Invalid(f"{name}: the token {token!r} does not follow in the text")
        at = start + len(token)
        places.append((start, at))
    return places

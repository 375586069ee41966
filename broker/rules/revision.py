"""What changed between two versions of a guide, line by line and word by word, for people who knew the older one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

MOST_LINES = 1000
"""Beyond these a guide is shown as replaced: comparing takes the square of its lines."""
MOST_WORDS = 500
AKIN = 0.4
"""The likeness, 0 to 1, from which two lines are one that was changed."""
PICTURE = re.compile(r"!\[([^\]\n]*)\]\(picture:([A-Z0-9]{1,64})\)")
LINK = re.compile(r"\[([^\]\n]*)\]\([^)\n]*\)")
MARKS = re.compile(r"\*\*|__|`|^\s*#{1,6}\s+|^\s*>\s?")
BULLET = re.compile(r"^(\s*)[-*+]\s+")
# Scripts without spaces are compared sign by sign.
WORD = re.compile(
    r"\s+|[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]|[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]+|[^\w\s]"
)


class Sort(StrEnum):
    """What became of a part of a guide."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True)
class Part:
    """A stretch of a line; `picture` is the public id of one that stands there, and `text` then what it shows."""

    sort: Sort
    text: str
    picture: str = ""


Line = tuple[Part, ...]


def changes(old: str, new: str) -> list[Line]:
    """The lines that were added, removed or changed, in the order of the new guide; blank lines count for nothing."""
    before, after = _lines(old), _lines(new)
    if max(len(before), len(after)) > MOST_LINES:
        return [*_whole(before, Sort.REMOVED), *_whole(after, Sort.ADDED)] if before != after else []
    found: list[Line] = []
    for act, first, last, start, end in SequenceMatcher(None, before, after).get_opcodes():
        if act != "equal":
            found += _replaced(before[first:last], after[start:end])
    return found


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _whole(lines: Sequence[str], sort: Sort) -> list[Line]:
    return [tuple(_parts(sort, _words(line))) for line in lines]


def _replaced(before: Sequence[str], after: Sequence[str]) -> Iterator[Line]:
    """Lines that took the place of others: each with the one it came from, as far as they are akin."""
    shared = min(len(before), len(after))
    for old, new in zip(before, after, strict=False):
        one, other = _words(old), _words(new)
        if (
            max(len(one), len(other)) <= MOST_WORDS
            and SequenceMatcher(None, one, other, autojunk=False).ratio() >= AKIN
        ):
            yield _compared(one, other)
        else:
            yield tuple(_parts(Sort.REMOVED, one))
            yield tuple(_parts(Sort.ADDED, other))
    yield from _whole(before[shared:], Sort.REMOVED)
    yield from _whole(after[shared:], Sort.ADDED)


def _compared(one: Sequence[str], other: Sequence[str]) -> Line:
    parts: list[Part] = []
    for act, first, last, start, end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if act == "equal":
            parts += _parts(Sort.SAME, one[first:last])
        else:
            parts += [*_parts(Sort.REMOVED, one[first:last]), *_parts(Sort.ADDED, other[start:end])]
    return tuple(parts)


def _words(line: str) -> list[str]:
    """A line as words, signs and pictures, without Markdown's marks."""
    words, at = [], 0
    for found in PICTURE.finditer(line):
        words += [*WORD.findall(_plain(line[at : found.start()])), found[0]]
        at = found.end()
    return words + WORD.findall(_plain(line[at:]))


def _plain(text: str) -> str:
    return MARKS.sub("", BULLET.sub(r"\1• ", LINK.sub(r"\1", text)))


def _parts(sort: Sort, words: Sequence[str]) -> Iterator[Part]:
    text = ""
    for word in words:
        picture = PICTURE.fullmatch(word)
        if picture is None:
            text += word
            continue
        if text:
            yield Part(sort, text)
        yield Part(sort, picture[1], picture[2])
        text = ""
    if text:
        yield Part(sort, text)


def pictures(text: str) -> list[str]:
    """The public ids of the pictures that a guide shows."""
    return [found[2] for found in PICTURE.finditer(text)]

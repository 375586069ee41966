"""Answers about texts as CoNLL-2003 (BIO) and CoNLL-U, with coreference as CorefUD has it."""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import BinaryIO, NamedTuple

from broker.annotation.labelled import Labelled
from broker.annotation.showing import plain
from broker.annotation.tokens import tokens

UPOS = frozenset(
    {
        *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM"),
        *("PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"),
    }
)
NOTHING = "_"


class Word(NamedTuple):
    """A token at its place in the text (code points, end exclusive)."""

    start: int
    end: int
    text: str


class Mark(NamedTuple):
    """A span with its label, or a mention with the name of its cluster."""

    start: int
    end: int
    label: str


class Document(NamedTuple):
    """An item's sentences (lines of its text), the tags of their words by start, and its marks."""

    sentences: list[list[Word]]
    tags: Mapping[int, str]
    marks: list[Mark]


def write_2003(items: Iterable[Labelled], labels: Sequence[str], file: BinaryIO) -> None:  # noqa: ARG001 - as all writers
    """One token a line: word, part of speech, chunk, entity as B-, I-, O; -DOCSTART- before each item.

    Chunks are not annotated, nor is what the kind does not ask for: that is `_`, or O for entities. Words are cut
    where spans begin and end. Of spans that overlap the longest is kept, because a word has one tag here.
    """
    page = _Page(file)
    for item in items:
        document = _document(item)
        inside = _bio(document)
        page.write("-DOCSTART- -X- -X- O\n\n")
        for sentence in document.sentences:
            page.write(
                "\n".join(f"{_form(one)} {document.tags.get(one.start, NOTHING)} _ {inside[one]}" for one in sentence)
            )
            page.write("\n\n")
    page.close()


def write_conllu(items: Iterable[Labelled], labels: Sequence[str], file: BinaryIO) -> None:
    """CoNLL-U (universaldependencies.org/format.html): tags as UPOS where all labels are such, else as XPOS.

    Clusters are entities in MISC, as CorefUD 1.0 writes them. A line of the text is a sentence, unless a mark goes on.
    """
    universal = set(labels) <= UPOS
    page = _Page(file)
    head = "# global.Entity = eid-etype-head-other\n"
    for item in items:
        document = _document(item)
        page.write(head)
        head = ""
        page.write(f"# newdoc id = {_line(item.name)}\n")
        entities = _entities(document)
        for number, sentence in enumerate(document.sentences, 1):
            text = _line(_between(item, sentence))
            page.write(f"# sent_id = {_line(item.name)}-{number}\n# text = {text}\n")
            for place, (one, after) in enumerate(pairwise([*sentence, None]), 1):
                assert one is not None  # noqa: S101 - only the last of a pair is none
                tag = document.tags.get(one.start, NOTHING)
                misc = [*([f"Entity={entities[one]}"] if one in entities else []), *_unspaced(one, after)]
                columns = [place, _line(one.text), NOTHING, *((tag, NOTHING) if universal else (NOTHING, tag)), NOTHING]
                page.write("\t".join(map(str, [*columns, *_tree(place), NOTHING, "|".join(misc) or NOTHING])) + "\n")
            page.write("\n")
    page.close()


def _document(item: Labelled) -> Document:
    text, inside = plain(item.text), (item.answer or {}).get("annotation", {})
    marks = [Mark(one["startOffset"], one["endOffset"], one["label"]) for one in inside.get("entities", ())]
    for number, cluster in enumerate(inside.get("clusters", ()), 1):
        marks += [Mark(one["startOffset"], one["endOffset"], f"e{number}") for one in cluster]
    given = [Word(one["startOffset"], one["endOffset"], one["text"]) for one in inside.get("tokens", ())]
    tags = {one["startOffset"]: _form_of(one["tag"]) for one in inside.get("tokens", ()) if one["tag"] is not None}
    words = given or list(_cut(text, marks))
    return Document(list(_sentences(text, words, marks)), tags, marks)


def _cut(text: str, marks: Sequence[Mark]) -> Iterator[Word]:
    """The text's tokens, cut where marks begin and end."""
    borders = sorted({edge for mark in marks for edge in mark[:2]})
    for start, end in tokens(text):
        edges = [start, *(edge for edge in borders if start < edge < end), end]
        for left, right in pairwise(edges):
            # Tokens hold no blanks, so neither do their pieces.
            yield Word(left, right, text[left:right])


def _sentences(text: str, words: Sequence[Word], marks: Sequence[Mark]) -> Iterator[list[Word]]:
    sentence: list[Word] = []
    for word in words:
        gap = (sentence[-1].end, word.start) if sentence else None
        if gap and "\n" in text[slice(*gap)] and not any(mark.start < gap[1] and gap[0] < mark.end for mark in marks):
            yield sentence
            sentence = []
        sentence.append(word)
    if sentence:
        yield sentence


def _bio(document: Document) -> Mapping[Word, str]:
    inside: dict[Word, str] = defaultdict(lambda: "O")
    words = [word for sentence in document.sentences for word in sentence]
    for mark in sorted(document.marks, key=lambda one: (one.start - one.end, one)):
        within = [word for word in words if mark.start <= word.start and word.end <= mark.end]
        if within and not any(word in inside for word in within):
            for place, word in enumerate(within):
                inside[word] = f"{'I' if place else 'B'}-{_form_of(mark.label)}"
    return inside


def _entities(document: Document) -> dict[Word, str]:
    """CorefUD's brackets: what opens before a word, and what closes after it."""
    opens, closes, alone = (
        defaultdict[Word, list[Mark]](list),
        defaultdict[Word, list[Mark]](list),
        defaultdict[Word, list[Mark]](list),
    )
    words = [word for sentence in document.sentences for word in sentence]
    for mark in document.marks:
        within = [word for word in words if mark.start <= word.start and word.end <= mark.end]
        if len(within) == 1:
            alone[within[0]].append(mark)
        elif within:
            opens[within[0]].append(mark)
            closes[within[-1]].append(mark)
    return {
        word: "".join(
            [f"{one.label})" for one in sorted(closes[word], key=lambda one: -one.start)]
            + [f"({one.label}--1-" for one in sorted(opens[word], key=lambda one: -one.end)]
            + [f"({one.label}--1-)" for one in alone[word]]
        )
        for word in words
        if opens[word] or closes[word] or alone[word]
    }


def _tree(place: int) -> tuple[int, str]:
    """No tree was annotated, but readers want one: all hang on the first word."""
    return (0, "root") if place == 1 else (1, "dep")


def _unspaced(one: Word, after: Word | None) -> list[str]:
    return ["SpaceAfter=No"] if after is not None and after.start == one.end else []


def _between(item: Labelled, sentence: Sequence[Word]) -> str:
    return plain(item.text)[sentence[0].start : sentence[-1].end]


def _line(text: str) -> str:
    return " ".join(text.split())


def _form(word: Word) -> str:
    return _form_of(word.text)


def _form_of(text: str) -> str:
    """A text as one column between blanks."""
    return "_".join(text.split()) or NOTHING


class _Page:
    """UTF-8 into a binary file; half a surrogate pair becomes its escape."""

    def __init__(self, file: BinaryIO) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="\n")

    def write(self, text: str) -> None:
        self._text.write(text)

    def close(self) -> None:
        self._text.detach()

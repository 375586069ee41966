"""Qualification tests as people write them: questions and choices in plain text, as QuestionForm and AnswerKey XML.

Questions are parted by empty lines; under each stand its choices, the right ones behind a star, the others behind a
dash. A question without choices is answered in the worker's own words, which nobody scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from broker.annotation import questionform
from broker.annotation.asking import Selection
from broker.annotation.questionform import SCHEMAS
from broker.errors import Invalid, Problem
from broker.formats import answer_key

FORM = SCHEMAS + "2017-11-06/QuestionForm.xsd"
RIGHT, WRONG = "*", "-"
LONGEST_ANSWER = 2000


@dataclass(frozen=True)
class Asked:
    """One question and its choices, each with whether it is right."""

    text: str
    choices: tuple[tuple[str, bool], ...]
    line: int


def read(text: str) -> list[Asked]:
    """The questions of a text. Raises Invalid naming the lines that cannot be."""
    blocks: list[tuple[int, list[str]]] = []
    fresh = True
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line and fresh:
            blocks.append((number, [line]))
        elif line:
            blocks[-1][1].append(line)
        fresh = not line
    questions = [_asked(number, lines) for number, lines in blocks]
    problems = [Problem(fault, row=one.line, column="test") for one in questions if (fault := _fault(one))]
    if not questions:
        problems = [Problem("write at least one question", column="test")]
    if problems:
        raise Invalid("; ".join(map(str, problems)), problems=problems)
    return questions


def _asked(number: int, lines: Sequence[str]) -> Asked:
    words = [line for line in lines if line[0] not in (RIGHT, WRONG)]
    choices = [(line[1:].strip(), line[0] == RIGHT) for line in lines if line[0] in (RIGHT, WRONG)]
    return Asked(" ".join(words), tuple(choices), number)


def _fault(one: Asked) -> str:
    names = [name for name, _ in one.choices]
    if not one.text:
        return "these choices have no question above them"
    if not all(names):
        return "a choice is empty"
    if len(set(names)) < len(names):
        return "a choice stands there twice"
    if len(names) == 1:
        return "one choice is no choice"
    return "mark the right choices with *" if names and not any(right for _, right in one.choices) else ""


def form(questions: Sequence[Asked]) -> str:
    """The QuestionForm of these questions."""
    root = Element("QuestionForm", xmlns=FORM)
    for number, one in enumerate(questions, 1):
        node = SubElement(root, "Question")
        SubElement(node, "QuestionIdentifier").text = f"q{number}"
        SubElement(node, "IsRequired").text = "true"
        SubElement(SubElement(node, "QuestionContent"), "Text").text = one.text
        answer = SubElement(node, "AnswerSpecification")
        if one.choices:
            _selection(answer, one)
        else:
            limits = SubElement(SubElement(answer, "FreeTextAnswer"), "Constraints")
            SubElement(limits, "Length", maxLength=str(LONGEST_ANSWER))
    return tostring(root, encoding="unicode")


def _selection(answer: Element, one: Asked) -> None:
    many = sum(right for _, right in one.choices) > 1
    node = SubElement(answer, "SelectionAnswer")
    SubElement(node, "MinSelectionCount").text = "1"
    SubElement(node, "MaxSelectionCount").text = str(len(one.choices) if many else 1)
    SubElement(node, "StyleSuggestion").text = "checkbox" if many else "radiobutton"
    selections = SubElement(node, "Selections")
    for place, (name, _) in enumerate(one.choices, 1):
        choice = SubElement(selections, "Selection")
        SubElement(choice, "SelectionIdentifier").text = f"c{place}"
        SubElement(choice, "Text").text = name


def key(questions: Sequence[Asked]) -> str:
    """The AnswerKey of these questions: a point for each that is all right, in percent; "" where none has choices."""
    root, scored = Element("AnswerKey", xmlns=answer_key.NAMESPACE), 0
    for number, one in enumerate(questions, 1):
        if one.choices:
            scored += 1
            node = SubElement(root, "Question")
            SubElement(node, "QuestionIdentifier").text = f"q{number}"
            option = SubElement(node, "AnswerOption")
            for place, (_, right) in enumerate(one.choices, 1):
                if right:
                    SubElement(option, "SelectionIdentifier").text = f"c{place}"
            SubElement(option, "AnswerScore").text = "1"
    mapping = SubElement(SubElement(root, "QualificationValueMapping"), "PercentageMapping")
    SubElement(mapping, "MaximumSummedScore").text = str(scored)
    return tostring(root, encoding="unicode") if scored else ""


def write(test: str, test_key: str) -> str | None:
    """The text that makes exactly this test and key; None for one that no text makes, such as a program's."""
    if not test:
        return ""
    shown = questionform.read(test).questions
    right = {}
    if test_key:
        right = {one.id: one.options[0][0] if one.options else frozenset()
                 for one in answer_key.read_answer_key(test_key).questions}  # fmt: skip
    blocks = []
    for one in shown:
        lines = [" ".join(part.text for part in one.content)]
        if isinstance(one.answer, Selection):
            marks = right.get(one.name, frozenset())
            lines += [f"{RIGHT if c.name in marks else WRONG} {c.content.text}" for c in one.answer.choices]
        blocks.append("\n".join(lines))
    text = "\n\n".join(blocks)
    try:
        again = read(text)
    except Invalid:
        return None
    return text if (form(again), key(again)) == (test, test_key) else None

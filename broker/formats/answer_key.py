"""AnswerKey XML: reading MTurk's keys of qualification tests, safely."""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar
from xml.etree.ElementTree import Element

from broker.annotation import questionform
from broker.annotation.questionform import BadXml
from broker.rules.answer_key import LARGEST, AnswerKey, Percentage, Question, Ranges, Scale

NAMESPACE = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/AnswerKey.xsd"
LONGEST = 65_535
# An exponent of a few digits would take minutes to write out.
NUMBER = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,12})?")
N = TypeVar("N", int, Fraction)


def read_answer_key(xml: str) -> AnswerKey:
    """The key that this XML says. Raises BadXml naming what is wrong in it."""
    if len(xml.encode(errors="replace")) > LONGEST:
        raise BadXml(f"AnswerKey: longer than {LONGEST} bytes")
    root = questionform.parse(xml)
    if _name(root) != "AnswerKey":
        raise BadXml(f"AnswerKey: the root is {_name(root)!r}, not 'AnswerKey'")
    questions = tuple(_question(one) for one in _all(root, "Question"))
    if not questions:
        raise BadXml("AnswerKey: there is no Question")
    mapping = _first(root, "QualificationValueMapping")
    return AnswerKey(questions, None if mapping is None else _mapping(mapping))


def _question(node: Element) -> Question:
    name = _text(node, "QuestionIdentifier")
    options = tuple(
        (
            frozenset((one.text or "").strip() for one in _all(option, "SelectionIdentifier")),
            _number(option, "AnswerScore", int),
        )
        for option in _all(node, "AnswerOption")
    )
    default = _number(node, "DefaultScore", int) if _first(node, "DefaultScore") is not None else 0
    return Question(name, options, default)


def _mapping(node: Element) -> Percentage | Scale | Ranges:
    for one in node:
        if _name(one) == "PercentageMapping":
            most = _number(one, "MaximumSummedScore", int)
            if most < 1:
                raise BadXml(f"AnswerKey: MaximumSummedScore {most} is not 1 or more")
            return Percentage(most)
        if _name(one) == "ScaleMapping":
            return Scale(_number(one, "SummedScoreMultiplier", Fraction))
        if _name(one) == "RangeMapping":
            return _ranges(one)
    raise BadXml("AnswerKey: QualificationValueMapping holds no PercentageMapping, ScaleMapping or RangeMapping")


def _ranges(node: Element) -> Ranges:
    bounds = ("InclusiveLowerBound", "InclusiveUpperBound", "QualificationValue")
    found = [[_number(one, name, int) for name in bounds] for one in _all(node, "SummedScoreRange")]
    return Ranges(tuple((one[0], one[1], one[2]) for one in found), _number(node, "OutOfRangeQualificationValue", int))


def _number(node: Element, name: str, sort: Callable[[str], N]) -> N:
    text = _text(node, name)
    try:
        value = sort(text if NUMBER.fullmatch(text) else "")
    except ValueError:
        raise BadXml(f"AnswerKey: {name} {text[:40]!r} is no number") from None
    if abs(value) > LARGEST:
        raise BadXml(f"AnswerKey: {name} {text[:40]!r} is beyond {LARGEST}")
    return value


def _text(node: Element, name: str) -> str:
    found = _first(node, name)
    text = (found.text or "").strip() if found is not None else ""
    if not text:
        raise BadXml(f"AnswerKey: {_name(node)} has no {name}")
    return text


def _name(node: Element) -> str:
    return node.tag.rpartition("}")[2]


def _all(node: Element, name: str) -> list[Element]:
    return [one for one in node if _name(one) == name]


def _first(node: Element, name: str) -> Element | None:
    return next(iter(_all(node, name)), None)

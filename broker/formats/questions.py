"""MTurk's questions and answers in XML: ExternalQuestion, HTMLQuestion and QuestionForm in, QuestionFormAnswers out.

The contracts are AWS's pages of these names in the Requester API's reference. XML is read without document types,
entities or network (defusedxml).
"""

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, SubElement, tostring

from broker.annotation import questionform
from broker.annotation.asking import OTHER, Selection
from broker.annotation.questionform import SCHEMAS, UNREADABLE, BadXml, child, local, words
from broker.errors import Invalid

HTML = SCHEMAS + "2011-11-11/HTMLQuestion.xsd"
ANSWERS = SCHEMAS + "2005-10-01/QuestionFormAnswers.xsd"
"""The namespace that clients' parsers look for."""
CROWD = "taskAnswers"
"""The one name under which a crowd-form's answer reaches MTurk's clients, as a JSON list of one object."""
LARGEST_HTML = 65_535
TALLEST = 10_000
FLAT = re.compile(r"<crowd-form\b[^>]*\banswer-format\s*=\s*[\"']?flatten-objects", re.IGNORECASE)
CROWD_FORM = re.compile(r"<crowd-form\b", re.IGNORECASE)
UNPRINTABLE = re.compile("[^\t\n\r -\ud7ff\ue000-�\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Question:
    """What a HIT asks: an address, a page of HTML, or a QuestionForm's XML; `height` of the frame in pixels, 0 fits."""

    sort: Literal["external", "html", "form"]
    url: str = ""
    content: str = ""
    height: int = 0

    def as_column(self) -> dict[str, Any]:
        """The question as the room `page` reads it from an item's column `_question`."""
        return asdict(self)


def read_question(xml: str, *, loopback: bool = False) -> Question:
    """A question of any of the three formats; `loopback` allows http addresses of this machine.

    Raises BadXml with MTurk's words, Invalid for an address or a size that is not allowed.
    """
    root = questionform.parse(xml)
    namespace, name = questionform.split_tag(root)
    if not namespace.startswith(SCHEMAS):
        raise BadXml(f"{UNREADABLE} (the namespace of {name} is none of {SCHEMAS}…)")
    if name == "ExternalQuestion":
        return Question("external", url=address(words(_need(root, "ExternalURL")), loopback), height=_height(root))
    if name == "HTMLQuestion":
        return Question("html", content=_html(root), height=_height(root))
    if name == "QuestionForm":
        questionform.read(xml)
        return Question("form", content=xml.strip())
    raise BadXml(f"{UNREADABLE} (the root {name} is none of ExternalQuestion, HTMLQuestion, QuestionForm)")


def write_html(question: Question) -> str:
    """An HTMLQuestion as XML; read_question(write_html(q)) == q for what XML can say."""
    root = Element(f"{{{HTML}}}HTMLQuestion")
    SubElement(root, f"{{{HTML}}}HTMLContent").text = UNPRINTABLE.sub("�", question.content)
    SubElement(root, f"{{{HTML}}}FrameHeight").text = str(question.height)
    return tostring(root, encoding="unicode", default_namespace=HTML)


def address(url: str, loopback: bool) -> str:  # noqa: FBT001 - a setting, passed on
    """The address of a requester's own site. Raises Invalid unless it is https, or http on loopback where allowed."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    # The host goes into a policy, whose parts end at these; behind it they are parts of an address as others are.
    odd = re.search(r"[\s\\<>\"]", url) or re.search(r"[';,]", parts.netloc)
    if not host or parts.username is not None or odd:
        raise Invalid(f"ExternalURL: {url[:200]!r} is no address")
    if parts.scheme == "https" or (parts.scheme == "http" and loopback and is_loopback(host)):
        return url
    raise Invalid(f"ExternalURL: {url[:200]!r} must begin with https://")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def write_answers(question: Question | None, answer: Mapping[str, Any]) -> str:
    """An answer as QuestionFormAnswers XML: a crowd-form's as `taskAnswers`, all others a field each."""
    root = Element(f"{{{ANSWERS}}}QuestionFormAnswers")
    for name, value in _written(question, answer):
        entry = SubElement(root, f"{{{ANSWERS}}}Answer")
        _text(entry, "QuestionIdentifier", name)
        _value(entry, value)
    text = tostring(root, encoding="us-ascii", xml_declaration=False, default_namespace=ANSWERS).decode()
    return f'<?xml version="1.0" encoding="ASCII"?>{text}'


def read_answers(xml: str) -> dict[str, Any]:
    """An answer from QuestionFormAnswers XML: what was written, where that was texts, selections or a crowd-form's.

    Raises BadXml.
    """
    root = questionform.parse(xml)
    if questionform.split_tag(root) != (ANSWERS, "QuestionFormAnswers"):
        raise BadXml(f"{UNREADABLE} (the root is not QuestionFormAnswers of {ANSWERS})")
    found = {words(_need(entry, "QuestionIdentifier")): _read_value(entry) for entry in root}
    crowd = found.get(CROWD)
    return _unwrapped(crowd) or found if len(found) == 1 and isinstance(crowd, str) else found


def _need(element: Element, name: str) -> Element:
    found = child(element, name)
    if found is None:
        raise BadXml(f"{UNREADABLE} ({local(element)}: {name} is missing)")
    return found


def _height(root: Element) -> int:
    text = words(_need(root, "FrameHeight"))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadXml(f"{UNREADABLE} (FrameHeight: {text[:20]!r} is no whole number)")
    return min(int(text), TALLEST)


def _html(root: Element) -> str:
    content = "".join(_need(root, "HTMLContent").itertext())
    if not content.strip():
        raise BadXml(f"{UNREADABLE} (HTMLContent is empty)")
    if len(content.encode()) > LARGEST_HTML:
        raise Invalid(f"HTMLContent: {len(content.encode()):,} bytes are more than {LARGEST_HTML:,}")
    return content


def _written(question: Question | None, answer: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    html = question.content if question is not None and question.sort == "html" else ""
    if question is None or (CROWD_FORM.search(html) and not FLAT.search(html)):
        yield CROWD, json.dumps([answer], ensure_ascii=False, separators=(",", ":"))
    elif question.sort == "form":
        chosen = {
            one.name for one in questionform.read(question.content).questions if isinstance(one.answer, Selection)
        }
        for name, value in answer.items():
            yield name, [value] if name in chosen and isinstance(value, str) else value
    else:
        for name, value in answer.items():
            yield from _flat(name, value)


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """What is not a text on the wire: objects by dotted names, several values of one name joined by a bar."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    elif isinstance(value, list) and all(isinstance(one, str) for one in value):
        yield name, "|".join(value)
    else:
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _value(entry: Element, value: Any) -> None:
    if isinstance(value, str):
        _text(entry, "FreeText", value)
        return
    selection = value if isinstance(value, Mapping) else {"selections": value}
    for one in selection.get("selections", []):
        _text(entry, "SelectionIdentifier", str(one))
    if selection.get(OTHER):
        _text(entry, "OtherSelectionText", str(selection[OTHER]))


def _text(entry: Element, name: str, text: str) -> None:
    SubElement(entry, f"{{{ANSWERS}}}{name}").text = UNPRINTABLE.sub("�", text)


def _read_value(entry: Element) -> Any:
    parts = {local(one) for one in entry}
    if "FreeText" in parts:
        return "".join(_need(entry, "FreeText").itertext())
    if "UploadedFileKey" in parts:
        return {"file": words(child(entry, "UploadedFileKey")), "size": words(child(entry, "UploadedFileSizeInBytes"))}
    chosen = [words(one) for one in entry if local(one) == "SelectionIdentifier"]
    own = words(child(entry, "OtherSelectionText"))
    return {"selections": chosen, OTHER: own} if own else chosen


def _unwrapped(text: str) -> dict[str, Any] | None:
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return listed[0] if isinstance(listed, list) and len(listed) == 1 and isinstance(listed[0], dict) else None

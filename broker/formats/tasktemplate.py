"""What a Ground Truth task template asks: the crowd element that makes it a built-in type of task, and its words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

# https://docs.aws.amazon.com/sagemaker/latest/dg/sms-ui-template-reference.html
ELEMENTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "crowd-classifier": ("choice", "text-classification", {"media": "text", "many": False}),
    "crowd-classifier-multi-select": ("choice", "text-classification-multilabel", {"media": "text", "many": True}),
    "crowd-image-classifier": ("choice", "image-classification", {"media": "image", "many": False}),
    "crowd-image-classifier-multi-select": (
        *("choice", "image-classification-multilabel"),
        {"media": "image", "many": True},
    ),
    "crowd-bounding-box": ("boxes", "object-detection", {"media": "image"}),
    "crowd-semantic-segmentation": ("masks", "semantic-segmentation", {"media": "image", "sort": "semantic"}),
    "crowd-entity-annotation": ("spans", "text-span", {"media": "text"}),
}
"""The kind that does the same work, Ground Truth's name of the task, the settings that the element stands for."""
FURNITURE = {"crowd-form", "crowd-instructions", "crowd-button"}
INSTRUCTIONS = {"short-instructions", "full-instructions", "crowd-instructions"}
FIELDS = {"input", "textarea", "select", "script"}
HARMLESS = ("crowd-html-elements",)
SOURCES = ("task.input.taskObject", "task.input.source")
LABELS = "task.input.labels"
PARAGRAPHS = {"p", "div", "li", "h1", "h2", "h3", "h4", "h5", "br", *INSTRUCTIONS}


@dataclass(frozen=True)
class Known:
    """A template of a built-in type: the kind that does the same work, and the words that workers read."""

    element: str
    kind: str
    task_type: str
    settings: Mapping[str, Any]
    header: str
    instructions: str


@dataclass
class _Seen:
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    is_mixed: bool = False
    images: int = 0
    words: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    """Notes the crowd elements of a template, other fields beside them, and the text of its instructions."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = _Seen()
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        given = {name: value or "" for name, value in attrs}
        if tag in INSTRUCTIONS:
            self._inside.append(tag)
        if tag in PARAGRAPHS:
            self.seen.words.append("\n")
        if tag.startswith("crowd-") and tag not in FURNITURE:
            self.seen.elements.append((tag, given))
        elif tag in FIELDS and not any(name in given.get("src", "") for name in HARMLESS):
            self.seen.is_mixed = True
        elif tag == "img" and not self._inside:
            self.seen.images += 1

    def handle_endtag(self, tag: str) -> None:
        """Note the end of instructions."""
        if tag in self._inside:
            self._inside.remove(tag)

    def handle_data(self, data: str) -> None:
        """Note the words of instructions."""
        if self._inside:
            self.seen.words.append(data)


def task_type(template: str) -> str:
    """The type of task that the template's first known element stands for; "custom" if there is none."""
    return next((ELEMENTS[name][1] for name, _ in _read(template).elements if name in ELEMENTS), "custom")


def known(template: str) -> Known | None:
    """The built-in task that the template asks for, if it asks for nothing else; None for a page of its own.

    It must show the data object as it is, and offer the job's labels.
    """
    seen = _read(template)
    if len(seen.elements) != 1 or seen.is_mixed or seen.elements[0][0] not in ELEMENTS:
        return None
    if not any(name in template for name in SOURCES) or template.count("{%"):
        return None
    name, given = seen.elements[0]
    if LABELS not in given.get("labels", given.get("categories", "")):
        return None
    kind, task, settings = ELEMENTS[name]
    if seen.images and "many" in settings:
        task, settings = task.replace("text-", "image-"), {**settings, "media": "image"}
    return Known(name, kind, task, settings, given.get("header", "").strip(), _tidy("".join(seen.words)))


def _read(template: str) -> _Seen:
    reader = _Reader()
    reader.feed(template)
    reader.close()
    return reader.seen


def _tidy(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return "\n\n".join(line for line in lines if line)

"""A page that others wrote, made into a document for its frame: our script first, dead addresses brought to life."""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from flask import render_template

from broker.annotation import asking, questionform, template
from broker.annotation.paged import Source
from broker.web import shown, static

LIBRARY = "crowd-html-elements"
DEAD_SCRIPT = re.compile(
    r"<script\b[^>]*\bsrc\s*=\s*[\"']?(?:https?:)?//[^\"'>\s]*"
    r"(?P<file>externalHIT_v1\.js|crowd-html-elements(?:-v2)?(?:\.min)?\.js)[^>]*>(?:\s*</script\s*>)?",
    re.IGNORECASE,
)
DEAD_ACTION = re.compile(r"(?:https?:)?//(?:www|workersandbox)\.mturk\.com(?=/mturk/externalSubmit\b)", re.IGNORECASE)
FORM = re.compile(r"<(?:crowd-)?form\b", re.IGNORECASE)
ELEMENT = re.compile(r"<(?:crowd|broker)-", re.IGNORECASE)
HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
HTML = re.compile(r"<html\b[^>]*>", re.IGNORECASE)
BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
DOCTYPE = re.compile(r"\s*<!doctype[^>]*>", re.IGNORECASE)


@dataclass(frozen=True)
class Surroundings:
    """What a page may know of where it is: the address it submits to, and whether single keys may act."""

    origin: str
    shortcuts: bool
    grant: template.Grant


def document(source: Source, task_input: Mapping[str, Any], around: Surroundings) -> str:
    """The HTML of a frame. Raises Invalid for a template or a form that cannot be shown."""
    if source.sort == "form":
        return _framed(_question_form(source.content), around, elements=False)
    html = template.render(source.content, task_input, around.grant) if source.sort == "liquid" else source.content
    return _framed(revived(html, around.origin), around, elements=bool(ELEMENT.search(html) or LIBRARY in html))


def revived(html: str, origin: str) -> str:
    """The page with MTurk's dead addresses replaced: its scripts by ours, its form's action by our externalSubmit."""
    html = DEAD_SCRIPT.sub("", html)  # ours stand at the beginning of every framed page
    return DEAD_ACTION.sub(lambda _: origin, html)


def _framed(html: str, around: Surroundings, *, elements: bool) -> str:
    """The page with our scripts before everything of its own, and a form around it if it has none."""
    head = _head(html, around, elements=elements)
    body, whole = _bodies(html)
    if not FORM.search(html):
        wrap = "crowd-form" if elements else "form"
        body = f"<{wrap}>{body}</{wrap}>"
    body += icons() if elements else ""
    if not whole:
        return f'<!DOCTYPE html><html lang="en"><head>{head}{_look()}</head><body>{body}</body></html>'
    begin, end = whole
    return _with_head(html[:begin], head) + body + html[end:]


def _bodies(html: str) -> tuple[str, tuple[int, int] | None]:
    """What is in the page's body, and where; None where the page is only a fragment."""
    start = BODY.search(html)
    if start is None:
        return html, None
    ends = list(BODY_END.finditer(html, start.end()))
    end = ends[-1].start() if ends else len(html)
    return html[start.end() : end], (start.end(), end)


def _with_head(before: str, head: str) -> str:
    # Without a document type a browser lays a page out as in the nineties, and its height is that of its frame.
    typed = before if DOCTYPE.match(before) else f"<!DOCTYPE html>{before}"
    for place in (HEAD, HTML, DOCTYPE):
        found = place.search(typed)
        if found:
            return typed[: found.end()] + head + typed[found.end() :]
    return head + typed


def _head(html: str, around: Surroundings, *, elements: bool) -> str:
    keys = "on" if around.shortcuts else "off"
    shim = f'<script src="{static.static("js/frame/shim.js")}" data-shortcuts="{keys}"></script>'
    turk = f'<script src="{static.static("js/frame/externalHIT_v1.js")}"></script>'
    ours = f'<script type="module" src="{static.static("js/elements/index.js")}"></script>'
    sized = "" if re.search(r"<meta\b[^>]*\bviewport", html, re.IGNORECASE) else _VIEWPORT
    return f'<meta charset="utf-8">{sized}{turk}{shim}{ours if elements else ""}'


_VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'


def _look() -> str:
    return f'<link rel="stylesheet" href="{static.static("css/framed.css")}">'


@functools.cache
def icons() -> str:
    """Our sheet of pictures, for pages of no origin: they may not use that of another."""
    sheet = (static.FOLDER / "img" / "icons.svg").read_text()
    return sheet.replace("<svg ", '<svg hidden style="display:none" ').replace(
        '<symbol id="', '<symbol id="crowd-icon-'
    )


def _question_form(xml: str) -> str:
    helpers = {"clean": shown.formatted, "patterns": _patterns, "is_question": _is_question}
    return render_template("frame/form.html", form=questionform.read(xml), **helpers)


def _patterns(text: asking.FreeText) -> str | None:
    return json.dumps([asdict(one) for one in text.patterns]) if text.patterns else None


def _is_question(part: object) -> bool:
    return isinstance(part, asking.Question)

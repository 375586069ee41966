"""A HIT's page: the Liquid template of its kind over `task.input`, with limits on what rendering may cost."""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from liquid import BoundTemplate, CachingFileSystemLoader, Environment
from markupsafe import Markup

from broker.annotation.kind import Kind
from broker.web import media
from broker.wiring import Broker


class Pages(Environment):
    """Liquid whose output is escaped, and whose nesting, loops and output end."""

    context_depth_limit = 20
    loop_iteration_limit = 20_000
    output_stream_limit = 2_000_000
    local_namespace_limit = 100_000


def render(kind: str, task_input: Mapping[str, Any]) -> Markup:
    """The HTML of one HIT of a built-in kind; `task_input` is what `seen` gives."""
    html = _template(kind).render(task={"input": task_input})
    # The template escapes every value it shows (autoescape), so what comes out is markup.
    return Markup(html)  # noqa: S704


def seen(broker: Broker, room: Kind[Any], payload: Mapping[str, Any], frame: str) -> dict[str, Any]:
    """What a worker's page may know of an item: the kind's `task.input`, its files under signed addresses.

    `frame` is the address (web/frames.py) at which the item's own page is, for kinds that have one.

    Raises Invalid for an item that lacks what the kind shows.
    """
    shown = media.shown(broker, payload, room.task_input(payload))
    if shown.get("media") == "page":
        shown["src"] = frame
    return shown


@functools.cache
def templates() -> Path:
    """The folder of the pages: inside an installed wheel's package, beside the package in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


@functools.cache
def _template(kind: str) -> BoundTemplate:
    loader = CachingFileSystemLoader(templates() / "kinds", ext=".html")
    pages = Pages(autoescape=True, loader=loader)
    pages.add_filter("to_json", functools.partial(json.dumps, ensure_ascii=False))
    return pages.get_template(kind)

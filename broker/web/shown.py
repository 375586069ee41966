"""How values are shown in pages: money, shares, times, public ids, Markdown."""

import datetime as dt
from collections.abc import Mapping

import nh3
from flask import Flask
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from broker.rules.ledger import UNIT
from broker.web import media
from broker.web.gate import broker

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
_ATTRIBUTES = {**nh3.ALLOWED_ATTRIBUTES, "img": {"src", "alt", "loading"}}
_OWN = "/media/"
_PICTURE = "picture:"


def markdown(text: str, pictures: Mapping[str, str] | None = None) -> Markup:
    """Sanitised HTML of a requester's Markdown; the one renderer for all of it.

    `![words](picture:ID)` becomes the picture of this public id among `pictures`, which have signed addresses of ours;
    of every other image only its words are left.
    """
    tokens = _markdown.parse(text)
    for token in tokens:
        token.children = [_pictured(one, pictures or {}) for one in token.children or ()] or token.children
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return Markup(  # noqa: S704
        nh3.clean(html, attributes=_ATTRIBUTES, attribute_filter=_own_only, link_rel="noopener noreferrer nofollow")
    )


def _pictured(token: Token, pictures: Mapping[str, str]) -> Token:
    if token.type != "image":
        return token
    address = pictures.get(str(token.attrs.get("src", "")).removeprefix(_PICTURE))
    if address is None:
        return Token("text", "", 0, content=token.content)
    token.attrs = {"src": address, "alt": "", "loading": "lazy"}
    return token


def _own_only(tag: str, name: str, value: str) -> str | None:
    return value if (tag, name) != ("img", "src") or value.startswith(_OWN) else None


def formatted(text: str) -> Markup:
    """Sanitised HTML of a QuestionForm's FormattedContent."""
    tags = nh3.ALLOWED_TAGS | {"font", "big"}
    return Markup(nh3.clean(text, tags=tags, url_schemes={"http", "https", "mailto"}, link_rel="noopener noreferrer"))  # noqa: S704


def money(micros: int) -> str:
    """An amount of micro-units: at least two decimals, more only where they say something."""
    text = f"{micros / UNIT:,.6f}".rstrip("0")
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest:0<2}"


def percent(share: float | None, digits: int = 0) -> str:
    """A share of 0..1 in percent; a dash for an unknown one."""
    return "–" if share is None else f"{share * 100:.{digits}f} %"


def moment(value: dt.datetime | None) -> Markup:
    """A time, in UTC."""
    if value is None:
        return Markup("–")
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), value.strftime("%d %b %Y, %H:%M"))


def seconds(value: float | None) -> str:
    """A stretch of time, in the unit that people would use."""
    if value is None:
        return "–"
    if value < 60:
        return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"
    return f"{value / 60:.0f} min" if value < 3600 else f"{value / 3600:.1f} h"


def pair(name: str) -> tuple[str, str]:
    """An option whose text is its value."""
    return name, name


def round_up(highest: float) -> int:
    """The round number that a chart goes up to, with a round one at its half: 2, 4, 6, 8 or 10 and zeros."""
    step = 1
    while step * 10 < highest:
        step *= 10
    return next(step * digit for digit in (2, 4, 6, 8, 10) if step * digit >= highest)


def hang(app: Flask) -> None:
    """Give templates these filters."""
    for view in (markdown, money, percent, moment, seconds, round_up, pair):
        app.add_template_filter(view)
    app.add_template_filter(lambda value: media.picture(broker(), value), "picture")
    app.add_template_filter(lambda payload: media.specimen(broker(), payload), "specimen")

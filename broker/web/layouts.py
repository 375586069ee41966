"""A requester's HIT layouts: pages with ${parameters} that programs name when they make HITs."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from broker.errors import Conflict, Invalid, Problem
from broker.formats.batch import variables
from broker.services import layouts
from broker.services.layouts import Draft
from broker.store import layouts as kept
from broker.store.db import Unit
from broker.web import drafts, frames
from broker.web.gate import broker, me, need

blueprint = Blueprint("layouts", __name__, url_prefix="/layouts")
FIELDS = ("title", "html", "height")
START = """<crowd-form answer-format="flatten-objects">
  <p>${text}</p>
  <crowd-input name="answer" label="Your answer" required></crowd-input>
</crowd-form>
"""


@blueprint.get("")
@need("requester")
def listing() -> str:
    """All layouts, with the ids that programs need."""
    with broker().store.read() as unit:
        found = kept.of(unit, me().id)
    shown = [(_name(one.id), one, variables(one.html)) for one in found]
    return render_template("requester/layouts.html", layouts=shown)


@blueprint.get("/new")
@need("requester")
def new() -> ResponseReturnValue:
    """An empty layout."""
    return _form("", {"title": "", "html": START, "height": "0"}, {})


@blueprint.get("/<layout>")
@need("requester")
def edit(layout: str) -> ResponseReturnValue:
    """One layout, to be written anew."""
    with broker().store.read() as unit:
        found = layouts.own(unit, broker().names("L").read(layout), me().id)
    return _form(layout, {"title": found.title, "html": found.html, "height": str(found.height)}, {})


@blueprint.post("/new")
@blueprint.post("/<layout>")
@need("requester")
def save(layout: str = "") -> ResponseReturnValue:
    """Keep a new layout, or what was changed of one."""
    typed = {name: request.form.get(name, "") for name in FIELDS}
    try:
        draft = Draft(typed["title"], typed["html"], _height(typed["height"]))
        with broker().store.write() as unit:
            name = _save(unit, layout, draft)
    except (Invalid, Conflict) as error:
        wrong = Invalid(error.message, problems=error.problems)
        return _form(layout, typed, drafts.errors_of(wrong, "html", FIELDS), error.status)
    flash("The layout is saved.", "good")
    return redirect(url_for("layouts.edit", layout=name), 303)


@blueprint.post("/<layout>/remove")
@need("requester")
def remove(layout: str) -> ResponseReturnValue:
    """Remove a layout; its HITs stay."""
    with broker().store.write() as unit:
        layouts.remove(unit, broker().names("L").read(layout), me().id)
    flash("The layout is removed. HITs that were made of it stay as they are.", "good")
    return redirect(url_for("layouts.listing"), 303)


def _save(unit: Unit, layout: str, draft: Draft) -> str:
    if not layout:
        return _name(layouts.keep(unit, me().id, draft, broker().now()))
    layouts.change(unit, broker().names("L").read(layout), me().id, draft, broker().now())
    return layout


def _name(layout_id: int) -> str:
    return broker().names("L").show(layout_id)


def _height(text: str) -> int:
    try:
        return drafts.whole(text or "0")
    except ValueError:
        problem = Problem(f"{text[:40]!r} is no whole number", column="height")
        raise Invalid(str(problem), problems=[problem]) from None


def _form(layout: str, typed: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    page = render_template("requester/layout.html", id=layout, typed=typed, errors=errors)
    answer = frames.confined(page)
    answer.status_code = status
    return answer

"""LAYOUTS: pages with ${parameters} that a requester keeps; HITs made of them keep the page as it was then."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from broker.errors import Conflict, Invalid, NotFound, Problem
from broker.formats.batch import VARIABLE, variables
from broker.formats.questions import LARGEST_HTML, TALLEST, Question
from broker.store import layouts
from broker.store.db import Unit
from broker.store.layouts import HitLayout

MOST = 500
LONGEST_TITLE = 200


@dataclass(frozen=True)
class Draft:
    """A layout as its requester wrote it; `height` of the frame in pixels, 0 fits its content."""

    title: str
    html: str
    height: int = 0

    def check(self) -> None:
        """Raises Invalid, naming every field that is out of its range."""
        size = len(self.html.encode())
        faults = {
            "title": "" if 0 < len(self.title.strip()) <= LONGEST_TITLE else f"write 1 to {LONGEST_TITLE} characters",
            "html": "" if self.html.strip() else "write the page",
            "height": "" if 0 <= self.height <= TALLEST else f"give 0 to {TALLEST:,} pixels",
        }
        if size > LARGEST_HTML:
            faults["html"] = f"{size:,} bytes are more than {LARGEST_HTML:,}"
        problems = [Problem(fault, column=name) for name, fault in faults.items() if fault]
        if problems:
            raise Invalid("; ".join(map(str, problems)), problems=problems)


def keep(unit: Unit, requester_id: int, draft: Draft, now: dt.datetime) -> int:
    """Keep a new layout; its row id. Raises Invalid, and Conflict when there are too many."""
    draft.check()
    if layouts.count(unit, requester_id) >= MOST:
        raise Conflict(f"You have {MOST} layouts already: remove one first.")
    title = draft.title.strip()
    row = HitLayout(requester_id=requester_id, title=title, html=draft.html, height=draft.height, changed_at=now)
    unit.session.add(row)
    unit.session.flush()
    return row.id


def change(unit: Unit, layout_id: int, requester_id: int, draft: Draft, now: dt.datetime) -> None:
    """Write a layout anew, for HITs to come. Raises Invalid, NotFound."""
    row = own(unit, layout_id, requester_id)
    draft.check()
    row.title, row.html, row.height, row.changed_at = draft.title.strip(), draft.html, draft.height, now


def remove(unit: Unit, layout_id: int, requester_id: int) -> None:
    """Remove a layout; HITs made of it stay. Raises NotFound."""
    if not layouts.remove(unit, layout_id, requester_id):
        raise _unknown()


def own(unit: Unit, layout_id: int, requester_id: int) -> HitLayout:
    """The requester's layout. Raises NotFound, also for a stranger's."""
    row = layouts.own(unit, layout_id, requester_id)
    if row is None:
        raise _unknown()
    return row


def question(unit: Unit, layout_id: int, requester_id: int, parameters: Mapping[str, str]) -> Question:
    """The page with its parameters filled in, as they are: a value may hold markup, as on MTurk.

    Raises NotFound; Invalid naming parameters that are missing or that the layout does not have, and for a page that
    became too large.
    """
    row = own(unit, layout_id, requester_id)
    wanted = variables(row.html)
    missing = [name for name in wanted if name not in parameters]
    unused = [name for name in parameters if name not in wanted]
    problems = [Problem("the layout needs this parameter", column=name) for name in missing]
    problems += [Problem("the layout has no such parameter", column=name) for name in unused]
    if problems:
        raise Invalid("; ".join(map(str, problems)), problems=problems)
    html = VARIABLE.sub(lambda found: parameters[found[1]], row.html)
    if len(html.encode()) > LARGEST_HTML:
        raise Invalid(f"HITLayoutParameters: the page has {len(html.encode()):,} bytes, more than {LARGEST_HTML:,}")
    return Question("html", content=html, height=row.height)


def _unknown() -> NotFound:
    return NotFound("There is no such layout among yours.")

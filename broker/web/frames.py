"""The frames in which pages of others stand: what they show, and the three layers that keep them in.

The page around a frame allows it only our own /frame/ addresses; the frame's element and its header both sandbox it,
without an origin; the header lets it load nothing from elsewhere and send nothing anywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from broker.annotation.kind import Json
from broker.annotation.paged import Paged, Source
from broker.errors import Invalid, NotFound
from broker.formats.questions import address
from broker.kinds.page import Page
from broker.kinds.registry import furnish
from broker.services import claim
from broker.store import dataset, desk, jobs
from broker.store.frames import Framed, framed
from broker.store.work import ANSWERED
from broker.web import buckets, document, drafts, media, static
from broker.web.document import Surroundings
from broker.web.gate import broker, me, need

blueprint = Blueprint("frames", __name__, url_prefix="/frame")
UNAVAILABLE = "ASSIGNMENT_ID_NOT_AVAILABLE"
"""The assignmentId of a preview, as MTurk has it."""
FILES = ("_image", "_audio", "_video")
SOURCES = ("source-ref", "source")


@dataclass(frozen=True)
class Turn:
    """Whose page it is: the ids that it may know, public ones all."""

    assignment: str = UNAVAILABLE
    hit: str = ""
    worker: str = ""

    def parameters(self) -> dict[str, str]:
        """What MTurk adds to a page's address."""
        known = {"assignmentId": self.assignment, "hitId": self.hit, "workerId": self.worker}
        given = {name: value for name, value in known.items() if value}
        return given if self.assignment == UNAVAILABLE else {**given, "turkSubmitTo": origin()}


def origin() -> str:
    """Where this installation is, as its visitors see it."""
    return broker().settings.url.rstrip("/") or request.host_url.rstrip("/")


def own(path: str) -> str:
    """A source of a policy: a path of this host. Policies know no IPv6 addresses; there it is the whole host."""
    return "'self'" if request.host.startswith("[") else f"{request.host}{path}"


def confined(page: ResponseReturnValue, *paths: str) -> Response:
    """A page of ours that may hold frames of pages of others, from nowhere else than here, and our pages at `paths`."""
    answer = make_response(page)
    answer.headers["Content-Security-Policy"] = static.policy(frame_src=" ".join(map(own, ("/frame/", *paths))))
    return answer


def sandbox() -> str:
    """The policy of a page of others: scripts run without an origin; nothing leaves, nothing else comes in."""
    hosts = " ".join(("", *broker().settings.page_hosts))
    return "; ".join(
        (
            "sandbox allow-scripts allow-forms",
            "default-src 'none'",
            f"script-src {own('/static/')} 'unsafe-inline' 'unsafe-eval' blob: data:{hosts}",
            f"style-src {own('/static/')} 'unsafe-inline'{hosts}",
            f"img-src {own('/media/')} {own('/static/')} data: blob:{hosts}",
            f"media-src {own('/media/')} data: blob:{hosts}",
            f"font-src data:{hosts}",
            "connect-src 'none'",
            "form-action 'none'",
            "base-uri 'none'",
            "frame-src 'none'",
            "worker-src 'none'",
            "frame-ancestors 'self'",
            "webrtc 'block'",
        )
    )


def outside(url: str) -> str:
    """The policy of the page around a requester's own site: its origin and no other, and the end of its form."""
    parts = urlsplit(url)
    ours = own("/mturk/externalSubmit")
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"frame-src {parts.scheme}://{parts.netloc} {ours}; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
    )


@blueprint.get("/turn/<turn>")
@need("worker")
def turn(turn: str) -> ResponseReturnValue:
    """The page of an assignment of the worker's; its address carries what MTurk's pages look for in it."""
    found = _mine(turn)
    names = broker().names
    known = Turn(names("T").show(names("T").read(turn)), names("H").show(found.hit_id), found.worker)
    return _answer(found.kind, found.settings, claim.seen(found.payload, found.gold_column), known)


@blueprint.get("/turn/<turn>/state")
@need("worker")
def state(turn: str) -> Response:
    """Whether the assignment was answered, for pages whose answers come another way."""
    return jsonify({"submitted": _mine(turn).state in ANSWERED})


@blueprint.get("/job/<job>")
@need("worker")
def specimen(job: str) -> ResponseReturnValue:
    """The page of one of a published job's items, to look at."""
    with broker().store.read() as unit:
        found = jobs.published(unit, broker().names("J").read(job))
        payload = desk.specimen(unit, found.id)
    if payload is None:
        raise NotFound("This job has no HIT that could be shown.")
    return _answer(found.kind, found.settings, claim.seen(payload, found.gold_column), Turn())


@blueprint.get("/row/<job>/<int:row>")
@need("requester")
def row(job: str, row: int) -> ResponseReturnValue:
    """The page of one row of the requester's own data."""
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
        place = min(max(row, 1), broker().settings.row_limit)
        payload = _row(dataset.sample(unit, found.id, skip=place - 1, limit=1))
    return _answer(found.kind, found.settings, claim.seen(payload, found.gold_column), Turn())


@blueprint.post("/try/<job>")
@need("requester")
def attempt(job: str) -> ResponseReturnValue:
    """A page that is still being written, on a row of the requester's data; a form's answer, never a link's."""
    number = min(max(request.form.get("row", 1, type=drafts.whole), 1), broker().settings.row_limit)
    with broker().store.read() as unit:
        found = drafts.mine(unit, job)
        rows = dataset.sample(unit, found.id, skip=number - 1, limit=1)
    payload = claim.seen(rows[0][1] if rows else {}, found.gold_column)
    try:
        room = Page.furnish({"template": request.form.get("template", "")})
    except Invalid as error:
        return _faulty(error)
    return _shown(room, payload, Turn())


@blueprint.post("/layout")
@need("requester")
def layout() -> Response:
    """A layout that is being written, its parameters as they are called; a form's answer, never a link's."""
    return _inside(Source("html", content=request.form.get("html", "")), {})


def _row(rows: list[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    if not rows:
        raise NotFound("There is no such row.")
    return rows[0][1]


def _mine(name: str) -> Framed:
    with broker().store.read() as unit:
        found = framed(unit, broker().names("T").read(name))
    if found is None or found.worker_id != me().id:
        raise NotFound("There is no such assignment among yours.")
    return found


def _answer(kind: str, settings: Json, payload: dict[str, Any], known: Turn) -> ResponseReturnValue:
    parameters = known.parameters()
    if any(request.args.get(name) != value for name, value in parameters.items()):
        return redirect(f"{request.path}?{urlencode(parameters)}")
    return _shown(furnish(kind, settings), payload, known)


def _shown(room: object, payload: dict[str, Any], known: Turn) -> Response:
    try:
        if not isinstance(room, Paged):
            raise NotFound("This kind of HIT has no page of its own.")
        source = room.source(payload)
        return _outside(source, known) if source.sort == "external" else _inside(source, payload)
    except Invalid as error:
        return _faulty(error)


def _faulty(error: Invalid) -> Response:
    return _sandboxed(make_response(render_template("frame/fault.html", message=error.message)))


def _inside(source: Source, payload: Mapping[str, Any]) -> Response:
    around = Surroundings(origin(), me().shortcuts, _grant)
    return _sandboxed(make_response(document.document(source, task_input(payload), around)))


def _sandboxed(answer: Response) -> Response:
    answer.headers["Content-Security-Policy"] = sandbox()
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _outside(source: Source, known: Turn) -> Response:
    url = address(source.url, broker().settings.sites_on_loopback)
    watched = "" if known.assignment == UNAVAILABLE else url_for("frames.state", turn=known.assignment)
    whole = _with(url, known.parameters())
    answer = make_response(render_template("frame/outside.html", url=whole, height=source.height, state=watched))
    answer.headers["Content-Security-Policy"] = outside(url)
    return answer


def _with(url: str, parameters: Mapping[str, str]) -> str:
    """The address with more parameters in its query, where the site looks for them: before any #fragment."""
    parts = urlsplit(url)
    return parts._replace(query="&".join(filter(None, (parts.query, urlencode(parameters))))).geturl()


def task_input(payload: Mapping[str, Any]) -> dict[str, Any]:
    """An item as templates see it: its columns, uploaded images by their address, and Ground Truth's `taskObject`."""
    shown = dict(payload)
    shown |= {name: _grant(shown[name]) for name in FILES if isinstance(shown.get(name), str)}
    objects = [shown[name] for name in SOURCES if name in shown]
    return {"taskObject": objects[0], **shown} if objects else shown


def _grant(value: str) -> str:
    """The address of a stored upload, or of an object in a bucket; whatever else a template wants is one already."""
    try:
        return media.picture(broker(), value)
    except Invalid:
        return buckets.granted(broker(), value)

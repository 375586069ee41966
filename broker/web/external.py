"""externalSubmit: where a requester's own site sends the worker's answer, with the assignment's id as its only proof.

The request comes from another origin, so no cookie comes with it. The id is unguessable (rules/names.py), bound to one
worker, HIT and deadline, and good for one answer.
"""

from typing import Any

from flask import Blueprint, Flask, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from broker.annotation.paged import Paged
from broker.errors import BrokerError, Conflict, Invalid, NotFound
from broker.kinds.registry import furnish
from broker.services import submit
from broker.store.db import Unit
from broker.store.frames import framed
from broker.web import static
from broker.web.frames import UNAVAILABLE
from broker.web.gate import broker

blueprint = Blueprint("external", __name__)
PATH = "/mturk/externalSubmit"
LONGEST_BODY = 1 << 20
KNOWN = {"assignmentId", "hitId", "workerId", "turkSubmitTo"}
"""Fields about the turn, which the broker knows better than the site."""
POLICY = static.policy(img_src="'none'", connect_src="'none'", form_action="'none'", frame_src="'none'")


@blueprint.route(PATH, methods=["GET", "POST"])
def external_submit() -> ResponseReturnValue:
    """Keep the answer and say so to the page around the site. A site may use either method, as MTurk took both."""
    try:
        name = request.values.get("assignmentId", "").strip()
        with broker().store.write() as unit:
            _keep(unit, name)
    except BrokerError as error:
        return _page("This answer was not accepted", error.message, kept=False), error.status
    return _page("Thank you", "Your answer has been submitted.", kept=True)


@blueprint.get("/mturk/externalHIT_v1.js")
def functions() -> ResponseReturnValue:
    """The script of MTurk's that sites of requesters load, under an address that stays."""
    return redirect(static.static("js/frame/externalHIT_v1.js"))


@blueprint.get("/crowd-html-elements.js")
def elements() -> ResponseReturnValue:
    """Our crowd elements, under an address that stays; sites load it as a module."""
    return redirect(static.static("js/elements/index.js"))


def _keep(unit: Unit, name: str) -> None:
    if name == UNAVAILABLE:
        raise Conflict("This is a preview: accept the HIT before you submit.")
    assignment_id = broker().names("T").read(name)
    found = framed(unit, assignment_id)
    if found is None:
        raise NotFound("There is no such assignment.")
    room = furnish(found.kind, found.settings)
    if not isinstance(room, Paged) or room.source(found.payload).sort != "external":
        raise Conflict("This HIT is answered on the broker's own page.")
    submit.submit(unit, assignment_id, found.worker_id, _answer(), None, broker().now())


def _answer() -> dict[str, Any]:
    """The form's fields: a text each, a list where several share a name. Raises Invalid if there is none."""
    fields = {name: texts for name, texts in request.values.lists() if name not in KNOWN}
    if not fields:
        raise Invalid("The form has no field beside assignmentId.")
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in fields.items()}


def _limit() -> None:
    if request.path == PATH:
        request.max_content_length = request.max_form_memory_size = LONGEST_BODY


def hang(app: Flask) -> None:
    """Limit what strangers may send, before anything reads it; their forms have no token of ours."""
    app.before_request(_limit)
    app.extensions["csrf"].exempt(blueprint)


def _page(title: str, message: str, *, kept: bool) -> Response:
    answer = make_response(render_template("frame/submitted.html", title=title, message=message, kept=kept))
    answer.headers["Content-Security-Policy"] = POLICY
    return answer

"""A requester's access keys: what their programs sign with; a secret is shown once."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from broker.errors import Conflict, Invalid
from broker.services import keys
from broker.services.keys import Made
from broker.store import keys as kept
from broker.web.gate import broker, me, need

blueprint = Blueprint("keys", __name__, url_prefix="/account/keys")


@blueprint.get("")
@need("requester")
def show() -> ResponseReturnValue:
    """The keys that hold."""
    return _page()


def _page(made: Made | None = None, error: str = "", status: int = 200) -> ResponseReturnValue:
    with broker().store.read() as unit:
        found = kept.open_keys(unit, me().id)
    page = render_template(
        "requester/keys.html",
        keys=found,
        made=made,
        errors={"label": error} if error else {},
        label=request.form.get("label", "") if error else "",
        address=(broker().settings.url or request.host_url).rstrip("/") + "/mturk",
    )
    return page, status


@blueprint.post("")
@need("requester")
def make() -> ResponseReturnValue:
    """Make a key, and show its secret in this one answer."""
    try:
        with broker().store.write() as unit:
            made = keys.make(unit, me(), request.form.get("label", ""), broker().now(), broker().secret)
    except (Invalid, Conflict) as error:
        words = error.problems[0].message if error.problems else error.message
        return _page(error=f"{words[:1].upper()}{words[1:]}", status=error.status)
    return _page(made)


@blueprint.post("/<key>/revoke")
@need("requester")
def revoke(key: str) -> ResponseReturnValue:
    """End a key."""
    with broker().store.write() as unit:
        keys.revoke(unit, me().id, key, broker().now())
    flash("The key is revoked: nothing that is signed with it is accepted any more.", "good")
    return redirect(url_for("keys.show"), 303)

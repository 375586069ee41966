"""Uploaded media, to those who were given a signed address: nothing is listed, nothing is guessable."""

import datetime as dt

from flask import Blueprint, Response, stream_with_context
from itsdangerous import BadSignature, URLSafeSerializer

from broker.errors import Invalid, NotFound
from broker.web.gate import broker as installation
from broker.wiring import Broker

blueprint = Blueprint("media", __name__)
DAYS = 2
FOLDER = "images/"
CHUNK = 256 * 1024
TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif", "bmp": "image/bmp"}


def _signer(broker: Broker) -> URLSafeSerializer:
    return URLSafeSerializer(broker.secret, salt="media")


def address(broker: Broker, key: str, sort: str) -> str:
    """A short-lived address of an uploaded file; the same all day, so that browsers keep what they have."""
    day = broker.now().date().toordinal()
    return f"/media/{_signer(broker).dumps([key, sort, day + DAYS])}"  # not url_for: a turn has no request context


def picture(broker: Broker, value: str) -> str:
    """The address of an image that an import kept as KEY.TYPE. Raises Invalid for anything else."""
    key, _, sort = value.rpartition(".")
    if sort not in TYPES or not key.startswith(FOLDER):
        raise Invalid(f"{value[:70]!r} is no uploaded image: put the images in a ZIP")
    return address(broker, key, sort)


@blueprint.get("/media/<token>")
def file(token: str) -> Response:
    """Serve an uploaded file as the type it was verified to be, unable to run anything."""
    try:
        key, sort, last = _signer(installation()).loads(token)
    except (BadSignature, ValueError):
        raise NotFound("This address was changed on the way.") from None
    if dt.date.fromordinal(last) < installation().now().date() or sort not in TYPES:
        raise NotFound("This address has expired; reload the page that showed it.")
    answer = Response(stream_with_context(_chunks(key)), content_type=TYPES[sort])
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return answer


def _chunks(key: str):  # type: ignore[no-untyped-def] # noqa: ANN202
    with installation().files.open(key) as file:
        while chunk := file.read(CHUNK):
            yield chunk

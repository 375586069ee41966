"""Objects of mapped buckets, to those who were given a signed address: what grant_read_access gives templates."""

import datetime as dt
import mimetypes
from collections.abc import Iterator

from flask import Blueprint, Response, stream_with_context
from itsdangerous import BadSignature, URLSafeSerializer

from broker.errors import NotFound
from broker.store.buckets import SCHEME
from broker.web.gate import broker as installation
from broker.wiring import Broker

blueprint = Blueprint("buckets", __name__)
DAYS = 2
CHUNK = 256 * 1024
SHOWN = ("image/", "audio/", "video/")
SCRIPTED = {"image/svg+xml"}
PLAIN = {"text/plain", "text/csv", "application/json", "text/vtt"}


def _signer(broker: Broker) -> URLSafeSerializer:
    return URLSafeSerializer(broker.secret, salt="bucket")


def granted(broker: Broker, value: str) -> str:
    """A short-lived address for an s3:// address, the same all day; anything else as it is.

    Raises Invalid for one that lies in no mapped bucket.
    """
    if not value.startswith(SCHEME):
        return value
    broker.buckets.check(value)
    day = broker.now().date().toordinal()
    return f"/media/s3/{_signer(broker).dumps([value, day + DAYS])}"


@blueprint.get("/media/s3/<token>")
def file(token: str) -> Response:
    """Serve an object of a bucket; what could run anything is only ever saved."""
    try:
        uri, last = _signer(installation()).loads(token)
    except (BadSignature, ValueError):
        raise NotFound("This address was changed on the way.") from None
    if dt.date.fromordinal(last) < installation().now().date():
        raise NotFound("This address has expired; reload the page that showed it.")
    blocks = _blocks(uri)
    first = next(blocks, b"")  # what is not there is told now, not while it is sent
    answer = Response(stream_with_context(_joined(first, blocks)), content_type=_type(uri))
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, max-age=3600"
    if answer.content_type == "application/octet-stream":
        answer.headers["Content-Disposition"] = "attachment"
    return answer


def _type(uri: str) -> str:
    guessed, _ = mimetypes.guess_type(uri.rpartition("/")[2])
    if guessed in PLAIN:
        return "text/plain; charset=utf-8"
    shown = guessed is not None and guessed.startswith(SHOWN) and guessed not in SCRIPTED
    return str(guessed) if shown else "application/octet-stream"


def _blocks(uri: str) -> Iterator[bytes]:
    with installation().buckets.open(uri) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest

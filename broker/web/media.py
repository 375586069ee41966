"""Uploaded media, to those who were given a signed address: nothing is listed, nothing is guessable."""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from broker.errors import Invalid, NotFound
from broker.formats import recordings, resize
from broker.store.files import Files
from broker.web.gate import broker as installation
from broker.wiring import Broker

blueprint = Blueprint("media", __name__)
WINDOW = 12 * 3600
"""Seconds in which an address stays the same, so that browsers keep what they have; it is good for one more."""
FOLDERS = ("images/", "guides/")
WIDTHS = (160, 320, 640, 1280, 2560)
"""The widths in pixels that images are made smaller to, once each."""
THUMB = 160
TYPES = {
    **{sort: f"image/{sort}" for sort in ("png", "jpeg", "webp", "gif")},
    **{sort: f"audio/{sort}" for sort in ("wav", "ogg", "flac")},
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "weba": "audio/webm",
    "mp4": "video/mp4",
    "webm": "video/webm",
}
OWN = {"_image": "image", "_audio": "audio", "_video": "video"}
"""The columns that an import writes for files; no requester's column begins with _."""
FACTS = ("width", "height", "duration")
HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=43200, immutable",
}
# Decoding takes a hundred megabytes for a large image: two at once, whoever asks.
_sizing = threading.BoundedSemaphore(2)


def _signer(broker: Broker) -> URLSafeSerializer:
    return URLSafeSerializer(broker.secret, salt="media")


def _window(broker: Broker) -> int:
    return int(broker.now().timestamp()) // WINDOW


def address(broker: Broker, key: str, sort: str) -> str:
    """An address of a kept file that is good for half a day to a day; the same for hours, so that browsers keep it."""
    # Not url_for: a turn has no request context.
    return f"/media/{_signer(broker).dumps([key, sort, _window(broker) + 1])}"


def picture(broker: Broker, value: str) -> str:
    """The address of a file that an import kept as KEY.SORT. Raises Invalid for anything else."""
    key, _, sort = value.rpartition(".")
    if sort not in TYPES or not key.startswith(FOLDERS):
        raise Invalid(f"{value[:70]!r} is no uploaded file: put the files in a ZIP")
    return address(broker, key, sort)


def known(payload: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The files of a row by every name it has for them: `{file, medium}` and what else is known of each."""
    own = {payload[name]: medium for name, medium in OWN.items() if name in payload}
    found = {file: {"file": file, "medium": medium} for file, medium in own.items()}
    for column, one in payload.get("_media", {}).items():
        found[one["file"]] = one
        if isinstance(payload.get(column), str):
            found[payload[column]] = one
    return found


def shown(broker: Broker, payload: Mapping[str, Any], task_input: Mapping[str, Any]) -> dict[str, Any]:
    """The input of a page with the row's files under signed addresses, and beside each `value` what is known of it.

    That is: `width` and `height` in pixels of the file itself, `srcset` where an image has smaller copies, `duration`
    in seconds, `peaks` from 0 to 1. Only files of this very row are signed. Raises Invalid where the value is none.
    """
    if task_input.get("media") not in OWN.values():
        return dict(task_input)
    names, value = known(payload), task_input.get("value")
    if isinstance(value, str) and value not in names:
        raise Invalid(f"{value[:70]!r} is no uploaded {task_input['media']}: put the files in a ZIP")
    signed: dict[str, Any] = _signed(broker, names, task_input)
    return signed


def _signed(broker: Broker, names: Mapping[str, dict[str, Any]], node: Any) -> Any:
    if isinstance(node, str):
        return picture(broker, names[node]["file"]) if node in names else node
    if isinstance(node, Mapping):
        value = node.get("value")
        beside = _facts(broker, names[value]) if isinstance(value, str) and value in names else {}
        return {name: _signed(broker, names, part) for name, part in node.items()} | beside
    return [_signed(broker, names, part) for part in node] if isinstance(node, list | tuple) else node


def _facts(broker: Broker, one: Mapping[str, Any]) -> dict[str, Any]:
    facts = {name: one[name] for name in FACTS if name in one}
    if "peaks" in one:
        facts["peaks"] = recordings.peaks(one["peaks"])
    smaller = _smaller(one)
    if smaller:
        base = picture(broker, one["file"])
        copies = [f"{base}?w={width} {width}w" for width in smaller]
        facts["srcset"] = ", ".join([*copies, f"{base} {one['width']}w"])
    return facts


def _smaller(one: Mapping[str, Any]) -> list[int]:
    """The widths at which a smaller copy of an image can be had."""
    resizable = one["file"].rpartition(".")[2] in resize.RESIZABLE
    return [width for width in WIDTHS if width < one.get("width", 0)] if resizable else []


def specimen(broker: Broker, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """A row's first file for a list: its medium, name, address, the address of a thumbnail, duration; None if none."""
    one = next(iter(known(payload).values()), None)
    one = next((facts for facts in payload.get("_media", {}).values()), one)
    if one is None:
        return None
    base = picture(broker, one["file"])
    thumb = f"{base}?w={THUMB}" if THUMB in _smaller(one) else base
    name = str(payload.get("name", ""))
    return {"medium": one["medium"], "name": name, "src": base, "thumb": thumb, "duration": one.get("duration")}


@blueprint.get("/media/<token>")
def file(token: str) -> Response:
    """Serve an uploaded file, or a part of it, as the type it was verified to be, unable to run anything."""
    key, sort = _opened(token)
    files = installation().files
    key = _sized(files, key, sort)
    size = files.size(key)
    answer = Response(_Parts(files, key, size), content_type=TYPES[sort], direct_passthrough=True)
    answer.headers.update(HEADERS)
    answer.headers["Content-Disposition"] = f'inline; filename="media.{sort}"'
    answer.set_etag(hashlib.sha256(key.encode()).hexdigest()[:32])
    # Several ranges at once, and units that are not bytes, may be ignored (RFC 9110, 14.2).
    asked = request.headers.get("Range", "bytes=")
    answer.content_length = size
    if not asked.startswith("bytes=") or "," in asked:
        answer.headers["Accept-Ranges"] = "bytes"
        return answer
    try:
        answer.make_conditional(request, accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable:
        headers = HEADERS | {"Content-Range": f"bytes */{size}", "Cache-Control": "no-store"}
        return Response(status=416, headers=headers)
    return answer


def _opened(token: str) -> tuple[str, str]:
    """What a token names. Raises NotFound for one that was changed, is another's, or has expired."""
    try:
        key, sort, last = _signer(installation()).loads(token)
    except (BadSignature, ValueError):
        raise NotFound("This address was changed on the way.") from None
    if last < _window(installation()) or sort not in TYPES:
        raise NotFound("This address has expired; reload the page that showed it.")
    return key, sort


def _sized(files: Files, key: str, sort: str) -> str:
    """The key of the file at the width that was asked for, made now if nobody asked before. Raises NotFound."""
    asked = request.args.get("w")
    if asked is None:
        return key
    if asked not in map(str, WIDTHS):
        raise NotFound(f"Images are {', '.join(map(str, WIDTHS))} pixels wide, or as they are.")
    if sort not in resize.RESIZABLE:
        return key
    # Beside the original, so that it goes with it.
    copy = f"{key}w{asked}"
    if not files.has(copy):
        with _sizing:
            made = resize.narrower(files.read(key), sort, int(asked))
        if made is None:
            return key
        files.publish(copy, made)
    return copy


class _Parts(Iterator[bytes]):
    """The bytes of a file from wherever it was told to seek, a block at a time, for a response that may be a part."""

    def __init__(self, files: Files, key: str, size: int) -> None:
        self._files, self._key, self._size = files, key, size
        self._at, self._blocks = 0, files.part(key, 0, size)

    def __next__(self) -> bytes:
        block = next(self._blocks)
        self._at += len(block)
        return block

    def seekable(self) -> bool:
        """It can begin anywhere."""
        return True

    def seek(self, at: int) -> None:
        """Go on from here."""
        self._at, self._blocks = at, self._files.part(self._key, at, self._size)

    def tell(self) -> int:
        """Where it goes on."""
        return self._at

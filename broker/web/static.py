"""Our own scripts, styles and pictures, under names that change with their content; and headers for every page."""

import functools
import hashlib
import importlib.resources
import re
from pathlib import Path

from flask import Blueprint, Flask, Response, request, send_from_directory, url_for

blueprint = Blueprint("static", __name__)
FOLDER = Path(str(importlib.resources.files("broker") / "static"))
YEAR = 365 * 24 * 3600
SOURCES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' blob:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "form-action": "'self'",
    "frame-src": "'self'",
    "frame-ancestors": "'self'",
    "base-uri": "'none'",
    "manifest-src": "'self'",
}


def policy(**changed: str) -> str:
    """The policy of our pages, with other sources for some of its directives (`frame_src` for frame-src)."""
    sources = SOURCES | {name.replace("_", "-"): value for name, value in changed.items()}
    return "; ".join(f"{name} {value}" for name, value in sources.items())


@functools.cache
def version() -> str:
    """One short digest of all static files: scripts import each other by relative paths, so they change together."""
    digest = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*.*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


def static(path: str) -> str:
    """The address of a static file."""
    return url_for("static.file", version=version(), path=path)


@blueprint.get("/static/<version>/<path:path>")
def file(version: str, path: str) -> Response:  # noqa: ARG001 - it only makes the address change with the content
    """Serve a static file; browsers may keep it for ever."""
    answer = send_from_directory(FOLDER, path, max_age=YEAR)
    answer.cache_control.immutable = True
    answer.headers["Access-Control-Allow-Origin"] = "*"  # modules, for pages in frames of no origin; no secret is here
    return answer


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """The icon that browsers ask for unasked."""
    return send_from_directory(FOLDER / "img", "favicon.svg", max_age=YEAR)


@blueprint.get("/healthz")
def health() -> dict[str, str]:
    """Whether the web process answers."""
    return {"status": "ok"}


HEADERS = {
    "Content-Security-Policy": policy(),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""What every answer carries, unless it says otherwise."""
NO_STORE = {"Cache-Control": "no-store"}


def _headers(answer: Response) -> Response:
    lasting = re.match(r"/(static|media)/", request.path)
    for name, value in (HEADERS if lasting else HEADERS | NO_STORE).items():
        answer.headers.setdefault(name, value)
    return answer


def hang(app: Flask) -> None:
    """Set the headers and tell templates where static files are."""
    app.after_request(_headers)
    app.add_template_global(static)  # a global, because imported macros see no context

"""What a failure looks like: a page for people, problem+json (RFC 9457) for scripts."""

import sqlite3

import structlog
from flask import Flask, current_app, g, jsonify, make_response, render_template
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolEmpty
from werkzeug.exceptions import HTTPException

from broker.errors import BrokerError, TooMany
from broker.web.gate import wants_json

log = structlog.get_logger()
# Werkzeug's own words speak to programmers.
WORDS = {
    404: ("Page not found", "There is nothing at this address. Perhaps it was removed, or a letter is missing."),
    405: ("Not possible here", "This address does not take this kind of request. Go back and use the page's buttons."),
    413: ("Too large", "At most {most:,} bytes are accepted."),
}
AWAY_STATES = ("08", "53", "57P")
"""PostgreSQL's classes of errors for: no connection, no resources left, shutting down or not up yet."""
RETRY_SECONDS = 2


def _answer(status: int, title: str, detail: str, problems: list[dict[str, object]]) -> ResponseReturnValue:
    if wants_json():
        body = {"status": status, "title": title, "detail": detail, "problems": problems}
        answer = jsonify(body)
        answer.content_type = "application/problem+json"
        return answer, status
    return render_template("error.html", status=status, title=title, detail=detail, problems=problems), status


def _expected(error: BrokerError) -> ResponseReturnValue:
    problems: list[dict[str, object]] = [
        {"row": one.row, "column": one.column, "message": one.message} for one in error.problems
    ]
    return _answer(error.status, error.title, error.message, problems)


def _too_many(error: TooMany) -> ResponseReturnValue:
    answer = make_response(_expected(error))
    answer.headers["Retry-After"] = str(error.wait_seconds)
    return answer


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.code is not None and error.code < 400:
        return error.get_response()
    title, detail = WORDS.get(error.code or 500, (error.name, error.description or ""))
    most = current_app.config["MAX_CONTENT_LENGTH"]
    return _answer(error.code or 500, title, detail.replace("{most:,}", f"{most:,}"), [])


def _csrf(error: CSRFError) -> ResponseReturnValue:
    return _answer(400, "This form has expired", f"{error.description} Go back, reload the page and try again.", [])


def is_away(error: Exception) -> bool:
    """Whether the database could not be reached or had no room for one more: the same request may do later."""
    if isinstance(error, PoolEmpty):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or (isinstance(error, OperationalError) and _is_no_answer(error.orig))


def _is_no_answer(error: BaseException | None) -> bool:
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    state = getattr(error, "sqlstate", None)  # none: it failed before the server could say anything
    return state is None or state.startswith(AWAY_STATES)


def _database(error: Exception) -> ResponseReturnValue:
    if not is_away(error):
        return _unexpected(error)
    log.warning("database unreachable", error=str(error.__cause__ or error))
    g.setdefault("me", None)  # the page of the failure must not ask the database who reads it
    detail = "The database does not answer at the moment. Try again in a few seconds: nothing that was saved is lost."
    answer = make_response(_answer(503, "Not available right now", detail, []))
    answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _unexpected(error: Exception) -> ResponseReturnValue:
    log.error("unexpected failure", exc_info=error)
    return _answer(500, "Something went wrong", "This is a fault of ours; it was written to the server's log.", [])


def hang(app: Flask) -> None:
    """Answer every failure."""
    app.register_error_handler(BrokerError, _expected)
    app.register_error_handler(TooMany, _too_many)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    for sort in (DBAPIError, PoolEmpty):
        app.register_error_handler(sort, _database)
    app.register_error_handler(Exception, _unexpected)

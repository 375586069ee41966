"""What a failure looks like: a page for people, problem+json (RFC 9457) for scripts."""

import structlog
from flask import Flask, current_app, jsonify, render_template
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from broker.errors import BrokerError
from broker.web.gate import wants_json

log = structlog.get_logger()
TOO_LARGE = 413


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


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.code is not None and error.code < 400:
        return error.get_response()
    detail = error.description or ""
    if error.code == TOO_LARGE:
        detail = f"At most {current_app.config['MAX_CONTENT_LENGTH']:,} bytes are accepted."
    return _answer(error.code or 500, error.name, detail, [])


def _csrf(error: CSRFError) -> ResponseReturnValue:
    return _answer(400, "This form has expired", f"{error.description} Go back, reload the page and try again.", [])


def _unexpected(error: Exception) -> ResponseReturnValue:
    log.error("unexpected failure", exc_info=error)
    return _answer(500, "Something went wrong", "This is a fault of ours; it was written to the server's log.", [])


def hang(app: Flask) -> None:
    """Answer every failure."""
    app.register_error_handler(BrokerError, _expected)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)

"""The express lane of the HIT page's door: the ordinary submission, answered before Flask is asked.

Sessions, routing and contexts cost several times what the database does for an answer. So a browser that Flask has
believed is known for some minutes, and its submissions are plain WSGI and one transaction, which looks at the log-in
again. Whatever is not ordinary goes on to the view, which does it with all care.
"""

import functools
import io
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pydantic
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from broker.errors import BrokerError, NotFound
from broker.services import turn
from broker.services.claim import offered
from broker.services.submit import Receipt
from broker.services.turn import Facts, Submitted
from broker.store.express import Code, Given
from broker.web import known, static, work
from broker.web.known import Browser, Known
from broker.web.work import Submission
from broker.wiring import Broker

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LONGEST_BODY = 1 << 20
PUBLISHED = 1000
PATH = re.compile(r"/work/(J[0-9A-Z]{12})/(claim|submit)")
HEADERS = [("Content-Type", "application/json"), *static.HEADERS.items(), *static.NO_STORE.items(), ("Vary", "Cookie")]


class Express:
    """WSGI in front of the application."""

    def __init__(self, inner: "WSGIApplication", broker: Broker, browsers: Known) -> None:
        self.inner, self.broker, self.known = inner, broker, browsers
        self.facts = functools.lru_cache(PUBLISHED)(self._facts)

    def __call__(self, environment: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        """Answer, or let the application answer."""
        path = PATH.fullmatch(environment["PATH_INFO"])
        if path:
            environment[known.ENVIRONMENT] = known.credentials(environment)
        ordinary = path and path[2] == "submit" and environment["REQUEST_METHOD"] == "POST"
        said = self._said(environment, path[1]) if path and ordinary else None
        if said is None:
            return self.inner(environment, start)
        start("200 OK", [*HEADERS, ("Content-Length", str(len(said)))])
        return [said]

    def _said(self, environment: "WSGIEnvironment", name: str) -> bytes | None:
        browser = self.known.find(environment[known.ENVIRONMENT])
        size = environment.get("CONTENT_LENGTH") or ""
        if browser is None or not size.isdecimal() or int(size) > LONGEST_BODY:
            return None
        body = environment["wsgi.input"].read(int(size))
        environment["wsgi.input"] = io.BytesIO(body)  # for the view, should this not be ordinary
        try:
            job = self.facts(name)
            mine = Submitting(job, self.broker, browser, body)
            if not job.ordinary() or (len(body) > turn.SHORT and mine.asked() is None):
                return None
            given = turn.take(self.broker.store.lane, mine, self.broker.secret)
        except (BrokerError, SQLAlchemyError):  # the view says it in full
            return None
        if given is not None and given.kept and given.code != Code.NEXT:
            environment[work.KEPT] = Receipt(job.id, repeated=False, late=given.late)
        return mine.said

    def _facts(self, name: str) -> Facts:
        with self.broker.store.read() as unit:
            return turn.facts(unit, self.broker.names("J").read(name))


class Submitting(turn.Turn):
    """A submission as the page sends it, and what the page is told; None for what the view has to say."""

    def __init__(self, job: Facts, broker: Broker, browser: Browser, body: bytes) -> None:
        super().__init__(job, browser.person_id, browser.login_id, broker.now())
        self.broker, self.body = broker, body
        self.html = True
        self.said: bytes | None = None

    def read(self) -> Submitted | None:
        """What the page sent; None for what is not ordinary."""
        # A NUL is refused by the view, whose words for it are good enough for both.
        sent = None if b"\\u0000" in self.body else _read(self.body)
        if sent is None or not sent.claim:
            return None
        self.html = sent.html
        return self._submitted(sent)

    def _submitted(self, sent: Submission) -> Submitted:
        names = self.broker.names("T")
        try:
            start = names.read(sent.start) if sent.start is not None else None
        except NotFound:  # what a page kept of another time
            start = None
        have = work.known(names, sent.have)
        return Submitted(names.read(sent.assignment), sent.answer, sent.seconds, have, start)

    def show(self, given: Given) -> None:
        """Write what the page is told."""
        job, offer = self.job, offered(given, self.job.gold_column)
        said = {
            "accepted": True,
            "repeated": False,
            "late": given.late,
            "assignment": work.offer_shown(self.broker, job.kind, job.room, offer, html=self.html),
            "message": "",
            "done": given.done,
            "left": given.left,
        }
        self.said = work.written(said)


def _read(body: bytes) -> Submission | None:
    try:
        return Submission.model_validate_json(body)
    except pydantic.ValidationError:
        return None


def hang(app: Flask, broker: Broker) -> None:
    """Put the express lane in front of everything, proxies' headers included: it believes none of them."""
    app.wsgi_app = Express(app.wsgi_app, broker, app.extensions["known"])  # type: ignore[assignment,method-assign]

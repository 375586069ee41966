"""How a crowd of the chaos tests asks for work over HTTP: all requests that it makes."""

from http import HTTPStatus

import click
import requests

from broker.cli.client import Visitor
from tests.chaos.client import AwayError, Lease, Receipt, RefusedError

PATIENCE_SECONDS = 20
PASSWORD = "correct horse battery"
REFUSALS = (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND)


class Http:
    """A worker's door over HTTP, logged in as their browser would be."""

    def __init__(self, url, job, email, tell=lambda _: None):
        self.url, self.job, self.email, self.tell = url, job, email, tell
        self.visitor = None

    def _enter(self):
        visitor = Visitor(self.url)
        try:
            visitor.log_in(self.email, PASSWORD)
        except (click.ClickException, requests.RequestException) as error:
            raise AwayError(repr(error)) from error
        self.visitor = visitor

    def _ask(self, path, body):
        if self.visitor is None:
            self._enter()
        headers = {"X-CSRFToken": self.visitor.token, "Accept": "application/json"}
        address = f"{self.url}/work/{path}"
        try:
            answer = self.visitor.session.post(address, json=body, headers=headers, timeout=PATIENCE_SECONDS)
        except requests.RequestException as error:
            raise AwayError(repr(error)) from error
        self.tell(answer)
        if answer.ok:
            return answer.json()
        raise (RefusedError if answer.status_code in REFUSALS else AwayError)(f"{answer.status_code}: {answer.text}")

    def claim(self, have):
        return self._following(self._ask(f"{self.job}/claim", {"have": have}))

    def submit(self, turn, answer, seconds, *, more, have):
        body = {"assignment": turn, "answer": answer, "seconds": seconds, "claim": more, "have": have}
        found = self._ask(f"{self.job}/submit", body)
        return Receipt(found["repeated"], found["late"], self._following(found))

    @staticmethod
    def _following(found):
        shown = found["assignment"]
        return shown and Lease(shown["id"], shown["seconds"])

    def extend(self, turn):
        self._ask("extend", {"assignment": turn})

    def give_back(self, turn):
        self._ask("return", {"assignment": turn})

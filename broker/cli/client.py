"""A program that uses the pages as a browser would: log-in, forms with their CSRF token, the HIT page's JSON door."""

import re
from collections.abc import Mapping
from typing import Any

import click
import requests

PATIENCE_SECONDS = 60
TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]+)"')


class Visitor:
    """One browser session. Raises ClickException where a page refuses."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.session = requests.Session()
        self.token = ""

    def get(self, path: str) -> requests.Response:
        """Open a page; its CSRF token is kept for what is posted next."""
        answer = self._checked(self.session.get(self._at(path), timeout=PATIENCE_SECONDS))
        found = TOKEN.search(answer.text) if "html" in answer.headers.get("Content-Type", "") else None
        self.token = found.group(1) if found else self.token
        return answer

    def post(self, path: str, fields: Mapping[str, Any], files: Mapping[str, Any] | None = None) -> requests.Response:
        """Send a form and follow to the page it leads to."""
        data = {"csrf_token": self.token, **fields}
        answer = self.session.post(self._at(path), data=data, files=files, timeout=PATIENCE_SECONDS)
        return self._checked(answer)

    def look(self, path: str) -> dict[str, Any]:
        """Read a page that answers scripts in JSON."""
        headers = {"Accept": "application/json"}
        answer = self.session.get(self._at(path), headers=headers, timeout=PATIENCE_SECONDS)
        found: dict[str, Any] = self._checked(answer).json()
        return found

    def ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send JSON to the HIT page's door."""
        headers = {"X-CSRFToken": self.token, "Accept": "application/json"}
        answer = self.session.post(self._at(path), json=body, headers=headers, timeout=PATIENCE_SECONDS)
        found: dict[str, Any] = self._checked(answer).json()
        return found

    def sign_up(self, email: str, name: str, password: str, role: str) -> None:
        """Make an account through the sign-up page."""
        self.get("/signup")
        self.post("/signup", {"email": email, "name": name, "password": password, "roles": role})
        self.session.cookies.clear()

    def log_in(self, email: str, password: str) -> None:
        """Log in through the log-in page; the token of the new session is fetched at once."""
        self.get("/login")
        self.post("/login", {"email": email, "password": password})
        self.get("/account")

    def _at(self, path: str) -> str:
        return path if path.startswith("http") else f"{self.url}{path}"

    @staticmethod
    def _checked(answer: requests.Response) -> requests.Response:
        if answer.ok:
            return answer
        detail = (
            answer.json().get("detail") if "json" in answer.headers.get("Content-Type", "") else _words(answer.text)
        )
        method = answer.request.method
        raise click.ClickException(f"{method} {answer.url}: {answer.status_code} {answer.reason}: {detail}")


def _words(html: str) -> str:
    main = re.search(r"<main.*?</main>", html, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", main.group() if main else html).split())[:500]

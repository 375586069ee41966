"""The yardstick of HTTP: an empty Flask route under the product's own server; `python -m benchmarks.empty`."""

from flask import Flask

from broker.cli import web

NEXT = '{"id":"T000000000000"}'


def create_app() -> Flask:
    """An application that says ok, and to a submission as much as the crowd needs to go on: an id as long as any."""
    app = Flask("empty")
    app.add_url_rule("/", view_func=lambda: "ok")
    app.add_url_rule("/work/<job>/submit", "submit", lambda job: NEXT, methods=["POST"])  # noqa: ARG005 - Flask's word
    return app


if __name__ == "__main__":
    web.main("benchmarks.empty:create_app")

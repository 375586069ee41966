"""The yardstick of HTTP: an empty Flask route under the product's own server; `python -m benchmarks.empty`."""

from flask import Flask

from broker.cli import web


def create_app() -> Flask:
    """An application that says ok."""
    app = Flask("empty")
    app.add_url_rule("/", view_func=lambda: "ok")
    return app


if __name__ == "__main__":
    web.main("benchmarks.empty:create_app")

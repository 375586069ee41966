"""The door for programs that speak the Amazon Mechanical Turk Requester API, version 2017-01-17."""

from flask import Flask

from broker.mturk import account, assignments, hits, policies, qualifications, wire, workers

OPERATIONS = (account, hits, assignments, workers, qualifications, policies)
"""The modules whose import registers operations."""


def hang(app: Flask) -> None:
    """Hang the door on the application; its requests are signed, no cookie is believed, so no form token is asked."""
    app.register_blueprint(wire.blueprint)
    app.extensions["csrf"].exempt(wire.blueprint)

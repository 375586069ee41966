"""The door for people: pages for workers, requesters and admins."""

from flask import Flask

from broker.web import account, admin, errors, gate, media, session, shown, static, throttle


def hang(app: Flask) -> None:
    """Hang every page on the application."""
    for part in (errors, gate, shown, static, throttle):
        part.hang(app)
    for blueprint in (static.blueprint, media.blueprint, session.blueprint, account.blueprint, admin.blueprint):
        app.register_blueprint(blueprint)

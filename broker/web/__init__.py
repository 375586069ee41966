"""The door for people: pages for workers, requesters and admins."""

from flask import Flask

from broker.web import errors, gate, media, requester, results, shown, static, uploads, wizard, work


def hang(app: Flask) -> None:
    """Hang every page on the application."""
    for part in (errors, gate, shown, static):
        part.hang(app)
    for blueprint in (
        static.blueprint,
        media.blueprint,
        work.blueprint,
        requester.blueprint,
        results.blueprint,
        wizard.blueprint,
        uploads.blueprint,
    ):
        app.register_blueprint(blueprint)

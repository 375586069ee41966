"""The door for people: pages for workers, requesters and admins."""

from flask import Flask

from broker.web import (
    account,
    admin,
    appeals,
    batches,
    buckets,
    errors,
    express,
    external,
    frames,
    gate,
    guides,
    inbox,
    keys,
    known,
    layouts,
    media,
    qualified,
    qualifying,
    requester,
    results,
    review,
    session,
    shown,
    static,
    throttle,
    uploads,
    wizard,
    work,
    worker,
)


def hang(app: Flask) -> None:
    """Hang every page on the application."""
    for part in (errors, external, gate, known, shown, static, throttle):
        part.hang(app)
    for part in (
        static,
        media,
        buckets,
        frames,
        external,
        session,
        account,
        admin,
        appeals,
        keys,
        layouts,
        work,
        qualified,
        worker,
        inbox,
        qualifying,
        requester,
        batches,
        guides,
        results,
        review,
        wizard,
        uploads,
    ):
        app.register_blueprint(part.blueprint)
    express.hang(app, app.config["BROKER"])

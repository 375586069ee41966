"""The Flask application: create_app hangs the doors on a broker."""

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from broker import mturk, web, wiring
from broker.settings import Settings
from broker.web import kindpage
from broker.wiring import Broker


def create_app(broker: Broker | None = None, settings: Settings | None = None) -> Flask:
    """The WSGI application of an installation, by default of the one that the environment describes."""
    broker = broker or wiring.build(settings)
    app = Flask("broker", template_folder=str(kindpage.templates()), static_folder=None)
    app.config.update(
        SECRET_KEY=broker.secret,
        MAX_CONTENT_LENGTH=broker.settings.upload_bytes,
        SESSION_COOKIE_NAME="broker",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=broker.settings.url.startswith("https"),
        PERMANENT_SESSION_LIFETIME=30 * 24 * 3600,
        # A cookie that changes with each picture makes a stranger of the browser at its next submission (web/known.py).
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_TIME_LIMIT=None,
        BROKER=broker,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if broker.settings.proxies:
        hops = broker.settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    CSRFProtect(app)
    web.hang(app)
    mturk.hang(app)
    return app

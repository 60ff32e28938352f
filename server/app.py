"""Makes the application: the only place where everything meets."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Flask
from flask_restx import Namespace

from server import logs, pages
from server.adapters.messages import both
from server.api import (
    accounts,
    attendance,
    auth,
    bodies,
    closures,
    days,
    decisions,
    docs,
    duties,
    errors,
    excuses,
    handed_in,
    leave,
    limits,
    links,
    log,
    me,
    notices,
    obligations,
    pairs,
    paths,
    people,
    places,
    postings,
    proposals,
    tokens,
    villages,
    visits,
)
from server.api.document import Frame
from server.api.proxies import BelievedProxies
from server.services import upkeep
from server.services.deployment import open_deployment
from server.settings import Settings

PREFIX = paths.PREFIX
NAMESPACES = (
    # In the order in which the description shows them
    visits.ns,
    tokens.tokens,
    tokens.activations,
    me.ns,
    notices.ns,
    handed_in.ns,
    decisions.ns,
    obligations.ns,
    excuses.ns,
    attendance.ns,
    closures.ns,
    villages.ns,
    pairs.ns,
    accounts.ns,
    days.ns,
    duties.ns,
    leave.ns,
    people.ns,
    links.calendar_ns,
    links.downloads_ns,
    links.mine_ns,
    places.ns,
    postings.ns,
    proposals.ns,
    log.ns,
)


def create_app(settings: Settings, namespaces: tuple[Namespace, ...] = ()) -> Flask:
    """The application for these settings; raises TypeError for a route that says not who may call it.

    `namespaces` are added to the service's own.
    """
    app = frame(settings, (*NAMESPACES, *namespaces))
    logs.hide_locals()
    deployment = open_deployment(settings)
    auth.install(app, deployment)
    app.extensions["daocun.ready"].append(partial(upkeep.check_ready, deployment))
    limits.install(app, settings)
    bodies.install(app)
    return app


def frame(settings: Settings, namespaces: tuple[Namespace, ...]) -> Flask:
    """An application with these namespaces and no deployment behind them: every call that is not open is a 401."""
    app = Flask("server", static_folder=None, template_folder=None)
    app.config.update(
        RESTX_INCLUDE_ALL_MODELS=True,
        RESTX_ERROR_404_HELP=False,
        RESTX_MASK_SWAGGER=False,
        ERROR_INCLUDE_MESSAGE=False,
        MAX_FORM_PARTS=settings.photos_max + 1,
        TRAP_HTTP_EXCEPTIONS=False,
    )
    app.extensions["daocun.settings"] = settings
    paths.install(app)
    errors.install(app, settings)
    pages.install(app)

    blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
    api = Frame(
        version="1",
        title="到村 Daocun",
        description=both("api.about"),
        authorizations={
            "bearer": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": both("api.authorize"),
            }
        },
    )
    api.init_app(blueprint, add_specs=False)
    docs.register(blueprint, api)
    for namespace in namespaces:
        api.add_namespace(namespace)
    app.register_blueprint(blueprint)
    app.extensions["daocun.api"] = api
    app.wsgi_app = BelievedProxies(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign]
    return app

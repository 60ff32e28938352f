"""The API's own pages: Swagger UI from files of ours, under a strict policy, and `swagger.json`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, current_app, send_from_directory
from werkzeug.exceptions import NotFound

from server.api.document import Frame, swagger
from server.api.responses import json_bytes

# Swagger UI sets styles through the DOM, which no policy forbids; its icons are data: images of its style sheet
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILES: Final = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "start.js", "page.css", "favicon.png"})


def register(blueprint: Blueprint, api: Frame) -> None:
    """Adds `/`, `/docs/…` and `/swagger.json` to the API's blueprint."""
    folder = Path(str(resources.files("server").joinpath("static", "docs")))

    def page() -> Response:
        response = send_from_directory(folder, "index.html")
        response.headers["Content-Security-Policy"] = POLICY
        return response

    def asset(name: str) -> Response:
        if name not in _FILES:
            raise NotFound
        return send_from_directory(folder, name, max_age=86_400)

    def document() -> Response:
        cache: dict[str, Any] = current_app.extensions
        if "daocun.swagger" not in cache:
            cache["daocun.swagger"] = json_bytes(swagger(api))
        response = Response(cache["daocun.swagger"], content_type="application/json")
        response.headers["Cache-Control"] = "no-cache"
        return response

    blueprint.add_url_rule("/", "root", page)
    blueprint.add_url_rule("/docs/<name>", "docs", asset)
    blueprint.add_url_rule("/swagger.json", "swagger", document)

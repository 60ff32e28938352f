"""What is not the API: whether the service lives and is ready, the web pages, and the headers of all answers."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Final

from flask import Flask, Response, current_app, request, send_from_directory
from werkzeug.security import safe_join

from server.domain import problems
from server.domain.problems import Problem

POLICY: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=()",
}
mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("text/javascript", ".js")
_YEAR_S: Final = 31_536_000
# What Vite copies to the top as it is; everything else that it makes has its digest in its name
_AT_THE_TOP: Final = ("sw.js", "manifest.webmanifest")


def install(app: Flask) -> None:
    """Adds the web pages, `/livez`, `/readyz` and the security headers.

    Every function in `app.extensions["daocun.ready"]` must return without an error for `/readyz` to be 200.
    """
    app.extensions.setdefault("daocun.ready", [])
    app.after_request(secure)
    app.after_request(_for_people)
    app.add_url_rule("/", "phone", _phone)
    app.add_url_rule("/assets/<name>", "assets", _asset)
    app.add_url_rule("/icons/<name>", "icons", _icon)
    for name in _AT_THE_TOP:
        app.add_url_rule(f"/{name}", name.replace(".", "-"), partial(_built, name))
    app.add_url_rule("/landing/page.css", "landing-style", _landing_style)
    app.add_url_rule("/livez", "livez", _live)
    app.add_url_rule("/readyz", "readyz", _ready)


def secure(response: Response) -> Response:
    """Gives an answer the security headers that it does not have yet."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_YEAR_S}")
    return response


def _folder() -> Path:
    return Path(str(resources.files("server").joinpath("static", "landing")))


def _web() -> Path:
    return Path(str(resources.files("server").joinpath("web")))


def _phone() -> Response:
    """The envoy's page; where the pages have not been built, one that says how to get them."""
    if (_web() / "phone" / "index.html").exists():
        return _built("phone/index.html")
    response = send_from_directory(_folder(), "index.html")
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response


def _built(name: str, max_age: int = 0) -> Response:
    # The build has made small copies: a third as long on a village's network
    path = safe_join(str(_web()), f"{name}.gz")
    if path and Path(path).is_file() and request.accept_encodings.quality("gzip") > 0:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        response = send_from_directory(_web(), f"{name}.gz", mimetype=kind, max_age=max_age)
        response.headers["Content-Encoding"] = "gzip"
    else:
        response = send_from_directory(_web(), name, max_age=max_age)
    response.vary.add("Accept-Encoding")
    # A worker's policy is that of its own script, not of the page which starts it
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    if not max_age:
        response.headers["Cache-Control"] = "no-cache"
    return response


def _asset(name: str) -> Response:
    return _built(f"assets/{name}", max_age=_YEAR_S)


def _icon(name: str) -> Response:
    return _built(f"icons/{name}", max_age=86_400)


def _landing_style() -> Response:
    return send_from_directory(_folder(), "page.css", max_age=3600)


def _for_people(response: Response) -> Response:
    """Shows a page instead of a problem's JSON to a browser that was led to a wrong address outside the API."""
    if response.status_code != 404 or request.path.startswith("/api/"):
        return response
    if request.accept_mimetypes.best_match(("application/json", "text/html")) != "text/html":
        return response
    page = Response((_folder() / "missing.html").read_bytes(), 404, content_type="text/html; charset=utf-8")
    page.headers["Content-Security-Policy"] = PAGE_POLICY
    page.headers["Cache-Control"] = "no-store"
    return page


def _live() -> Response:
    return _plain("ok")


def _ready() -> Response:
    checks: list[Callable[[], object]] = current_app.extensions["daocun.ready"]
    for check in checks:
        try:
            check()
        except Exception as error:
            current_app.logger.warning("not ready: %s", type(error).__name__)
            raise Problem(problems.UNAVAILABLE, retry_after=5) from None
    return _plain("ok")


def _plain(text: str) -> Response:
    response = Response(text + "\n", content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response

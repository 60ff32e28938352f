"""Renders every refusal as RFC 9457 `application/problem+json`, whatever raised it and wherever."""

from __future__ import annotations

import secrets
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

import structlog
from flask import Flask, Response, current_app, g, has_request_context, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.exceptions import ClientDisconnected, HTTPException, MethodNotAllowed
from werkzeug.http import parse_accept_header

from schemas.problems import ProblemOut
from server.adapters.messages import LANGUAGES, Language, has, text
from server.api.responses import json_bytes
from server.domain import problems
from server.domain.problems import FieldError, Problem
from server.settings import Settings

MEDIA_TYPE: Final = "application/problem+json"

_log = structlog.get_logger("daocun.api")
_schema: Final = ProblemOut()
_OF_STATUS: Final = {
    400: problems.BAD_REQUEST,
    401: problems.UNAUTHENTICATED,
    403: problems.FORBIDDEN,
    404: problems.NOT_FOUND,
    405: problems.METHOD_NOT_ALLOWED,
    406: problems.NOT_ACCEPTABLE,
    411: problems.LENGTH_REQUIRED,
    412: problems.STALE,
    413: problems.TOO_LARGE,
    414: problems.URI_TOO_LONG,
    415: problems.UNSUPPORTED_TYPE,
    422: problems.INVALID,
    429: problems.TOO_MANY_REQUESTS,
    503: problems.UNAVAILABLE,
}


def install(app: Flask, settings: Settings) -> None:
    """Makes the application answer every exception with a problem; nothing else may handle errors."""
    app.extensions["daocun.limits"] = {
        "limit_mb": f"{settings.photo_max_bytes / 1024**2:.3g}",
        "limit_mp": f"{settings.photo_max_pixels / 1e6:.3g}",
    }
    app.register_error_handler(Problem, answer)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def language() -> Language:
    """The language of the request's `Accept-Language`: Chinese unless English is preferred."""
    if not has_request_context():
        return "zh"
    if "language" not in g:
        g.language = _preferred(request.headers.get("Accept-Language", ""))
    chosen: Language = g.language
    return chosen


@lru_cache(256)  # phones of one kind all send the same
def _preferred(accepted: str) -> Language:
    return "en" if parse_accept_header(accepted, LanguageAccept).best_match(LANGUAGES, "zh") == "en" else "zh"


def answer(problem: Problem) -> Response:
    """The answer to a refusal."""
    response = _render(problem)
    if problem.kind.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    elif problem.kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    return response


def _http(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error.get_response()  # a redirect
    if error.code >= 500 and error.code not in _OF_STATUS:
        return _unexpected(error)
    kind = problems.BODY_CUT if isinstance(error, ClientDisconnected) else _OF_STATUS.get(error.code)
    response = answer(Problem(kind or problems.BAD_REQUEST))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    retry_after = getattr(error, "retry_after", None)
    if isinstance(retry_after, int):
        response.headers["Retry-After"] = str(retry_after)
    return response


def _unexpected(error: Exception) -> Response:
    # The id is all that the client gets; it leads to the traceback in the log
    number = secrets.token_hex(8)
    _log.error("unexpected", id=number, method=request.method, path=_path(), exc_info=error)
    return _render(Problem(problems.UNEXPECTED), number)


def _path() -> str:
    # An address that is good for whoever has it does not stand in a log.
    return request.url_rule.rule if request.url_rule and "secret" in (request.view_args or {}) else request.path


def _render(problem: Problem, number: str | None = None) -> Response:
    in_language = language()
    body = body_of(problem, in_language)
    if number is not None:
        body["id"] = number
    response = Response(json_bytes(_schema.dump(body)), problem.kind.status, content_type=MEDIA_TYPE)
    response.headers["Content-Language"] = "zh-CN" if in_language == "zh" else "en"
    response.headers["Vary"] = "Accept-Language"
    response.headers["Cache-Control"] = "no-store"
    return response


def body_of(problem: Problem, in_language: Language) -> dict[str, Any]:
    """A refusal as the schema `ProblemOut` writes it."""
    kind, params = problem.kind, problem.params
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(kind.status).phrase,
        "status": kind.status,
        "code": kind.code,
        "detail": text(f"problem.{kind.code}", in_language, **(current_app.extensions["daocun.limits"] | params)),
    }
    if problem.errors:
        body["errors"] = [
            {"pointer": error.pointer, "code": error.code, "detail": sentence(error, in_language)}
            for error in problem.errors
        ]
    return body | problem.members


def sentence(error: FieldError, in_language: Language) -> str:
    """What is wrong with a field, in a sentence; `expected` may name a key of its own."""
    params = dict(error.params)
    expected = f"expected.{params.get('expected')}"
    if has(expected):
        params["expected"] = text(expected, in_language)
    return text(f"field.{error.code}", in_language, **params)

"""The bridge from marshmallow to flask-restx: one schema validates, and the same one documents.

A view is a method of a `View` with decorators that say who may call it, what it takes and what it answers.
`View` then does, always in this order: authorize, read the query, read the body (and authorize again if that took
long), call, write the answer. The decorators only note; `document` reads the same notes for `swagger.json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar, Final, TypeVar

import marshmallow
from flask import Response, current_app, request
from flask_restx import Resource

from schemas.base import Base, in_zone
from server.api import reading
from server.api.responses import json_answer
from server.domain import problems
from server.domain.problems import Kind, Problem
from server.settings import Settings

View_ = TypeVar("View_", bound=Callable[..., Any])
Authorizer = Callable[[str], None]

ANONYMOUS: Final = "anonymous"
PERSON: Final = "person"


@dataclass(slots=True)
class Operation:
    """What one method of one resource takes and answers."""

    who: str = ""
    query: marshmallow.Schema | None = None
    body: marshmallow.Schema | None = None
    reads_itself: bool = False  # the view reads the body, because it takes other media types too
    part: str = ""  # of a multipart body that may be sent instead
    most: str = "json_max_bytes"  # the setting that limits the body
    media_types: tuple[str, ...] = ()  # of a body that the view reads itself
    answers: dict[int, marshmallow.Schema | tuple[str, ...] | None] = field(default_factory=dict)
    files: tuple[str, ...] = ()  # media types that `format` may ask for instead
    problems: list[Kind] = field(default_factory=list)


class _Nothing(Base):
    """The query of a route that takes none."""


_nothing: Final = _Nothing()


def operation(view: Callable[..., Any]) -> Operation:
    """The notes of a view, made when first asked for."""
    function: Any = getattr(view, "__func__", view)
    if "operation" not in function.__dict__:
        function.operation = Operation()
    notes: Operation = function.operation
    return notes


def who(requirement: str) -> Callable[[View_], View_]:
    """Says who may call a view: ANONYMOUS, PERSON, or a requirement that the authorizer knows.

    A view without it does not start: see `check`.
    """

    def note(view: View_) -> View_:
        operation(view).who = requirement
        return view

    return note


def takes(
    schema: type[marshmallow.Schema], *, part: str = "", most: str = "json_max_bytes"
) -> Callable[[View_], View_]:
    """The view takes a JSON body of this schema, as its argument `body`; `most` names the setting that limits it.

    With `part`, it takes a multipart body too, with the JSON in that part, and its files (none for JSON) as the
    argument `files`. Swagger 2.0 cannot say both of one operation; the document says JSON.
    """

    def note(view: View_) -> View_:
        operation(view).body = schema()
        operation(view).part = part
        operation(view).most = most
        return view

    return note


def takes_bytes(*media_types: str) -> Callable[[View_], View_]:
    """The view reads its body itself, with `reading.expect_type` and `reading.raw_body`."""

    def note(view: View_) -> View_:
        operation(view).media_types = media_types
        return view

    return note


def asks(schema: type[marshmallow.Schema]) -> Callable[[View_], View_]:
    """The view takes a query of this schema, as its argument `query`."""

    def note(view: View_) -> View_:
        operation(view).query = schema()
        return view

    return note


def answers(
    status: int, schema: type[marshmallow.Schema] | None = None, *, media_types: tuple[str, ...] = ()
) -> Callable[[View_], View_]:
    """The view answers so: with JSON of a schema, with something of these media types, or with nothing.

    The topmost one is what a bare return value means.
    """

    def note(view: View_) -> View_:
        notes = operation(view)
        notes.answers = {status: schema() if schema else media_types or None, **notes.answers}
        return view

    return note


def or_a_file(*media_types: str) -> Callable[[View_], View_]:
    """The view answers with a file of one of these media types instead, if its query's `format` says so."""

    def note(view: View_) -> View_:
        operation(view).files = media_types
        return view

    return note


def refuses(*kinds: Kind) -> Callable[[View_], View_]:
    """The refusals of a view beyond those that follow from what it takes."""

    def note(view: View_) -> View_:
        operation(view).problems.extend(kinds)
        return view

    return note


class View(Resource):  # type: ignore[misc]
    """A resource whose methods carry the decorators above.

    A method returns a value for its first answer's schema, `(value, status)`, `(value, status, headers)`, or a
    response of its own.
    """

    methods_with_body: ClassVar = frozenset({"POST", "PUT", "PATCH"})

    def dispatch_request(self, **path: Any) -> Response:
        name = "get" if request.method == "HEAD" else request.method.lower()
        view: Callable[..., Any] = getattr(self, name)
        notes = operation(view)
        authorize(notes.who)
        arguments = dict(path)
        if notes.query is not None:
            arguments["query"] = reading.query(request, notes.query)
        elif request.query_string:
            reading.query(request, _nothing)
        if notes.body is not None and not notes.reads_itself:
            arguments |= _read_body(notes.body, notes.part, notes.most)
        return write(notes, view(**arguments))


def _read_body(schema: marshmallow.Schema, part: str, most: str) -> dict[str, Any]:
    limits = settings()
    if not part:
        return {"body": reading.json_body(request, schema, getattr(limits, most))}
    if request.mimetype != "multipart/form-data":
        return {"body": reading.json_body(request, schema, limits.json_max_bytes), "files": ()}
    found = reading.multipart(
        request,
        part,
        json_limit=limits.json_max_bytes,
        file_limit=limits.photo_max_bytes,
        files_limit=limits.photos_max,
        total_limit=limits.multipart_max_bytes,
    )
    return {"body": reading.load(schema, found.value), "files": found.files}


def write(notes: Operation, returned: Any) -> Response:
    """The response for what a view returned."""
    if isinstance(returned, Response):
        return returned
    status, headers = next(iter(notes.answers)), None
    if isinstance(returned, tuple):
        returned, status, *rest = returned
        headers = rest[0] if rest else None
    schema = notes.answers[status]
    if schema is None:
        empty = Response(status=status, headers=headers)
        del empty.headers["Content-Type"]
        return empty
    if not isinstance(schema, marshmallow.Schema):
        raise TypeError("a view that answers no JSON makes its own response")
    with in_zone(settings().timezone):
        shown = schema.dump(returned)
    return json_answer(shown, status, headers)


def settings() -> Settings:
    """The settings of the application that is answering."""
    found: Settings = current_app.extensions["daocun.settings"]
    return found


def authorize(requirement: str) -> None:
    """Lets a request through or raises Problem 401 or 403; who is not known to be allowed is refused."""
    if requirement == ANONYMOUS:
        return
    authorizer: Authorizer | None = current_app.extensions.get("daocun.authorizer")
    if authorizer is None or not requirement:
        raise Problem(problems.UNAUTHENTICATED)
    authorizer(requirement)


def implied(notes: Operation, path_parameters: bool) -> list[Kind]:
    """The refusals that follow from what a view takes, with its own."""
    kinds: list[Kind] = [problems.TOO_MANY_REQUESTS, problems.UNAVAILABLE, problems.INVALID]
    if notes.who != ANONYMOUS:
        kinds += [problems.UNAUTHENTICATED, problems.FORBIDDEN]
    if path_parameters:
        kinds += [problems.NOT_FOUND]
    if notes.body is not None or notes.media_types:
        kinds += [problems.MALFORMED_BODY, problems.LENGTH_REQUIRED, problems.TOO_LARGE]
        kinds += [problems.UNSUPPORTED_TYPE]
    if notes.files:
        kinds += [problems.EXPORT_TOO_LARGE]
    return kinds + notes.problems


def check(resource: type[Any]) -> None:
    """Raises TypeError for a resource with a method that says not who may call it, or what it answers."""
    for method in resource.methods or ():
        notes = operation(getattr(resource, method.lower()))
        if not issubclass(resource, View) or not notes.who or not notes.answers:
            raise TypeError(f"{resource.__name__}.{method.lower()} needs @who and @answers")


def phrase(status: int) -> str:
    """The reason phrase of a status."""
    return HTTPStatus(status).phrase


def statuses(kinds: list[Kind]) -> Mapping[int, list[Kind]]:
    """Refusals by status, in order of status."""
    found: dict[int, list[Kind]] = {}
    for kind in sorted(set(kinds), key=lambda kind: (kind.status, kind.code)):
        found.setdefault(kind.status, []).append(kind)
    return found

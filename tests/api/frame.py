"""A tiny API on the frame, so that the frame is tested without the service."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, Response, g, request
from flask.testing import FlaskClient
from flask_restx import Namespace

from schemas.base import (
    CODE,
    UTC_INSTANT,
    Base,
    Choice,
    Code,
    Cursor,
    Day,
    Flag,
    Instant,
    Integer,
    Items,
    Number,
    Page,
    Part,
    QueryFlag,
    Sha256,
    Text,
    UuidText,
)
from server.api import reading
from server.api.bridge import ANONYMOUS, PERSON, View, answers, asks, refuses, takes, takes_bytes, who
from server.api.pagination import page
from server.app import frame
from server.domain import problems
from server.domain.problems import Problem
from server.settings import Settings

TOKEN = "a-good-token"


class SpotIn(Base):
    latitude = Number(-90, 90, required=True)
    longitude = Number(-180, 180, required=True)


class ThingIn(Base):
    code = Code(required=True)
    kind = Choice(("tree", "stone"), load_default="tree")
    at = Instant(required=True)
    on = Day(allow_none=True)
    position = Part(SpotIn, allow_none=True, load_default=None)
    photos = Items(Sha256(), 0, 20, unique=True, load_default=list)
    note = Text(0, 1000, lines=True)
    size = Integer(0, 100)
    heavy = Flag()


class ThingOut(Base):
    id = UuidText(required=True)
    code = Code(required=True)
    kind = Choice(("tree", "stone"), required=True)
    at = Instant(required=True)
    on = Day(allow_none=True)
    position = Part(SpotIn, allow_none=True)


class ThingsQuery(Page):
    cursor = Cursor(UTC_INSTANT, CODE)
    after = Day()
    kind = Choice(("tree", "stone"))
    big = QueryFlag()


class ThingsOut(Base):
    items = Items(Part(ThingOut), required=True)
    next = Cursor(UTC_INSTANT, CODE, required=True, allow_none=True)


namespace = Namespace("things", path="/things")


@namespace.route("")
class Things(View):
    @who(PERSON)
    @asks(ThingsQuery)
    @answers(200, ThingsOut)
    def get(self, query: dict[str, Any]) -> Any:
        """Lists things."""
        start = int(query["cursor"][1]) + 1 if query.get("cursor", ("", "x"))[1].isdigit() else 0
        rows = [{"id": _id(i), "code": str(i), "kind": "tree", "at": _AT} for i in range(start, 7)]
        return page(rows[: query["limit"] + 1], query["limit"], lambda row: (_AT_TEXT, row["code"]))


@namespace.route("/<uuid:thing>")
class Thing(View):
    @who(PERSON)
    @takes(ThingIn)
    @answers(201, ThingOut)
    @answers(200, ThingOut)
    @refuses(problems.VISIT_DIFFERS)
    def put(self, thing: str, body: dict[str, Any]) -> Any:
        """Puts a thing."""
        return {"id": thing, **body}, 201

    @who(ANONYMOUS)
    @answers(200, ThingOut)
    def get(self, thing: str) -> Any:
        """Shows a thing."""
        raise Problem(problems.NOT_FOUND)

    @who(PERSON)
    @answers(204)
    def delete(self, thing: str) -> Any:
        """Takes a thing away."""
        return None, 204


@namespace.route("/<uuid:thing>/pictures/<sha256:digest>")
class Picture(View):
    @who(PERSON)
    @answers(200, media_types=("image/jpeg", "image/png"))
    def get(self, thing: str, digest: str) -> Any:
        """Shows a picture."""
        return Response(b"\xff\xd8", content_type="image/jpeg")

    @who(PERSON)
    @takes_bytes("image/jpeg", "image/png")
    @answers(201)
    @refuses(problems.PHOTO_TOO_LARGE, problems.PHOTO_DIGEST)
    def put(self, thing: str, digest: str) -> Any:
        """Takes a picture."""
        reading.expect_type(request, "image/jpeg", "image/png")
        reading.raw_body(request, 1000, Problem(problems.PHOTO_TOO_LARGE))
        return None, 201


@namespace.route("/both/<uuid:thing>")
class Both(View):
    @who(PERSON)
    @takes(ThingIn, part="thing")
    @answers(201, ThingOut)
    def put(self, thing: str, body: dict[str, Any], files: tuple[reading.Upload, ...]) -> Any:
        """Puts a thing, in either way."""
        return {"id": thing, **body}, 201, {"X-Files": str(len(files))}


@namespace.route("/odd/<code:what>")
class Odd(View):
    @who(ANONYMOUS)
    @answers(200)
    def get(self, what: str) -> Any:
        """Fails in many ways."""
        if what == "crash":
            raise RuntimeError("secret words of a driver")
        if what == "busy":
            raise Problem(problems.TOO_MANY_REQUESTS, retry_after=7)
        if what == "heavy":
            raise Problem(problems.PHOTO_TOO_LARGE)
        if what == "who":
            return Response(g.get("person", "nobody") + " " + (request.remote_addr or ""))
        raise Problem(problems.UNAVAILABLE)

    @who("admin")
    @takes_bytes("multipart/form-data")
    @answers(201)
    def post(self, what: str) -> Any:
        """Takes a form."""
        found = reading.multipart(request, "visit", json_limit=2000, file_limit=1000, files_limit=3, total_limit=5000)
        told = {"visit": found.value, "files": [[f.name, f.media_type, len(f.data)] for f in found.files]}
        return Response(json.dumps(told), 201, content_type="application/json")


_AT = Instant().deserialize("2018-11-20T09:31:05+08:00")
_AT_TEXT = "2018-11-20T01:31:05Z"


def _id(number: int) -> str:
    return f"018c5c2e-7d11-7c3a-9f00-{number:012d}"


ID = _id(1)
GOOD = {"code": "371481200268", "at": "2018-11-20T09:31:05+08:00"}


def application(**given: Any) -> Flask:
    app = frame(Settings(**given), (namespace,))

    def authorizer(requirement: str) -> None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Problem(problems.UNAUTHENTICATED)
        if requirement == "admin" and "denied" in request.path:
            raise Problem(problems.FORBIDDEN)
        g.person = "someone"

    app.extensions["daocun.authorizer"] = authorizer
    return app


def client(**given: Any) -> FlaskClient:
    return application(**given).test_client()


def signed() -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}"}

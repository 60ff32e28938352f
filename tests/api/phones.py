"""Phones and browsers of the people of `tests.factories`, each signed in, in front of one application."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.app import create_app
from server.services.deployment import Deployment
from server.settings import Settings
from tests import factories
from tests.factories import NOW, digest, multipart, token_of, visit_id

API = "/api/v1"


@dataclass
class County:
    """A running application, with a clock that the test sets."""

    app: Flask
    deployment: Deployment
    now: datetime = NOW

    def phone(self, person: str = "owner", language: str = "zh") -> Phone:
        """The phone of a person."""
        headers = {"Accept-Language": language, "Authorization": f"Bearer {token_of(person)}"}
        return Phone(self.app.test_client(), headers)

    def after(self, **passed: float) -> datetime:
        """Lets time pass; the instant it is then."""
        self.now += timedelta(**passed)
        return self.now

    def footprint(self) -> tuple[dict[str, int], list[str]]:
        """How many rows each table has, and which files there are."""
        return factories.footprint(self.deployment)


@dataclass
class Phone:
    """One person's way to the service."""

    http: FlaskClient
    headers: dict[str, str]

    def put(self, body: Any, visit: str | None = None) -> TestResponse:
        """Checks in with JSON."""
        return self.http.put(f"{API}/visits/{visit or visit_id()}", json=body, headers=self.headers)

    def form(
        self, body: Any, *pictures: bytes, visit: str | None = None, media_type: str = "image/jpeg"
    ) -> TestResponse:
        """Checks in with the photos in the same call."""
        data, content_type = multipart(body, *pictures, media_type=media_type)
        url = f"{API}/visits/{visit or visit_id()}"
        return self.http.put(url, data=data, content_type=content_type, headers=self.headers)

    def send(
        self, data: bytes, visit: str | None = None, name: str = "", media_type: str = "image/jpeg", **given: Any
    ) -> TestResponse:
        """Sends a photo that the visit announced, under its own digest unless another is given."""
        url = f"{API}/visits/{visit or visit_id()}/photos/{name or digest(data)}"
        return self.http.put(url, data=data, content_type=media_type, headers=self.headers, **given)

    def add(self, body: Any, visit: str | None = None) -> TestResponse:
        """Adds to a visit."""
        return self.http.post(f"{API}/visits/{visit or visit_id()}/additions", json=body, headers=self.headers)

    def decide(self, decision: str, visit: str | None = None, reason: str = "已核实", **given: Any) -> TestResponse:
        """Decides on a visit; `if_match` is an ETag, everything else goes into the body."""
        headers = {**self.headers, "If-Match": given.pop("if_match")} if "if_match" in given else self.headers
        body = {"decision": decision, "reason": reason, **given}
        return self.http.post(f"{API}/visits/{visit or visit_id()}/decisions", json=body, headers=headers)

    def appeal(self, visit: str | None = None, reason: str = "我在村里") -> TestResponse:
        """Appeals against the rejection of a visit."""
        url = f"{API}/visits/{visit or visit_id()}/appeal"
        return self.http.post(url, json={"reason": reason}, headers=self.headers)

    def post(self, path: str, body: Any) -> TestResponse:
        """Posts to a path of the API."""
        return self.http.post(API + path, json=body, headers=self.headers)

    def see(self, visit: str | None = None) -> TestResponse:
        """Looks at a visit."""
        return self.get(f"/visits/{visit or visit_id()}")

    def look(self, data: bytes, query: str = "", visit: str | None = None) -> TestResponse:
        """Looks at a photo."""
        return self.get(f"/visits/{visit or visit_id()}/photos/{digest(data)}{query}")

    def get(self, path: str, **headers: str) -> TestResponse:
        """Gets what is under a path of the API."""
        return self.http.get(API + path, headers={**self.headers, **headers})


def open_county(url: str, uploads: Any, **given: Any) -> County:
    """The application on an empty database that has its tables, with the county put into it."""
    app = create_app(Settings(database_url=url, uploads=uploads, **given))
    county = County(app, app.extensions["daocun.deployment"])
    app.extensions["daocun.clock"] = lambda: county.now
    factories.settle(county.deployment)
    return county


def json_of(answer: TestResponse, status: int = 200) -> Any:
    """The JSON of an answer with this status."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def finding(answer: Any, check: str) -> dict[str, Any]:
    """What one check of a visit found."""
    found: dict[str, Any] = next(f for f in answer["findings"] if f["check"] == check)
    return found


def not_passed(answer: Any) -> dict[str, str | None]:
    """The checks of a visit that did not pass, with their outcomes."""
    return {f["check"]: f["outcome"] for f in answer["findings"] if f["outcome"] != "pass"}


def refused(answer: TestResponse, status: int, code: str) -> list[tuple[str, str]]:
    """The pointers and codes of a problem's errors, which is of this status and code."""
    problem = json_of(answer, status)
    assert answer.content_type == "application/problem+json"
    assert problem["code"] == code
    return [(error["pointer"], error["code"]) for error in problem.get("errors", [])]

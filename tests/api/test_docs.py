"""`swagger.json` says what the schemas do, and its page works under a strict policy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from openapi_spec_validator import OpenAPIV2SpecValidator, validate
from schemathesis import Case

from schemas import examples, tokens, visits
from server.api.bridge import ANONYMOUS
from server.api.document import operations
from server.app import NAMESPACES, PREFIX, frame
from server.settings import Settings
from tests.api.frame import ID, application, client, signed

DOCUMENT: dict[str, Any] = client().get("/api/v1/swagger.json").json or {}


def test_it_is_a_swagger_2_document() -> None:
    validate(DOCUMENT, cls=OpenAPIV2SpecValidator)
    assert DOCUMENT["swagger"] == "2.0"
    assert DOCUMENT["basePath"] == "/api/v1"


def test_the_service_s_own_document_is_one_too() -> None:
    http = frame(Settings(), NAMESPACES).test_client()
    document = http.get("/api/v1/swagger.json").json
    assert document is not None
    validate(document, cls=OpenAPIV2SpecValidator)


def test_a_schema_says_all_its_rules() -> None:
    thing = DOCUMENT["definitions"]["ThingIn"]
    assert thing["additionalProperties"] is False
    assert set(thing["required"]) == {"at", "code"}
    assert thing["properties"]["note"]["maxLength"] == 1000
    assert thing["properties"]["photos"] == {
        "type": "array",
        "items": {"type": "string", "pattern": "^(?:[0-9a-f]{64})$"},
        "maxItems": 20,
        "uniqueItems": True,
        "example": [examples.BODIES["CheckInIn"]["photos"][0]],
    }
    assert thing["properties"]["on"]["x-nullable"] is True
    position = DOCUMENT["definitions"]["SpotIn"]["properties"]
    assert position["latitude"] == {"type": "number", "minimum": -90, "maximum": 90, "example": 37.811268}


def test_what_can_be_tried_out_begins_with_something_that_is_taken() -> None:
    http = frame(Settings(), NAMESPACES).test_client()
    document = http.get("/api/v1/swagger.json").json or {}
    for name, body in examples.BODIES.items():
        assert document["definitions"][name]["example"] == body
        getattr(visits if hasattr(visits, name) else tokens, name)().load(body)
    made_up = [
        (name, member)
        for name, definition in document["definitions"].items()
        for member, shown in definition["properties"].items()
        if "pattern" in shown
        and member != "next"
        and not re.search(shown["pattern"], shown.get("example", "no example\x00"))
    ]
    assert made_up == []
    assert "Bearer" in document["securityDefinitions"]["bearer"]["description"]
    assert document["info"]["description"]
    assert document["tags"][0]["name"] == "visits"
    assert next(iter(next(iter(document["paths"].values())))) == "put"
    assert all(tag.get("description") for tag in document["tags"])


def test_a_path_parameter_has_its_form() -> None:
    (parameter,) = DOCUMENT["paths"]["/things/{thing}"]["parameters"]
    assert re.fullmatch(parameter["pattern"], ID)


def test_a_query_parameter_has_its_limits() -> None:
    parameters = {p["name"]: p for p in DOCUMENT["paths"]["/things"]["get"]["parameters"]}
    assert parameters["limit"] == {
        "in": "query",
        "name": "limit",
        "type": "integer",
        "minimum": 1,
        "maximum": 200,
        "default": 50,
        "required": False,
    }


def test_every_operation_says_who_and_which_refusals() -> None:
    for path, item in DOCUMENT["paths"].items():
        for method, described in item.items():
            if method == "parameters":
                continue
            assert {"422", "429", "503", "default"} <= set(described["responses"]), (path, method)
            if described["security"]:
                assert {"401", "403"} <= set(described["responses"]), (path, method)
            if "{" in path:
                assert "404" in described["responses"], (path, method)


def test_what_is_taken_and_made_is_stated() -> None:
    picture = DOCUMENT["paths"]["/things/{thing}/pictures/{digest}"]
    assert picture["put"]["consumes"] == ["image/jpeg", "image/png"]
    assert picture["get"]["produces"] == ["image/jpeg", "image/png", "application/problem+json"]
    assert picture["get"]["responses"]["200"]["schema"] == {"type": "string", "format": "binary"}


def test_only_open_routes_are_open() -> None:
    app = application()
    open_routes = {
        (path, method)
        for path, item in DOCUMENT["paths"].items()
        for method, described in item.items()
        if method != "parameters" and not described["security"]
    }
    api = app.extensions["daocun.api"]
    noted = {(path, method) for path, _, method, notes in operations(api) if notes.who == ANONYMOUS}
    assert open_routes == noted


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere() -> None:
    http = client()
    response = http.get("/api/v1/")
    page = response.get_data(as_text=True)
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert not re.search(r"<style|<script>|\son[a-z]+=|\sstyle=|https?://", page)
    for link in re.findall(r'(?:src|href)="([^"]+)"', page):
        with http.get(f"{PREFIX}/{link}") as file:
            assert file.status_code == 200
    response.close()


def test_the_pages_of_flask_restx_are_not_there() -> None:
    rules = {rule.rule for rule in frame(Settings(), NAMESPACES).url_map.iter_rules()}
    assert not [rule for rule in rules if "swaggerui" in rule]


def test_the_page_s_files_come_with_their_licence() -> None:
    folder = Path(__file__).parents[2] / "server/static/docs"
    assert "Apache License" in (folder / "LICENSE").read_text()


# The token is given as a command line would give it, so that leaving it out is not among the things tried
_schema = schemathesis.openapi.from_wsgi(
    "/api/v1/swagger.json", application(), config=schemathesis.Config.from_dict({"headers": signed()})
)


@pytest.mark.slow
@_schema.exclude(path_regex="/odd/").parametrize()
def test_the_document_and_the_frame_agree(case: Case) -> None:
    case.call_and_validate()

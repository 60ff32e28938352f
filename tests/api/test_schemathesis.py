"""Everything that swagger.json says, tried out by schemathesis: all its checks, a token of each kind, every route."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from schemathesis.checks import CheckContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.engine import events, from_schema
from schemathesis.generation import GenerationMode
from schemathesis.generation.case import Case
from schemathesis.python import wsgi
from sqlalchemy import update
from werkzeug.test import Client

from server.storage import tables as t
from tests.api.phones import API, County, json_of, open_county
from tests.domain.effort import SOAK
from tests.factories import (
    DISTRICT,
    DONGZHAO,
    LELING,
    NOW,
    PEOPLE,
    XIDUAN,
    check_in,
    digest,
    north_of,
    photo,
    token_of,
    visit_id,
)

EXAMPLES = int(os.environ.get("DAOCUN_TEST_EXAMPLES") or (200 if SOAK else 5))
PERSONS = {"owner": "field", "inside": "reviewer", "supervisor": "supervisor", "auditor": "auditor", "admin": "admin"}

# 422 is what does not fit the world, too: a village that does not exist, a span that ends before it begins.
ALSO_REFUSED = ["2xx", "3xx", "401", "403", "404", "409", "422", "429"]
# What a schema says of a value; whoever keeps to it is never refused for one of these.
OF_THE_SCHEMA = {"required", "unknown", "null", "type", "range", "length", "format", "choice", "finite", "duplicate"}
SHAPES = ("Point", "MultiPoint", "Polygon", "MultiPolygon", "GeometryCollection")
SPANS = {("range", "/from"), ("range", "/to"), ("range", "/as_of"), ("range", "/end")}

# Things that are there, beside all those that are not.
KNOWN = {
    "visits": [visit_id(1), visit_id(2), visit_id(3), visit_id(9)],
    "digests": [digest(photo(1)), digest(photo(2)), digest(photo(9))],
    "people": list(PEOPLE),
    "places": [LELING, XIDUAN, DISTRICT, DONGZHAO],
}
WHERE = {
    "path.visit": "visits",
    "path.digest": "digests",
    "path.person": "people",
    "query.person": "people",
    "query.place": "places",
    "body.place": "places",
    "body.phone": "people",
    "body.person": "people",
}


class InProcess(Client):
    """The way into the application; the checks that ask again hand it settings of a network connection."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        for name in ("max_redirects", "verify", "cert", "proxies"):
            kwargs.pop(name, None)
        return super().open(*args, **kwargs)


@schemathesis.check
def refused_only_for_what_no_schema_knows(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Who sends what the document describes is not told that it does not fit the document."""
    if response.status_code != 422 or case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return None
    for error in response.json().get("errors", ()):
        # How far a span of days may reach depends on where it begins.
        if error["code"] in OF_THE_SCHEMA and (error["code"], error["pointer"]) not in SPANS:
            raise Failure(operation=case.operation.label, title="Refused", message=f"{error} is said by the schema")
    return None


@schemathesis.check
def a_map_is_geojson(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """A list asked for as a map is features with points: Swagger 2.0 has room for the list's own schema only."""
    if not _is_map(response):
        return None
    found = response.json()
    kinds = {(feature["type"], (feature["geometry"] or {"type": None})["type"]) for feature in found["features"]}
    if found["type"] != "FeatureCollection" or kinds - {("Feature", kind) for kind in (*SHAPES, None)}:
        raise Failure(operation=case.operation.label, title="No GeoJSON", message=f"{found['type']} of {kinds}")
    return None


def _is_map(response: Response) -> bool:
    return response.headers.get("content-type", [""])[0].startswith("application/geo+json")


@pytest.fixture
def tried_county(migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    """A county with some visits, in which nobody stays signed out for long."""
    monkeypatch.setattr(wsgi, "get_client", InProcess)
    path = tmp_path / "county.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    limits: dict[str, Any] = {"rate_address_per_minute": 0, "rate_person_per_minute": 0}
    county = open_county(f"sqlite:///{path}", tmp_path / "uploads", **limits)
    phone = county.phone("owner")
    json_of(phone.form(check_in([photo(1)]), photo(1), visit=visit_id(1)), 201)
    away = check_in([photo(1)], point=north_of((37.811268, 117.012492), 3000))
    json_of(phone.form(away, photo(1), visit=visit_id(2)), 201)
    json_of(county.phone("colleague").put(check_in([photo(2)], at=NOW), visit_id(3)), 201)
    _sign_everybody_in_again(county.app, county)
    yield county
    county.deployment.database.close()


def _sign_everybody_in_again(app: Flask, county: County) -> None:
    inner = app.wsgi_app

    def answer(environ: Any, start_response: Any) -> Iterable[bytes]:
        told = inner(environ, start_response)
        if environ["REQUEST_METHOD"] in ("POST", "DELETE") and "/visits" not in environ["PATH_INFO"]:
            with county.deployment.database.write() as connection:
                for table, column in ((t.token, "revoked_at"), (t.account, "revoked_at"), (t.grant, "ended_at")):
                    connection.execute(update(table).where(table.c[column].is_not(None)).values({column: None}))
        return told

    app.wsgi_app = answer  # type: ignore[method-assign]


def config(person: str | None) -> SchemathesisConfig:
    told = {"Authorization": f"Bearer {token_of(person)}"} if person else {}
    return SchemathesisConfig.from_dict(
        {
            "headers": told,
            "generation": {"max-examples": EXAMPLES, "deterministic": True},
            "checks": {"positive_data_acceptance": {"expected-statuses": ALSO_REFUSED}},
            "dictionaries": {name: {"values": values} for name, values in KNOWN.items()},
            "parameters": {where: {"dictionary": name, "probability": 0.5} for where, name in WHERE.items()},
            "suppress-health-check": ["all"],
        }
    )


def failures(run: Iterable[Any], statuses: Counter[tuple[str, int]]) -> Iterator[str]:
    """What schemathesis has against us, each once, with a request that shows it."""
    seen: set[tuple[str, str]] = set()
    for happened in run:
        if isinstance(happened, events.NonFatalError | events.FatalError):
            yield f"{getattr(happened, 'label', '')}: {happened!r}"
        elif isinstance(happened, events.ScenarioFinished):
            for interaction in happened.recorder.interactions.values():
                if interaction.response is not None:
                    statuses[happened.label or "", interaction.response.status_code] += 1
            for case, checks in happened.recorder.checks.items():
                sent = happened.recorder.interactions.get(case)
                is_map = sent is not None and sent.response is not None and _is_map(sent.response)
                for check in checks:
                    if is_map and check.name == "response_schema_conformance":
                        continue  # see `a_map_is_geojson`
                    if check.failure_info is not None:
                        key = (happened.label or "", check.name)
                        if key not in seen:
                            seen.add(key)
                            info = check.failure_info
                            yield f"{key}: {info.failure.title} {info.failure.message}\n{info.code_sample}"


@pytest.mark.slow
@pytest.mark.parametrize("person", [*PERSONS, None], ids=[*PERSONS.values(), "none"])
def test_all_checks_hold_for_every_route_and_a_token_of_each_kind(tried_county: County, person: str | None) -> None:
    statuses: Counter[tuple[str, int]] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = schemathesis.openapi.from_wsgi(f"{API}/swagger.json", tried_county.app, config=config(person))
        routes = {found.ok().label for found in schema.get_all_operations() if isinstance(found, Ok)}
        found = list(failures(from_schema(schema).execute(), statuses))
    assert not found, "\n\n".join(found)
    assert routes <= {label for label, _ in statuses}
    if person is not None:
        # It got somewhere: a route that answers everything with a refusal has not been tried.
        assert statuses["GET /visits/{visit}", 200] > 0
        assert sum(count for (_, status), count in statuses.items() if status < 300) > len(routes)

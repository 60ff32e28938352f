"""`/people`: the person themselves, a colleague, a stranger, and those whose office it is."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from server.services.deployment import Deployment
from server.storage import tables as t
from tests.api.offices import refusal, told
from tests.support.staff import phone_of

NOT_FOUND, FORBIDDEN = (404, "not-found", []), (403, "forbidden", [])
OWNER = {"code": "owner", "name": "owner名", "phone": phone_of("owner"), "unit": "", "language": "zh"}


def names_of(app: Flask) -> dict[str, tuple[str, str]]:
    deployment: Deployment = app.extensions["daocun.deployment"]
    c = t.person.c
    with deployment.database.read() as connection:
        return {row.code: (row.name, row.phone) for row in connection.execute(select(c.code, c.name, c.phone))}


@pytest.mark.parametrize("person", ["owner", "colleague", "stranger", "secretary"])
def test_who_holds_no_grant_has_no_list_of_people(app: Flask, person: str) -> None:
    assert refusal(app, person, "GET", "/people") == FORBIDDEN
    assert refusal(app, person, "GET", "/people?q=owner") == FORBIDDEN


@pytest.mark.parametrize(
    ("person", "found"),
    [
        ("inside", ["admin", "auditor", "colleague", "inside", "owner", "revoked", "secretary", "supervisor"]),
        ("outside", ["neighbour", "outside", "stranger"]),
    ],
)
def test_a_list_of_people_holds_those_of_ones_own_area(app: Flask, person: str, found: list[str]) -> None:
    assert [one["code"] for one in told(app, person, "GET", "/people?limit=200")["items"]] == found
    everybody = [one["code"] for one in told(app, "chief", "GET", "/people?limit=200")["items"]]
    assert set(found) < set(everybody)
    assert told(app, person, "GET", "/people?q=owner")["items"] == ([OWNER] if "owner" in found else [])
    assert told(app, "inside", "GET", "/people?place=d1&q=ow")["items"] == [OWNER]
    assert refusal(app, "inside", "GET", "/people?place=U") == (422, "invalid", [("/place", "not-exist")])


def test_a_person_sees_themselves_with_postings_leave_and_grants(app: Flask) -> None:
    mine = told(app, "owner", "GET", "/people/owner")
    assert {name: mine[name] for name in OWNER} == OWNER
    assert [(p["role"], p["place"], p["start"], p["end"]) for p in mine["postings"]] == [
        ("envoy", "d1", "2018-09-03", None)
    ]
    assert (mine["leave"], mine["grants"]) == ([], [])
    assert [grant["kind"] for grant in told(app, "inside", "GET", "/people/inside")["grants"]] == ["reviewer"]


@pytest.mark.parametrize("person", ["colleague", "stranger", "outside", "neighbour"])
@pytest.mark.parametrize("code", ["owner", "nobody"])
def test_another_is_for_colleagues_and_strangers_as_if_they_did_not_exist(app: Flask, person: str, code: str) -> None:
    for method, path, body in (
        ("GET", f"/people/{code}", None),
        ("GET", f"/people/{code}/history", None),
        ("PATCH", f"/people/{code}", {"name": "x"}),
    ):
        assert refusal(app, person, method, path, body) == NOT_FOUND, path
    assert names_of(app)["owner"] == ("owner名", phone_of("owner"))


@pytest.mark.parametrize(("person", "grants"), [("inside", False), ("supervisor", False), ("admin", True)])
def test_readers_of_the_area_see_the_person_and_only_admins_the_grants(app: Flask, person: str, grants: bool) -> None:
    shown = told(app, person, "GET", "/people/supervisor")
    assert shown["name"] == "supervisor名"
    own = person == "supervisor"
    assert (shown.get("grants") is not None) is (grants or own)


NEW = {"code": "new1", "name": "新人", "phone": "13900008888"}
POSTED = NEW | {"posting": {"role": "envoy", "place": "d2", "start": "2018-11-26"}}


@pytest.mark.parametrize("person", ["owner", "colleague", "stranger", "inside", "supervisor", "auditor"])
def test_only_admins_enter_people(app: Flask, person: str) -> None:
    assert refusal(app, person, "POST", "/people", POSTED) == FORBIDDEN
    assert "new1" not in names_of(app)


def test_an_admin_enters_a_person_with_a_posting_in_their_area(app: Flask) -> None:
    assert refusal(app, "admin", "POST", "/people", NEW) == (422, "invalid", [("/posting", "posting-needed")])
    assert refusal(app, "neighbour", "POST", "/people", POSTED) == (422, "invalid", [("/posting/place", "not-exist")])
    made = told(app, "admin", "POST", "/people", POSTED, 201)
    assert made["result"]["name"] == "新人"
    assert {row["person"] for row in made["changed"]["obligations"]} == {"new1"}
    assert refusal(app, "admin", "POST", "/people", POSTED) == (409, "conflict", [])
    assert told(app, "chief", "POST", "/people", NEW | {"code": "new2"}, 201)["result"]["code"] == "new2"


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"phone": "12"}, "/phone", "format"),
        ({"name": ""}, "/name", "length"),
        ({"rank": "1"}, "/rank", "unknown"),
        ({"language": "fr"}, "/language", "choice"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_member(app: Flask, body: Any, pointer: str, code: str) -> None:
    assert refusal(app, "admin", "PATCH", "/people/owner", body) == (422, "invalid", [(pointer, code)])


def test_a_person_does_not_correct_their_own_number_and_an_admin_does(app: Flask) -> None:
    body = {"phone": "139 0000 1111", "unit": "组织办"}
    assert refusal(app, "owner", "PATCH", "/people/owner", body) == FORBIDDEN
    assert refusal(app, "inside", "PATCH", "/people/owner", body) == FORBIDDEN
    tried = told(app, "admin", "PATCH", "/people/owner?dry_run=1", body)
    assert (tried["dry_run"], names_of(app)["owner"][1]) == (True, phone_of("owner"))
    done = told(app, "admin", "PATCH", "/people/owner", body)
    assert (done["result"]["phone"], done["result"]["unit"]) == ("13900001111", "组织办")
    (line, *_) = told(app, "owner", "GET", "/people/owner/history")["items"]
    assert (line["actor"], line["verb"], line["after"]["phone"]) == ("admin", "changed", "13900001111")
    assert refusal(app, "inside", "GET", "/people/owner/history") == FORBIDDEN

"""`/leave`: who asks for it, who sees it, and who decides."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.api.offices import refusal, told

NOT_FOUND, FORBIDDEN, CONFLICT = (404, "not-found", []), (403, "forbidden", []), (409, "conflict", [])
DAYS = {"start": "2018-11-26", "end": "2018-11-30", "kind": "annual", "note": "探亲"}
YES = {"decision": "approve", "reason": "同意"}


def asked(app: Flask, person: str = "owner", **days: str) -> str:
    """The id of leave that a person has asked for."""
    return str(told(app, person, "POST", "/leave", DAYS | days, 201)["result"]["id"])


def seen(app: Flask, person: str, query: str = "") -> list[tuple[str, str]]:
    return [(one["person"], one["status"]) for one in told(app, person, "GET", f"/leave{query}")["items"]]


def test_leave_is_asked_for_waits_and_is_approved_by_the_office(app: Flask) -> None:
    made = told(app, "owner", "POST", "/leave", DAYS, 201)
    leave = made["result"]
    assert leave == {
        **DAYS,
        "id": leave["id"],
        "person": "owner",
        "person_name": "owner名",
        "status": "waiting",
        "at": "2018-11-20T09:31:05+08:00",
        "decided_by": None,
        "decided_at": None,
        "reason": "",
    }
    assert made["changed"]["total"] == 0
    decided = told(app, "inside", "POST", f"/leave/{leave['id']}/decisions", YES)
    result = decided["result"]
    assert (result["status"], result["decided_by"], result["reason"]) == ("approved", "inside", "同意")
    (week,) = decided["changed"]["obligations"]
    assert (week["window"], week["after"]["status"], week["after"]["reason"]) == ("2018-W48", "excused", "leave")
    assert refusal(app, "inside", "POST", f"/leave/{leave['id']}/decisions", YES) == CONFLICT
    assert refusal(app, "owner", "POST", "/leave", DAYS) == CONFLICT
    cancelled = {"decision": "cancel", "reason": "提前返岗"}
    back = told(app, "admin", "POST", f"/leave/{leave['id']}/decisions", cancelled)
    assert (back["result"]["status"], back["changed"]["obligations"][0]["after"]["status"]) == ("withdrawn", "upcoming")


def test_each_sees_their_own_and_the_office_that_of_its_people(app: Flask) -> None:
    asked(app)
    asked(app, "stranger")
    owners, strangers = ("owner", "waiting"), ("stranger", "waiting")
    assert seen(app, "owner") == [owners]
    assert seen(app, "colleague") == []
    assert seen(app, "colleague", "?person=owner") == []
    assert seen(app, "stranger") == [strangers]
    for reader in ("inside", "supervisor", "auditor", "admin"):
        assert seen(app, reader) == [owners]
    assert seen(app, "outside") == [strangers]
    assert sorted(seen(app, "chief", "?status=waiting")) == [owners, strangers]
    assert seen(app, "chief", "?status=approved") == []


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        ("owner", FORBIDDEN),
        ("colleague", NOT_FOUND),
        ("stranger", NOT_FOUND),
        ("outside", NOT_FOUND),
        ("neighbour", NOT_FOUND),
        ("supervisor", FORBIDDEN),
        ("auditor", FORBIDDEN),
    ],
)
def test_only_the_office_of_the_person_decides(app: Flask, person: str, expected: Any) -> None:
    leave = asked(app)
    assert refusal(app, person, "POST", f"/leave/{leave}/decisions", YES) == expected
    assert seen(app, "owner") == [("owner", "waiting")]


def test_nobody_decides_on_leave_of_their_own(app: Flask) -> None:
    for person in ("inside", "admin"):
        leave = asked(app, person)
        assert refusal(app, person, "POST", f"/leave/{leave}/decisions", YES) == FORBIDDEN
    assert told(app, "admin", "POST", f"/leave/{asked(app, 'inside', kind='sick')}/decisions", YES)["changed"]


def test_it_is_taken_back_by_the_person_alone_and_only_while_it_waits(app: Flask) -> None:
    leave = asked(app)
    assert refusal(app, "colleague", "DELETE", f"/leave/{leave}") == NOT_FOUND
    assert refusal(app, "stranger", "DELETE", f"/leave/{leave}") == NOT_FOUND
    assert refusal(app, "inside", "DELETE", f"/leave/{leave}") == FORBIDDEN
    told(app, "owner", "DELETE", f"/leave/{leave}", status=204)
    assert seen(app, "owner") == [("owner", "withdrawn")]
    assert refusal(app, "owner", "DELETE", f"/leave/{leave}") == CONFLICT
    assert refusal(app, "inside", "POST", f"/leave/{leave}/decisions", YES) == CONFLICT


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        ("colleague", (422, "invalid", [("/person", "not-exist")])),
        ("stranger", (422, "invalid", [("/person", "not-exist")])),
        ("outside", (422, "invalid", [("/person", "not-exist")])),
        ("supervisor", FORBIDDEN),
    ],
)
def test_anothers_leave_is_entered_by_their_office_alone(app: Flask, person: str, expected: Any) -> None:
    body = DAYS | {"person": "owner"}
    assert refusal(app, person, "POST", "/leave", body) == expected
    entered = told(app, "inside", "POST", "/leave", body, 201)
    assert (entered["result"]["status"], entered["result"]["decided_by"]) == ("approved", "inside")
    assert seen(app, "owner") == [("owner", "approved")]


@pytest.mark.parametrize(
    ("days", "pointer"),
    [({"end": "2018-11-25"}, "/end"), ({"end": "2020-11-26"}, "/end"), ({"kind": "holiday"}, "/kind")],
)
def test_days_that_do_not_fit_are_refused(app: Flask, days: dict[str, str], pointer: str) -> None:
    status, code, errors = refusal(app, "owner", "POST", "/leave", DAYS | days)
    assert (status, code, [at for at, _ in errors]) == (422, "invalid", [pointer])

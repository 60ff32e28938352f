"""What was owed and not done: explained by its person, excused by a supervisor."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from server.storage import tables as t
from tests.api.phones import County, json_of, refused
from tests.factories import DONGZHAO, XIDUAN, check_in, photo

WEEK = "2018-W45"  # 5 to 11 November: missed by the 20th


def owed(county: County, person: str = "owner", window: str = WEEK) -> Any:
    query = f"/obligations?from=2018-11-01&to=2018-11-30&duty=envoy-weekly-visit&person={person}"
    items = json_of(county.phone("supervisor").get(query))["items"]
    return next(item for item in items if item["window"] == window)


def excuse(county: County, by: str = "supervisor", dry: bool = False, **given: Any) -> TestResponse:
    body = {
        "person": "owner", "duty": "envoy-weekly-visit", "place": DONGZHAO, "window": WEEK,
        "reason": "抽调抗洪", **given,
    }  # fmt: skip
    return county.phone(by).post("/obligations/excuses" + ("?dry_run=1" if dry else ""), body)


def explain(county: County, by: str = "owner", **given: Any) -> TestResponse:
    body = {"duty": "envoy-weekly-visit", "place": DONGZHAO, "window": WEEK, "text": "下雨路断", **given}
    return county.phone(by).post("/obligations/explanations", body)


def test_an_excused_obligation_is_so_by_decision_until_it_is_taken_back(county: County) -> None:
    assert owed(county)["status"] == "missed"
    tried = json_of(excuse(county, dry=True))["changed"]
    assert owed(county)["status"] == "missed"
    made = json_of(excuse(county), 201)
    assert made["changed"] == tried
    (changed,) = made["changed"]["obligations"]
    assert (changed["before"]["status"], changed["after"]["status"]) == ("missed", "excused")
    found = owed(county)
    assert (found["status"], found["reason"]) == ("excused", "decision")
    assert (found["excuse"]["by"], found["excuse"]["reason"]) == ("supervisor", "抽调抗洪")
    assert refused(excuse(county), 409, "already-excused") == []
    number = made["result"]["id"]
    json_of(county.phone("supervisor").post(f"/obligations/excuses/{number}/end", {"reason": "记错了人"}))
    assert (owed(county)["status"], owed(county)["excuse"]) == ("missed", None)
    again = county.phone("supervisor").post(f"/obligations/excuses/{number}/end", {"reason": "再来"})
    assert refused(again, 404, "not-found") == []
    with county.deployment.database.read() as connection:
        lines = connection.execute(select(t.log).where(t.log.c.kind == "obligation").order_by(t.log.c.id)).all()
    assert [(line.verb, line.detail["before"], line.detail["after"]) for line in lines] == [
        ("excused", "missed", "excused"),
        ("excuse-ended", "excused", "missed"),
    ]
    json_of(excuse(county), 201)


def test_a_visit_that_comes_in_later_still_meets_what_was_excused(county: County) -> None:
    json_of(excuse(county, window="2018-W47"), 201)
    assert owed(county, window="2018-W47")["status"] == "excused"
    json_of(county.phone().form(check_in([photo(1)]), photo(1)), 201)
    assert owed(county, window="2018-W47")["status"] == "met"


@pytest.mark.parametrize(
    ("by", "given", "status", "code"),
    [
        ("owner", {}, 403, "forbidden"),
        ("inside", {}, 403, "forbidden"),
        ("admin", {}, 403, "forbidden"),
        ("supervisor", {"person": "supervisor"}, 403, "own-excuse"),
        ("supervisor", {"place": "nowhere"}, 422, "invalid"),
        ("supervisor", {"person": "nobody"}, 409, "obligation-not-open"),
        ("supervisor", {"person": "colleague"}, 409, "obligation-not-open"),
        ("supervisor", {"duty": "nothing"}, 409, "obligation-not-open"),
        ("supervisor", {"window": "2018-W60"}, 422, "invalid"),
        ("supervisor", {"window": "2018-13"}, 422, "invalid"),
        ("supervisor", {"reason": ""}, 422, "invalid"),
    ],
)
def test_who_may_excuse_what(sqlite_county: County, by: str, given: dict[str, str], status: int, code: str) -> None:
    refused(excuse(sqlite_county, by, **given), status, code)
    assert sqlite_county.footprint()[0]["excuse"] == 0


def test_a_supervisor_by_the_grace_of_who_is_excused_does_not_excuse(sqlite_county: County) -> None:
    with sqlite_county.deployment.database.write() as connection:
        connection.execute(update(t.grant).where(t.grant.c.person == "supervisor").values(granted_by="owner"))
    assert refused(excuse(sqlite_county), 403, "forbidden") == []


def test_three_excuses_a_month_are_enough(sqlite_county: County) -> None:
    for window in ("2018-W45", "2018-W46", "2018-W47"):
        json_of(excuse(sqlite_county, window=window), 201)
    study = {"duty": "envoy-study-day", "window": "2018-11"}
    assert refused(excuse(sqlite_county, **study), 409, "excuse-cap") == []
    json_of(excuse(sqlite_county, duty="envoy-study-day", window="2018-10"), 201)


def test_what_the_person_says_of_it_stands_beside_it(county: County) -> None:
    assert owed(county)["explanation"] is None
    json_of(explain(county))
    assert owed(county)["explanation"] == {"text": "下雨路断", "at": "2018-11-20T09:31:10+08:00"}
    json_of(explain(county, text="下雨路断，村民可作证"))
    assert owed(county)["explanation"]["text"] == "下雨路断，村民可作证"
    assert owed(county)["status"] == "missed"


@pytest.mark.parametrize("given", [{"window": "2018-W49"}, {"place": XIDUAN}, {"duty": "nothing"}])
def test_only_what_one_owes_and_is_open_or_missed_is_explained(sqlite_county: County, given: dict[str, str]) -> None:
    assert refused(explain(sqlite_county, **given), 409, "obligation-not-open") == []
    assert refused(explain(sqlite_county, by="colleague"), 409, "obligation-not-open") == []

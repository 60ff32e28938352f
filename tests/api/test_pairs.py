"""The report of who checks in together again and again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from server.services import pairing
from server.storage.sights import sights
from tests.api.phones import County, json_of, refused
from tests.factories import DONGZHAO, NOW, XIDUAN, ZHENXING, check_in, photo, visit_id


def together(county: County, times: int = 3, one: str = "owner", other: str = "colleague") -> None:
    """Two people check in at 东赵村 within a minute, on so many days."""
    for day in range(times):
        for number, (person, seconds) in enumerate(((one, 60), (other, 0))):
            name = visit_id(10 + 2 * day + number)
            data = photo(10 + 2 * day + number)
            at = NOW - timedelta(days=day, minutes=5) + timedelta(seconds=seconds)
            json_of(county.phone(person).form(check_in([data], at, place=DONGZHAO), data, visit=name), 201)


def report(county: County, person: str = "inside", query: str = "") -> Any:
    return json_of(county.phone(person).get(f"/pairs{query}"))


def test_two_who_were_together_three_times_are_shown_with_when_and_where_and_what_to_make_of_it(
    sqlite_county: County,
) -> None:
    together(sqlite_county)
    answer = report(sqlite_county)
    (pair,) = answer["items"]
    assert [one["person"] for one in pair["people"]] == ["colleague", "owner"]
    assert {one["township"] for one in pair["people"]} == {XIDUAN}
    assert (pair["times"], len(pair["meetings"])) == (3, 3)
    last = pair["meetings"][-1]
    assert (last["visits"], last["place_name"], last["township_name"]) == (
        [visit_id(11), visit_id(10)],
        "东赵村",
        "西段乡",
    )
    assert (last["apart_s"], last["apart_m"]) == (60, 0)
    assert (answer["within_s"], answer["within_m"], answer["next"]) == (120, 20, None)
    assert "不是结论" in answer["note"]


def test_twice_is_not_again_and_again(sqlite_county: County) -> None:
    together(sqlite_county, 2)
    assert report(sqlite_county)["items"] == []


def test_another_townships_reviewer_does_not_see_them(sqlite_county: County) -> None:
    together(sqlite_county)
    assert report(sqlite_county, "outside")["items"] == []
    answer = sqlite_county.phone("outside").get(f"/pairs?place={DONGZHAO}")
    assert refused(answer, 422, "invalid") == [("/place", "not-exist")]


@pytest.mark.parametrize("person", ["owner", "colleague", "stranger", "supervisor", "auditor", "admin"])
def test_who_reviews_nothing_is_refused(sqlite_county: County, person: str) -> None:
    assert sqlite_county.phone(person).get("/pairs").status_code == 403


def test_a_reviewer_does_not_see_the_pairs_they_are_of(sqlite_county: County) -> None:
    together(sqlite_county, 3, "inside")
    assert report(sqlite_county)["items"] == []


def test_only_the_days_and_the_place_asked_for(sqlite_county: County) -> None:
    together(sqlite_county)
    assert report(sqlite_county, query="?from=2018-11-19")["items"] == []
    assert len(report(sqlite_county, query=f"?from=2018-11-01&to=2018-11-20&place={DONGZHAO}")["items"]) == 1
    refusal = refused(sqlite_county.phone("inside").get("/pairs?from=2018-08-01&to=2018-11-20"), 422, "invalid")
    assert refusal == [("/to", "range")]
    assert sqlite_county.phone("inside").get(f"/pairs?place={ZHENXING}").status_code == 422


def test_what_was_not_looked_through_is_not_passed_over_in_silence(
    sqlite_county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    together(sqlite_county, 4)
    for most, times, complete in ((8, 4, True), (7, 3, False), (4, None, False)):
        monkeypatch.setattr(pairing, "MOST", most)
        answer = report(sqlite_county)
        assert answer["complete"] is complete
        assert [pair["times"] for pair in answer["items"]] == ([] if times is None else [times])


def test_looking_at_the_report_is_noted_as_a_reading(sqlite_county: County) -> None:
    together(sqlite_county)
    report(sqlite_county, query=f"?place={DONGZHAO}")
    (line,) = json_of(sqlite_county.phone("auditor").get("/log?kind=pairs"))["items"]
    assert (line["actor"], line["verb"], line["place"]) == ("inside", "read", DONGZHAO)
    assert line["detail"] == {"query": {"place": DONGZHAO}, "count": 1}
    assert json_of(sqlite_county.phone("auditor").get("/log?verb=export"))["items"] == []


def test_pages_follow_each_other(sqlite_county: County) -> None:
    together(sqlite_county)
    first = report(sqlite_county, query="?limit=1")
    assert first["next"] is None
    assert report(sqlite_county, query="?cursor=3~colleague~owner")["items"] == []
    assert len(report(sqlite_county, query="?cursor=4~colleague~owner")["items"]) == 1


def test_the_check_ins_are_found_by_an_index(sqlite_county: County) -> None:
    asked: list[str] = []
    with sqlite_county.deployment.database.read() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.set_trace_callback(asked.append)  # type: ignore[attr-defined]
        list(sights(connection, ["/371481/371481200/"], NOW - timedelta(days=30), NOW, 100))
        raw.set_trace_callback(None)  # type: ignore[attr-defined]
        (query,) = (one for one in asked if one.startswith("SELECT"))
        plan = " ".join(
            row.detail for row in connection.execute(text("EXPLAIN QUERY PLAN " + query.replace(":", "\\:")))
        )
    assert "SEARCH visit USING INDEX" in plan
    assert "SCAN" not in plan

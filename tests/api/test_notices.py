"""`/me/notices`: what one should know, and what one has read of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from werkzeug.test import TestResponse

from server.domain.notices import Notice, NoticeKind
from server.services import jobs
from server.storage import notices as rows
from server.storage import tables as t
from tests.api.phones import API, County, json_of, refused
from tests.factories import DONGZHAO, HERE, NOW, XIDUAN, check_in, north_of, photo, visit_id

FAR = north_of(HERE, 900)


def ask(county: County, path: str = "", person: str = "owner", language: str = "zh") -> Any:
    return json_of(county.phone(person, language).get(f"/me/notices{path}"), 200)


def mark(county: County, path: str, body: Any = None, person: str = "owner") -> TestResponse:
    phone = county.phone(person)
    return phone.http.post(f"{API}/me/notices/{path}", json=body, headers=phone.headers)


def test_the_first_page_says_how_many_are_unread(county: County) -> None:
    assert json_of(county.phone().get("/me"))["unread"] == 0
    given(county, "1", "2", "3")
    given(county, "1", person="colleague")
    assert json_of(county.phone().get("/me"))["unread"] == 3
    mark(county, f"{ask(county)['items'][0]['id']}/read")
    assert json_of(county.phone().get("/me"))["unread"] == 2
    mark(county, "read", {"until": ask(county)["items"][0]["id"]})
    assert json_of(county.phone().get("/me"))["unread"] == 0
    assert json_of(county.phone("colleague").get("/me"))["unread"] == 1


def given(county: County, *subjects: str, person: str = "owner") -> None:
    """Notices of proposals that were decided."""
    detail = {"proposal": 7, "decision": "approved"}
    with county.deployment.database.write() as connection:
        rows.add(connection, [Notice(person, NoticeKind.PROPOSAL_DECIDED, s, NOW, detail) for s in subjects])


def test_a_rejected_visit_is_told_in_the_callers_language_with_its_visit(county: County) -> None:
    phone = county.phone()
    assert phone.form(check_in([photo()], point=FAR), photo()).status_code == 201
    assert county.phone("inside").decide("reject").status_code == 200
    jobs.tick(county.deployment, county.now)
    (item,) = ask(county)["items"]
    number = item.pop("id")
    assert item == {
        "kind": "visit-rejected",
        "at": "2018-11-20T09:31:10+08:00",
        "read_at": None,
        "sentence": "您2018年11月20日在西段乡东赵村的签到被驳回。",
        "place": DONGZHAO,
        "place_name": "东赵村",
        "township": XIDUAN,
        "township_name": "西段乡",
        "visit": visit_id(),
        "obligation": None,
        "leave": None,
        "proposal": None,
        "count": None,
    }
    (english,) = ask(county, language="en")["items"]
    assert english["sentence"] == "Your check-in of 2018-11-20 at 东赵村, 西段乡 was rejected."
    assert number == english["id"]
    assert ask(county, person="colleague")["items"] == ask(county, person="inside")["items"] == []


def test_a_duty_that_ends_links_to_its_obligation(sqlite_county: County) -> None:
    sqlite_county.after(days=4)
    jobs.tick(sqlite_county.deployment, sqlite_county.now)
    (item,) = ask(sqlite_county)["items"]
    assert item["sentence"] == "西段乡东赵村的“每周走访”到 2018年11月25日 截止，尚未完成。"
    assert item["obligation"] == {"duty": "envoy-weekly-visit", "place": DONGZHAO, "window": "2018-W47"}


def test_they_come_newest_first_in_pages(county: County) -> None:
    given(county, *"abc")
    first = ask(county, "?limit=2")
    second = ask(county, f"?limit=2&cursor={first['next']}")
    ids = [item["id"] for item in first["items"] + second["items"]]
    assert (ids, second["next"]) == (sorted(ids, reverse=True), None)
    assert len(ids) == 3


def test_what_was_read_is_no_longer_unread(county: County) -> None:
    given(county, *"abc")
    oldest, middle, newest = sorted(item["id"] for item in ask(county)["items"])
    assert json_of(mark(county, f"{newest}/read"), 200)["read_at"] == "2018-11-20T09:31:10+08:00"
    assert [item["id"] for item in ask(county, "?unread=1")["items"]] == [middle, oldest]
    assert json_of(mark(county, "read", {"until": middle}), 200) == {"read": 2}
    assert json_of(mark(county, "read", {"until": newest}), 200) == {"read": 0}
    assert ask(county, "?unread=1")["items"] == []
    assert len(ask(county, "?unread=0")["items"]) == 3


def test_reading_again_changes_nothing(county: County) -> None:
    given(county, "a")
    (item,) = ask(county)["items"]
    first = json_of(mark(county, f"{item['id']}/read"), 200)
    county.after(minutes=5)
    kept = county.footprint()
    assert json_of(mark(county, f"{item['id']}/read"), 200) == first
    assert county.footprint() == kept


def test_anothers_notices_are_neither_seen_nor_marked(county: County) -> None:
    given(county, "a", person="colleague")
    (item,) = ask(county, person="colleague")["items"]
    for person in ("owner", "inside", "admin"):
        refused(mark(county, f"{item['id']}/read", person=person), 404, "not-found")
        assert json_of(mark(county, "read", {"until": 10**18 - 1}, person), 200) == {"read": 0}
    assert ask(county, "?unread=1", "colleague")["items"] == [item]


def test_what_somebody_marked_is_in_the_log(sqlite_county: County) -> None:
    given(sqlite_county, *"ab")
    assert json_of(mark(sqlite_county, "read", {"until": 2}), 200) == {"read": 2}
    line = select(t.log.c.actor, t.log.c.subject, t.log.c.detail).where(t.log.c.kind == "notice")
    with sqlite_county.deployment.database.read() as connection:
        assert [tuple(row) for row in connection.execute(line)] == [("owner", "2", {"count": 2})]


def test_what_is_not_known_is_refused(sqlite_county: County) -> None:
    phone = sqlite_county.phone()
    for path in ("?unread=yes", "?cursor=0", "?limit=201", "?everything=1"):
        refused(phone.get(f"/me/notices{path}"), 422, "invalid")
    for body in ({}, {"until": 0}, {"until": "1"}, {"until": 1, "more": 1}):
        refused(mark(sqlite_county, "read", body), 422, "invalid")

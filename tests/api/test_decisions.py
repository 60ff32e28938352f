"""Decisions on visits: who may, what becomes of the visit and of what is owed, and what a second one meets."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from server.storage import keys, people, register
from server.storage import tables as t
from tests.api.phones import County, finding, json_of, refused
from tests.factories import (
    DONGZHAO,
    HERE,
    NOW,
    XIDUAN,
    check_in,
    digest,
    log_of,
    north_of,
    photo,
    place_row,
    take_in,
    visit_id,
)

PHOTO = photo(1)
FAR = north_of(HERE, 3000)
NEAR = north_of(HERE, 650)
CONFIRMED = {"decision": "confirm", "reason": "已核实"}
WEEK, MONTH = "2018-W47", "2018-11"


def reviewed(county: County, number: int = 1, **given: Any) -> Any:
    """A visit of the owner's that waits for the office."""
    body = check_in([PHOTO], **{"point": NEAR, **given})
    answer = json_of(county.phone().form(body, PHOTO, visit=visit_id(number)), 201)
    assert answer["status"] == "review"
    return answer


def week(county: County, person: str = "owner") -> str:
    """How the owner's weekly visit stands."""
    query = "/obligations?from=2018-11-19&to=2018-11-25&duty=envoy-weekly-visit&person=owner"
    (owed,) = json_of(county.phone(person).get(query))["items"]
    return str(owed["status"])


@pytest.mark.parametrize(
    ("person", "status", "code"),
    [
        ("owner", 403, "own-visit"), ("colleague", 404, "not-found"), ("stranger", 404, "not-found"),
        ("outside", 404, "not-found"), ("supervisor", 403, "forbidden"), ("auditor", 403, "forbidden"),
        ("admin", 403, "forbidden"),
    ],
)  # fmt: skip
def test_nobody_decides_but_a_reviewer_of_the_place(sqlite_county: County, person: str, status: int, code: str) -> None:
    reviewed(sqlite_county)
    kept = sqlite_county.footprint()
    assert refused(sqlite_county.phone(person).decide("confirm"), status, code) == []
    assert sqlite_county.footprint() == kept


def test_a_reviewer_does_not_decide_on_their_own(sqlite_county: County) -> None:
    body = check_in([PHOTO], point=NEAR)
    json_of(sqlite_county.phone("inside").form(body, PHOTO), 201)
    assert refused(sqlite_county.phone("inside").decide("confirm"), 403, "own-visit") == []
    assert json_of(sqlite_county.phone("inside").see())["can"] == []


@pytest.mark.parametrize(
    ("decision", "status", "owed", "counts"),
    [("confirm", "confirmed", "met", True), ("reject", "rejected", "due", False), ("return", "returned", "due", False)],
)
def test_a_decision_sets_the_status_and_judges_what_is_owed_at_once(
    county: County, decision: str, status: str, owed: str, counts: bool
) -> None:
    reviewed(county)
    assert week(county) == "pending"
    answer = county.phone("inside").decide(decision, reason="电话问过支部书记")
    visit = json_of(answer)
    assert (visit["status"], visit["version"], answer.headers["ETag"]) == (status, 2, '"2"')
    assert [o["status"] for o in visit["obligations"] if o["window"] == WEEK] == ([owed] if counts else [])
    assert week(county) == owed
    told = {
        "decision": decision, "reason": "电话问过支部书记", "by": "inside", "by_name": "inside同志",
        "at": "2018-11-20T09:31:10+08:00", "on_appeal": False,
    }  # fmt: skip
    for person in ("inside", "owner", "supervisor"):
        seen = json_of(county.phone(person).see())
        assert (seen["decisions"], seen["status"]) == ([told], status)
    listed = json_of(county.phone("supervisor").get("/visits"))["items"]
    assert listed[0]["decisions"] == [told]


def test_the_log_has_each_decision_with_its_author_and_no_reason_in_the_open(county: County) -> None:
    reviewed(county)
    json_of(county.phone("inside").decide("reject", reason="照片不是东赵村"))
    actor, verb, detail = log_of(county.deployment, visit_id())[-1]
    assert (actor, verb) == ("inside", "decided")
    assert (detail["before"], detail["after"]) == ("review", "rejected")
    assert {"duty": "envoy-weekly-visit", "place": DONGZHAO, "window": WEEK, "before": "pending", "after": "due"} in (
        detail["obligations"]
    )
    with county.deployment.database.read() as connection:
        assert "东赵村" not in str(connection.scalars(select(t.log.c.detail)).all())


def test_who_tries_a_decision_out_has_seen_the_visit(county: County) -> None:
    reviewed(county)
    json_of(county.phone("inside").post(f"/visits/{visit_id()}/decisions?dry_run=1", CONFIRMED))
    lines = log_of(county.deployment, visit_id())
    assert [(actor, verb) for actor, verb, _ in lines] == [("owner", "check-in"), ("inside", "read")]


@pytest.mark.parametrize("reason", [" ", "\u3000", "\u200b", "\n"])
def test_a_reason_can_be_read(sqlite_county: County, reason: str) -> None:
    reviewed(sqlite_county)
    phone = sqlite_county.phone("inside")
    answer = phone.post(f"/visits/{visit_id()}/decisions", CONFIRMED | {"reason": reason})
    assert refused(answer, 422, "invalid") == [("/reason", "blank")]


@pytest.mark.parametrize("body", [{"decision": "confirm"}, {"decision": "confirm", "reason": ""}])
def test_a_decision_has_a_reason(sqlite_county: County, body: dict[str, str]) -> None:
    reviewed(sqlite_county)
    answer = sqlite_county.phone("inside").post(f"/visits/{visit_id()}/decisions", body)
    ((pointer, _),) = refused(answer, 422, "invalid")
    assert pointer == "/reason"


# Decisions over decisions


def test_a_second_decision_is_told_the_first_and_needs_its_etag(county: County) -> None:
    reviewed(county)
    first = county.phone("inside").decide("reject", reason="不在村里")
    other = county.phone("inside")
    conflict = other.decide("confirm")
    assert refused(conflict, 409, "already-decided") == []
    told = json_of(conflict, 409)["decision"]
    assert (told["decision"], told["by"], told["reason"]) == ("reject", "inside", "不在村里")
    for stale in ('"1"', '"99"', 'W/"2"', "nonsense"):
        assert refused(other.decide("confirm", if_match=stale), 412, "stale") == []
    several = f'"99", {first.headers["ETag"]}'
    assert refused(other.decide("confirm", if_match="*"), 409, "already-decided") == []
    visit = json_of(other.decide("confirm", if_match=several))
    assert [d["decision"] for d in visit["decisions"]] == ["reject", "confirm"]
    assert week(county) == "met"
    verbs = [verb for _, verb, _ in log_of(county.deployment, visit_id())]
    assert verbs == ["check-in", "decided", "decided"]


def test_an_etag_of_before_a_change_is_stale_on_an_undecided_visit_too(sqlite_county: County) -> None:
    reviewed(sqlite_county)
    assert refused(sqlite_county.phone("inside").decide("confirm", if_match='"7"'), 412, "stale") == []
    json_of(sqlite_county.phone("inside").decide("confirm", if_match='"1"'))


def test_what_the_checks_said_can_be_decided_otherwise(county: County) -> None:
    body = check_in([PHOTO])
    assert json_of(county.phone().form(body, PHOTO), 201)["status"] == "confirmed"
    assert json_of(county.phone("inside").decide("reject"))["status"] == "rejected"
    assert week(county) == "due"
    far = json_of(county.phone().form(check_in([PHOTO], point=FAR), PHOTO, visit=visit_id(2)), 201)
    assert far["status"] == "rejected"
    assert json_of(county.phone("inside").decide("confirm", visit_id(2)))["status"] == "confirmed"
    assert week(county) == "met"


def test_what_a_person_has_decided_no_correction_reopens(county: County) -> None:
    reviewed(county)
    json_of(county.phone("inside").decide("confirm"))
    take_in(county.deployment, "places", place_row(DONGZHAO, point=FAR), since=NOW.date())
    assert json_of(county.phone().see())["status"] == "confirmed"


def test_a_decision_works_out_later_visits_that_looked_at_this_one(county: County) -> None:
    # 3 km away five minutes before: too fast, once that visit counts as made.
    early = check_in([PHOTO], at=NOW - timedelta(minutes=1), point=FAR)
    assert json_of(county.phone().form(early, PHOTO), 201)["status"] == "rejected"
    late = json_of(county.phone().form(check_in([photo(2)], at=NOW), photo(2), visit=visit_id(2)), 201)
    assert late["status"] == "confirmed"
    json_of(county.phone("inside").decide("confirm"))
    after = json_of(county.phone().see(visit_id(2)))
    assert (after["status"], finding(after, "speed")["outcome"]) == ("review", "warn")


def test_records_from_files_are_decided_on_but_not_returned(county: County) -> None:
    row = f"{visit_id(5)} owner {DONGZHAO} visit 2018-11-20T09:00:00+08:00 - - - review"
    take_in(county.deployment, "visits", row)
    phone = county.phone("inside")
    assert refused(phone.decide("return", visit_id(5)), 422, "invalid") == [("/decision", "not-returnable")]
    assert json_of(phone.see(visit_id(5)))["can"] == ["confirm", "reject"]
    assert json_of(phone.decide("confirm", visit_id(5)))["status"] == "confirmed"
    take_in(county.deployment, "visits", row.replace("09:00:00", "09:05:00"))
    assert json_of(phone.see(visit_id(5)))["status"] == "confirmed"


# Several at once


def test_several_at_once_have_each_their_own_answer(county: County) -> None:
    for number in (2, 1):
        reviewed(county, number, at=NOW - timedelta(hours=number))
    json_of(county.phone("stranger").put(check_in([], place=None, activity="other"), visit_id(3)), 201)
    body = {
        "items": [
            {"visit": visit_id(1), "decision": "confirm", "reason": "一"},
            {"visit": visit_id(1), "decision": "reject", "reason": "二"},
            {"visit": visit_id(1), "decision": "reject", "reason": "三", "if_match": 2},
            {"visit": visit_id(3), "decision": "reject", "reason": "四"},
            {"visit": visit_id(2), "decision": "confirm", "reason": "五", "if_match": 9},
            {"visit": visit_id(2), "decision": "return", "reason": "六"},
        ]
    }
    items = json_of(county.phone("inside").post("/decisions", body))["items"]
    assert [item["status"] for item in items] == [200, 409, 200, 404, 412, 200]
    assert items[1]["problem"]["decision"]["reason"] == "一"
    assert items[2]["visit"]["status"] == "rejected"
    assert items[5]["visit"]["status"] == "returned"
    assert [item["id"] for item in items] == [item["visit"] for item in body["items"]]


def test_of_several_a_hundred_are_the_most(sqlite_county: County) -> None:
    item = {"visit": visit_id(), "decision": "confirm", "reason": "一"}
    answer = sqlite_county.phone("inside").post("/decisions", {"items": [item] * 101})
    assert refused(answer, 422, "invalid") == [("/items", "count")]


# Returned


def test_a_returned_visit_is_completed_by_its_person_and_comes_back_to_the_queue(county: County) -> None:
    reviewed(county)
    json_of(county.phone("inside").decide("return", reason="请补一张村牌照片"))
    owner, more = county.phone(), photo(2)
    assert json_of(owner.see())["can"] == ["add"]
    added = json_of(owner.add({"photos": [digest(more)]}))
    assert (added["status"], added["photos"]["missing"]) == ("returned", [digest(more)])
    back = json_of(owner.send(more), 201)["visit"]
    assert (back["status"], back["can"], week(county)) == ("review", [], "pending")
    assert finding(back, "photos")["value"] == 2
    # It waits whatever the checks say now: a person asked for more, a person looks at it.
    take_in(county.deployment, "places", place_row(DONGZHAO, radius=5000), since=NOW.date())
    seen = json_of(county.phone("inside").see())
    assert (seen["status"], finding(seen, "place")["outcome"]) == ("review", "pass")
    assert json_of(county.phone("inside").decide("confirm"))["status"] == "confirmed"


def test_a_word_completes_a_returned_visit_too(sqlite_county: County) -> None:
    reviewed(sqlite_county)
    json_of(sqlite_county.phone("inside").decide("return"))
    assert json_of(sqlite_county.phone().add({"note": "村牌在路口"}))["status"] == "review"


@pytest.mark.parametrize("body", [{}, {"note": " \n"}, {"note": "\u200b\U000e0041"}])
def test_nothing_at_all_does_not_send_a_returned_visit_back(sqlite_county: County, body: dict[str, str]) -> None:
    reviewed(sqlite_county)
    json_of(sqlite_county.phone("inside").decide("return"))
    assert refused(sqlite_county.phone().add(body), 422, "invalid") == [("", "nothing-added")]
    assert json_of(sqlite_county.phone().see())["status"] == "returned"


def test_what_was_decided_elsewhere_is_refused_without_a_decision_to_show(sqlite_county: County) -> None:
    reviewed(sqlite_county)
    with sqlite_county.deployment.database.write() as connection:
        connection.execute(update(t.visit).values(decided=True, status="confirmed"))
    answer = sqlite_county.phone("inside").decide("confirm")
    assert refused(answer, 409, "already-decided") == []
    assert "decision" not in json_of(answer, 409)


# The queue


def test_the_queue_is_what_one_may_decide_on_oldest_first(county: County) -> None:
    for number in (1, 2, 3):
        reviewed(county, number, at=NOW - timedelta(hours=number))
    own = check_in([photo(4)], point=NEAR)
    json_of(county.phone("inside").form(own, photo(4), visit=visit_id(4)), 201)
    json_of(county.phone("inside").decide("reject", visit_id(2)))
    json_of(county.phone().appeal(visit_id(2)))

    def ids(query: str, person: str = "inside") -> list[int]:
        items = json_of(county.phone(person).get(f"/visits?{query}"))["items"]
        return [int(item["id"][-2:], 16) for item in items]

    assert ids("waiting=decision&order=oldest") == [3, 1]
    assert ids("waiting=decision") == [1, 3]
    # Whoever rejected it is not asked about the appeal; somebody else is.
    assert ids("waiting=appeal") == []
    take_grant(county, "secretary", XIDUAN)
    assert ids("waiting=appeal", "secretary") == [2]
    assert ids("waiting=decision&order=oldest", "secretary") == [3, 1, 4]
    for person in ("supervisor", "owner", "outside", "admin"):
        assert ids("waiting=decision", person) == []
    first = json_of(county.phone("secretary").get("/visits?waiting=decision&order=oldest&limit=1"))
    after = ids(f"waiting=decision&order=oldest&cursor={first['next']}", "secretary")
    assert after == [1, 4]


def take_grant(county: County, person: str, place: str) -> None:
    json_of(county.phone("admin").post(f"/accounts/{person}/grants", {"kind": "reviewer", "place": place}), 201)


# A place without a position


def test_a_confirmed_visit_may_give_its_place_a_position(county: County) -> None:
    with county.deployment.database.write() as connection:
        here = t.place_standing.c.place == DONGZHAO
        connection.execute(update(t.place_standing).where(here).values(points=[]))
        register.bump(connection)
    for number in (1, 2):
        body = check_in([photo(number)], at=NOW - timedelta(minutes=number))
        answer = json_of(county.phone().form(body, photo(number), visit=visit_id(number)), 201)
        assert (answer["status"], finding(answer, "place")["value"]) == ("review", None)
    reviewer = county.phone("inside")
    assert "take-position" in json_of(reviewer.see())["can"]
    wrong = reviewer.decide("reject", take_position=True)
    assert refused(wrong, 422, "invalid") == [("/take_position", "inconsistent")]
    assert json_of(reviewer.decide("confirm", take_position=True))["status"] == "confirmed"
    with county.deployment.database.read() as connection:
        c = t.log.c
        line = connection.execute(select(c.detail, c.about, c.personal).where(c.kind == "place")).one()
        (personal,) = keys.opened(connection, [(line.about, line.personal)])
    assert (line.detail, line.about) == ({"before": {"points": []}, "visit": visit_id()}, "owner")
    assert personal is not None
    assert personal["after"]["points"]
    # The other one is worked out again at once: now it is known to have been in the village.
    other = json_of(county.phone().see(visit_id(2)))
    assert (other["status"], finding(other, "place")["outcome"]) == ("confirmed", "pass")
    again = reviewer.decide("confirm", visit_id(2), take_position=True)
    assert refused(again, 409, "no-position-to-take") == []


def without_position(county: County, *envoys: str) -> None:
    """Nobody knows where Dongzhao is, and more people are posted there."""
    with county.deployment.database.write() as connection:
        here = t.place_standing.c.place == DONGZHAO
        connection.execute(update(t.place_standing).where(here).values(points=[]))
        for person in envoys:
            row = {"person": person, "role": "envoy", "place": DONGZHAO, "start": date(2018, 9, 3)}
            connection.execute(insert(t.posting).values(row))
            people.bump_facts(connection, [person])
        register.bump(connection)


def test_the_preview_of_a_position_names_others_visits_too(sqlite_county: County) -> None:
    without_position(sqlite_county, "colleague")
    for number, person in ((1, "owner"), (2, "colleague")):
        body = check_in([photo(number)], at=NOW - timedelta(minutes=number))
        json_of(sqlite_county.phone(person).form(body, photo(number), visit=visit_id(number)), 201)
    url, reviewer = f"/visits/{visit_id()}/decisions", sqlite_county.phone("inside")
    body = {"decision": "confirm", "reason": "已核实", "take_position": True}
    tried = json_of(reviewer.post(f"{url}?dry_run=1", body))["changed"]
    assert {v["id"]: v["after"]["status"] for v in tried["visits"]} == {
        visit_id(1): "confirmed",
        visit_id(2): "confirmed",
    }
    assert json_of(reviewer.post(url, body))["changed"] == tried


def test_a_position_on_which_one_s_own_visits_depend_is_for_somebody_else(sqlite_county: County) -> None:
    without_position(sqlite_county, "inside")
    body = check_in([PHOTO], at=NOW)
    json_of(sqlite_county.phone().form(body, PHOTO), 201)
    reviewer = sqlite_county.phone("inside")
    assert refused(reviewer.decide("confirm", take_position=True), 409, "needs-second-person") == []
    assert json_of(reviewer.see())["status"] == "review"
    assert json_of(reviewer.decide("confirm"))["status"] == "confirmed"


def test_a_visit_of_one_s_own_that_waits_keeps_one_from_giving_the_position(sqlite_county: County) -> None:
    without_position(sqlite_county)
    for number, person in ((1, "owner"), (2, "inside")):
        body = check_in([photo(number)], at=NOW - timedelta(minutes=number))
        json_of(sqlite_county.phone(person).form(body, photo(number), visit=visit_id(number)), 201)
    answer = sqlite_county.phone("inside").decide("confirm", take_position=True)
    assert refused(answer, 409, "needs-second-person") == []


# A phone that gives GCJ-02 and calls it WGS-84

MISREAD = (HERE[0] + 0.000797, HERE[1] + 0.006028)


def misread(county: County, number: int, **passed: float) -> Any:
    """A check-in in the village with a phone that gives GCJ-02 without saying so."""
    body = check_in([photo(number)], at=county.after(**passed), point=MISREAD)
    return json_of(county.phone().form(body, photo(number), visit=visit_id(number)), 201)


def test_after_three_confirmed_ones_a_phone_s_datum_is_known(county: County) -> None:
    reviewer = county.phone("inside")
    for number in (1, 2, 3, 4):
        visit = misread(county, number, days=1)
        assert (visit["status"], finding(visit, "place")["outcome"]) == ("review", "warn")
    before = json_of(county.phone().see(visit_id(4)))
    for number in (1, 2):
        json_of(reviewer.decide("confirm", visit_id(number)))
    assert json_of(county.phone().see(visit_id(4)))["status"] == "review"
    json_of(reviewer.decide("confirm", visit_id(3)))
    # What is captured after the third is read so, whether it was here already or comes now.
    fourth = json_of(county.phone().see(visit_id(4)))
    fifth = misread(county, 5, hours=1)
    for visit in (fourth, fifth):
        assert visit["status"] == "confirmed"
        place = finding(visit, "place")
        assert (place["outcome"], "GCJ-02" in place["message"]) == ("pass", True)
        assert place["value"] < 1
    assert fourth["position"] == before["position"]
    assert fourth["sent_position"] is None
    # A good fix of the same phone is one, and a village away is away in every datum.
    good = check_in([photo(6)], at=county.after(hours=1))
    assert json_of(county.phone().form(good, photo(6), visit=visit_id(6)), 201)["status"] == "confirmed"
    far = check_in([photo(7)], at=county.after(hours=1), point=FAR)
    assert json_of(county.phone().form(far, photo(7), visit=visit_id(7)), 201)["status"] == "rejected"
    # Nobody else's phone is meant.
    theirs = check_in([photo(8)], at=county.after(hours=1), point=MISREAD)
    assert json_of(county.phone("secretary").form(theirs, photo(8), visit=visit_id(8)), 201)["status"] == "review"


def test_a_datum_is_taken_back_with_the_decision_it_rests_on(county: County) -> None:
    reviewer = county.phone("inside")
    for number in (1, 2, 3, 4):
        misread(county, number, days=1)
        if number < 4:
            json_of(reviewer.decide("confirm", visit_id(number)))
    assert json_of(county.phone().see(visit_id(4)))["status"] == "confirmed"
    etag = reviewer.see(visit_id(2)).headers["ETag"]
    json_of(reviewer.decide("reject", visit_id(2), if_match=etag))
    assert json_of(county.phone().see(visit_id(4)))["status"] == "review"


@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 3, 2, 1), (2, 4, 1, 3)])
def test_in_whatever_order_they_are_confirmed_the_datum_holds_from_the_third_on(
    sqlite_county: County, order: tuple[int, ...]
) -> None:
    county = sqlite_county
    captured = [misread(county, number, days=1)["captured_at"] for number in (1, 2, 3, 4)]
    for number in order:
        json_of(county.phone("inside").decide("confirm", visit_id(number)))
    with county.deployment.database.read() as connection:
        versions = people.versions(connection, "owner")
    assert versions is not None
    assert versions.gcj02_from == datetime.fromisoformat(captured[2])


# Before deciding


def test_what_a_decision_would_change_is_said_before_and_after_it_alike(county: County) -> None:
    early = check_in([PHOTO], at=NOW - timedelta(minutes=1), point=FAR)
    assert json_of(county.phone().form(early, PHOTO), 201)["status"] == "rejected"
    json_of(county.phone().form(check_in([photo(2)], at=NOW), photo(2), visit=visit_id(2)), 201)
    assert week(county) == "met"
    kept, reviewer = county.footprint(), county.phone("inside")
    body = {"decision": "confirm", "reason": "已核实"}
    url = f"/visits/{visit_id()}/decisions"
    before = json_of(reviewer.post(f"{url}?dry_run=1", body))
    assert (before["dry_run"], before["status"]) == (True, "confirmed")
    kept[0]["log"] += 1  # that it was looked at
    assert county.footprint() == kept
    assert json_of(reviewer.see())["status"] == "rejected"
    after = json_of(reviewer.post(url, body))
    assert after["dry_run"] is False
    assert after["changed"] == before["changed"]
    assert [(v["id"], v["before"]["status"], v["after"]["status"]) for v in after["changed"]["visits"]] == [
        (visit_id(1), "rejected", "confirmed"),
        (visit_id(2), "confirmed", "review"),
    ]


def test_the_preview_names_the_obligations_with_both_their_states(county: County) -> None:
    reviewed(county)
    county.after(days=15)
    told = json_of(county.phone("inside").post(f"/visits/{visit_id()}/decisions?dry_run=1", {
        "decision": "reject", "reason": "不在村里",
    }))["changed"]  # fmt: skip
    shown = [(o["duty"], o["window"], o["before"]["status"], o["after"]["status"]) for o in told["obligations"]]
    assert shown == [("envoy-weekly-visit", WEEK, "pending", "missed")]
    assert week(county) == "pending"


@pytest.mark.parametrize(("person", "status"), [("owner", 403), ("colleague", 404), ("supervisor", 403)])
def test_who_may_not_decide_is_told_nothing_of_what_would_change(
    sqlite_county: County, person: str, status: int
) -> None:
    reviewed(sqlite_county)
    body = {"decision": "reject", "reason": "不在村里"}
    answer = sqlite_county.phone(person).post(f"/visits/{visit_id()}/decisions?dry_run=1", body)
    assert answer.status_code == status

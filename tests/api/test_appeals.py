"""Appeals: the person's one word against a rejection, and somebody else's decision."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from server.services import jobs
from tests.api.phones import County, finding, json_of, refused
from tests.api.test_decisions import FAR, reviewed, take_grant, week
from tests.factories import DONGZHAO, LELING, XIDUAN, check_in, digest, log_of, photo, place_row, take_in, visit_id

PHOTO = photo(1)


def rejected(county: County) -> Any:
    """A visit of the owner's that the checks reject at once."""
    answer = json_of(county.phone().form(check_in([PHOTO], point=FAR), PHOTO), 201)
    assert answer["status"] == "rejected"
    return answer


@pytest.mark.parametrize(
    ("person", "status", "code"),
    [("inside", 403, "forbidden"), ("supervisor", 403, "forbidden"), ("colleague", 404, "not-found"),
     ("stranger", 404, "not-found")],
)  # fmt: skip
def test_nobody_appeals_for_another(sqlite_county: County, person: str, status: int, code: str) -> None:
    rejected(sqlite_county)
    assert refused(sqlite_county.phone(person).appeal(), status, code) == []


def test_a_rejection_by_the_checks_is_appealed_once_and_decided_by_a_person(county: County) -> None:
    assert rejected(county)["can"] == ["appeal", "add"]
    assert week(county) == "due"
    visit = json_of(county.phone().appeal(reason="村委会搬到了这里"))
    assert (visit["status"], visit["can"], week(county)) == ("review", [], "pending")
    assert visit["appeal"] == {"reason": "村委会搬到了这里", "at": "2018-11-20T09:31:10+08:00", "decided_at": None}
    assert refused(county.phone().appeal(), 409, "already-appealed") == []
    # It is the office's turn, without the ETag that is needed over another's decision.
    decided = json_of(county.phone("inside").decide("reject"))
    assert (decided["status"], decided["decisions"][0]["on_appeal"]) == ("rejected", True)
    assert decided["appeal"]["decided_at"] is not None
    seen = json_of(county.phone().see())
    assert (seen["can"], week(county)) == ([], "due")
    assert refused(county.phone().appeal(), 409, "already-appealed") == []
    assert refused(county.phone().add({"note": "还有"}), 409, "visit-not-open") == []
    told = [(actor, verb) for actor, verb, _ in log_of(county.deployment, visit_id())]
    assert told == [("owner", "check-in"), ("owner", "appealed"), ("inside", "decided")]


def test_the_appeal_against_a_reviewer_is_decided_by_another(county: County) -> None:
    reviewed(county)
    json_of(county.phone("inside").decide("reject"))
    json_of(county.phone().appeal())
    first = county.phone("inside")
    assert json_of(first.see())["can"] == []
    assert refused(first.decide("reject"), 403, "own-decision") == []
    take_grant(county, "secretary", XIDUAN)
    second = county.phone("secretary")
    assert json_of(second.see())["can"] == ["confirm", "reject", "return"]
    answer = second.decide("confirm")
    assert (json_of(answer)["status"], week(county)) == ("confirmed", "met")
    # Nor is it taken back by who was appealed against.
    assert refused(first.decide("reject", if_match=answer.headers["ETag"]), 403, "own-decision") == []


def test_while_appealed_findings_follow_the_facts_and_the_visit_waits_on(county: County) -> None:
    rejected(county)
    json_of(county.phone().appeal())
    take_in(county.deployment, "places", place_row(DONGZHAO, point=FAR), since=county.now.date())
    seen = json_of(county.phone().see())
    assert (seen["status"], finding(seen, "place")["outcome"]) == ("review", "pass")
    jobs.tick(county.deployment, county.after(days=10))
    assert json_of(county.phone().see())["status"] == "review"


def test_evidence_sent_before_the_appeal_is_looked_at_with_it(county: County) -> None:
    reviewed(county)
    json_of(county.phone("inside").decide("reject"))
    more = photo(2)
    added = json_of(county.phone().add({"photos": [digest(more)]}))
    assert (added["status"], added["can"]) == ("rejected", ["appeal", "add"])
    json_of(county.phone().appeal())
    assert refused(county.phone().add({"note": "还有"}), 409, "visit-not-open") == []
    sent = json_of(county.phone().send(more), 201)["visit"]
    assert (sent["status"], finding(sent, "photos")["value"]) == ("review", 2)


def test_an_appealed_visit_may_be_returned_first(county: County) -> None:
    rejected(county)
    json_of(county.phone().appeal())
    returned = json_of(county.phone("inside").decide("return"))
    assert (returned["status"], returned["appeal"]["decided_at"]) == ("returned", None)
    assert json_of(county.phone().add({"note": "在村西头"}))["status"] == "review"
    waiting = json_of(county.phone("inside").get("/visits?waiting=appeal"))["items"]
    assert [visit["id"] for visit in waiting] == [visit_id()]


def test_an_appeal_has_thirty_days_from_the_rejection(county: County) -> None:
    rejected(county)
    reviewed(county, 2, at=county.now - timedelta(minutes=1))
    county.after(days=20)
    json_of(county.phone("inside").decide("reject", visit_id(2)))
    county.after(days=10, seconds=1)
    assert refused(county.phone().appeal(), 409, "appeal-too-late") == []
    assert json_of(county.phone().see())["can"] == ["add"]
    assert json_of(county.phone().appeal(visit_id(2)))["status"] == "review"


def test_what_a_correction_rejects_later_is_appealed_from_then_on(county: County) -> None:
    body = check_in([PHOTO])
    assert json_of(county.phone().form(body, PHOTO), 201)["status"] == "confirmed"
    at = county.after(days=40)
    take_in(county.deployment, "places", place_row(DONGZHAO, point=FAR), now=at, since=(at - timedelta(days=60)).date())
    assert json_of(county.phone().see())["status"] == "rejected"
    county.after(days=29)
    assert json_of(county.phone().appeal())["status"] == "review"


@pytest.mark.parametrize("decision", ["confirm", "return"])
def test_only_a_rejection_is_appealed(sqlite_county: County, decision: str) -> None:
    reviewed(sqlite_county)
    assert refused(sqlite_county.phone().appeal(), 409, "not-rejected") == []
    json_of(sqlite_county.phone("inside").decide(decision))
    assert refused(sqlite_county.phone().appeal(), 409, "not-rejected") == []


def test_a_record_from_a_file_is_appealed_too_and_the_file_does_not_undo_that(county: County) -> None:
    row = f"{visit_id(5)} owner {DONGZHAO} visit 2018-11-20T09:00:00+08:00 - - - rejected"
    take_in(county.deployment, "visits", row)
    assert json_of(county.phone().appeal(visit_id(5)))["status"] == "review"
    take_in(county.deployment, "visits", row.replace("09:00:00", "09:05:00"))
    assert json_of(county.phone().see(visit_id(5)))["status"] == "review"
    assert json_of(county.phone("inside").decide("confirm", visit_id(5)))["status"] == "confirmed"


def test_a_county_reviewer_decides_where_a_township_has_only_one(sqlite_county: County) -> None:
    reviewed(sqlite_county)
    json_of(sqlite_county.phone("inside").decide("reject"))
    json_of(sqlite_county.phone().appeal())
    take_grant(sqlite_county, "auditor", LELING)
    assert json_of(sqlite_county.phone("auditor").decide("confirm"))["status"] == "confirmed"

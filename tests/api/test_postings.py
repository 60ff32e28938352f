"""Postings over HTTP: what a change answers, and that grants go their own way."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
import python_calamine
from flask import Flask
from sqlalchemy import insert

from server.services.deployment import Deployment
from server.storage import tables as t
from tests.api.offices import ask
from tests.support import staff
from tests.support.staff import NOW

MOVE = {"person": "inside", "role": "seconded-cadre", "from": "T", "to": "U", "on": "2018-11-20"}


def test_a_posting_is_entered_listed_changed_and_taken_away(app: Flask) -> None:
    body = {"person": "owner", "role": "envoy", "place": "d2", "start": "2018-11-05"}
    tried = ask(app, "admin", "POST", "/postings?dry_run=1", body)
    assert tried.status_code == 200
    made = ask(app, "admin", "POST", "/postings", body)
    assert made.status_code == 201
    assert made.json is not None
    assert tried.json is not None
    assert made.json["changed"] == tried.json["changed"]
    assert (tried.json["dry_run"], made.json["dry_run"]) == (True, False)
    first = made.json["changed"]["obligations"][0]
    assert first == {
        "duty": "envoy-study-day",
        "person": "owner",
        "person_name": "owner名",
        "place": "d2",
        "place_name": "d2村",
        "township": "T",
        "township_name": "T村",
        "window": "2018-11",
        "before": None,
        "after": {
            "status": "missed",
            "reason": "",
            "opens_on": "2018-11-15",
            "due_on": "2018-11-15",
            "needed": 1,
            "done": 0,
        },
    }
    posting = made.json["result"]
    assert (posting["person_name"], posting["place_name"], posting["end"]) == ("owner名", "d2村", None)
    listed = ask(app, "colleague", "GET", "/postings").json
    assert listed is not None
    assert {row["person"] for row in listed["items"]} == {"colleague"}
    there = ask(app, "inside", "GET", "/postings?place=d2&on=2018-11-20&role=envoy").json
    assert there is not None
    assert [row["person"] for row in there["items"]] == ["colleague", "owner"]

    split = ask(app, "admin", "PATCH", f"/postings/{posting['id']}", {"from": "2018-11-12", "end": "2018-11-30"}).json
    assert split is not None
    assert (split["result"]["start"], split["result"]["end"]) == ("2018-11-12", "2018-11-30")
    gone = ask(app, "admin", "DELETE", f"/postings/{split['result']['id']}")
    assert gone.status_code == 200
    assert gone.json is not None
    assert gone.json["result"] is None
    assert ask(app, "admin", "DELETE", f"/postings/{split['result']['id']}").status_code == 404


def test_an_overlap_is_a_conflict_that_says_with_what(app: Flask) -> None:
    body = {"person": "owner", "role": "envoy", "place": "d1", "start": "2018-11-05"}
    answer = ask(app, "admin", "POST", "/postings", body)
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["code"] == "overlap"
    assert answer.json["errors"] == [
        {
            "pointer": "/start",
            "code": "overlap-stored",
            "detail": "Overlaps a posting that is there already (2018-09-03 to …).",
        }
    ]


def test_a_secretary_without_a_weekday_is_remarked_on(app: Flask) -> None:
    body = {"person": "owner", "role": "district-secretary", "place": "D", "start": "2018-11-05"}
    answer = ask(app, "admin", "POST", "/postings", body)
    assert answer.json is not None
    assert answer.json["remarks"] == ["owner has no office weekday in the district D; no office day is owed."]


def test_a_moved_reviewer_keeps_the_old_area_until_the_grant_ends(app: Flask) -> None:
    tried = ask(app, "chief", "POST", "/postings/move?dry_run=1", MOVE).json
    assert tried is not None
    assert [grant["place"] for grant in tried["result"]["grants_ended"]] == ["T"]
    later = ask(app, "chief", "POST", "/postings/move?dry_run=1", MOVE | {"on": "2018-11-21"}).json
    assert later is not None
    assert later["result"]["grants_ended"] == []
    moved = ask(app, "chief", "POST", "/postings/move", MOVE | {"end_grants": False}).json
    assert moved is not None
    assert [(grant["kind"], grant["place"]) for grant in moved["result"]["grants"]] == [("reviewer", "T")]
    assert ask(app, "inside", "GET", "/people/owner").status_code == 200
    grant = moved["result"]["grants"][0]["id"]
    assert ask(app, "chief", "DELETE", f"/accounts/inside/grants/{grant}").status_code == 204
    assert ask(app, "inside", "GET", "/people/owner").status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"end": "2018-11-19"}, 404), ({"end": "2018-11-20"}, 404), ({"end": "2018-11-30"}, 200),
        ({"end": "2018-11-19", "end_grants": False}, 200), ({"end": None}, 200),
    ],
)  # fmt: skip
def test_a_posting_that_ends_takes_the_grants_over_its_place_along(app: Flask, body: Any, status: int) -> None:
    held = ask(app, "chief", "GET", "/postings?person=inside").json
    assert held is not None
    assert ask(app, "chief", "PATCH", f"/postings/{held['items'][0]['id']}", body).status_code == 200
    assert ask(app, "inside", "GET", "/people/owner").status_code == status


def test_a_posting_that_ends_beside_another_keeps_the_grants(app: Flask) -> None:
    held = ask(app, "chief", "GET", "/postings?person=inside").json
    assert held is not None
    staff.post(app.extensions["daocun.deployment"], "inside", "envoy", "d2")
    body = {"end": "2018-11-19"}
    assert ask(app, "chief", "PATCH", f"/postings/{held['items'][0]['id']}", body).status_code == 200
    assert ask(app, "inside", "GET", "/people/owner").status_code == 200


def test_a_move_that_ends_grants_shuts_the_old_area_with_the_next_request(app: Flask) -> None:
    assert ask(app, "inside", "GET", "/people/owner").status_code == 200
    moved = ask(app, "chief", "POST", "/postings/move", MOVE).json
    assert moved is not None
    assert (moved["result"]["ended"]["end"], moved["result"]["begun"]["start"]) == ("2018-11-19", "2018-11-20")
    assert moved["result"]["grants"] == []
    assert ask(app, "inside", "GET", "/people/owner").status_code == 404


def test_what_touches_its_author_is_answered_202_and_done_by_another(app: Flask) -> None:
    deployment: Deployment = app.extensions["daocun.deployment"]
    staff.post(deployment, "admin", "envoy", "d2")
    held = ask(app, "admin", "GET", "/postings?person=admin&role=envoy").json
    assert held is not None
    path, body = f"/postings/{held['items'][0]['id']}", {"end": "2018-11-18"}
    tried = ask(app, "admin", "PATCH", f"{path}?dry_run=1", body).json
    assert tried is not None
    assert tried["second_person"] is True
    proposed = ask(app, "admin", "PATCH", path, body)
    assert proposed.status_code == 202
    assert proposed.json is not None
    assert (proposed.json["status"], proposed.json["by"], proposed.json["by_name"]) == ("waiting", "admin", "admin名")
    number, decision = proposed.json["id"], {"decision": "approve", "reason": "she has moved"}
    assert ask(app, "admin", "POST", f"/proposals/{number}/decisions", decision).status_code == 403
    waiting = ask(app, "chief", "GET", "/proposals?status=waiting").json
    assert waiting is not None
    assert [row["id"] for row in waiting["items"]] == [number]
    approved = ask(app, "chief", "POST", f"/proposals/{number}/decisions", decision).json
    assert approved is not None
    assert approved["proposal"]["decided_by"] == "chief"
    assert approved["changed"]["total"] > 0
    assert ask(app, "chief", "POST", f"/proposals/{number}/decisions", decision).status_code == 409


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/people", "code,name,phone,unit"),
        ("/postings", "person,role,place,start,end,office_weekday"),
        ("/leave", "person,start,end,kind,note"),
        ("/proposals", "id,kind,by,by_name,at,status,decided_by,decided_at,reason"),
    ],
)
def test_the_registers_are_files_too(app: Flask, path: str, header: str) -> None:
    for number, status in ((8, "approved"), (15, "refused")):
        with app.extensions["daocun.deployment"].database.write() as connection:
            days = {"start": date(2018, 10, number), "end": date(2018, 10, number), "kind": "sick", "note": ""}
            connection.execute(insert(t.leave_request).values(person="owner", at=NOW, status=status, **days))
    listed = ask(app, "admin", "GET", f"{path}?limit=200")
    wanted = [item for item in listed.get_json()["items"] if path != "/leave" or item["status"] == "approved"]
    answer = ask(app, "admin", "GET", f"{path}?format=csv")
    first, *rows = answer.get_data(as_text=True).splitlines()
    assert (answer.status_code, first, len(rows)) == (200, header, len(wanted))
    book = ask(app, "admin", "GET", f"{path}?format=xlsx&language=zh")
    workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(book.data))
    titles, *cells = workbook.get_sheet_by_index(0).to_python()
    assert len(cells) == len(wanted)
    assert not set(header.split(",")) & set(titles)
    if path == "/postings":
        assert {row[1] for row in cells} == {"党建特派员", "管区书记", "挂职干部"}
    assert ask(app, "owner", "GET", f"{path}?format=csv").status_code == (403 if path == "/people" else 200)

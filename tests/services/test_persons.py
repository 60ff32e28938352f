"""The people of the register one by one, and what the log tells of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from server.domain import problems
from server.domain.access import Grant, GrantKind
from server.domain.problems import Problem
from server.services import persons
from server.services.deployment import Deployment
from server.storage import accounts, keys
from server.storage import tables as t
from tests.support import staff
from tests.support.staff import NOW, caller_of

ENVOY = {"role": "envoy", "place": "d1", "start": "2018-11-05"}
NEW: dict[str, Any] = {"code": "new", "name": "王新", "phone": "139 0000-1111", "unit": "水利局"}


@pytest.fixture
def office(deployment: Deployment) -> Deployment:
    staff.fill(deployment)
    return deployment


def refused(call: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value


def codes(office: Deployment, who: str, **asked: Any) -> list[str]:
    return [person.code for person in persons.page(office, caller_of(office, who), NOW, **asked)]


def test_a_new_person_comes_with_a_posting_in_the_area(office: Deployment) -> None:
    admin = caller_of(office, "admin")
    needed = refused(lambda: persons.add(office, admin, NEW, NOW, False))
    assert [(e.pointer, e.code) for e in needed.errors] == [("/posting", "posting-needed")]
    outside = refused(lambda: persons.add(office, admin, NEW | {"posting": ENVOY | {"place": "f1"}}, NOW, False))
    assert [(e.pointer, e.code) for e in outside.errors] == [("/posting/place", "not-exist")]
    wrong = refused(lambda: persons.add(office, admin, NEW | {"posting": ENVOY | {"place": "D"}}, NOW, False))
    assert [(e.pointer, e.code) for e in wrong.errors] == [("/posting/place", "role-needs-village")]
    weekday = refused(lambda: persons.add(office, admin, NEW | {"posting": ENVOY | {"office_weekday": 2}}, NOW, False))
    assert [(e.pointer, e.code) for e in weekday.errors] == [("/posting/office_weekday", "weekday-not-owed")]
    assert "new" not in codes(office, "chief")

    tried = persons.add(office, admin, NEW | {"posting": ENVOY}, NOW, True)
    assert "new" not in codes(office, "chief")
    added = persons.add(office, admin, NEW | {"posting": ENVOY}, NOW, False)
    with office.database.read() as connection:
        query = select(t.log.c.kind, t.log.c.path).where(t.log.c.verb == "created")
        assert connection.execute(query).all() == [("person", "/C/T/D/d1/"), ("posting", "/C/T/D/d1/")]
    persons.amend(office, admin, "new", {"language": "en"}, NOW, False)
    with office.database.read() as connection:
        query = select(t.log.c.path).where(t.log.c.verb == "changed", t.log.c.subject == "new")
        assert connection.scalars(query).all() == ["/C/T/D/d1/"]
    assert added.compared == tried.compared
    assert added.compared.total > 0
    assert added.result.phone == "13900001111"
    assert "new" in codes(office, "admin")
    again = refused(lambda: persons.add(office, admin, NEW | {"posting": ENVOY}, NOW, False))
    assert again.kind is problems.CONFLICT


def test_who_is_posted_nowhere_is_the_whole_county_s(office: Deployment) -> None:
    persons.add(office, caller_of(office, "chief"), NEW, NOW, False)
    assert "new" in codes(office, "chief")
    assert "new" not in codes(office, "admin")
    assert refused(lambda: persons.show(office, caller_of(office, "admin"), "new", NOW)).kind is problems.NOT_FOUND


def test_people_are_found_by_name_code_and_number_inside_the_area(office: Deployment) -> None:
    assert codes(office, "admin") == [
        "admin", "auditor", "colleague", "inside", "owner", "revoked", "secretary", "supervisor",
    ]  # fmt: skip
    assert codes(office, "admin", q="owner名") == ["owner"]
    assert codes(office, "admin", q="OWN") == ["owner"]
    assert codes(office, "admin", q=staff.phone_of("colleague")[:8]) == ["colleague"]
    assert codes(office, "admin", q="%") == []
    assert codes(office, "admin", place="D") == ["colleague", "owner", "revoked", "secretary"]
    assert codes(office, "admin", after="inside", limit=2) == ["owner", "revoked"]
    assert refused(lambda: codes(office, "admin", place="F")).kind is problems.INVALID


def test_who_has_left_the_area_belongs_where_they_are_now(office: Deployment) -> None:
    with office.database.write() as connection:
        connection.execute(t.posting.update().where(t.posting.c.person == "owner").values(end=date(2018, 11, 1)))
    assert "owner" in codes(office, "admin")
    staff.post(office, "owner", "envoy", "f1", start=date(2018, 11, 2))
    assert "owner" not in codes(office, "admin")
    assert "owner" in codes(office, "neighbour")
    assert refused(lambda: persons.show(office, caller_of(office, "admin"), "owner", NOW)).kind is problems.NOT_FOUND


def test_a_person_is_shown_with_postings_leave_and_grants(office: Deployment) -> None:
    shown = persons.show(office, caller_of(office, "admin"), "inside", NOW)
    assert [(p.role, p.place) for p in shown.postings] == [("seconded-cadre", "T")]
    assert shown.grants is not None
    assert [(g.kind, g.place) for g in shown.grants] == [("reviewer", "T")]
    assert persons.show(office, caller_of(office, "supervisor"), "inside", NOW).grants is None


def test_who_holds_a_grant_outside_is_not_the_township_s_to_correct(office: Deployment) -> None:
    admin = caller_of(office, "admin")
    assert persons.amend(office, admin, "owner", {"name": "李四", "language": "en"}, NOW, False).result.name == "李四"
    with office.database.write() as connection:
        accounts.add_grant(connection, "owner", Grant(GrantKind.AUDITOR, "U"), "chief", NOW)
    assert refused(lambda: persons.amend(office, admin, "owner", {"name": "x"}, NOW, False)).kind is problems.FORBIDDEN
    chief = caller_of(office, "chief")
    assert persons.amend(office, chief, "owner", {"phone": None}, NOW, False).result.phone == ""


def test_the_history_says_before_and_after_until_it_is_erased(office: Deployment) -> None:
    admin = caller_of(office, "admin")
    persons.amend(office, admin, "owner", {"name": "李四"}, NOW, False)
    line = persons.history(office, admin, "owner", NOW)[0]
    assert (line.actor, line.verb, line.before, line.after) == (
        "admin", "changed", {"name": "owner名"}, {"name": "李四"},
    )  # fmt: skip
    with office.database.read() as connection:
        assert "李四" not in str(connection.execute(select(t.log.c.detail)).all())
    with office.database.write() as connection:
        keys.destroy(connection, "owner", NOW)
    line = persons.history(office, admin, "owner", NOW)[0]
    assert line.erased
    assert line.after == {}
    assert refused(lambda: persons.history(office, caller_of(office, "inside"), "owner", NOW)).kind is (
        problems.FORBIDDEN
    )

"""A change of the registers, done or only tried out, and one that waits for a second person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from server.domain import problems
from server.domain.access import Grant, GrantKind
from server.domain.problems import Problem
from server.services import changing, judging, merging, place_changes, postings, proposals
from server.services.changing import Changed
from server.services.deployment import Deployment
from server.storage import accounts
from server.storage import tables as t
from tests.services.facts import visited
from tests.support import staff
from tests.support.staff import NOW, caller_of

MOVE = {"person": "owner", "role": "envoy", "from": "d1", "to": "d2", "on": "2018-11-19"}
NEW = {"person": "owner", "role": "envoy", "place": "d2", "start": "2018-10-29"}


@pytest.fixture
def office(deployment: Deployment) -> Deployment:
    staff.fill(deployment)
    return deployment


def content(deployment: Deployment) -> dict[str, list[Any]]:
    """Everything in the database but what judging keeps for itself."""
    with deployment.database.read() as connection:
        return {
            name: sorted(map(repr, connection.execute(select(table))))
            for name, table in t.metadata.tables.items()
            if name not in ("register", "person")
        }


def verdicts(deployment: Deployment) -> list[Any]:
    return content(deployment)["obligation"]


def refused(call: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value


def statuses(changed: Changed) -> list[tuple[str, str, str, str | None, str | None]]:
    """Duty, place, window, status before and after of each changed obligation."""
    return [
        (o.duty, o.place, o.window, o.before.status if o.before else None, o.after.status if o.after else None)
        for o in changed.compared.obligations
    ]


def test_a_new_posting_answers_what_is_owed_from_then_on(office: Deployment) -> None:
    changed = postings.add(office, caller_of(office, "admin"), NEW, NOW, False)
    assert changed.result.person_name == "owner名"
    assert statuses(changed)[:4] == [
        ("envoy-study-day", "d2", "2018-11", None, "missed"),
        ("envoy-weekly-visit", "d2", "2018-W44", None, "missed"),
        ("envoy-weekly-visit", "d2", "2018-W45", None, "missed"),
        ("envoy-weekly-visit", "d2", "2018-W46", None, "grace"),
    ]
    assert changed.compared.total == len(changed.compared.obligations)
    before = verdicts(office)
    judging.rebuild(office, date(2018, 10, 1), date(2018, 11, 30))
    assert verdicts(office) == before


def test_a_dry_run_answers_the_same_and_does_nothing(office: Deployment) -> None:
    caller = caller_of(office, "admin")
    visited(office, "owner", "d2", date(2018, 11, 20), imported=True)
    judging.ensure_judged(office, date(2018, 10, 20), date(2018, 11, 20))
    before = content(office)
    tried = postings.move(office, caller, MOVE, NOW, True)
    assert content(office) == before
    done = postings.move(office, caller, MOVE, NOW, False)
    assert tried.compared == done.compared
    assert (tried.dry_run, done.dry_run) == (True, False)
    assert ("envoy-weekly-visit", "d2", "2018-W47", None, "met") in statuses(done)


def test_a_dry_run_leaves_no_world_in_the_cache_that_never_was(office: Deployment) -> None:
    caller = caller_of(office, "admin")
    with office.database.read() as connection:
        was = office.world(connection)
    postings.add(office, caller, NEW, NOW, True)
    with office.database.read() as connection:
        assert office.world(connection) is was or office.world(connection).tree.places == was.tree.places


def test_too_many_people_are_not_tried_out(office: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changing, "MOST_PEOPLE", 0)
    caller = caller_of(office, "admin")
    assert refused(lambda: postings.add(office, caller, NEW, NOW, True)).kind is problems.TOO_MANY_TOUCHED
    done = postings.add(office, caller, NEW, NOW, False)
    assert (done.waiting, done.compared.total) == (1, 0)
    judging.ensure_judged(office, date(2018, 11, 1), date(2018, 11, 30))
    assert any("'d2'" in row and "'owner'" in row for row in verdicts(office))


def test_what_a_file_would_not_be_taken_with_is_refused_at_the_body_s_members(office: Deployment) -> None:
    caller = caller_of(office, "admin")
    wrong = refused(lambda: postings.add(office, caller, NEW | {"place": "D"}, NOW, False))
    assert [(e.pointer, e.code) for e in wrong.errors] == [("/place", "role-needs-village")]
    overlap = refused(lambda: postings.add(office, caller, NEW | {"place": "d1"}, NOW, False))
    assert overlap.kind is problems.OVERLAP
    assert [(e.pointer, e.code) for e in overlap.errors] == [("/start", "overlap-stored")]
    weekday = refused(lambda: postings.add(office, caller, NEW | {"office_weekday": 3}, NOW, False))
    assert [(e.pointer, e.code) for e in weekday.errors] == [("/office_weekday", "weekday-not-owed")]


def test_what_lies_outside_is_refused_like_what_does_not_exist(office: Deployment) -> None:
    caller = caller_of(office, "admin")
    for body in ({"place": "f1"}, {"place": "nowhere"}, {"person": "stranger"}, {"person": "nobody"}):
        wrong = refused(lambda body=body: postings.add(office, caller, NEW | body, NOW, False))
        assert [(e.pointer, e.code) for e in wrong.errors] == [(f"/{next(iter(body))}", "not-exist")]
    moved = refused(lambda: postings.move(office, caller, MOVE | {"to": "f1"}, NOW, False))
    assert [(e.pointer, e.code) for e in moved.errors] == [("/to", "not-exist")]
    assert refused(lambda: postings.add(office, caller_of(office, "supervisor"), NEW, NOW, False)).kind is (
        problems.FORBIDDEN
    )


def own_change(office: Deployment) -> Changed:
    """The administrator is an envoy as well, and would end their own duty."""
    staff.post(office, "admin", "envoy", "d2")
    with office.database.write() as connection:
        accounts.add_grant(connection, "supervisor", Grant(GrantKind.ADMIN, "T"), "chief", NOW)
    listed = posting_of(office, "admin", "d2")
    return postings.amend(office, caller_of(office, "admin"), listed, {"end": "2018-11-18"}, NOW, False)


def posting_of(deployment: Deployment, person: str, place: str) -> int:
    query = select(t.posting.c.id).where(t.posting.c.person == person, t.posting.c.place == place)
    with deployment.database.read() as connection:
        return connection.scalars(query).one()


def test_what_touches_one_s_own_duties_waits_for_a_second_person(office: Deployment) -> None:
    proposed = own_change(office)
    assert proposed.proposal is not None
    assert not [row for row in content(office)["posting"] if "11, 18" in row]
    number = proposed.proposal.id
    assert proposed.proposal.path == "/C/T/D/d2/"

    author, second = caller_of(office, "admin"), caller_of(office, "supervisor")
    assert [seen.proposal.id for seen in proposals.page(office, second, "waiting", NOW, None, 10)] == [number]
    assert refused(lambda: proposals.approve(office, author, number, "mine", NOW)).kind is problems.FORBIDDEN
    outside = caller_of(office, "neighbour")
    assert refused(lambda: proposals.approve(office, outside, number, "why not", NOW)).kind is problems.NOT_FOUND

    decided = proposals.approve(office, second, number, "she moves", NOW)
    assert decided.changed is not None
    assert decided.changed.compared.total > 0
    assert decided.proposal.proposal.status == "approved"
    assert decided.proposal.proposal.decided_by == "supervisor"
    assert refused(lambda: proposals.approve(office, second, number, "again", NOW)).kind is problems.CONFLICT
    with office.database.read() as connection:
        lines = connection.execute(select(t.log.c.actor, t.log.c.verb, t.log.c.kind).order_by(t.log.c.id)).all()
    assert ("admin", "proposed", "proposal") in lines
    assert ("supervisor", "changed", "posting") in lines
    assert ("supervisor", "approved", "proposal") in lines


def test_who_may_not_make_a_change_may_not_approve_it_either(office: Deployment) -> None:
    staff.post(office, "admin", "envoy", "d2")
    proposed = postings.amend(
        office, caller_of(office, "admin"), posting_of(office, "admin", "d2"), {"end": "2018-11-18"}, NOW, False
    )
    assert proposed.proposal is not None
    second = caller_of(office, "supervisor")
    assert (
        refused(lambda: proposals.approve(office, second, proposed.proposal.id, "so", NOW)).kind is problems.FORBIDDEN
    )
    assert proposals.see(office, second, proposed.proposal.id, NOW).proposal.status == "waiting"


def test_the_author_s_own_grants_make_nobody_a_second_person(office: Deployment) -> None:
    proposed = own_change(office).proposal
    assert proposed is not None
    with office.database.write() as connection:
        accounts.add_grant(connection, "colleague", Grant(GrantKind.ADMIN, "T"), "admin", NOW)
        accounts.add_grant(connection, "inside", Grant(GrantKind.SUPERVISOR, "T"), "chief", NOW)
        accounts.add_grant(connection, "inside", Grant(GrantKind.ADMIN, "T"), "admin", NOW)
    puppet, half = caller_of(office, "colleague"), caller_of(office, "inside")
    for decide in (proposals.approve, proposals.refuse):
        problem = refused(lambda decide=decide: decide(office, puppet, proposed.id, "so", NOW))  # type: ignore[misc]
        assert problem.kind is problems.FORBIDDEN
    # A supervisor by another's hand may refuse it, but administers nothing by another's hand
    assert refused(lambda: proposals.approve(office, half, proposed.id, "so", NOW)).kind is problems.FORBIDDEN
    assert proposals.refuse(office, half, proposed.id, "no", NOW).proposal.proposal.status == "refused"


def test_where_one_s_own_visits_count_waits_for_a_second_person(office: Deployment) -> None:
    staff.post(office, "admin", "envoy", "d2")
    admin = caller_of(office, "admin")

    def amended(place: str, **body: Any) -> bool:
        return place_changes.amend(office, admin, place, body, NOW, False).proposal is not None

    assert amended("d2", radius_m=50000)
    assert amended("d2", points=[[37.5, 117.5]])
    assert amended("D", radius_m=50000)
    assert not amended("d2", name="新名")
    assert not amended("d1", radius_m=900)
    assert place_changes.amend(office, admin, "d2", {"radius_m": 50000}, NOW, True).own


VILLAGE = {"code": "n1", "name": "新村", "level": "village", "parent": "D", "points": [[37.8, 117.0]]}
WIDE = {"points": [[37.8, 117.0]], "radius_m": 50000}


def new_village(office: Deployment, person: str, dry_run: bool = False) -> Changed:
    return place_changes.add(office, caller_of(office, person), VILLAGE | WIDE, NOW, dry_run)


def split_village(office: Deployment, person: str, dry_run: bool = False) -> Changed:
    body = {"into": [{"code": c, "name": c, **WIDE} for c in ("x1", "x2")], "on": "2018-11-26"}
    return merging.split_place(office, caller_of(office, person), "d1", body, NOW, dry_run)


def split_district(office: Deployment, person: str, dry_run: bool = False) -> Changed:
    parts: list[dict[str, Any]] = [{"code": "X1", "name": "X1"}, {"code": "X2", "name": "X2", "inside": ["d1"]}]
    body = {"into": parts, "on": "2018-11-26"}
    return merging.split_place(office, caller_of(office, person), "D", body, NOW, dry_run)


@pytest.mark.parametrize(
    ("make", "person", "own"),
    [
        pytest.param(new_village, "secretary", True, id="a village of one's own round"),
        pytest.param(new_village, "leader", True, id="a village in the township one is paired with"),
        pytest.param(new_village, "owner", False, id="a village beside one's own"),
        pytest.param(split_village, "owner", True, id="one's own village in two"),
        pytest.param(split_village, "secretary", True, id="a village of one's own district in two"),
        pytest.param(split_village, "leader", True, id="a village of one's own township in two"),
        pytest.param(split_village, "colleague", False, id="another's village in two"),
        pytest.param(split_district, "owner", True, id="the district around one's own village in two"),
        pytest.param(split_district, "secretary", True, id="one's own district in two"),
        pytest.param(split_district, "stranger", False, id="a district elsewhere in two"),
    ],
)
def test_a_place_that_begins_over_what_one_owes_waits_for_a_second_person(
    office: Deployment, make: Callable[..., Changed], person: str, own: bool
) -> None:
    staff.add_people(office, ["leader"])
    staff.post(office, "leader", "paired-leader", "T")
    with office.database.write() as connection:
        accounts.open_accounts(connection, ["leader"], NOW)
        accounts.add_grant(connection, person, Grant(GrantKind.ADMIN, "T"), "chief", NOW)
    assert make(office, person, True).own is own
    proposed = make(office, person).proposal
    assert (proposed is not None) is own
    if proposed is not None:
        assert not [row for row in content(office)["place"] if "n1" in row or "x1" in row or "X1" in row]
        problem = refused(lambda: proposals.approve(office, caller_of(office, person), proposed.id, "so", NOW))
        assert problem.kind is problems.FORBIDDEN
        decided = proposals.approve(office, caller_of(office, "admin"), proposed.id, "so", NOW)
        assert decided.changed is not None
        assert decided.changed.proposal is None
    assert [row for row in content(office)["place"] if "n1" in row or "x1" in row or "X1" in row]


def test_a_proposal_that_does_not_fit_any_more_is_a_conflict(office: Deployment) -> None:
    proposed = own_change(office)
    assert proposed.proposal is not None
    chief = caller_of(office, "chief")
    postings.amend(office, chief, posting_of(office, "admin", "d2"), {"end": "2018-10-31"}, NOW, False)
    later = postings.add(
        office, chief, {"person": "admin", "role": "envoy", "place": "d2", "start": "2018-11-05"}, NOW, False
    )
    assert later.proposal is None
    number = proposed.proposal.id
    assert refused(lambda: proposals.approve(office, chief, number, "so", NOW)).kind is problems.CONFLICT


def test_a_proposal_is_refused_or_taken_back_once(office: Deployment) -> None:
    author, second = caller_of(office, "admin"), caller_of(office, "chief")
    first = own_change(office).proposal
    assert first is not None
    assert proposals.refuse(office, second, first.id, "no", NOW).proposal.proposal.status == "refused"
    assert refused(lambda: proposals.withdraw(office, author, first.id, NOW)).kind is problems.CONFLICT
    body = {"end": "2018-11-18"}
    again = postings.amend(office, author, posting_of(office, "admin", "d2"), body, NOW, False).proposal
    assert again is not None
    assert refused(lambda: proposals.withdraw(office, second, again.id, NOW)).kind is problems.FORBIDDEN
    proposals.withdraw(office, author, again.id, NOW)
    assert refused(lambda: proposals.approve(office, second, again.id, "so", NOW)).kind is problems.CONFLICT


def test_an_office_seat_that_owes_nothing_needs_no_second_person(office: Deployment) -> None:
    number = posting_of(office, "admin", "T")
    assert (
        postings.amend(office, caller_of(office, "admin"), number, {"end": "2019-01-31"}, NOW, False).proposal is None
    )


def test_a_visit_that_a_change_rejects_is_answered(office: Deployment) -> None:
    caller = caller_of(office, "admin")
    visit = visited(office, "owner", "d1", date(2018, 11, 19), latitude=37.811268, longitude=117.012492, accuracy_m=5)
    judging.ensure_judged(office, date(2018, 10, 20), date(2018, 11, 20))
    number, body, before = posting_of(office, "owner", "d1"), {"end": "2018-11-18"}, content(office)
    tried = postings.amend(office, caller, number, body, NOW, True)
    assert content(office) == before
    changed = postings.amend(office, caller, number, body, NOW, False)
    assert tried.compared == changed.compared
    assert [(v.id, v.before.status, v.after.status) for v in changed.compared.visits] == [
        (visit, "confirmed", "rejected")
    ]

"""Places, days, duties and moved days, one change at a time: what is judged again is just what each touches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from server.adapters import datum, geodesy
from server.domain import problems
from server.domain.access import Caller, Grant, GrantKind
from server.domain.postings import Posting
from server.domain.problems import Problem
from server.services import changing, days, duties, judging, merging, place_changes, place_reading, proposals, visits
from server.services.changing import Changed
from server.services.days import Sought
from server.services.deployment import Deployment
from server.storage import accounts, register
from server.storage import tables as t
from server.storage.people import Person
from tests.domain.county import d
from tests.factories import sent, visit_id
from tests.services.facts import add_people, post, visited
from tests.services.test_judging import from_scratch, stored
from tests.services.test_merging import ADMIN, NOW, POINTS, refused, settle

SUPERVISOR = Caller("chief", "chief", grants=(Grant(GrantKind.SUPERVISOR, "T"),))
SQUARE = [[117.0, 37.80], [117.03, 37.80], [117.03, 37.83], [117.0, 37.83], [117.0, 37.80]]
OUTLINE = {"type": "Polygon", "coordinates": [SQUARE]}


@pytest.fixture
def county(deployment: Deployment) -> Deployment:
    """As in the tests of mergers, with a supervisor of T."""
    settle(deployment)
    add_people(deployment, [Person("chief", "chief")])
    with deployment.database.write() as connection:
        accounts.open_accounts(connection, ["chief"], NOW)
        accounts.add_grant(connection, "chief", SUPERVISOR.grants[0], "command-line", NOW)
    return deployment


def patch(code: str, **body: Any) -> Callable[[Deployment, bool], Changed]:
    return lambda county, dry: place_changes.amend(county, ADMIN, code, {"from": "2018-11-14", **body}, NOW, dry)


def new(**body: Any) -> Callable[[Deployment, bool], Changed]:
    values = {"code": "new", "name": "新村", "level": "village", "parent": "D", **body}
    return lambda county, dry: place_changes.add(county, ADMIN, values, NOW, dry)


def mark(day: str, kind: str, place: str | None) -> Callable[[Deployment, bool], Changed]:
    body = {"date": f"2018-{day}", "kind": kind, "place": place}
    return lambda county, dry: days.put(county, ADMIN, body, NOW, dry)


def move(place: str, day: str = "11-16", window: str = "2018-11", duty: str = "envoy-study-day") -> Any:
    body = {"duty": duty, "window": window, "place": place, "day": f"2018-{day}", "reason": "同一天有全乡培训"}
    return lambda county, dry: days.move(county, SUPERVISOR, body, NOW, dry)


DUTY = {
    "code": "envoy-weekly-visit", "role": "envoy", "activities": ["visit"], "target": "posting", "every": "week",
    "times": 2, "since": "2018-11-12",
}  # fmt: skip
EVERYBODY = {"p", "q", "r", "s"}

# What is done, whose windows are judged again, and whether any obligation is another then
CHANGES: dict[str, tuple[Callable[[Deployment, bool], Changed], set[str], bool]] = {
    "a village moves": (patch("d3", parent="E"), {"q", "r", "s"}, True),
    "a position": (patch("d3", points=[[37.9, 117.2]]), set(), False),
    "several points": (patch("d2", points=[[37.81, 117.01], [37.83, 117.05]]), set(), False),
    "an outline": (patch("d2", polygon=OUTLINE), set(), False),
    "a radius": (patch("d2", radius_m=900), set(), False),
    "a name": (patch("d2", name="新名"), set(), False),
    "another central village": (patch("D", central_village="d3"), {"r"}, True),
    "no central village": (patch("D", central_village=None), {"r"}, True),
    "a first day of service": (patch("T", service_from="2018-10-15"), EVERYBODY, True),
    "a new village": (new(**{"from": "2018-11-14"}), {"r"}, True),
    "a new village from the beginning": (new(), {"r"}, True),
    "a day off in a village": (mark("11-21", "off", "d3"), {"q", "r"}, False),
    "a day off everywhere": (mark("11-21", "off", None), {*EVERYBODY, "boss"}, True),
    "a closure": (mark("11-15", "closed", "E"), {"s"}, False),
    "a moved study day": (move("D"), {"p", "q"}, True),
    "a moved study day of a village": (move("d3"), {"q"}, True),
    "a moved office day": (move("T", "11-23", "2018-W47", "secretary-office-day"), {"r", "s"}, True),
    "a duty": (lambda county, dry: duties.add(county, ADMIN, DUTY, NOW, dry), {"p", "q"}, True),
    "the end of a duty": (
        lambda county, dry: duties.finish(county, ADMIN, "secretary-office-day", {"from": "2018-11-19"}, NOW, dry),
        {"r", "s"},
        True,
    ),
    "a merger": (
        lambda county, dry: merging.merge_places(county, ADMIN, "d2", {"into": "d3", "on": "2018-11-14"}, NOW, dry),
        {"p", "r"},
        True,
    ),
}  # fmt: skip


def judged_people(county: Deployment, monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> set[str]:
    """Whom a change has judged again."""
    found: set[str] = set()
    real = changing.judging.work_off

    def noted(deployment: Deployment, *given: Any, **named: Any) -> int:
        with deployment.database.read() as connection:
            found.update(connection.scalars(select(t.stale_span.c.person)))
        return real(deployment, *given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(judging, "work_off", noted)
        call()
    return found


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_judges_again_just_what_it_touches_and_a_trial_says_the_same(
    county: Deployment, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    change, touched, differs = CHANGES[what]
    post(county, Posting("boss", "seconded-cadre", "U", d("09-03")))
    judging.work_off(county)
    before = stored(county)
    tried = change(county, True)
    assert stored(county) == before
    done: list[Changed] = []
    assert judged_people(county, monkeypatch, lambda: done.append(change(county, False))) == touched
    assert (stored(county) != before) is differs
    assert (tried.compared, tried.own) == (done[0].compared, False)
    assert stored(county) == from_scratch(county)


def test_a_first_day_of_service_reaches_a_window_that_began_before_its_district_came_there(county: Deployment) -> None:
    patch("D", parent="U", **{"from": "2018-11-05"})(county, False)
    begin = patch("U", service_from="2018-11-03")
    tried, done = begin(county, True), begin(county, False)
    assert stored(county) == from_scratch(county)
    assert {(o.window, o.after) for o in done.compared.obligations if o.person == "r"} == {("2018-11", None)}
    assert tried.compared == done.compared


def distance_of(county: Deployment, number: int) -> float | None:
    found = visits.find(county, visit_id(number))
    assert found is not None
    return next(f.value for f in found.visit.findings if f.check == "place")


def test_whoever_stands_inside_an_outline_is_there(county: Deployment) -> None:
    at = NOW.replace(hour=3, minute=59)
    visits.check_in(county, "p", sent(1, at, "d2", (37.829, 117.029)), (), NOW)
    assert (distance_of(county, 1) or 0) > 2000
    patch("d2", polygon=OUTLINE)(county, False)
    assert distance_of(county, 1) == 0
    patch("d2", polygon=None, points=[[37.81, 117.01], [37.829, 117.0285]])(county, False)
    assert 0 < (distance_of(county, 1) or 0) < 100


def test_a_place_without_points_gets_one_inside_its_outline(county: Deployment) -> None:
    shown = patch("e2", polygon=OUTLINE)(county, False).result
    assert len(shown.points) == 1
    assert shown.polygon == OUTLINE


def test_positions_of_another_datum_are_kept_in_ours(county: Deployment) -> None:
    sent_as = [list(datum.from_wgs84(*POINTS["d2"], "gcj02"))]
    (kept,) = patch("d2", points=sent_as, crs="gcj02")(county, False).result.points
    assert geodesy.distance_m(*kept, *POINTS["d2"]) < 0.1


@pytest.mark.parametrize(
    ("change", "pointer", "why"),
    [
        (patch("d2", parent="e1"), "/parent", "parent-of-village"),
        (patch("d2", parent="nowhere"), "/parent", "not-exist"),
        (patch("d1", parent="E"), "/parent", "central-leaves"),
        (patch("D", central_village="f1"), "/central_village", "central-outside"),
        (patch("d2", central_village="d1"), "/central_village", "central-not-district"),
        (patch("d2", service_from="2018-10-01"), "/service_from", "not-township"),
        (patch("d2", points=[[117.0, 37.8]]), "/points/0", "not-on-earth"),
        (patch("d2", polygon={"type": "Polygon", "coordinates": [SQUARE[:-1]]}), "/polygon", "polygon-ring"),
        (new(parent=None), "/parent", "parent-needed"),
        (new(parent="T", level="township"), "/parent", "parent-of-township"),
        (move("T", "12-01"), "/day", "outside-window"),
        (move("T", duty="envoy-weekly-visit", window="2018-W47"), "/duty", "not-fixed"),
        (move("T", duty="nothing"), "/duty", "not-exist"),
        (move("T", window="2018-W47"), "/window", "not-a-window"),
        (move("U"), "/place", "not-exist"),
        (lambda county, dry: duties.add(county, ADMIN, DUTY | {"fixed": "weekday"}, NOW, dry), "/times",
         "times-fixed-day"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_at_its_member(county: Deployment, change: Any, pointer: str, why: str) -> None:
    kind, errors = refused(lambda: change(county, False))
    assert (kind, errors[0]) == ("invalid", (pointer, why))


def test_a_code_that_is_taken_is_a_conflict(county: Deployment) -> None:
    assert refused(lambda: new(code="d1")(county, False))[0] == problems.CONFLICT.code


def test_a_moved_day_is_moved_back(county: Deployment) -> None:
    before = stored(county)
    move("T")(county, False)
    assert [m.place for m in days.moves(county, ADMIN, Sought(), NOW)] == ["T"]
    visited(county, "q", "d3", d("11-16"), "study", imported=True)
    judging.work_off(county)
    study = {o.person: o for o in stored(county).values() if o.duty == "envoy-study-day" and o.window == "2018-11"}
    assert (study["q"].due_on, study["q"].verdict) == (d("11-16"), "met")
    days.unmove(county, SUPERVISOR, "envoy-study-day", "2018-11", "T", NOW, False)
    assert {k: o.due_on for k, o in stored(county).items()} == {k: o.due_on for k, o in before.items()}
    assert stored(county) == from_scratch(county)
    gone = refused(lambda: days.unmove(county, SUPERVISOR, "envoy-study-day", "2018-11", "T", NOW, False))
    assert gone == ("not-found", [])
    with county.database.read() as connection:
        lines = connection.execute(select(t.log).where(t.log.c.kind == "day-move").order_by(t.log.c.id)).all()
    # Why it was moved is not why it was moved back
    assert [(line.verb, line.personal is None) for line in lines] == [("moved", False), ("moved-back", True)]


@pytest.mark.parametrize("window", ["9999-12", "9999-W52", "0000-01"])
def test_a_window_at_the_end_of_time_is_none(county: Deployment, window: str) -> None:
    wrong = refused(lambda: days.unmove(county, SUPERVISOR, "envoy-study-day", window, "T", NOW, False))
    assert wrong == ("not-found", [])


def test_moving_one_s_own_study_day_waits_for_a_second_person(county: Deployment) -> None:
    post(county, Posting("chief", "envoy", "e2", d("09-03")))
    waiting = move("T")(county, False)
    assert waiting.proposal is not None
    assert days.moves(county, ADMIN, Sought(), NOW) == []
    with county.database.write() as connection:
        accounts.add_grant(connection, "boss", Grant(GrantKind.SUPERVISOR, "C"), "command-line", NOW)
    boss = Caller("boss", "boss", grants=(*ADMIN.grants, Grant(GrantKind.SUPERVISOR, "C")))
    proposals.approve(county, boss, waiting.proposal.id, "可以", NOW)
    assert [(m.place, m.by) for m in days.moves(county, ADMIN, Sought(), NOW)] == [("T", "boss")]
    assert stored(county) == from_scratch(county)


def test_a_duty_and_a_mark_everywhere_are_for_who_administers_the_whole_county(county: Deployment) -> None:
    with county.database.write() as connection:
        accounts.add_grant(connection, "chief", Grant(GrantKind.ADMIN, "T"), "command-line", NOW)
    admin = Caller("chief", "chief", grants=(Grant(GrantKind.ADMIN, "T"),))
    body = {"date": "2018-11-21", "kind": "off", "place": None}
    for call in (
        lambda: duties.add(county, admin, DUTY, NOW, False),
        lambda: duties.finish(county, admin, "envoy-study-day", {"from": "2018-12-01"}, NOW, False),
        lambda: days.put(county, admin, body, NOW, False),
    ):
        with pytest.raises(Problem) as caught:
            call()
        assert caught.value.kind is problems.FORBIDDEN


def test_a_duty_ends_once(county: Deployment) -> None:
    end = {"from": "2018-11-19"}
    duties.finish(county, ADMIN, "envoy-study-day", end, NOW, False)
    assert refused(lambda: duties.finish(county, ADMIN, "envoy-study-day", end, NOW, False))[0] == "conflict"
    assert refused(lambda: duties.finish(county, ADMIN, "nothing", end, NOW, False))[0] == "not-found"


def test_how_a_place_stood_and_stands_is_told(county: Deployment) -> None:
    patch("d3", parent="E")(county, False)
    whole = place_reading.whole(county, ADMIN, "d3", NOW)
    assert [(s.since, s.parent) for s in whole.standings] == [(None, "D"), (date(2018, 11, 14), "E")]
    assert (whole.place.parent, whole.place.township) == ("E", "T")
    inside = place_reading.listed(county, ADMIN, NOW, inside="E")
    assert [seen.code for seen in inside] == ["E", "d3", "e1", "e2"]
    assert [s.code for s in place_reading.listed(county, ADMIN, NOW, inside="E", on=d("11-01"))] == ["E", "e1", "e2"]
    assert [s.code for s in place_reading.listed(county, ADMIN, NOW, text="d", level=None)] == ["d1", "d2", "d3"]


def test_the_same_again_changes_nothing_and_is_not_logged(county: Deployment) -> None:
    patch("d2", radius_m=900)(county, False)
    with county.database.read() as connection:
        lines, revision = len(connection.execute(select(t.log.c.id)).all()), register.state(connection).revision
    patch("d2", radius_m=900)(county, False)
    with county.database.read() as connection:
        assert len(connection.execute(select(t.log.c.id)).all()) == lines
        assert register.state(connection).revision == revision


def test_a_place_that_is_to_come_is_in_the_area_of_those_it_will_lie_in(county: Deployment) -> None:
    with county.database.write() as connection:
        accounts.add_grant(connection, "chief", Grant(GrantKind.ADMIN, "T"), "command-line", NOW)
    admin = Caller("chief", "chief", grants=(Grant(GrantKind.ADMIN, "T"),))
    district = {"code": "D9", "name": "新管区", "level": "district", "parent": "T", "from": "2018-12-01"}
    place_changes.add(county, admin, district, NOW, False)
    body = {"code": "d8", "name": "新村", "level": "village", "parent": "D9"}
    assert place_changes.add(county, admin, body, NOW, False).proposal is None
    place_changes.amend(county, admin, "d8", {"from": "2018-12-03", "radius_m": 900}, NOW, False)
    body = {"code": "d9", "name": "新村", "level": "village", "parent": "D", "from": "2018-12-03"}
    place_changes.add(county, admin, body, NOW, False)
    corrected = place_changes.amend(county, admin, "d9", {"from": "2018-12-03", "radius_m": 900}, NOW, False)
    assert corrected.result.radius_m == 900
    with county.database.read() as connection:
        lines = connection.execute(select(t.log.c.verb, t.log.c.path).where(t.log.c.subject == "d9")).all()
    assert lines == [("created", "/C/T/D/d9/"), ("changed", "/C/T/D/d9/")]

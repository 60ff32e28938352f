"""Places that end: what goes to those in their stead, and that nothing of before is another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from server.domain import problems
from server.domain.access import Caller, Grant, GrantKind
from server.domain.calendar import DayKind, DayMark
from server.domain.imports import ImportRefused
from server.domain.periods import month_of, week_of
from server.domain.places import Standing
from server.domain.postings import Posting
from server.domain.problems import Problem
from server.services import judging, merging, place_changes, reports, visits
from server.services.changing import Changed
from server.services.deployment import Deployment
from server.storage import accounts, people, register
from server.storage import tables as t
from server.storage import visits as visit_rows
from tests.domain.county import d
from tests.domain.effort import effort
from tests.factories import sent, take_in, visit_id
from tests.services import facts
from tests.services.test_judging import from_scratch, stored, wipe

NOW = datetime(2018, 11, 20, 4, tzinfo=UTC)
AUTUMN = (d("09-10"), d("12-31"))
ON = d("11-14")  # a Wednesday, the day before the study day
ADMIN = Caller("boss", "boss", grants=(Grant(GrantKind.ADMIN, "C"),))
POINTS = {"d1": (37.80, 117.00), "d2": (37.81, 117.01), "d3": (37.82, 117.02), "e1": (37.90, 117.10)}


@pytest.fixture
def county(deployment: Deployment) -> Deployment:
    """p is the envoy of d2, q of d3; r the secretary of D, s of E; p has checked in before and after."""
    settle(deployment)
    return deployment


def settle(deployment: Deployment) -> None:
    facts.county(deployment, ("boss", "p", "q", "r", "s"))
    with deployment.database.write() as connection:
        accounts.open_accounts(connection, ["boss"], NOW)
        accounts.add_grant(connection, "boss", ADMIN.grants[0], "command-line", NOW)
        for code, point in POINTS.items():
            standing = register.tree(connection)[code].standings[0]
            register.put_standing(connection, code, replace(standing, points=(point,)))
        register.bump(connection)
    facts.post(
        deployment,
        Posting("p", "envoy", "d2", d("09-03")),
        Posting("q", "envoy", "d3", d("09-03")),
        Posting("r", "district-secretary", "D", d("09-03"), None, 3),
        Posting("s", "district-secretary", "E", d("09-03"), None, 2),
    )
    for day in ("10-10", "11-07", "11-13", "11-15", "11-21"):
        facts.visited(deployment, "p", "d2", d(day), "study", imported=True)
    judging.ensure_judged(deployment, *AUTUMN)


def merge(deployment: Deployment, code: str, into: str, on: date = ON, dry_run: bool = False) -> Changed:
    body = {"into": into, "on": on.isoformat()}
    return merging.merge_places(deployment, ADMIN, code, body, NOW, dry_run)


def split(deployment: Deployment, code: str, into: Any, on: date = ON, postings: Any = ()) -> Changed:
    body = {"into": into, "on": on.isoformat(), "postings": list(postings)}
    return merging.split_place(deployment, ADMIN, code, body, NOW, False)


def printed(deployment: Deployment, first: date, last: date) -> list[str]:
    """The attendance report, as the command prints its rows."""
    rows = reports.attendance_rows(deployment, first, last, NOW)
    return [",".join(map(str, row)) for row in rows]


def postings(deployment: Deployment, person: str) -> list[tuple[str, date, date | None]]:
    with deployment.database.read() as connection:
        held = people.postings_of(connection, [person]).get(person, [])
    return sorted((p.place, p.start, p.end) for p in held)


def places(deployment: Deployment, person: str) -> dict[date, str]:
    c = t.visit.c
    with deployment.database.read() as connection:
        rows = connection.execute(select(c.day, c.place).where(c.person == person))
        return {row.day: row.place for row in rows}


def refused(call: Callable[[], object]) -> tuple[str, list[tuple[str, str]]]:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value.kind.code, [(error.pointer, error.code) for error in caught.value.errors]


def test_postings_end_the_day_before_and_go_on_at_the_other(county: Deployment) -> None:
    done = merge(county, "d2", "d3")
    assert postings(county, "p") == [("d2", d("09-03"), d("11-13")), ("d3", ON, None)]
    assert postings(county, "q") == [("d3", d("09-03"), None)]
    assert [seen.code for seen in done.result.successors] == ["d3"]
    assert stored(county) == from_scratch(county)


def test_who_holds_the_role_there_already_gets_no_second_posting(county: Deployment) -> None:
    facts.post(county, Posting("p", "envoy", "d3", d("12-01"), d("12-31")))
    merge(county, "d2", "d3")
    assert postings(county, "p") == [
        ("d2", d("09-03"), d("11-13")), ("d3", ON, d("11-30")), ("d3", d("12-01"), d("12-31")),
        ("d3", date(2019, 1, 1), None),
    ]  # fmt: skip
    assert stored(county) == from_scratch(county)


def test_a_posting_that_has_not_begun_begins_at_the_other(county: Deployment) -> None:
    facts.post(county, Posting("s", "envoy", "d2", d("12-03")))
    merge(county, "d2", "d3")
    assert postings(county, "s") == [("E", d("09-03"), None), ("d3", d("12-03"), None)]


def test_later_visits_go_to_the_other_and_keep_what_was_decided(county: Deployment) -> None:
    done = merge(county, "d2", "d3")
    assert places(county, "p") == {
        d("10-10"): "d2", d("11-07"): "d2", d("11-13"): "d2", d("11-15"): "d3", d("11-21"): "d3"
    }  # fmt: skip
    assert [(v.before.place, v.after.place) for v in done.compared.visits] == [("d2", "d3")] * 2
    found = {(o.duty, o.window): o for o in stored(county).values() if o.person == "p" and o.place == "d3"}
    assert found[("envoy-study-day", "2018-11")].verdict == "met"
    assert ("envoy-weekly-visit", "2018-W46") not in found  # began in the middle of it


def test_a_phone_that_still_names_the_old_village_is_understood(county: Deployment) -> None:
    merge(county, "d2", "d3")
    noon = datetime(2018, 11, 20, 3, 59, tzinfo=UTC)
    late = visits.check_in(county, "p", sent(1, noon, "d2", POINTS["d3"]), (), NOW)
    assert (late.visit.asked_place, late.visit.place) == ("d2", "d3")
    early = visits.check_in(county, "p", sent(2, noon.replace(day=12), "d2", POINTS["d2"]), (), NOW)
    assert early.visit.place == "d2"


def test_a_record_that_comes_in_a_file_with_the_old_code_is_stored_at_the_other(county: Deployment) -> None:
    merge(county, "d2", "d3")
    row = f"{visit_id(7)} p d2 visit 2018-11-22T10:00:00+08:00 - - - confirmed"
    take_in(county, "visits", row)
    with county.database.read() as connection:
        visit = visit_rows.find(connection, visit_id(7))
    assert visit is not None
    assert (visit.place, visit.path, visit.asked_place) == ("d3", "/C/T/D/d3/", "d2")


def test_a_file_of_before_does_not_bring_the_ended_place_back(county: Deployment) -> None:
    merge(county, "E", "D")
    with pytest.raises(ImportRefused) as caught:
        take_in(county, "places", "e2 e2 village E - - - -")
    assert [(cell.column, cell.code) for cell in caught.value.cells] == [("parent", "place-ended")]


def test_a_file_of_before_does_not_bring_back_a_posting_that_ended_with_its_place(county: Deployment) -> None:
    merge(county, "d2", "d3")
    with pytest.raises(ImportRefused) as caught:
        take_in(county, "postings", "p envoy d2 2018-09-03 - -")
    assert [(cell.column, cell.code) for cell in caught.value.cells] == [("end", "place-ended")]


def test_a_merged_district_s_villages_and_central_village_follow(county: Deployment) -> None:
    merge(county, "E", "D")
    with county.database.read() as connection:
        tree = register.tree(connection)
    assert tree.villages_in("D", ON) == ("d1", "d2", "d3", "e1", "e2")
    assert tree.villages_in("E", d("11-13")) == ("e1", "e2")
    assert postings(county, "s") == [("D", ON, None), ("E", d("09-03"), d("11-13"))]
    november = {(o.person, o.place) for o in stored(county).values() if o.window == "2018-12" and "round" in o.duty}
    assert november == {(who, village) for who in "rs" for village in ("d1", "d2", "d3", "e1", "e2")}
    assert stored(county) == from_scratch(county)


def test_a_central_village_becomes_the_other(county: Deployment) -> None:
    merge(county, "d1", "d2")
    with county.database.read() as connection:
        tree = register.tree(connection)
    assert [tree.central_village("D", day) for day in (d("11-13"), ON)] == ["d1", "d2"]
    office = {
        o.window: o.place for o in stored(county).values() if o.duty == "secretary-office-day" and o.person == "r"
    }
    assert (office["2018-W45"], office["2018-W46"], office["2018-W47"]) == ("d1", "d2", "d2")
    assert stored(county) == from_scratch(county)


def test_one_that_ended_before_the_other_leads_on_to_where_that_went(county: Deployment) -> None:
    merge(county, "d2", "d3")
    merge(county, "d3", "d1", d("11-20"))
    assert places(county, "p")[d("11-15")] == "d3"
    assert places(county, "p")[d("11-21")] == "d1"
    assert stored(county) == from_scratch(county)


@pytest.mark.parametrize(
    ("code", "into", "pointer", "why"),
    [
        ("d2", "d2", "/into", "inconsistent"),
        ("d2", "D", "/into", "other-level"),
        ("d2", "f1", "/into", "other-township"),
        ("D", "F", "/into", "other-township"),
        ("d1", "e2", "/into", "successor-elsewhere"),
        ("d2", "nowhere", "/into", "not-exist"),
        ("C", "T", "", "no-merger"),
    ],
)
def test_what_does_not_fit_is_refused(county: Deployment, code: str, into: str, pointer: str, why: str) -> None:
    assert refused(lambda: merge(county, code, into)) == ("invalid", [(pointer, why)])


def test_what_has_ended_does_not_end_again_nor_take_another_in(county: Deployment) -> None:
    merge(county, "d2", "d3")
    assert refused(lambda: merge(county, "d2", "d1"))[0] == problems.CONFLICT.code
    assert refused(lambda: merge(county, "d1", "d2")) == ("invalid", [("/into", "place-ended")])


def test_trying_it_out_answers_the_same_and_does_nothing(county: Deployment) -> None:
    before = stored(county)
    tried = merge(county, "d2", "d3", dry_run=True)
    assert (stored(county), postings(county, "p")) == (before, [("d2", d("09-03"), None)])
    done = merge(county, "d2", "d3")
    assert (tried.compared, tried.result) == (done.compared, done.result)
    assert done.compared.total > 0


PARTS = [
    {"code": "x", "name": "东村", "points": [[37.81, 117.01]]},
    {"code": "y", "name": "西村", "points": [[37.81, 116.9]]},
]


def test_a_village_is_split_and_each_visit_goes_to_the_nearest(county: Deployment) -> None:
    facts.visited(county, "p", "d2", d("11-16"), latitude=37.811, longitude=116.91, decided=True)
    split(county, "d2", PARTS, postings=[{"person": "p", "role": "envoy", "to": "y"}])
    assert postings(county, "p") == [("d2", d("09-03"), d("11-13")), ("y", ON, None)]
    found = places(county, "p")
    assert (found[d("11-13")], found[d("11-15")], found[d("11-16")]) == ("d2", "x", "y")
    with county.database.read() as connection:
        tree = register.tree(connection)
    assert tree.villages_in("D", d("11-13")) == ("d1", "d2", "d3")
    assert tree.villages_in("D", ON) == ("d1", "d3", "x", "y")
    assert stored(county) == from_scratch(county)


def test_a_posting_may_go_on_at_several_and_others_end(county: Deployment) -> None:
    facts.post(county, Posting("q", "envoy", "d2", d("10-01")))
    split(county, "d2", PARTS, postings=[{"person": "p", "role": "envoy", "to": to} for to in ("x", "y")])
    assert postings(county, "p")[1:] == [("x", ON, None), ("y", ON, None)]
    assert postings(county, "q") == [("d2", d("10-01"), d("11-13")), ("d3", d("09-03"), None)]
    assert stored(county) == from_scratch(county)


def test_a_district_is_split_with_its_villages(county: Deployment) -> None:
    parts = [
        {"code": "X", "name": "甲管区"},
        {"code": "Y", "name": "乙管区", "inside": ["d3"], "central_village": "d3"},
    ]
    split(county, "D", parts, postings=[{"person": "r", "role": "district-secretary", "to": "X"}])
    with county.database.read() as connection:
        tree = register.tree(connection)
    assert (tree.villages_in("X", ON), tree.villages_in("Y", ON)) == (("d1", "d2"), ("d3",))
    assert (tree.central_village("X", ON), tree.central_village("Y", ON)) == ("d1", "d3")
    assert stored(county) == from_scratch(county)


@pytest.mark.parametrize(
    ("change", "pointer", "why"),
    [
        ({"into": [PARTS[0], PARTS[0]]}, "/into/1/code", "duplicate-code"),
        ({"postings": [{"person": "q", "role": "envoy", "to": "x"}]}, "/postings/0/person", "not-held"),
        ({"postings": [{"person": "p", "role": "envoy", "to": "d1"}]}, "/postings/0/to", "unknown-place"),
        ({"into": [{**PARTS[0], "inside": ["d1"]}, PARTS[1]]}, "/into/0/inside/0", "not-inside"),
        ({"into": [PARTS[0], {**PARTS[1], "central_village": "d1"}]}, "/into/1", "central-not-district"),
        ({"into": [PARTS[0], {**PARTS[1], "points": [[117.0, 37.0]]}]}, "/into/1/points/0", "not-on-earth"),
    ],
)
def test_a_split_that_does_not_fit_is_refused(county: Deployment, change: Any, pointer: str, why: str) -> None:
    body = {"into": PARTS, "postings": (), **change}
    kind, errors = refused(lambda: split(county, "d2", body["into"], postings=body["postings"]))
    assert (kind, errors[0]) == ("invalid", (pointer, why))


def test_a_part_with_a_code_that_is_taken_is_a_conflict(county: Deployment) -> None:
    assert refused(lambda: split(county, "d2", [PARTS[0], {**PARTS[1], "code": "d3"}]))[0] == "conflict"


def test_only_those_whom_it_touches_are_judged_again(county: Deployment) -> None:
    before = marked(county)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "work_off", lambda *_, **__: 0)
        merge(county, "d2", "d3")
    assert marked(county) - before == {"p", "r"}


def marked(deployment: Deployment) -> set[str]:
    with deployment.database.read() as connection:
        return set(connection.scalars(select(t.stale_span.c.person)))


# Whatever the county is like, nothing before the day is another

CODES = ["d1", "d2", "d3", "e1", "e2", "D", "E"]
DAYS = st.integers(0, 100).map(lambda n: date.fromordinal(AUTUMN[0].toordinal() + n))


def some_county(deployment: Deployment, random: Random) -> None:
    def day() -> date:
        return date.fromordinal(AUTUMN[0].toordinal() + random.randrange(100))

    settle(deployment)
    for _ in range(random.randrange(4)):
        code, since = random.choice(["d1", "d2", "e2"]), day()
        with deployment.database.read() as connection:
            known = [s.since for s in register.tree(connection)[code].standings]
        if since not in known:
            facts.change_place(deployment, code, Standing(since, random.choice(["D", "E"])))
    for _ in range(random.randrange(4)):
        role, place = random.choice(
            [("envoy", "d2"), ("envoy", "e2"), ("district-secretary", "E"), ("paired-leader", "T")]
        )
        start = day()
        end = random.choice([None, date.fromordinal(start.toordinal() + random.randrange(40))])
        if not any((at, role) == (place, role) for at, _, _ in postings(deployment, "boss")):
            facts.post(deployment, Posting("boss", role, place, start, end, 3 if role.startswith("d") else None))
    for _ in range(random.randrange(6)):
        kind, at = random.choice(list(DayKind)), random.choice([*CODES, "T", ""])
        mark = DayMark(day(), kind, at)
        with deployment.database.read() as connection:
            taken = {(m.day, m.place) for m in register.marks(connection)}
        if (mark.day, mark.place) not in taken:
            facts.mark(deployment, mark)
    for _ in range(random.randrange(12)):
        person, at = random.choice("pqrs"), random.choice([*CODES, "f1"])
        activity, status = (
            random.choice(["visit", "study", "office"]),
            random.choice(["confirmed", "review", "rejected"]),
        )
        facts.visited(deployment, person, at, day(), activity, status, imported=random.random() < 0.5)


@settings(effort(12), suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32 - 1), DAYS, st.booleans())
def test_every_window_that_ends_before_prints_the_same_bytes(
    deployment: Deployment, seed: int, on: date, merges: bool
) -> None:
    wipe(deployment)
    random = Random(seed)
    some_county(deployment, random)
    judging.ensure_judged(deployment, *AUTUMN)
    code = random.choice(CODES)
    try:
        with deployment.database.read() as connection:
            tree = register.tree(connection)
        before = {key: o for key, o in stored(deployment).items() if o.due_on < on}
        lines = printed(deployment, AUTUMN[0], date.fromordinal(on.toordinal() - 1))
        if merges:
            into = random.choice([c for c in CODES if tree[c].level is tree[code].level and c != code])
            merge(deployment, code, into, on)
        else:
            split(deployment, code, PARTS, on)
    except Problem:
        return  # not every change fits every county
    after = printed(deployment, AUTUMN[0], date.fromordinal(on.toordinal() - 1))
    ended = {o.window for o in before.values() if last_of(o.window) < on}
    assert [line for line in lines if line.split(",")[3] in ended] == [x for x in after if x.split(",")[3] in ended]
    assert stored(deployment) == from_scratch(deployment)


def last_of(label: str) -> date:
    if "W" in label:
        return week_of(date.fromisocalendar(int(label[:4]), int(label[6:]), 1)).last
    return month_of(date.fromisoformat(f"{label}-01")).last


def test_who_named_a_district_goes_where_its_central_village_goes_though_the_one_before_had_ended(
    county: Deployment,
) -> None:
    def becomes_central(village: str, since: str) -> None:
        body = {"central_village": village, "from": since}
        place_changes.amend(county, ADMIN, "D", body, NOW, False)

    becomes_central("d3", "2018-11-01")
    merge(county, "d1", "d2")
    becomes_central("d1", "2018-11-12")  # which stood then
    noon = datetime(2018, 11, 16, 4, tzinfo=UTC)
    answer = visits.check_in(county, "r", sent(1, noon, "D", POINTS["d2"]), (), NOW)
    assert answer.visit.place == "d2"
    becomes_central("d3", "2018-11-15")
    assert places(county, "r") == {noon.date(): "d3"}


def test_who_named_a_district_goes_along_with_the_village_also_once_the_district_has_no_central_one(
    county: Deployment,
) -> None:
    noon = datetime(2018, 11, 16, 4, tzinfo=UTC)
    there = visits.check_in(county, "r", sent(1, noon, "D", POINTS["d2"]), (), NOW).visit.place
    place_changes.amend(county, ADMIN, "D", {"central_village": None, "from": "2018-11-01"}, NOW, False)
    assert places(county, "r") == {noon.date(): there}
    merge(county, there, "d2")
    assert places(county, "r") == {noon.date(): "d2"}


def test_no_two_places_take_each_others_stead(county: Deployment) -> None:
    merge(county, "d1", "d2", d("11-15"))
    merge(county, "d2", "d3", d("11-16"))
    ended = ("invalid", [("/into", "place-ended")])
    assert refused(lambda: merge(county, "d3", "d2", d("11-10"))) == ended
    assert refused(lambda: merge(county, "d3", "d1", d("11-10"))) == ended

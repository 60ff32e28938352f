"""Files taken in: what is refused, what is changed, and that everything that rests on it follows."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import select

from server.domain import imports as files
from server.domain.duties import Activity
from server.domain.imports import ImportRefused, Kind, Table
from server.services import imports, judging, visits
from server.services.deployment import Deployment
from server.services.imports import Outcome
from server.storage import keys, people, register
from server.storage import tables as t
from server.storage import visits as visit_rows
from tests import factories
from tests.factories import (
    DISTRICT,
    DONGZHAO,
    HERE,
    JINJIA,
    LELING,
    MUTOUWANG,
    NOW,
    TOWN,
    TOWN_DISTRICT,
    XIDUAN,
    ZHENXING,
    place_row,
    sent,
    visit_id,
)

TODAY = date(2018, 11, 20)
CARD = "018c5c2e-7d11-7c3a-9f00-00000000c0de"
OLD_CARD = "018c5c2e-7d11-7c3a-9f00-00000000feed"


@pytest.fixture
def county(deployment: Deployment) -> Deployment:
    """The corner of the county, with its people and their postings."""
    factories.settle(deployment)
    return deployment


def take_in(deployment: Deployment, kind: Kind, *lines: str, work: bool = True, **given: Any) -> Outcome:
    """Imports rows written with blanks between cells, `-` for an empty one."""
    rows = [(number, ["" if cell == "-" else cell for cell in line.split()]) for number, line in enumerate(lines, 2)]
    parsed = files.parse(kind, Table(files.columns(kind), rows))
    done = imports.import_rows(deployment, kind, parsed, actor="command-line", now=NOW, **given)
    if work:
        imports.work_off(deployment, NOW)
    return done


def refused(deployment: Deployment, kind: Kind, *lines: str, **given: Any) -> list[tuple[int, str, str]]:
    """Row, column and code of every bad cell; nothing may be stored."""
    before = everything(deployment)
    with pytest.raises(ImportRefused) as caught:
        take_in(deployment, kind, *lines, **given)
    assert everything(deployment) == before
    return [(cell.row, cell.column, cell.code) for cell in caught.value.cells]


def counts(done: Outcome) -> tuple[int, int, int, int]:
    return done.created, done.updated, done.removed, done.unchanged


def table(deployment: Deployment, which: Any) -> list[tuple[Any, ...]]:
    with deployment.database.read() as connection:
        return [tuple(row) for row in connection.execute(select(which).order_by(*which.primary_key))]


def everything(deployment: Deployment) -> dict[str, list[tuple[Any, ...]]]:
    return {each.name: table(deployment, each) for each in t.metadata.sorted_tables}


def line_of(code: str, **changed: str) -> str:
    """A place's row with some cells changed."""
    values = dict(zip(files.columns("places"), place_row(code).split(), strict=True))
    return " ".join((values | changed).values())


# What is refused


@pytest.mark.parametrize(
    ("line", "column", "code"),
    [
        pytest.param(line_of(DONGZHAO, parent="nowhere"), "parent", "unknown-place", id="unknown parent"),
        pytest.param(line_of(DONGZHAO, parent=LELING), "parent", "parent-of-village", id="a village in a county"),
        pytest.param(line_of(DONGZHAO, parent=JINJIA), "parent", "parent-of-village", id="a village in a village"),
        pytest.param(line_of(DONGZHAO, parent=DONGZHAO), "parent", "parent-of-village", id="a village in itself"),
        pytest.param(line_of(DISTRICT, parent=LELING), "parent", "parent-of-district", id="a district in a county"),
        pytest.param(line_of(XIDUAN, parent=TOWN), "parent", "parent-of-township", id="a township in a township"),
        pytest.param(line_of(LELING, parent=XIDUAN), "parent", "parent-of-county", id="a county in its township"),
        pytest.param(line_of(DISTRICT, central_village="no"), "central_village", "unknown-place", id="unknown centre"),
        pytest.param(line_of(DISTRICT, central_village=ZHENXING), "central_village", "central-outside", id="outside"),
        pytest.param(line_of(DISTRICT, central_village=XIDUAN), "central_village", "central-not-village", id="centre"),
        pytest.param(line_of(TOWN, central_village=DONGZHAO), "central_village", "central-not-district", id="town"),
        pytest.param(line_of(MUTOUWANG, parent=TOWN_DISTRICT), "parent", "central-leaves", id="the centre moves away"),
        pytest.param(line_of(XIDUAN, level="village", parent=DISTRICT), "level", "level-children", id="level too low"),
        pytest.param(line_of(DONGZHAO, radius_m="0.5"), "radius_m", "range", id="a radius of half a metre"),
    ],
)  # fmt: skip
def test_a_place_that_does_not_fit_is_refused(county: Deployment, line: str, column: str, code: str) -> None:
    assert (2, column, code) in refused(county, "places", line)


@pytest.mark.parametrize(
    ("line", "column", "code"),
    [
        pytest.param(f"nobody envoy {DONGZHAO} 2018-10-01 - -", "person", "unknown-person", id="unknown person"),
        pytest.param("idle envoy nowhere 2018-10-01 - -", "place", "unknown-place", id="unknown place"),
        pytest.param(f"idle envoy {XIDUAN} 2018-10-01 - -", "place", "role-needs-village", id="envoy of a township"),
        pytest.param(f"idle first-secretary {XIDUAN} 2018-10-01 - -", "place", "role-needs-village", id="first"),
        pytest.param(f"idle district-secretary {JINJIA} 2018-10-01 - 2", "place", "role-needs-district", id="district"),
        pytest.param(f"idle paired-leader {LELING} 2018-10-01 - -", "place", "role-needs-township", id="leader"),
        pytest.param(f"owner envoy {DONGZHAO} 2018-09-01 2018-09-03 -", "start", "overlap-stored", id="one day shared"),
        pytest.param(f"owner envoy {DONGZHAO} 2019-01-01 - -", "start", "overlap-stored", id="inside an open posting"),
    ],
)  # fmt: skip
def test_a_posting_that_does_not_fit_is_refused(county: Deployment, line: str, column: str, code: str) -> None:
    assert refused(county, "postings", line) == [(2, column, code)]


def test_postings_that_overlap_in_the_file_are_both_named(county: Deployment) -> None:
    lines = (f"idle envoy {JINJIA} 2018-10-01 2018-10-31 -", f"idle envoy {JINJIA} 2018-10-31 - -")
    with pytest.raises(ImportRefused) as caught:
        take_in(county, "postings", *lines)
    (cell,) = caught.value.cells
    assert (cell.row, cell.column, cell.code) == (3, "start", "overlap-in-file")
    assert cell.params == {"row": 2, "start": "2018-10-01", "end": "2018-10-31"}


def test_a_seconded_cadre_may_be_posted_anywhere(county: Deployment) -> None:
    lines = [f"idle seconded-cadre {place} 2018-10-01 - -" for place in (LELING, XIDUAN, DISTRICT, DONGZHAO)]
    assert counts(take_in(county, "postings", *lines)) == (4, 0, 0, 0)


def test_postings_may_change_places_in_one_file(county: Deployment) -> None:
    """What would overlap with the stored row does not with the row as the file has it."""
    lines = (f"owner envoy {DONGZHAO} 2018-09-03 2018-10-31 -", f"owner envoy {DONGZHAO} 2018-11-01 - -")
    assert counts(take_in(county, "postings", *lines)) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("kind", "line", "column", "code"),
    [
        ("leave", "nobody 2018-10-01 2018-10-02 annual -", "person", "unknown-person"),
        ("days", "2018-10-01 off nowhere", "place", "unknown-place"),
        ("visits", f"{CARD} nobody {DONGZHAO} visit 2018-11-01T10:00:00Z - - - review", "person", "unknown-person"),
        ("visits", f"{CARD} owner nowhere visit 2018-11-01T10:00:00Z - - - review", "place", "unknown-place"),
    ],
)
def test_what_nobody_knows_is_refused(county: Deployment, kind: Kind, line: str, column: str, code: str) -> None:
    assert refused(county, kind, line) == [(2, column, code)]


def test_a_check_in_from_a_phone_is_not_overwritten(county: Deployment) -> None:
    visits.check_in(county, "owner", sent(1, NOW), [], NOW)
    line = f"{visit_id(1)} owner {DONGZHAO} visit 2018-11-01T10:00:00Z - - - confirmed"
    assert refused(county, "visits", line) == [(2, "id", "visit-not-imported")]


def test_every_bad_row_is_listed_and_nothing_of_the_file_is_stored(county: Deployment) -> None:
    good = [f"v{n} 村{n} village {DISTRICT} - - - -" for n in range(1000)]
    bad = [*good[:500], "w1 村 village nowhere - - - -", *good[500:], "w2 村 village w1 - - - -"]
    assert refused(county, "places", *bad) == [(502, "parent", "unknown-place"), (1003, "parent", "parent-of-village")]


# What is stored


def test_parents_may_come_after_their_children(deployment: Deployment) -> None:
    lines = ["v 村 village d - - - -", "d 管区 district t - - - v", "t 乡 township c - - - -", "c 县 county - - - - -"]
    assert counts(take_in(deployment, "places", *lines)) == (4, 0, 0, 0)
    with deployment.database.read() as connection:
        assert register.tree(connection).path("v", date(1950, 1, 1)) == "/c/t/d/v/"


def test_a_township_without_districts_holds_villages_itself(county: Deployment) -> None:
    assert counts(take_in(county, "places", f"v 村 village {TOWN} - - - -")) == (1, 0, 0, 0)


def test_a_place_stands_otherwise_from_the_day_on_and_before_as_it_was(county: Deployment) -> None:
    moved = line_of(DONGZHAO, parent=TOWN_DISTRICT)
    assert counts(take_in(county, "places", moved, since=date(2018, 11, 1))) == (0, 1, 0, 0)
    with county.database.read() as connection:
        tree = register.tree(connection)
    assert tree.lies_in(DONGZHAO, XIDUAN, date(2018, 10, 31))
    assert tree.lies_in(DONGZHAO, TOWN, date(2018, 11, 1))
    assert counts(take_in(county, "places", moved, since=date(2018, 12, 1))) == (0, 0, 0, 1)


def test_a_place_corrected_twice_on_a_day_stands_as_the_last_file_says(county: Deployment) -> None:
    take_in(county, "places", line_of(DONGZHAO, radius_m="200"))
    take_in(county, "places", line_of(DONGZHAO, radius_m="300"))
    with county.database.read() as connection:
        standings = register.tree(connection)[DONGZHAO].standings
    assert [(s.since, s.radius_m) for s in standings] == [(date.min, None), (TODAY, 300)]


def test_a_name_is_not_dated(county: Deployment) -> None:
    take_in(county, "places", line_of(DONGZHAO, name="东赵家村"))
    with county.database.read() as connection:
        place = register.tree(connection)[DONGZHAO]
    assert place.name == "东赵家村"
    assert len(place.standings) == 1


def test_an_outline_stays_when_a_position_is_corrected(county: Deployment) -> None:
    outline = '{"type":"Polygon","coordinates":[]}'
    with county.database.write() as connection:
        tree = register.tree(connection)
        register.put_standing(connection, DONGZHAO, replace(tree[DONGZHAO].standings[0], polygon=outline))
        register.bump(connection)
    take_in(county, "places", line_of(DONGZHAO, latitude="37.9"))
    with county.database.read() as connection:
        assert [s.polygon for s in register.tree(connection)[DONGZHAO].standings] == [outline, outline]


def test_an_empty_position_keeps_the_one_on_file(county: Deployment) -> None:
    """A position taken from a visit since is not lost when the old file comes again."""
    nowhere = f"v1 新村 village {DISTRICT} - - - -"
    take_in(county, "places", nowhere)
    with county.database.write() as connection:
        standing = register.tree(connection)["v1"].standings[0]
        register.put_standing(connection, "v1", replace(standing, points=(HERE,)))
        register.bump(connection)
    assert counts(take_in(county, "places", nowhere)) == (0, 0, 0, 1)
    assert counts(take_in(county, "places", nowhere.replace("- - - -", "- - 300 -"))) == (0, 1, 0, 0)
    with county.database.read() as connection:
        assert {s.points for s in register.tree(connection)["v1"].standings} == {(HERE,)}


def test_a_file_that_names_the_first_of_several_points_keeps_them_all(county: Deployment) -> None:
    several = (HERE, (37.8, 117.0))
    with county.database.write() as connection:
        standing = register.tree(connection)[DONGZHAO].standings[0]
        register.put_standing(connection, DONGZHAO, replace(standing, points=several))
        register.bump(connection)
    assert counts(take_in(county, "places", line_of(DONGZHAO))) == (0, 0, 0, 1)
    assert counts(take_in(county, "places", line_of(DONGZHAO, latitude="37.9"))) == (0, 1, 0, 0)
    with county.database.read() as connection:
        assert [len(s.points) for s in register.tree(connection)[DONGZHAO].standings] == [2, 1]


@pytest.mark.parametrize("crs", ["gcj02", "bd09"])
def test_positions_of_another_datum_are_stored_in_ours(county: Deployment, crs: str) -> None:
    from server.adapters import datum, geodesy

    latitude, longitude = datum.from_wgs84(*HERE, crs)
    take_in(county, "places", line_of(DONGZHAO, latitude=f"{latitude:.7f}", longitude=f"{longitude:.7f}"), crs=crs)
    row = f"{CARD} owner {DONGZHAO} visit 2018-11-01T10:00:00Z {latitude:.7f} {longitude:.7f} 10 confirmed"
    take_in(county, "visits", row, crs=crs)
    with county.database.read() as connection:
        point = register.tree(connection)[DONGZHAO].standings[-1].points[0]
        visit = visit_rows.find(connection, CARD)
    assert visit is not None
    assert visit.point is not None
    assert geodesy.distance_m(*point, *HERE) < 0.1
    assert geodesy.distance_m(*visit.point, *HERE) < 0.1
    assert (visit.crs, visit.raw_latitude) == (crs, float(f"{latitude:.7f}"))


FILES: list[tuple[Kind, list[str]]] = [
    ("places", [f"v1 新村 village {DISTRICT} 37.8 117.0 400 -", line_of(JINJIA, name="靳家"), line_of(DONGZHAO)]),
    ("people", ["new 新同志 13900000099 市编办", "idle 闲同志 - -"]),
    ("postings", [f"idle envoy {JINJIA} 2018-10-01 - -", f"owner envoy {DONGZHAO} 2018-09-03 2018-12-31 -"]),
    ("leave", ["owner 2018-10-08 2018-10-12 annual note", "owner 2018-10-08 2018-10-12 sick -"]),
    ("days", [f"2018-10-09 off {XIDUAN}", "2018-10-10 work -", f"2018-10-10 closed {DONGZHAO}"]),
    ("visits", [f"{CARD} owner {DONGZHAO} visit 2018-11-01T10:00:00+08:00 37.8 117.0 10 confirmed"]),
]


@pytest.mark.parametrize(("kind", "lines"), FILES, ids=[kind for kind, _ in FILES])
def test_the_same_file_again_changes_nothing_at_all(county: Deployment, kind: Kind, lines: list[str]) -> None:
    judging.ensure_judged(county, date(2018, 9, 1), date(2018, 11, 30))
    first = take_in(county, kind, *lines)
    assert first.created + first.updated == len(first.lines) > 0
    before = everything(county)
    again = take_in(county, kind, *lines, work=False)
    assert counts(again) == (0, 0, 0, len(lines))
    assert everything(county) == before


@pytest.mark.parametrize(("kind", "lines"), FILES, ids=[kind for kind, _ in FILES])
def test_a_dry_run_says_the_same_and_stores_nothing(county: Deployment, kind: Kind, lines: list[str]) -> None:
    before = everything(county)
    tried = take_in(county, kind, *lines, work=False, dry_run=True)
    assert everything(county) == before
    assert tried == take_in(county, kind, *lines)


@pytest.mark.parametrize(
    ("kind", "old", "new", "before", "after", "path"),
    [
        ("postings", f"idle envoy {JINJIA} 2018-10-01 - -", f"idle envoy {JINJIA} 2018-10-01 2018-10-31 -",
         {"end": None}, {"end": "2018-10-31"}, f"/{LELING}/{XIDUAN}/{DISTRICT}/{JINJIA}/"),
        ("days", "2018-10-09 off -", "2018-10-09 work -", {"kind": "off"}, {"kind": "work"}, ""),
        ("days", f"2018-10-09 off {XIDUAN}", f"2018-10-09 work {XIDUAN}", {"kind": "off"}, {"kind": "work"},
         f"/{LELING}/{XIDUAN}/"),
        ("visits", f"{CARD} owner {DONGZHAO} visit 2018-11-01T10:00:00Z - - - review",
         f"{CARD} owner {DONGZHAO} visit 2018-11-01T10:00:00Z - - - confirmed",
         {"status": "review"}, {"status": "confirmed"}, f"/{LELING}/{XIDUAN}/{DISTRICT}/{DONGZHAO}/"),
        ("places", line_of(JINJIA), line_of(JINJIA, name="靳家"), {"name": "靳家村"}, {"name": "靳家"},
         f"/{LELING}/{XIDUAN}/{DISTRICT}/{JINJIA}/"),
    ],
)  # fmt: skip
def test_a_changed_row_is_updated_and_the_change_logged(
    county: Deployment, kind: Kind, old: str, new: str, before: dict[str, Any], after: dict[str, Any], path: str
) -> None:
    take_in(county, kind, old)
    done = take_in(county, kind, new)
    assert counts(done) == (0, 1, 0, 0)
    *_, line = table(county, t.log)
    assert line[2:4] == ("command-line", "changed")
    assert line[6] == {"before": before, "after": after}
    assert line[7] == path


@pytest.mark.parametrize(
    ("kind", "old", "new", "person", "before", "after"),
    [
        ("people", "idle 闲 139001 甲", "idle 闲 139002 甲", "idle", {"phone": "139001"}, {"phone": "139002"}),
        ("leave", "owner 2018-10-08 2018-10-12 sick -", "owner 2018-10-08 2018-10-12 sick why", "owner",
         {"note": ""}, {"note": "why"}),
        ("visits", f"{CARD} owner {DONGZHAO} visit 2018-11-01T10:00:00Z 37.5 117 9 review",
         f"{CARD} owner {DONGZHAO} visit 2018-11-01T10:00:00Z 37.625 117 9 review", "owner",
         {"latitude": 37.5}, {"latitude": 37.625}),
    ],
)  # fmt: skip
def test_what_an_import_changes_about_a_person_is_sealed_with_their_key(
    county: Deployment, kind: Kind, old: str, new: str, person: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    take_in(county, kind, old)
    done = take_in(county, kind, new)
    *_, line = table(county, t.log)
    assert line[6] == {"before": {}, "after": {}}
    assert line[8] == person
    with county.database.read() as connection:
        assert keys.opened(connection, [(line[8], line[9])]) == [{"before": before, "after": after}]
    (row,) = imports.change_rows(done)
    assert [json.loads(cell) for cell in row[3:]] == [before, after]


def test_a_visit_typed_in_for_the_wrong_person_keeps_its_place_out_of_the_right_one_s_line(county: Deployment) -> None:
    take_in(county, "visits", f"{CARD} idle {DONGZHAO} visit 2018-11-01T10:00:00Z 37.5 117 9 confirmed")
    take_in(county, "visits", f"{CARD} owner {DONGZHAO} visit 2018-11-01T10:00:00Z 37.5 117 9 confirmed")
    *_, line = table(county, t.log)
    assert line[6]["before"] == {"person": "idle"}
    with county.database.read() as connection:
        (personal,) = keys.opened(connection, [(line[8], line[9])])
    assert personal is not None
    assert personal["before"] == dict.fromkeys(personal["after"])


def test_none_takes_both_marks_of_the_day_away(county: Deployment) -> None:
    take_in(county, "days", f"2018-10-09 off {XIDUAN}", f"2018-10-09 closed {XIDUAN}", "2018-10-09 work -")
    done = take_in(county, "days", f"2018-10-09 none {XIDUAN}")
    assert counts(done) == (0, 0, 2, 0)
    assert [row[:2] for row in table(county, t.day_mark)] == [(date(2018, 10, 9), "")]
    assert counts(take_in(county, "days", f"2018-10-09 none {XIDUAN}")) == (0, 0, 0, 1)


def test_a_closure_stands_beside_an_off_mark(county: Deployment) -> None:
    take_in(county, "days", f"2018-10-09 off {XIDUAN}")
    assert counts(take_in(county, "days", f"2018-10-09 closed {XIDUAN}")) == (1, 0, 0, 0)
    assert counts(take_in(county, "days", f"2018-10-09 work {XIDUAN}")) == (0, 1, 0, 0)
    assert {row[3] for row in table(county, t.day_mark)} == {"closed", "work"}


def test_leave_of_two_kinds_on_the_same_days_is_two_leaves(county: Deployment) -> None:
    lines = ("owner 2018-10-08 2018-10-12 annual -", "owner 2018-10-08 2018-10-12 sick -")
    assert counts(take_in(county, "leave", *lines)) == (2, 0, 0, 0)


def test_a_decision_by_a_person_outlives_the_file(county: Deployment) -> None:
    row = f"{CARD} owner {{}} visit 2018-11-01T10:00:00Z - - - review"
    take_in(county, "visits", row.format(DONGZHAO))
    with county.database.write() as connection:
        connection.execute(t.visit.update().values(status="confirmed", decided=True))
    assert counts(take_in(county, "visits", row.format(DONGZHAO))) == (0, 0, 0, 1)
    assert counts(take_in(county, "visits", row.format(JINJIA))) == (0, 1, 0, 0)
    with county.database.read() as connection:
        visit = visit_rows.find(connection, CARD)
    assert visit is not None
    assert (visit.place, visit.status, visit.decided) == (JINJIA, "confirmed", True)


@pytest.mark.parametrize("when", ["1950-01-01T00:00:00Z", "2999-12-31T00:00:00Z"])
def test_a_record_may_lie_anywhere_in_time_and_have_no_position(county: Deployment, when: str) -> None:
    take_in(county, "visits", f"{CARD} owner {DONGZHAO} visit {when} - - 30 confirmed")
    with county.database.read() as connection:
        visit = visit_rows.find(connection, CARD)
    assert visit is not None
    assert (visit.point, visit.accuracy_m, visit.findings, visit.imported) == (None, 30, (), True)


def test_a_secretary_without_weekday_or_centre_owes_no_office_day_and_the_import_says_so(county: Deployment) -> None:
    take_in(county, "places", f"bare 管区 district {TOWN} - - - -")
    lines = (f"idle district-secretary {DISTRICT} 2018-10-01 - -", "idle district-secretary bare 2018-10-01 - 3")
    done = take_in(county, "postings", *lines)
    assert [(remark.key, remark.params["row"]) for remark in done.remarks] == [
        ("import.no-office-weekday", 2),
        ("import.no-central-village", 3),
    ]


# What follows


def obligations(deployment: Deployment) -> list[tuple[Any, ...]]:
    return table(deployment, t.obligation)


def findings(deployment: Deployment) -> list[tuple[Any, ...]]:
    c = t.visit.c
    with deployment.database.read() as connection:
        query = select(c.id, c.place, c.path, c.status, c.findings).order_by(c.id)
        return [tuple(row) for row in connection.execute(query)]


SPAN = (date(2018, 9, 1), date(2018, 12, 31))
BEFORE = date(2018, 10, 10)
STEPS: list[tuple[Kind, list[str], date | None]] = [
    ("places", [line_of(DONGZHAO, parent=TOWN_DISTRICT)], BEFORE),
    ("places", [line_of(DONGZHAO, parent=XIDUAN)], BEFORE),
    ("places", [line_of(DISTRICT, central_village=DONGZHAO)], BEFORE),
    ("places", [line_of(DISTRICT, central_village="-")], BEFORE),
    ("places", [line_of(DISTRICT, parent=TOWN)], BEFORE),
    ("places", [f"v1 新村 village {DISTRICT} {HERE[0] + 0.001:.6f} {HERE[1]} - -"], None),
    ("places", [f"d1 新管区 district {XIDUAN} - - - {DONGZHAO}", line_of(DONGZHAO, parent="d1")], BEFORE),
    ("places", [line_of(DONGZHAO, latitude="37.9")], BEFORE),
    ("places", [line_of(JINJIA, latitude=f"{HERE[0]:.6f}", longitude=f"{HERE[1]:.6f}")], BEFORE),
    ("places", [line_of(ZHENXING, latitude=f"{HERE[0]:.6f}", longitude=f"{HERE[1]:.6f}")], BEFORE),
    ("places", [line_of(DONGZHAO, radius_m="5")], BEFORE),
    ("places", [f"d1 新管区 district {XIDUAN} - - - -", line_of(DISTRICT, parent=TOWN)], date(2018, 11, 10)),
    ("postings", [f"owner envoy {DONGZHAO} 2018-09-03 2018-11-14 -"], None),
    ("postings", [f"idle envoy {DONGZHAO} 2018-11-10 - -"], None),
    ("postings", [f"secretary district-secretary {DISTRICT} 2018-09-03 - 5"], None),
    ("postings", [f"secretary district-secretary {DISTRICT} 2018-09-03 2018-11-18 2",
                  f"secretary district-secretary {DISTRICT} 2018-11-19 - 4"], None),
    ("leave", ["owner 2018-10-15 2018-10-21 annual -", "secretary 2018-11-01 2018-11-30 training -"], None),
    ("days", ["2018-10-16 off -", f"2018-10-15 closed {DONGZHAO}", f"2018-11-20 off {DISTRICT}"], None),
    ("days", [f"2018-10-13 work {XIDUAN}", f"2018-11-13 off {LELING}"], None),
    ("days", ["2018-10-30 off -"], None),
    ("days", ["2018-10-23 none -", f"2018-10-23 none {XIDUAN}"], None),
    ("visits", [f"{CARD} owner {DONGZHAO} visit 2018-10-24T10:00:00+08:00 - - - confirmed"], None),
    ("visits", [f"{OLD_CARD} stranger {ZHENXING} visit 2018-11-07T10:00:00+08:00 - - - review"], None),
]  # fmt: skip


def settled(deployment: Deployment) -> Deployment:
    """People have checked in, with and without naming their place, and somebody has asked for the attendance.

    No photos are needed, so that the place and the posting decide.
    """
    deployment = replace(deployment, limits=replace(deployment.limits, photos_needed=dict.fromkeys(Activity, 0)))
    take_in(deployment, "postings", f"stranger envoy {JINJIA} 2018-09-03 - -")  # in two townships
    take_in(deployment, "places", f"lazy 懒乡 township {LELING} - - - -")
    take_in(deployment, "days", "2018-10-23 off -", f"2018-10-23 closed {XIDUAN}")
    card = f"{OLD_CARD} owner {DONGZHAO} study 2018-11-07T10:00:00+08:00 - - - confirmed"
    take_in(deployment, "visits", card)
    number = 0
    for person in ("owner", "secretary", "leader", "stranger", "idle", "inside"):
        for day in range(0, 60, 14):
            at = NOW - timedelta(days=day)
            for place, activity in ((None, "visit"), (DONGZHAO, "study"), (DISTRICT, "office")):
                number += 1
                at += timedelta(minutes=30)
                visits.check_in(deployment, person, sent(number, at, place, activity=activity), [], at)
    judging.ensure_judged(deployment, *SPAN)
    return deployment


@pytest.mark.parametrize(
    "steps",
    [[step] for step in STEPS] + [STEPS[::3], STEPS[::-4]],
    ids=lambda steps: f"{len(steps)}-from-{STEPS.index(steps[0])}",
)
def test_marking_what_an_import_touches_gives_what_working_everything_out_again_gives(
    county: Deployment, steps: Sequence[tuple[Kind, list[str], date | None]]
) -> None:
    county = settled(county)
    untouched = obligations(county), findings(county)
    for kind, lines, since in steps:
        try:
            take_in(county, kind, *lines, since=since)
        except ImportRefused:
            assert len(steps) > 1  # a step may not fit after another
    assert not table(county, t.stale_span)
    assert not table(county, t.stale_visit)
    found = obligations(county), findings(county)
    assert found != untouched

    with county.database.write() as connection:
        everyone = [id_ for (id_,) in connection.execute(select(t.visit.c.id))]
        visit_rows.mark_stale(connection, everyone, "test")
    imports.work_off(county, NOW)
    judging.rebuild(county, *SPAN)
    assert (obligations(county), findings(county)) == found


def test_records_taken_in_the_wrong_datum_are_corrected_by_the_same_file_in_the_right_one(county: Deployment) -> None:
    line = f"{CARD} owner {DONGZHAO} visit 2018-10-24T10:00:00+08:00 {HERE[0]} {HERE[1]} 10 confirmed"
    take_in(county, "visits", line)
    assert counts(take_in(county, "visits", line, crs="gcj02")) == (0, 1, 0, 0)
    found = visits.find(county, CARD)
    assert found is not None
    assert found.visit.crs == "gcj02"
    assert found.visit.latitude != HERE[0]
    assert counts(take_in(county, "visits", line, crs="gcj02")) == (0, 0, 0, 1)


@pytest.mark.parametrize("where", [DONGZHAO, DISTRICT])
@pytest.mark.parametrize("late", ["2018-10-01", "2018-10-09"])
def test_a_day_before_a_village_changed_hands_concerns_who_owes_it_now(
    county: Deployment, late: str, where: str
) -> None:
    take_in(county, "places", line_of(DONGZHAO, parent=TOWN_DISTRICT), since=BEFORE)
    take_in(county, "postings", f"idle district-secretary {TOWN_DISTRICT} 2018-09-03 - 2")
    october = [f"2018-10-{day:02}" for day in range(1, 32)]
    take_in(county, "days", *(f"{day} closed {DONGZHAO}" for day in october if day != late))
    judging.ensure_judged(county, *SPAN)
    take_in(county, "days", f"{late} closed {where}")
    found = obligations(county)
    judging.rebuild(county, *SPAN)
    assert obligations(county) == found


def test_who_had_a_village_before_owes_it_when_the_rest_of_the_month_is_off(county: Deployment) -> None:
    take_in(county, "places", f"lazy 懒乡 township {LELING} - - - -")
    take_in(county, "places", line_of(DONGZHAO, parent=TOWN_DISTRICT), since=date(2018, 10, 10))
    take_in(county, "days", f"2018-10-10 off {TOWN}", f"2018-10-11 off {TOWN}")
    take_in(county, "days", *(f"2018-10-{day} off lazy" for day in range(10, 32)))
    judging.ensure_judged(county, *SPAN)
    before = obligations(county)
    take_in(county, "places", line_of(DONGZHAO, parent="lazy"), since=date(2018, 10, 12))
    found = obligations(county)
    judging.rebuild(county, *SPAN)
    assert obligations(county) == found != before


def test_the_first_import_marks_nothing_while_nothing_is_judged(deployment: Deployment) -> None:
    factories.settle(deployment)
    take_in(deployment, "postings", f"idle envoy {DONGZHAO} 2018-10-01 - -", work=False)
    take_in(deployment, "days", "2018-10-17 off -", work=False)
    assert not table(deployment, t.stale_span)


def test_only_the_people_and_days_an_import_touches_are_marked(county: Deployment) -> None:
    judging.ensure_judged(county, *SPAN)
    take_in(county, "days", f"2018-10-09 off {JINJIA}", f"2018-10-10 off {JINJIA}", work=False)
    marks = {(person, first, last) for _, person, first, last in table(county, t.stale_span)}
    inside_or_above = ("colleague", "secretary", "leader", "inside")
    assert marks == {(person, date(2018, 10, 9), date(2018, 10, 10)) for person in inside_or_above}


def test_a_check_in_that_is_being_written_during_an_import_is_not_forgotten(county: Deployment) -> None:
    visits.check_in(county, "owner", sent(1, NOW), [], NOW)
    done = Event()

    def import_places() -> None:
        take_in(county, "places", line_of(DONGZHAO, latitude="37.9"), work=False)
        done.set()

    thread = Thread(target=import_places)
    with county.database.write() as connection:
        versions = people.versions(connection, "owner")
        visit = visit_rows.find(connection, visit_id(1))
        assert versions is not None
        assert visit is not None
        assert people.take_turn(connection, "owner", versions)
        visit_rows.insert_new(connection, replace(visit, id=visit_id(2)))
        thread.start()
        assert not done.wait(0.5)
    thread.join()
    assert {row[1] for row in table(county, t.stale_visit)} == {visit_id(1), visit_id(2)}


def test_a_posting_typed_in_late_confirms_what_was_rejected_for_want_of_it(county: Deployment) -> None:
    photo = factories.picture(county, factories.photo())
    check_in = sent(1, NOW, photos=[photo.data])
    assert visits.check_in(county, "idle", check_in, [photo], NOW).visit.status == "rejected"
    take_in(county, "postings", f"idle envoy {DONGZHAO} 2018-11-19 - -")
    found = visits.find(county, visit_id(1))
    assert found is not None
    assert found.visit.status == "confirmed"

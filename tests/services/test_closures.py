"""A closed month prints the same bytes whatever becomes of the facts, until it is reopened with a reason."""

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select

from server.adapters import sheets
from server.domain.access import Caller, Grant, GrantKind
from server.domain.calendar import DayKind, DayMark
from server.domain.duties import SHIPPED
from server.domain.engine import Status
from server.domain.places import Standing
from server.domain.postings import Leave, Posting
from server.domain.problems import Problem
from server.services import closures, judging, reports
from server.services.closures import Difference, Shown
from server.services.deployment import Deployment
from server.services.reports import By, Query
from server.storage import tables as t
from server.storage.people import Person
from tests.domain.county import d
from tests.services import facts

NOW = datetime(2018, 12, 6, 4, tzinfo=UTC)
OCTOBER, NOVEMBER = "2018-10", "2018-11"
DAYS = {OCTOBER: (d("10-01"), d("10-31")), NOVEMBER: (d("11-01"), d("11-30"))}


def holder(kind: GrantKind, *places: str) -> Caller:
    return Caller("boss", "boss", grants=tuple(Grant(kind, place) for place in places))


BOSS = holder(GrantKind.SUPERVISOR, "C")


@pytest.fixture
def office(deployment: Deployment) -> Deployment:
    """Envoys of d2 in T and f1 in U, and the secretary of D, each with a little of everything."""
    facts.county(deployment, ("p", "q", "r", "boss"))
    facts.post(
        deployment,
        Posting("p", "envoy", "d2", d("09-03")),
        Posting("q", "district-secretary", "D", d("09-03"), None, 3),
        Posting("r", "envoy", "f1", d("09-03")),
    )
    facts.visited(deployment, "p", "d2", d("11-06"))
    facts.visited(deployment, "q", "d3", d("11-07"), status="review")
    facts.leave(deployment, Leave("p", d("11-12"), d("11-16")))
    return deployment


def printed(deployment: Deployment, month: str = NOVEMBER, now: datetime = NOW, **sought: str) -> bytes:
    rows = reports.attendance_rows(deployment, *DAYS[month], now, **sought)
    stream = io.BytesIO()
    sheets.write_csv(reports.COLUMNS, rows, stream)
    return stream.getvalue()


def close(
    deployment: Deployment, place: str = "T", month: str = NOVEMBER, by: Caller = BOSS, now: datetime = NOW
) -> Shown:
    return closures.close(deployment, by, place, month, now)


def refusal(deployment: Deployment, *given: Any, **more: Any) -> str:
    with pytest.raises(Problem) as caught:
        close(deployment, *given, **more)
    return caught.value.kind.code


def upset(deployment: Deployment) -> None:
    """Everything becomes otherwise."""
    facts.visited(deployment, "p", "d2", d("11-20"))
    facts.visited(deployment, "r", "f1", d("11-20"))
    facts.leave(deployment, Leave("q", d("11-01"), d("11-30")))
    facts.mark(deployment, DayMark(d("11-15"), DayKind.CLOSED, "T"), DayMark(d("11-21"), DayKind.OFF, "D"))
    facts.change_place(deployment, "d3", Standing(d("11-05"), "F"))
    facts.change_place(deployment, "E", Standing(d("10-05"), "U", central_village="e1"))
    facts.post(deployment, Posting("q", "envoy", "e1", d("09-03")))
    facts.end_postings(deployment, "p", d("11-14"))
    facts.change_duty(deployment, replace(SHIPPED[1], number=16, since=d("11-01")))


@pytest.mark.parametrize("place", ["T", "C", "D", "d2"])
def test_a_closed_month_prints_the_same_bytes_whatever_becomes_of_the_facts(office: Deployment, place: str) -> None:
    before = {
        asked: printed(office, place=asked) for asked in {place, "d2", "d3"} if asked in ("d2", place) or place != "d2"
    }
    whole = printed(office)
    close(office, place)
    assert printed(office) == whole
    upset(office)
    assert {asked: printed(office, place=asked) for asked in before} == before
    judging.rebuild(office, *DAYS[NOVEMBER])
    assert {asked: printed(office, place=asked) for asked in before} == before
    if place == "C":
        assert printed(office) == whole


def test_reopened_it_prints_what_the_engine_says(office: Deployment) -> None:
    shown = close(office, "C")
    upset(office)
    closed = printed(office)
    closures.reopen(office, BOSS, shown.closure.id, "补录纸质记录", NOW)
    assert printed(office) != closed
    with office.database.read() as connection:
        assert set(connection.scalars(select(t.obligation.c.person))) == {"p", "q", "r"}
    again = printed(office)
    close(office, "C")
    assert printed(office) == again


def test_what_is_not_closed_follows_the_facts(office: Deployment) -> None:
    close(office, "T")
    october, before = printed(office, OCTOBER), printed(office, place="U")
    facts.visited(office, "r", "f1", d("11-20"))
    facts.visited(office, "p", "d2", d("10-20"))
    assert printed(office, OCTOBER) != october
    assert printed(office, place="U") != before


def test_nothing_is_printed_twice_or_lost_when_a_village_is_moved_between_closed_and_open(office: Deployment) -> None:
    close(office, "T")
    whole = printed(office)
    facts.change_place(office, "d2", Standing(d("10-05"), "F"))
    assert printed(office) == whole
    assert b",d2," in printed(office, place="T")
    assert b",d2," not in printed(office, place="U")
    assert printed(office, place="d2") == b"".join(
        line for line in whole.splitlines(True) if b",d2," in line or line.startswith(b"duty,")
    )


def test_a_day_moved_into_another_month_is_printed_where_it_was_closed(office: Deployment) -> None:
    facts.change_duty(office, replace(SHIPPED[2], since=d("10-29")))
    wednesday = b"secretary-office-day,q,d1,2018-W44,2018-10-31"
    assert wednesday in printed(office, OCTOBER)
    close(office, "C", OCTOBER)
    october, november = printed(office, OCTOBER), printed(office)
    facts.mark(office, DayMark(d("10-31"), DayKind.OFF, ""))
    assert printed(office, OCTOBER) == october
    assert printed(office) == november
    shown = close(office, "C")
    assert shown.closure.rows == november.count(b"\n") - 1


def test_counts_and_lists_print_the_closed_rows_too(office: Deployment) -> None:
    shown = close(office, "C")
    asked = Query(*DAYS[NOVEMBER])

    def seen() -> list[Any]:
        listed = reports.obligations(office, BOSS, asked, NOW, None, 1000)
        pages, after = [], None
        while page := reports.obligations(office, BOSS, asked, NOW, after, 3):
            pages += page
            last = page[-1].obligation
            after = (last.duty, last.person, last.place, last.window, last.turn)
        assert [one.obligation for one in pages] == [one.obligation for one in listed]
        counted = [reports.counts(office, BOSS, NOW, *DAYS[NOVEMBER], by=by) for by in By]
        counted.append(reports.counts(office, BOSS, NOW, *DAYS[NOVEMBER], "D", By.PLACE))
        by_status = [
            (status, [one.obligation for one in reports.obligations(
                office, BOSS, replace(asked, status=status), NOW, None, 1000)])
            for status in (Status.MET, Status.MISSED, Status.PENDING, Status.EXCUSED)
        ]  # fmt: skip
        files = list(reports.rows_for(office, BOSS, asked, NOW))
        numbers = [[(one.code, one.by_status, one.by_reason) for one in counts] for counts in counted]
        return [[(one.obligation, one.status) for one in listed], numbers, by_status, files]

    before = seen()
    assert len(before[0]) == shown.closure.rows == len(before[3])
    assert all(rows for _, rows in before[2])
    upset(office)
    assert seen() == before


def test_it_is_refused_while_time_alone_may_change_what_is_printed(office: Deployment) -> None:
    # The month's own obligations are due on 30 November, so the last grace ends as 4 December begins.
    assert refusal(office, now=datetime(2018, 11, 30, 4, tzinfo=UTC)) == "month-not-over"
    assert refusal(office, now=datetime(2018, 12, 3, 15, 59, 59, tzinfo=UTC)) == "month-not-over"
    assert close(office, now=datetime(2018, 12, 3, 16, tzinfo=UTC)).closure.rows


def test_a_month_without_anything_open_is_closed_as_soon_as_it_is_over(office: Deployment) -> None:
    assert refusal(office, "e1", now=datetime(2018, 11, 30, 15, 59, tzinfo=UTC)) == "month-not-over"
    assert close(office, "e1", now=datetime(2018, 11, 30, 16, tzinfo=UTC)).closure.rows == 0


def test_a_place_is_closed_once_and_nothing_inside_a_closed_place(office: Deployment) -> None:
    shown = close(office, "T")
    for place in ("T", "D", "d2"):
        assert refusal(office, place) == "already-closed"
    assert close(office, "T", OCTOBER).closure.month == OCTOBER
    closures.reopen(office, BOSS, shown.closure.id, "x", NOW)
    assert close(office, "D").closure.rows


def test_a_county_closed_after_its_township_leaves_the_townships_rows_as_they_are(office: Deployment) -> None:
    township = close(office, "T")
    facts.visited(office, "p", "d2", d("11-20"))
    whole = printed(office)
    county = close(office, "C")
    assert township.closure.rows + county.closure.rows == whole.count(b"\n") - 1
    assert printed(office) == whole
    with pytest.raises(Problem, match="closed-around"):
        closures.reopen(office, BOSS, township.closure.id, "x", NOW)
    closures.reopen(office, BOSS, county.closure.id, "x", NOW)
    assert printed(office) == whole
    closures.reopen(office, BOSS, township.closure.id, "x", NOW)
    assert printed(office) != whole


def shape(found: Sequence[Difference]) -> list[tuple[str, str, str, str | None, str | None]]:
    return [
        (one.key[2], one.key[0], one.key[1], one.printed and one.printed.status, one.now and one.now.status)
        for one in found
    ]


def test_differences_are_what_the_engine_says_otherwise(office: Deployment) -> None:
    township, county = close(office, "T"), close(office, "C")
    assert closures.differences(office, BOSS, township.closure.id, NOW) == []
    facts.visited(office, "p", "d2", d("11-20"))
    facts.end_postings(office, "r", d("11-10"))
    facts.post(office, Posting("r", "envoy", "e1", d("11-26")))
    assert shape(closures.differences(office, BOSS, township.closure.id, NOW)) == [
        ("envoy-weekly-visit", "p", "2018-W47", "missed", "met"),
    ]
    assert shape(closures.differences(office, BOSS, county.closure.id, NOW)) == [
        ("envoy-study-day", "r", "2018-11", "missed", None),
        ("envoy-weekly-visit", "r", "2018-W46", "missed", None),
        ("envoy-weekly-visit", "r", "2018-W47", "missed", None),
    ]
    facts.post(office, Posting("boss", "envoy", "e1", d("11-01")))
    added = shape(closures.differences(office, BOSS, township.closure.id, NOW))
    assert ("envoy-study-day", "boss", "2018-11", None, "missed") in added
    assert not any(
        person == "boss" for _, person, *_ in shape(closures.differences(office, BOSS, county.closure.id, NOW))
    )


def test_what_was_moved_away_is_still_compared(office: Deployment) -> None:
    township = close(office, "T")
    facts.change_place(office, "d2", Standing(d("10-05"), "F"))
    # Its envoy owes there what was owed before; the round of the district goes there no more.
    assert shape(closures.differences(office, BOSS, township.closure.id, NOW)) == [
        ("secretary-monthly-round", "q", "2018-11", "missed", None)
    ]


@pytest.mark.parametrize(
    ("caller", "code"),
    [
        (holder(GrantKind.SUPERVISOR, "U"), "invalid"),
        (holder(GrantKind.SUPERVISOR, "D"), "invalid"),
        (holder(GrantKind.REVIEWER, "T"), "forbidden"),
        (holder(GrantKind.ADMIN, "C"), "forbidden"),
        (Caller("boss", "boss"), "invalid"),
    ],
)
def test_only_a_supervisor_of_the_place_closes_it(office: Deployment, caller: Caller, code: str) -> None:
    assert refusal(office, "T", by=caller) == code


@pytest.mark.parametrize(
    ("caller", "code"),
    [
        (holder(GrantKind.SUPERVISOR, "U"), "not-found"),
        (holder(GrantKind.REVIEWER, "T"), "forbidden"),
        (Caller("boss", "boss"), "not-found"),
    ],
)
def test_only_a_supervisor_of_the_place_reopens_it(office: Deployment, caller: Caller, code: str) -> None:
    number = close(office).closure.id
    with pytest.raises(Problem, match=code):
        closures.reopen(office, caller, number, "x", NOW)
    closures.reopen(office, holder(GrantKind.SUPERVISOR, "T"), number, "x", NOW)
    with pytest.raises(Problem, match="not-closed"):
        closures.reopen(office, BOSS, number, "x", NOW)


@pytest.mark.parametrize(
    ("role", "posted_at", "closed", "own"),
    [
        pytest.param("envoy", "d1", "T", True, id="an envoy inside"),
        pytest.param("envoy", "d1", "d2", False, id="an envoy beside"),
        pytest.param("envoy", "f1", "T", False, id="an envoy elsewhere"),
        pytest.param("paired-leader", "T", "T", True, id="the paired leader"),
        pytest.param("seconded-cadre", "T", "T", False, id="who owes nothing"),
    ],
)
def test_who_owes_something_in_a_month_neither_closes_nor_reopens_it(
    office: Deployment, role: str, posted_at: str, closed: str, own: bool
) -> None:
    facts.post(office, Posting("boss", role, posted_at, d("09-03")))
    other = Caller("chief", "chief", grants=BOSS.grants)
    facts.add_people(office, [Person("chief", "chief")])
    if own:
        assert refusal(office, closed) == "needs-second-person"
        with office.database.read() as connection:
            assert connection.execute(select(t.closure_row)).all() == []
        shown = close(office, closed, by=other)
        with pytest.raises(Problem) as caught:
            closures.reopen(office, BOSS, shown.closure.id, "补录", NOW)
        assert caught.value.kind.code == "needs-second-person"
        closures.reopen(office, other, shown.closure.id, "补录", NOW)
    else:
        closures.reopen(office, BOSS, close(office, closed).closure.id, "补录", NOW)


def test_who_has_come_to_owe_something_in_a_closed_month_does_not_reopen_it(office: Deployment) -> None:
    shown = close(office, "T")
    facts.post(office, Posting("boss", "envoy", "d1", d("09-03")))
    with pytest.raises(Problem) as caught:
        closures.reopen(office, BOSS, shown.closure.id, "补录", NOW)
    assert caught.value.kind.code == "needs-second-person"
    rows = printed(office, place="T")
    assert b"boss" not in rows


def test_who_owed_something_in_a_part_closed_before_closes_the_rest(office: Deployment) -> None:
    facts.post(office, Posting("boss", "envoy", "d1", d("09-03")))
    facts.add_people(office, [Person("chief", "chief")])
    close(office, "d1", by=Caller("chief", "chief", grants=BOSS.grants))
    assert close(office, "T").closure.place == "T"


def test_closures_are_listed_inside_ones_area(office: Deployment) -> None:
    numbers = {place: close(office, place).closure.id for place in ("T", "U", "C")}
    old = close(office, "C", OCTOBER).closure.id

    def found(caller: Caller, **sought: Any) -> list[int]:
        return [one.closure.id for one in closures.listed(office, caller, NOW, **sought)]

    assert found(BOSS) == [old, numbers["C"], numbers["U"], numbers["T"]]
    assert found(BOSS, month=OCTOBER) == [old]
    assert found(BOSS, place="U") == [numbers["U"]]
    assert found(BOSS, after=numbers["C"], limit=1) == [numbers["U"]]
    assert found(holder(GrantKind.AUDITOR, "T")) == [numbers["T"]]
    assert found(Caller("boss", "boss")) == []
    with pytest.raises(Problem):
        found(holder(GrantKind.AUDITOR, "T"), place="U")


def test_each_is_a_line_of_the_log_without_its_reason_in_the_open(office: Deployment) -> None:
    number = close(office).closure.id
    closures.reopen(office, BOSS, number, "秘密", NOW)
    c = t.log.c
    with office.database.read() as connection:
        query = select(c.actor, c.verb, c.path, c.about, c.detail).where(c.kind == "closure").order_by(c.id)
        lines = [tuple(row) for row in connection.execute(query)]
    detail = {"place": "T", "month": NOVEMBER, "rows": lines[0][4]["rows"]}
    assert lines == [("boss", "close", "/C/T/", None, detail), ("boss", "reopen", "/C/T/", "boss", detail)]


def test_marks_that_wait_are_worked_off_first(office: Deployment) -> None:
    facts.visited(office, "p", "d2", d("11-20"))
    close(office, "T")
    assert b"envoy-weekly-visit,p,d2,2018-W47,2018-11-19,2018-11-25,met," in printed(office)


def test_years_of_closed_townships_cost_one_condition_each(office: Deployment) -> None:
    with office.database.write() as connection:
        for year in range(2015, 2018):
            for month in range(1, 13):
                for place, path in (("T", "/C/T/"), ("U", "/C/U/")):
                    row = {"place": place, "path": path, "month": f"{year}-{month:02}", "by": "boss", "at": NOW}
                    connection.execute(insert(t.closure).values(**row))
    facts.add_people(office, [Person("late", "late")])
    facts.post(office, Posting("late", "envoy", "e1", date(2016, 1, 4)))
    rows = reports.attendance_rows(office, date(2016, 12, 1), date(2018, 1, 31), NOW)
    assert {row[5].year for row in rows} == {2018}

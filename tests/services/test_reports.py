"""The report of what was owed, as the command and the API give it."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.adapters import sheets
from server.domain.access import Scope
from server.domain.duties import SHIPPED
from server.domain.engine import status_of
from server.domain.periods import Moment
from server.domain.places import Standing
from server.domain.postings import Leave, Posting
from server.domain.problems import INVALID, Problem
from server.services import judging, reports
from server.services.deployment import Deployment
from server.storage import reports as rows
from server.storage.reports import Asked
from tests.domain.county import d
from tests.services import facts

CASES = {
    "worked-examples": ("2018-09-17", "2018-11-30", "2018-11-26T12:00:00+08:00"),
    "random-2018": ("2018-09-10", "2018-11-30", "2018-11-29T12:00:00+08:00"),
    "edges-gaps": ("2018-09-17", "2018-10-31", "2018-10-11T12:00:00+08:00"),
    "edges-marks": ("2018-02-05", "2018-05-06", "2018-04-16T12:00:00+08:00"),
}


def printed(deployment: Deployment, first: str, last: str, as_of: str, **sought: str) -> str:
    days = date.fromisoformat(first), date.fromisoformat(last)
    rows = reports.attendance_rows(deployment, *days, datetime.fromisoformat(as_of), **sought)
    stream = io.BytesIO()
    sheets.write_csv(reports.COLUMNS, rows, stream)
    return stream.getvalue().decode()


@pytest.mark.parametrize("folder", CASES)
def test_stored_verdicts_give_the_expected_report_to_the_byte(
    folder: str, deployment: Deployment, shared: Path
) -> None:
    facts.load(deployment, shared / "golden" / folder)
    expected = (shared / "golden" / folder / "expected.csv").read_bytes().decode()
    assert printed(deployment, *CASES[folder]) == expected


NOW = datetime(2018, 11, 20, 4, tzinfo=UTC)
MONTH = (d("11-01"), d("11-30"))


@pytest.fixture
def office(deployment: Deployment) -> Deployment:
    """An envoy of d2 and the secretary of D, with a little of everything."""
    facts.county(deployment)
    facts.post(
        deployment,
        Posting("p", "envoy", "d2", d("09-03")),
        Posting("q", "district-secretary", "D", d("09-03"), None, 3),
    )
    facts.visited(deployment, "p", "d2", d("11-06"))
    facts.visited(deployment, "q", "d3", d("11-07"), status="review")
    facts.leave(deployment, Leave("p", d("11-12"), d("11-16")))
    return deployment


def found(deployment: Deployment, **sought: Any) -> set[tuple[str, str, str]]:
    """Duty, person and place of each row of November."""
    return {row[:3] for row in reports.attendance_rows(deployment, *MONTH, NOW, **sought)}


@pytest.mark.parametrize("hours", [0, 1, 24 * 5 + 11, 24 * 5 + 12, 24 * 8 + 12, 24 * 20, -24 * 40])
def test_the_query_and_the_engine_agree_on_every_status(office: Deployment, hours: int) -> None:
    judging.ensure_judged(office, d("09-03"), d("12-31"))
    moment = Moment.of(NOW + timedelta(hours=hours), office.zone)
    with office.database.read() as connection:
        page = rows.page(connection, Asked(d("09-03"), d("12-31")), moment, None, 10_000)
    assert len(page) == 50
    assert all(status is status_of(o.verdict, o.opens_on, o.due_on, moment) for o, status in page)


def test_rows_are_sorted_as_text(office: Deployment) -> None:
    report = reports.attendance_rows(office, *MONTH, NOW)
    assert report == sorted(report, key=lambda row: [str(cell) for cell in row])
    assert len(report) == len(set(report))


@pytest.mark.parametrize(
    ("sought", "expected"),
    [
        ({"person": "p", "duty": "envoy-study-day"}, {("envoy-study-day", "p", "d2")}),
        ({"place": "d3"}, {("secretary-monthly-round", "q", "d3")}),
        ({"place": "D", "duty": "secretary-office-day"}, {("secretary-office-day", "q", "d1")}),
        ({"place": "T", "person": "p", "duty": "envoy-study-day"}, {("envoy-study-day", "p", "d2")}),
        ({"place": "U"}, set()),
        ({"scope": Scope("p", ()), "duty": "envoy-study-day"}, {("envoy-study-day", "p", "d2")}),
        ({"scope": Scope(None, ("/C/T/D/d3/",))}, {("secretary-monthly-round", "q", "d3")}),
        ({"scope": Scope(None, ())}, set()),
    ],
)
def test_a_report_can_be_narrowed(office: Deployment, sought: dict[str, Any], expected: set[Any]) -> None:
    assert found(office, **sought) == expected


def test_a_place_holds_what_lay_in_it_when_it_was_owed(office: Deployment) -> None:
    facts.change_place(office, "d2", Standing(d("11-12"), "F"))
    in_t = reports.attendance_rows(office, *MONTH, NOW, place="T", person="p")
    in_u = reports.attendance_rows(office, *MONTH, NOW, place="U", person="p")
    assert {row[3] for row in in_t} == {"2018-W44", "2018-W45"}
    assert {row[3] for row in in_u} == {"2018-W46", "2018-W47", "2018-11"}
    assert {row[3] for row in reports.attendance_rows(office, *MONTH, NOW, place="d2", person="p")} == {
        *(row[3] for row in in_t),
        *(row[3] for row in in_u),
    }


@pytest.mark.parametrize(
    ("changed", "pointer", "code"),
    [
        ({"place": "nowhere"}, "/place", "not-exist"),
        ({"person": "nobody"}, "/person", "not-exist"),
        ({"duty": "nothing"}, "/duty", "not-exist"),
        ({"first": d("12-01")}, "/to", "order"),
        ({"last": date(2020, 11, 30)}, "/to", "range"),
        ({"first": date(2020, 11, 1), "last": date(2020, 11, 30)}, "/from", "range"),
        ({"as_of": datetime(9999, 12, 31, 23, tzinfo=UTC)}, "/as_of", "range"),
    ],
)
def test_what_does_not_exist_or_fit_is_refused_by_name(
    office: Deployment, changed: dict[str, Any], pointer: str, code: str
) -> None:
    asked = {"first": MONTH[0], "last": MONTH[1], "as_of": NOW} | changed
    with pytest.raises(Problem) as refused:
        reports.attendance_rows(office, **asked)
    assert refused.value.kind is INVALID
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(pointer, code)]


def test_a_report_from_the_beginning_of_time_begins_with_the_first_posting(office: Deployment) -> None:
    report = reports.attendance_rows(office, date.min, MONTH[1], NOW, person="p")
    assert min(row[4] for row in report) == d("09-03")


def test_a_changed_duty_is_reported_by_the_rule_of_its_time(office: Deployment) -> None:
    facts.change_duty(office, replace(SHIPPED[0], since=d("11-05"), times=2))
    report = reports.attendance_rows(office, *MONTH, NOW, duty="envoy-weekly-visit")
    assert [(row[3], row[6], row[7]) for row in report] == [
        ("2018-W44", "missed", ""),
        ("2018-W45", "missed", ""),
        ("2018-W46", "excused", "leave"),
        ("2018-W47", "due", ""),
    ]

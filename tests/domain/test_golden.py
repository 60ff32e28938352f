"""Whole registers and the report expected of them, to the byte."""

import csv
import io
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from server.adapters.calendar import is_workday
from server.domain.calendar import Calendar, DayKind, DayMark
from server.domain.duties import SHIPPED, DutyBook
from server.domain.engine import PersonFacts, VisitFact, World, judge, status_of
from server.domain.periods import Moment, local_day, windows
from server.domain.places import BEGINNING, Level, Place, Standing, Tree
from server.domain.postings import Leave, Posting

ROOT = Path(__file__).resolve().parents[2]
WORKED = ROOT / "tests" / "data" / "worked-examples"
GOLDEN = ROOT.parent / "shared" / "golden"  # beside the project on some machines
ZONE = ZoneInfo("Asia/Shanghai")
DAY = date.fromisoformat

# Folder, first day, last day, as of; the README beside the folders says the same.
CASES = {
    "worked-examples": ("2018-09-17", "2018-11-30", "2018-11-26T12:00:00+08:00"),
    "random-2018": ("2018-09-10", "2018-11-30", "2018-11-29T12:00:00+08:00"),
    "edges-gaps": ("2018-09-17", "2018-10-31", "2018-10-11T12:00:00+08:00"),
    "edges-marks": ("2018-02-05", "2018-05-06", "2018-04-16T12:00:00+08:00"),
}


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def report(folder: Path, first: date, last: date, as_of: datetime) -> str:
    """The attendance report of a folder of register files, as the command prints it."""
    tree = Tree(
        Place(
            row["code"],
            row["name"],
            Level(row["level"]),
            (Standing(BEGINNING, row["parent"] or None, central_village=row["central_village"] or None),),
        )
        for row in rows(folder, "places")
    )
    marks = [DayMark(DAY(row["date"]), DayKind(row["kind"]), row["place"]) for row in rows(folder, "days")]
    postings: dict[str, list[Posting]] = defaultdict(list)
    leaves: dict[str, list[Leave]] = defaultdict(list)
    visits: dict[str, list[VisitFact]] = defaultdict(list)
    for row in rows(folder, "postings"):
        end = DAY(row["end"]) if row["end"] else None
        weekday = int(row["office_weekday"]) if row["office_weekday"] else None
        postings[row["person"]].append(
            Posting(row["person"], row["role"], row["place"], DAY(row["start"]), end, weekday)
        )
    for row in rows(folder, "leave"):
        leaves[row["person"]].append(Leave(row["person"], DAY(row["start"]), DAY(row["end"])))
    for row in rows(folder, "visits"):
        day = local_day(datetime.fromisoformat(row["captured_at"]), ZONE)
        visits[row["person"]].append(VisitFact(row["id"], row["place"], row["activity"], day, row["status"]))

    world = World(tree, Calendar(is_workday, marks, tree), DutyBook(SHIPPED))
    moment = Moment.of(as_of, ZONE)
    found = []
    for person in postings:
        facts = PersonFacts(person, postings[person], leaves[person], visits[person])
        for o in judge(facts, windows(first, last), world):
            if first <= o.due_on <= last:
                status = status_of(o.verdict, o.opens_on, o.due_on, moment)
                found.append((o.duty, person, o.place, o.window, f"{o.opens_on}", f"{o.due_on}", status, o.reason))
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["duty", "person", "place", "window", "opens_on", "due_on", "status", "reason"])
    writer.writerows(sorted(found))
    return lines.getvalue()


def expected(folder: Path) -> str:
    return (folder / "expected.csv").read_bytes().decode("utf-8")


def test_the_worked_examples_come_out_to_the_byte() -> None:
    first, last, as_of = CASES["worked-examples"]
    assert report(WORKED, DAY(first), DAY(last), datetime.fromisoformat(as_of)) == expected(WORKED)


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden cases are not beside this project")
@pytest.mark.parametrize("case", CASES)
def test_a_golden_case_comes_out_to_the_byte(case: str) -> None:
    first, last, as_of = CASES[case]
    assert report(GOLDEN / case, DAY(first), DAY(last), datetime.fromisoformat(as_of)) == expected(GOLDEN / case)


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden cases are not beside this project")
def test_our_copy_of_the_worked_examples_is_a_copy() -> None:
    for file in WORKED.iterdir():
        assert file.read_bytes() == (GOLDEN / "worked-examples" / file.name).read_bytes()


@pytest.mark.parametrize(
    ("as_of", "status"),
    [
        ("2018-11-28T23:59:59+08:00", "grace"),
        ("2018-11-29T00:00:00+08:00", "missed"),
        ("2018-11-28T16:00:00+00:00", "missed"),
    ],
)
def test_the_week_that_ended_on_a_sunday_is_missed_72_hours_later(as_of: str, status: str) -> None:
    lines = report(WORKED, DAY("2018-09-17"), DAY("2018-11-30"), datetime.fromisoformat(as_of)).splitlines()
    assert f"envoy-weekly-visit,E1,371481200268,2018-W47,2018-11-19,2018-11-25,{status}," in lines

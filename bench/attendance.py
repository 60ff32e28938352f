"""What attendance costs, in counties of 1,052 villages: judging, rebuilding, asking, and one more visit.

Each figure stands beside a floor taken in the same run: the same rows written or read by the bare driver with nothing
decided, or one row committed. What counts is the ratio, and how it grows with the number of counties.
"""

import argparse
import dataclasses
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from bench import county, servers
from server.domain.checkins import CheckIn, Position
from server.domain.engine import Obligation, PersonFacts, VisitFact, World, judge
from server.domain.periods import DAY, Moment, midnight, windows
from server.services import judging, visits
from server.services.deployment import Deployment
from server.storage import obligations, people, reports
from server.storage import visits as visit_rows

WEEKS = 5  # of visits, an envoy's one a week, up to the end of the month
ONE_VISIT = 200  # check-ins, of which the median counts
GROWTH = 0.10  # of one visit, from one county to the most; rebuilding: a thing's own cost
LINEAR = 0.25


@dataclass(frozen=True, slots=True)
class Figure:
    """What something takes and the least it can take, in microseconds for each of so many."""

    what: str
    number: int
    ours: float
    floor: float


def main() -> None:
    """Prints a table for each kind of database, and marks with `!` what grows more than it may."""
    given = _arguments()
    with servers.folder(given.home) as home:
        for kind in given.database:
            with servers.databases(kind, home / kind) as databases:
                print(f"\n{databases.kind}; microseconds for each one\n")
                print(f"{'counties':>8}  {'':34} {'of':>8} {'takes':>9} {'floor':>9} {'ratio':>7} {'growth':>7}")
                smallest: dict[str, Figure] = {}
                for counties in given.counties:
                    for figure in _measure(databases.settings(), counties):
                        _print(counties, figure, smallest.setdefault(figure.what, figure))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.attendance", description=__doc__.splitlines()[0])
    parser.add_argument("--database", nargs="*", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    parser.add_argument("--counties", nargs="*", type=int, default=[1, 10], help="sizes; 100 takes minutes")
    parser.add_argument("--home", type=Path, default=servers.default_home(), help="a folder on a real disk")
    return parser.parse_args()


def _print(counties: int, figure: Figure, smallest: Figure) -> None:
    growth = (figure.ours / figure.floor) / (smallest.ours / smallest.floor) - 1
    flat = figure.what in (ONE_MORE, ONE_COUNTY)
    mark = " !" if growth > (GROWTH if flat else LINEAR) else ""
    print(
        f"{counties:8}  {figure.what:34} {figure.number:8,} {figure.ours:9.1f} {figure.floor:9.1f} "
        f"{figure.ours / figure.floor:7.1f} {growth:+7.0%}{mark}",
        flush=True,
    )


def _measure(environment: dict[str, str], counties: int) -> Iterator[Figure]:
    now = servers.now()
    last = now.date().replace(day=1) - DAY
    first = last.replace(day=1)
    with servers.opened(environment) as deployment:
        made = servers.settled(deployment, counties, now)
        county.fill(deployment, made, WEEKS * len(made.envoys), last)
        yield _pure(deployment, made, first, last)
        rebuilt = _timed(lambda: judging.rebuild(deployment, first, last))
        stored = _rows(deployment)
        yield Figure(
            "rebuild, an obligation", stored, rebuilt / stored, _written(deployment, made, first, last) / stored
        )
        yield _asked(deployment, made, now, first, last)
        yield _one_more(deployment, made, now)


ONE_MORE = "one more visit"
ONE_COUNTY = "a county's month, stored, a row"


def _pure(deployment: Deployment, made: county.Counties, first: date, last: date) -> Figure:
    """The engine alone, on facts in memory; its floor is copying what it says."""
    asked = windows(first, last)
    visited: dict[str, list[VisitFact]] = {
        envoy.person: [
            VisitFact(f"{envoy.person}-{week}", envoy.village, "visit", last - week * county.WEEK, "confirmed", 1)
            for week in range(WEEKS)
        ]
        for envoy in made.envoys
    }
    posted: dict[str, list[Any]] = defaultdict(list)
    for posting in made.postings:
        posted[posting.person].append(posting)
    facts = [PersonFacts(person, postings, (), visited.get(person, ())) for person, postings in posted.items()]
    world = _world(deployment)
    judge(facts[0], asked, world)
    judged: list[Obligation] = []
    took = _timed(lambda: judged.extend(o for one in facts for o in judge(one, asked, world)))
    floor = _timed(lambda: [dataclasses.replace(o) for o in judged])
    return Figure("judge, an obligation", len(judged), took / len(judged), floor / len(judged))


def _world(deployment: Deployment) -> World:
    with deployment.database.read() as connection:
        return deployment.world(connection)


def _rows(deployment: Deployment) -> int:
    with deployment.database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM obligation").scalar_one())


def _written(deployment: Deployment, made: county.Counties, first: date, last: date) -> float:
    """Reading the same visits and writing the same verdicts, with nothing decided."""
    columns = ", ".join(f'"{column.name}"' for column in obligations.COLUMNS)
    codes = sorted({posting.person for posting in made.postings})
    begin, end = midnight(first - county.WEEK, deployment.zone), midnight(last + county.WEEK, deployment.zone)
    with deployment.database.write() as connection:
        connection.exec_driver_sql(f"CREATE TABLE floor_verdicts AS SELECT {columns} FROM obligation WHERE 1 = 0")
        rows = [tuple(row) for row in connection.exec_driver_sql(f"SELECT {columns} FROM obligation")]
    if not deployment.database.is_sqlite:
        from psycopg.types.json import Jsonb

        rows = [tuple(Jsonb(value) if isinstance(value, list) else value for value in row) for row in rows]
    mark = "?" if deployment.database.is_sqlite else "%s"
    insert = f"INSERT INTO floor_verdicts VALUES ({', '.join([mark] * len(obligations.COLUMNS))})"

    def write() -> None:
        for chunk in people.chunks(codes, judging.CHUNK):
            with deployment.database.read() as connection:
                visit_rows.facts_between(connection, chunk, begin, end)
        for some in people.chunks(rows, 2000):
            with deployment.database.write() as connection:
                connection.exec_driver_sql(insert, some)

    return _timed(write)


def _asked(deployment: Deployment, made: county.Counties, now: datetime, first: date, last: date) -> Figure:
    """One county's month as it is stored; its floor is the bare rows."""
    code = made.envoys[0].person[:4]
    moment = Moment.of(now, deployment.zone)
    asked = reports.Asked(first, last, areas=[f"/{code}/"])
    bare = (
        f'SELECT duty, person, place, "window", opens_on, due_on, verdict, reason FROM obligation '
        f"WHERE path >= '/{code}/' AND path < '/{code}0' AND due_on BETWEEN '{first}' AND '{last}'"
    )
    with deployment.database.read() as connection:
        number = len(list(reports.attendance(connection, asked, moment)))
        took = median(_timed(lambda: list(reports.attendance(connection, asked, moment))) for _ in range(5))
        floor = median(_timed(lambda: connection.exec_driver_sql(bare).all()) for _ in range(5))
    return Figure(ONE_COUNTY, number, took / number, floor / number)


def _one_more(deployment: Deployment, made: county.Counties, now: datetime) -> Figure:
    """A check-in without photo, from its parsed content to its answer; its floor is one row committed."""
    judging.ensure_judged(deployment, now.date().replace(day=1), now.date())
    with deployment.database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE floor_row (id VARCHAR(36) PRIMARY KEY, sent VARCHAR(500))")
    step = max(1, len(made.envoys) // ONE_VISIT)
    took, floor = [], []
    for envoy in made.envoys[::step][:ONE_VISIT]:
        sent = CheckIn(
            id=str(uuid.uuid4()),
            activity="other",
            captured_at=now,
            place=envoy.village,
            position=Position(envoy.latitude, envoy.longitude, 12.0),
            device={"offline": False},
        )
        took.append(_timed(lambda sent=sent, person=envoy.person: _checked_in(deployment, person, sent, now)))
        floor.append(_timed(lambda sent=sent: _committed(deployment, sent.id)))
    return Figure(ONE_MORE, len(took), median(took), median(floor))


def _checked_in(deployment: Deployment, person: str, sent: CheckIn, now: datetime) -> None:
    visits.check_in(deployment, person, sent, [], now + timedelta(seconds=1))


def _committed(deployment: Deployment, visit: str) -> None:
    with deployment.database.write() as connection:
        connection.exec_driver_sql(f"INSERT INTO floor_row VALUES ('{visit}', '{'x' * 400}')")


def _timed(do: Callable[[], object]) -> float:
    """Microseconds."""
    begun = time.perf_counter()
    do()
    return (time.perf_counter() - begun) * 1e6


if __name__ == "__main__":
    main()

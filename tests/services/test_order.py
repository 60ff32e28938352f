"""The verdict depends on the facts alone: in whatever order they arrive, everything ends the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select

from server.services import jobs, judging, visits
from server.services.deployment import Deployment
from server.storage import obligations
from server.storage import tables as t
from server.storage import visits as rows
from tests import factories
from tests.domain.effort import effort
from tests.factories import (
    DISTRICT,
    DONGZHAO,
    HERE,
    JINJIA,
    MUTOUWANG,
    NOW,
    PLACES,
    XIDUAN,
    digest,
    north_of,
    photo,
    picture,
    place_row,
    saved_again,
    sent,
    settle,
    take_in,
    visit_id,
)
from tests.services import facts

PICTURES = (photo(1), saved_again(photo(1)), photo(2))
FIRST, LAST = date(2018, 10, 1), date(2018, 12, 31)


@dataclass(frozen=True)
class Step:
    """One fact arriving; a photo comes after its visit, everything else whenever."""

    name: str
    do: Callable[[Deployment], object]
    after: str = ""


@dataclass(frozen=True)
class Seen:
    """What a visit says; `comes_along` are the photos that arrive in the same call, `later` those that arrive after."""

    number: int
    person: str
    minutes_ago: int
    place: str | None
    point: tuple[float, float] | None
    activity: str
    announced: tuple[int, ...]
    comes_along: bool
    later: tuple[int, ...]

    def steps(self) -> list[Step]:
        at = NOW - timedelta(minutes=self.minutes_ago)
        pictures = [PICTURES[n] for n in self.announced]
        check = sent(self.number, at, self.place, self.point, pictures, self.activity)
        along = pictures if self.comes_along else []

        def check_in(deployment: Deployment) -> object:
            return visits.check_in(deployment, self.person, check, [picture(deployment, p) for p in along], NOW)

        found = [Step(f"visit {self.number}", check_in)]
        if not self.comes_along:
            found += [
                Step(f"photo {n} of {self.number}", self._sends(n), f"visit {self.number}")
                for n in self.later
                if n in self.announced
            ]
        return found

    def _sends(self, number: int) -> Callable[[Deployment], object]:
        def send(deployment: Deployment) -> object:
            data = picture(deployment, PICTURES[number])
            return visits.receive_photo(deployment, self.person, visit_id(self.number), data, NOW)

        return send


def imports(kind: Any, text: str, **given: Any) -> Step:
    return Step(f"{kind} {text}", lambda deployment: take_in(deployment, kind, text, **given))


def _visit(number: int) -> st.SearchStrategy[Seen]:
    elsewhere = [north_of(HERE, 650), north_of(HERE, 3000), PLACES[JINJIA][3], PLACES[MUTOUWANG][3], None]
    points = [HERE] * len(elsewhere) + elsewhere
    numbers = st.sampled_from([(0,), (1,), (2,), (2,), (0, 2), (1, 2), ()])
    return st.builds(
        Seen,
        st.just(number),
        st.sampled_from(["owner", "owner", "secretary"]),
        st.sampled_from([0, 1, 1, 5, 14, 40, 24 * 60, 2 * 24 * 60, 6 * 24 * 60]),
        st.sampled_from([DONGZHAO, DONGZHAO, DONGZHAO, JINJIA, DISTRICT, None]),
        st.sampled_from(points),
        st.sampled_from(["visit", "visit", "study", "office", "other"]),
        numbers,
        st.booleans(),
        numbers,
    ).map(lambda v: v if v.place or v.point else Seen(**{**_as_dict(v), "place": DONGZHAO}))


def _as_dict(visit: Seen) -> dict[str, Any]:
    return {name: getattr(visit, name) for name in Seen.__dataclass_fields__}


SINCE = st.sampled_from([date(2018, 9, 1), date(2018, 11, 19), date(2018, 11, 20), date(2018, 11, 21)])
DAYS = st.sampled_from(["2018-09-03", "2018-09-03", "2018-11-14", "2018-11-19", "2018-11-20"])
ENDS = st.sampled_from(["-", "-", "-", "2018-11-19", "2018-11-25"])
POSTINGS = {
    "owner at 东赵村": st.builds(
        lambda a, b: f"owner envoy {DONGZHAO} {a} {max(a, b) if b != '-' else b} -", DAYS, ENDS
    ),
    "owner at 靳家村": st.builds(lambda a: f"owner envoy {JINJIA} {a} - -", DAYS),
    "secretary": st.builds(lambda a, w: f"secretary district-secretary {DISTRICT} {a} - {w}", DAYS, st.integers(1, 5)),
}
CORRECTIONS = {
    DONGZHAO: st.sampled_from([place_row(DONGZHAO, radius=5000), place_row(DONGZHAO, point=north_of(HERE, 3000))]),
    JINJIA: st.sampled_from([place_row(JINJIA, point=HERE), place_row(JINJIA, radius=100)]),
    DISTRICT: st.just(f"{DISTRICT} 靳木王管区 district {XIDUAN} 37.808216 117.000703 - {JINJIA}"),
}


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Step], list[Step]]:
    """The same facts in two orders."""
    seen = [draw(_visit(number)) for number in range(1, draw(st.integers(1, 5)) + 1)]
    steps = [step for visit in seen for step in visit.steps()]
    steps += [imports("postings", draw(row)) for row in POSTINGS.values() if draw(st.integers(0, 5))]
    steps += [
        imports("places", draw(row), since=draw(SINCE)) for row in CORRECTIONS.values() if not draw(st.integers(0, 2))
    ]
    steps += [Step(f"jobs {n}", lambda deployment: jobs.tick(deployment, NOW)) for n in range(draw(st.integers(0, 1)))]
    return in_turn(draw(st.permutations(steps))), in_turn(draw(st.permutations(steps)))


def in_turn(steps: Sequence[Step]) -> list[Step]:
    """The steps in their order, but none before the one it follows."""
    found: list[Step] = []
    waiting = list(steps)
    while waiting:
        done = {step.name for step in found}
        ready = next(step for step in waiting if not step.after or step.after in done)
        waiting.remove(ready)
        found.append(ready)
    return found


def outcome(deployment: Deployment) -> tuple[dict[str, Any], dict[obligations.Key, Any]]:
    """What all visits and obligations have come to."""
    with deployment.database.read() as connection:
        query = select(*rows.COLUMNS)
        all_visits = [rows.from_row(row) for row in connection.execute(query)]
        judged = [obligations.from_row(row) for row in connection.execute(select(*obligations.COLUMNS))]
    says = {v.id: (v.status, v.place, v.path, v.findings, v.photos, v.missing) for v in all_visits}
    return says, {obligations.key(o): o for o in judged}


def settle_down(deployment: Deployment) -> None:
    """Lets the jobs run until there is nothing left to do."""
    for _round in range(20):
        done = jobs.tick(deployment, NOW)
        if not done["pictures"] and not done["visits"]:
            break
    else:
        pytest.fail("the jobs never come to an end")
    judging.ensure_judged(deployment, FIRST, LAST)
    with deployment.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(t.stale_visit)) == 0
        assert connection.scalar(select(func.count()).select_from(t.stale_span)) == 0


def rework_everything(deployment: Deployment) -> None:
    """Works out every visit again, and judges everything from scratch."""
    with deployment.database.write() as connection:
        ids = list(connection.scalars(select(t.visit.c.id)))
        if ids:
            connection.execute(insert(t.stale_visit), [{"visit": visit, "cause": "test"} for visit in ids])
    while visits.work_off(deployment, NOW):
        pass
    judging.rebuild(deployment, FIRST, LAST)


@contextmanager
def fresh(template: Path, folder: Path, number: int) -> Iterator[Deployment]:
    """A county whose people have no postings yet, in a database of its own."""
    home = folder / str(number)
    home.mkdir()
    (home / "county.db").write_bytes(template.read_bytes())
    opened = facts.opened(f"sqlite:///{home / 'county.db'}", home)
    yield opened
    opened.database.close()


@pytest.fixture(scope="module")
def unposted(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the county and its people, none of them posted."""
    path = tmp_path_factory.mktemp("order") / "county.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    opened = facts.opened(f"sqlite:///{path}", path.parent)
    settle(opened, postings={})
    opened.database.close()  # with the last connection, all of it is in the one file
    return path


_numbers = itertools.count()


@settings(effort(20), suppress_health_check=list(HealthCheck))
@given(orders=worlds())
def test_visits_photos_postings_and_places_in_any_order_end_in_the_same_verdicts(
    unposted: Path, tmp_path_factory: pytest.TempPathFactory, orders: tuple[list[Step], list[Step]]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "orders"
    folder.mkdir(exist_ok=True)
    ends = []
    for steps in orders:
        with fresh(unposted, folder, next(_numbers)) as deployment:
            for step in steps:
                step.do(deployment)
            settle_down(deployment)
            ends.append(outcome(deployment))
            rework_everything(deployment)
            assert outcome(deployment) == ends[-1]
    for status in sorted({says[0].value for says in ends[0][0].values()}):
        event(status)
    assert ends[0] == ends[1], "\n".join(f"{one.name:60} {other.name}" for one, other in zip(*orders, strict=True))


def test_the_pictures_of_the_property_are_what_it_needs() -> None:
    assert len({digest(data) for data in PICTURES}) == 3
    assert factories.photo(1) == PICTURES[0]

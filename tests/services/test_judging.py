"""Stored verdicts are a cache: whatever happens, and in whatever order, they are what judging from scratch gives."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update

from server.adapters import calendar
from server.domain.calendar import DayKind, DayMark
from server.domain.checkins import CheckIn
from server.domain.duties import SHIPPED, ended
from server.domain.engine import Obligation
from server.domain.places import EVERYWHERE, Standing
from server.domain.postings import Leave, Posting, overlapping
from server.services import judging, visits
from server.services.deployment import Deployment
from server.storage import migrate, obligations, people, register, spans
from server.storage import tables as t
from tests.domain.county import d
from tests.domain.effort import effort
from tests.services import facts

AUTUMN = (d("09-10"), d("11-30"))
NOVEMBER = (d("11-01"), d("11-30"))


def stored(deployment: Deployment) -> dict[obligations.Key, Obligation]:
    """Every stored obligation."""
    with deployment.database.read() as connection:
        found = [obligations.from_row(row) for row in connection.execute(select(*obligations.COLUMNS))]
    return {obligations.key(o): o for o in found}


def from_scratch(deployment: Deployment) -> dict[obligations.Key, Obligation]:
    """Every obligation, after throwing all of them away and judging the same span again."""
    state = judged(deployment)
    assert state.judged_from
    assert state.judged_to
    judging.rebuild(deployment, state.judged_from, state.judged_to)
    return stored(deployment)


def judged(deployment: Deployment) -> register.State:
    with deployment.database.read() as connection:
        return register.state(connection)


def marks(deployment: Deployment) -> int:
    with deployment.database.read() as connection:
        return spans.waiting(connection)


def verdicts(deployment: Deployment, duty: str, person: str = "p") -> dict[str, str]:
    """The verdict of each window."""
    found = stored(deployment).values()
    return {o.window: o.verdict.value for o in found if o.duty == duty and o.person == person}


def an_envoy(deployment: Deployment, start: str = "09-03") -> None:
    facts.county(deployment)
    facts.post(deployment, Posting("p", "envoy", "d2", d(start)))


def wipe(deployment: Deployment) -> None:
    """Takes every row away."""
    with deployment.database.write() as connection:
        for table in reversed(t.metadata.sorted_tables):
            if table is not t.register and table.name not in migrate.ONLY_ADDED_TO:
                connection.execute(delete(table))
        nothing = {"revision": t.register.c.revision + 1, "judged_from": None, "judged_to": None, "basis": ""}
        connection.execute(update(t.register).values(nothing))


def test_much_work_is_done_in_shares_and_comes_to_the_same(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_envoy(deployment)
    facts.post(deployment, Posting("q", "envoy", "d1", d("09-10")))
    judging.ensure_judged(deployment, *AUTUMN)
    whole = stored(deployment)
    monkeypatch.setattr(judging, "WORK", 1)
    assert from_scratch(deployment) == whole
    assert marks(deployment) == 0
    assert {o.person for o in whole.values()} == {"p", "q"}


# One change of the facts, or one reading of the verdicts, at a time

Step = Callable[[Deployment], object]
PLACES = st.sampled_from(["d1", "d2", "d3", "e1", "f1", "D", "T"])
PERSONS = st.sampled_from(["p", "q"])
DAYS = st.integers(0, 81).map(lambda n: AUTUMN[0] + timedelta(days=n))


def posts(person: str, role: str, start: date, length: int | None) -> Step:
    place = {"envoy": "d2", "district-secretary": "D", "paired-leader": "T"}[role]
    end = None if length is None else start + timedelta(days=length)
    posting = Posting(person, role, place, start, end, 3 if role == "district-secretary" else None)

    def step(deployment: Deployment) -> None:
        with deployment.database.read() as connection:
            held = people.postings_of(connection, [person]).get(person, [])
        if not overlapping([*held, posting]):
            facts.post(deployment, posting)

    return step


def leaves(person: str, first: date, length: int) -> Step:
    leave = Leave(person, first, first + timedelta(days=length))

    def step(deployment: Deployment) -> None:
        with deployment.database.read() as connection:
            known = people.leaves_of(connection, [person]).get(person, [])
        if (leave.start, leave.end) not in [(x.start, x.end) for x in known]:
            facts.leave(deployment, leave)

    return step


def marks_a_day(day: date, kind: DayKind, place: str) -> Step:
    def step(deployment: Deployment) -> None:
        with deployment.database.read() as connection:
            known = {(m.day, m.place, m.kind is DayKind.CLOSED) for m in register.marks(connection)}
        if (day, place, kind is DayKind.CLOSED) not in known:
            facts.mark(deployment, DayMark(day, kind, place))

    return step


def moves(place: str, parent: str, since: date) -> Step:
    def step(deployment: Deployment) -> None:
        with deployment.database.read() as connection:
            standings = register.tree(connection)[place].standings
        if since not in [s.since for s in standings]:
            facts.change_place(deployment, place, Standing(since, parent))

    return step


def decides(number: int, status: str) -> Step:
    def step(deployment: Deployment) -> None:
        with deployment.database.read() as connection:
            ids = list(connection.scalars(select(t.visit.c.id).order_by(t.visit.c.occurred_at, t.visit.c.id)))
        if ids:
            facts.decide(deployment, ids[number % len(ids)], status)

    return step


def asks(first: date, length: int) -> Step:
    return lambda deployment: judging.ensure_judged(deployment, first, first + timedelta(days=length))


STATUSES = st.sampled_from(["confirmed", "confirmed", "review", "incomplete", "rejected"])
ROLES = st.sampled_from(["envoy", "envoy", "district-secretary", "paired-leader"])
VISITS = st.builds(
    lambda *given: lambda deployment: facts.visited(deployment, *given),
    PERSONS,
    PLACES,
    DAYS,
    st.sampled_from(["visit", "study", "office"]),
    STATUSES,
)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(posts, PERSONS, ROLES, DAYS, st.none() | st.integers(0, 60)),
    VISITS,
    VISITS,
    st.builds(leaves, PERSONS, DAYS, st.integers(0, 9)),
    st.builds(marks_a_day, DAYS, st.sampled_from(list(DayKind)), st.sampled_from([EVERYWHERE, "T", "d2"])),
    st.builds(moves, st.sampled_from(["d2", "d3"]), st.sampled_from(["D", "E", "F"]), DAYS),
    st.builds(
        lambda day, times: (
            lambda deployment: facts.change_duty(deployment, replace(SHIPPED[0], since=day, times=times))
        ),
        DAYS,
        st.integers(1, 2),
    ),
    st.builds(lambda day: lambda deployment: facts.change_duty(deployment, ended(SHIPPED[3], day)), DAYS),
    st.builds(lambda p, day: lambda deployment: facts.end_postings(deployment, p, day), PERSONS, DAYS),
    st.builds(decides, st.integers(0, 9), STATUSES),
    st.builds(asks, DAYS, st.integers(0, 40)),
    st.just(judging.work_off),
)


@settings(effort(15), suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, max_size=12))
def test_judging_bit_by_bit_ends_where_judging_from_scratch_does(deployment: Deployment, steps: list[Step]) -> None:
    wipe(deployment)
    an_envoy(deployment)
    for step in steps:
        step(deployment)
    judging.ensure_judged(deployment, *AUTUMN)
    assert marks(deployment) == 0
    assert stored(deployment) == from_scratch(deployment)


@pytest.mark.parametrize(
    "spans", [["11-05 11-11", "09-17 09-23"], ["09-17 09-23", "11-05 11-11"], ["10-31 10-31", "10-01 10-01"]], ids=str
)
def test_what_is_asked_for_first_makes_no_difference(deployment: Deployment, spans: list[str]) -> None:
    an_envoy(deployment)
    facts.visited(deployment, "p", "d2", d("10-17"))
    for span in [*spans, "09-10 11-30"]:
        judging.ensure_judged(deployment, *(d(day) for day in span.split()))
    assert stored(deployment) == from_scratch(deployment)
    assert list(verdicts(deployment, "envoy-weekly-visit").values()).count("met") == 1
    assert verdicts(deployment, "envoy-weekly-visit").keys() >= {f"2018-W{week}" for week in range(37, 49)}


def test_a_visit_before_the_days_asked_for_counts_in_a_week_that_reaches_into_them(deployment: Deployment) -> None:
    an_envoy(deployment)
    judging.ensure_judged(deployment, *NOVEMBER)
    facts.visited(deployment, "p", "d2", d("10-31"))
    facts.visited(deployment, "p", "d2", d("12-01"))
    judging.ensure_judged(deployment, *NOVEMBER)
    weeks = verdicts(deployment, "envoy-weekly-visit")
    assert (weeks["2018-W44"], weeks["2018-W48"]) == ("met", "met")


def test_what_is_no_longer_owed_is_taken_away(deployment: Deployment) -> None:
    an_envoy(deployment)
    judging.ensure_judged(deployment, *AUTUMN)
    facts.end_postings(deployment, "p", d("10-31"))
    judging.ensure_judged(deployment, *AUTUMN)
    assert max(verdicts(deployment, "envoy-weekly-visit")) == "2018-W43"


def test_nothing_is_judged_before_the_first_posting_begins(deployment: Deployment) -> None:
    an_envoy(deployment, "11-13")
    judging.ensure_judged(deployment, date(2000, 1, 1), d("11-25"))
    assert judged(deployment).judged_from == d("11-01")


def test_an_empty_register_is_judged_without_a_word(deployment: Deployment) -> None:
    judging.ensure_judged(deployment, *AUTUMN)
    assert stored(deployment) == {}


def test_asking_again_for_days_of_the_same_month_judges_nobody(deployment: Deployment) -> None:
    an_envoy(deployment)
    judging.ensure_judged(deployment, d("11-05"), d("11-05"))
    before = judged(deployment)
    for day in range(6, 30):
        judging.ensure_judged(deployment, d("11-05"), date(2018, 11, day))
    assert judged(deployment) == before


def test_marks_left_by_one_process_are_worked_off_by_the_next(
    deployment: Deployment, ready_url: str, tmp_path: Path
) -> None:
    an_envoy(deployment)
    judging.ensure_judged(deployment, *NOVEMBER)
    facts.visited(deployment, "p", "d2", d("11-14"))
    assert verdicts(deployment, "envoy-weekly-visit")["2018-W46"] == "open"
    deployment.database.close()
    another = facts.opened(ready_url, tmp_path)
    judging.ensure_judged(another, *NOVEMBER)
    assert verdicts(another, "envoy-weekly-visit")["2018-W46"] == "met"
    another.database.close()


# Another process does something while verdicts are being worked out

Meanwhile = Callable[[Deployment], object]


def interrupted(deployment: Deployment, meanwhile: Meanwhile) -> Deployment:
    """A deployment whose first question about a working day lets something else happen before it is answered."""
    waiting = [meanwhile]

    def is_workday(day: date) -> bool:
        if waiting:
            waiting.pop()(deployment)
        return calendar.is_workday(day)

    return replace(deployment, is_workday=is_workday, _cache=type(deployment._cache)())


def checks_in(deployment: Deployment) -> None:
    noon = datetime(2018, 11, 14, 4, tzinfo=UTC)
    sent = CheckIn(str(uuid.uuid4()), "visit", noon, "d2", photos=("a" * 64,), device={"no_position": "off"})
    answer = visits.check_in(deployment, "p", sent, (), noon)
    assert answer.visit.status == "incomplete"  # so it will count, and nothing marks the week for another look


MEANWHILES: dict[str, Meanwhile] = {
    "a visit comes in": lambda it: facts.visited(it, "p", "d2", d("11-14")),
    "the person checks in": checks_in,
    "the person goes on leave": lambda it: facts.leave(it, Leave("p", d("11-12"), d("11-18"))),
    "the person is posted elsewhere too": lambda it: facts.post(it, Posting("p", "envoy", "d3", d("10-01"))),
    "a day is closed": lambda it: facts.mark(it, DayMark(d("11-15"), DayKind.CLOSED)),
    "a duty is changed": lambda it: facts.change_duty(it, replace(SHIPPED[0], since=d("11-01"), times=2)),
    "the same is judged": judging.work_off,
    "more is judged": lambda it: judging.ensure_judged(it, d("09-10"), d("12-31")),
    "all is judged from scratch": lambda it: judging.rebuild(it, *NOVEMBER),
}


@pytest.mark.parametrize("meanwhile", MEANWHILES.values(), ids=MEANWHILES)
@pytest.mark.parametrize("known", [False, True], ids=["for the first time", "again"])
def test_what_happens_while_verdicts_are_worked_out_is_not_lost(
    deployment: Deployment, meanwhile: Meanwhile, known: bool
) -> None:
    an_envoy(deployment)
    if known:
        judging.ensure_judged(deployment, *NOVEMBER)
        facts.visited(deployment, "p", "d2", d("11-20"))
    judging.ensure_judged(interrupted(deployment, meanwhile), *NOVEMBER)
    assert marks(deployment) == 0
    found = stored(deployment)
    assert found == from_scratch(deployment)
    assert found


def test_marks_survive_a_failure_in_the_middle(deployment: Deployment) -> None:
    def power_cut(_: Deployment) -> None:
        raise KeyboardInterrupt

    an_envoy(deployment)
    with pytest.raises(KeyboardInterrupt):
        judging.ensure_judged(interrupted(deployment, power_cut), *NOVEMBER)
    assert (marks(deployment), stored(deployment)) == (1, {})
    judging.ensure_judged(deployment, *NOVEMBER)
    assert verdicts(deployment, "envoy-weekly-visit")["2018-W46"] == "open"


@pytest.mark.parametrize("change", [judging.ensure_judged, judging.rebuild], ids=["more is judged", "from scratch"])
def test_a_check_in_must_look_again_when_other_verdicts_have_come_to_be_stored(
    deployment: Deployment, change: Callable[[Deployment, date, date], None]
) -> None:
    an_envoy(deployment)
    judging.ensure_judged(deployment, d("09-10"), d("09-10"))
    with deployment.database.read() as connection:
        seen = people.versions(connection, "p")
    assert seen
    change(deployment, *NOVEMBER)
    with deployment.database.write() as connection:
        assert not people.take_turn(connection, "p", seen)


# Other settings


@pytest.fixture
def reopened(deployment: Deployment, ready_url: str, tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    """The same database, opened with other settings."""
    opened: list[Deployment] = []

    def reopen(**given: Any) -> Deployment:
        opened.append(facts.opened(ready_url, tmp_path, **given))
        return opened[-1]

    yield reopen
    for each in opened:
        each.database.close()


@pytest.mark.parametrize("judged_before", [True, False], ids=["judged before", "imported only"])
def test_another_time_zone_moves_visits_to_other_days(
    deployment: Deployment, reopened: Callable[..., Deployment], judged_before: bool
) -> None:
    an_envoy(deployment)
    late = datetime(2018, 11, 18, 15, 30, tzinfo=UTC)  # Sunday 23:30 in Shanghai, Monday 00:30 in Tokyo
    facts.visited(deployment, "p", "d2", d("11-18"), at=late)
    if judged_before:
        judging.ensure_judged(deployment, *NOVEMBER)
        assert verdicts(deployment, "envoy-weekly-visit")["2018-W46"] == "met"
    tokyo = reopened(timezone=ZoneInfo("Asia/Tokyo"))
    judging.ensure_judged(tokyo, *NOVEMBER)
    assert verdicts(tokyo, "envoy-weekly-visit")["2018-W46"] == "open"
    assert verdicts(tokyo, "envoy-weekly-visit")["2018-W47"] == "met"
    judging.rebuild(deployment, *NOVEMBER)
    assert verdicts(deployment, "envoy-weekly-visit")["2018-W46"] == "met"


def test_another_first_day_of_service_takes_obligations_away(
    deployment: Deployment, reopened: Callable[..., Deployment]
) -> None:
    an_envoy(deployment)
    judging.ensure_judged(deployment, *NOVEMBER)
    later = reopened(service_from=d("11-12"))
    judging.ensure_judged(later, *NOVEMBER)
    weeks = verdicts(later, "envoy-weekly-visit")
    assert sorted(weeks) == ["2018-W46", "2018-W47", "2018-W48"]
    assert stored(later) == from_scratch(later)


def test_years_are_judged_in_pieces_and_nothing_falls_between(deployment: Deployment) -> None:
    an_envoy(deployment, "2014-12-01")
    for year in (2015, 2016, 2017, 2018):
        for week in range(1, 53, 3):
            facts.visited(deployment, "p", "d2", date.fromisocalendar(year, week, 3))
    judging.ensure_judged(deployment, date(2015, 1, 1), date(2018, 12, 31))
    with deployment.database.read() as connection:
        count = connection.scalar(select(func.count()).where(t.obligation.c.verdict == "met"))
    assert count == 4 * 18

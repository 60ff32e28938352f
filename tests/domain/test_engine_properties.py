"""What holds of every county: the engine agrees with the rules read day by day, and depends on the facts alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from server.domain.engine import Obligation, PersonFacts, Verdict, VisitFact, judge, status_of
from server.domain.periods import Moment
from tests.domain import oracle
from tests.domain.effort import effort
from tests.domain.random_worlds import DAYS, MOMENTS, WINDOWS, Case, cases, world_of

T = TypeVar("T")
SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")  # its clocks change on 28 October 2018, within the days looked at


def key(o: Obligation) -> tuple[str, str, str, int]:
    return (o.duty, o.place, o.window, o.turn)


@effort(120)
@given(case=cases(), now=MOMENTS, zone=st.sampled_from([SHANGHAI, BERLIN]))
def test_the_engine_says_what_the_rules_say_day_by_day(case: Case, now: datetime, zone: ZoneInfo) -> None:
    moment = Moment.of(now, zone)
    judged = sorted(
        oracle.Row(
            *key(o),
            o.opens_on,
            o.due_on,
            status_of(o.verdict, o.opens_on, o.due_on, moment).value,
            o.reason.value,
            o.needed,
            o.done,
        )
        for o in judge(case.person, WINDOWS, case.world())
    )
    assert judged == sorted(oracle.rows(case.facts, case.person, WINDOWS, now, zone))


@effort(60)
@given(case=cases(), random=st.randoms(use_true_random=False))
def test_the_order_of_the_facts_does_not_matter(case: Case, random: Random) -> None:
    def mixed(facts: Sequence[T]) -> tuple[T, ...]:
        return tuple(random.sample(facts, len(facts)))

    person = case.person
    other = replace(
        person,
        postings=mixed(person.postings),
        leaves=mixed(person.leaves),
        visits=mixed(person.visits),
    )
    facts = replace(
        case.facts,
        places=mixed(case.facts.places),
        marks=mixed(case.facts.marks),
        duties=mixed(case.facts.duties),
    )
    assert judge(other, WINDOWS, world_of(facts)) == judge(person, WINDOWS, case.world())


@effort(60)
@given(case=cases(), random=st.randoms(use_true_random=False))
def test_judging_twice_or_window_by_window_or_from_scratch_agrees(case: Case, random: Random) -> None:
    world = case.world()
    at_once = judge(case.person, WINDOWS, world)
    assert judge(case.person, WINDOWS, world) == at_once
    one_by_one: list[Obligation] = []
    for window in random.sample(WINDOWS, len(WINDOWS)):
        alone = judge(case.person, [window], random.choice([world, case.world()]))
        assert alone == [o for o in at_once if o.window == window.label]
        one_by_one += alone
    assert sorted(one_by_one, key=key) == sorted(at_once, key=key)


@effort(60)
@given(case=cases(), day=DAYS)
def test_a_fact_touches_only_the_windows_of_its_days(case: Case, day: object) -> None:
    """So a visit needs only the week and the month of its day to be judged again."""
    without = replace(case.person, visits=[visit for visit in case.person.visits if visit.day != day])
    before, after = ({key(o): o for o in judge(p, WINDOWS, case.world())} for p in (without, case.person))
    assert before.keys() == after.keys()
    labels = {window.label for window in WINDOWS if day in window}  # type: ignore[operator]
    assert all(before[k] == after[k] for k in before if k[2] not in labels)


# What one more confirmed visit may make of a verdict.
BETTER = {
    Verdict.OPEN: {Verdict.OPEN, Verdict.PENDING, Verdict.MET},
    Verdict.PENDING: {Verdict.PENDING, Verdict.MET},
    Verdict.EXCUSED: {Verdict.EXCUSED, Verdict.MET},
    Verdict.MET: {Verdict.MET},
}
CONFIRMED = st.builds(
    VisitFact,
    st.just("one more"),
    st.sampled_from(["d1", "d2", "d3", "e1", "f1", "D", "T"]),
    st.sampled_from(["visit", "study", "office"]),
    DAYS,
    st.just("confirmed"),
    st.sampled_from([None, 0, 3]),
)


def never_worse(case: Case, before: PersonFacts, after: PersonFacts) -> None:
    world = case.world()
    had, has = ({key(o): o for o in judge(person, WINDOWS, world)} for person in (before, after))
    assert had.keys() == has.keys(), "a visit never makes nor unmakes an obligation"
    for k, old in had.items():
        new = has[k]
        assert new.verdict in BETTER[old.verdict]
        assert new.done >= old.done
        assert new.needed == old.needed
        assert new.reason == (old.reason if new.verdict is old.verdict else "")


@effort(120)
@given(case=cases(), more=CONFIRMED)
def test_a_further_confirmed_visit_never_makes_anything_worse(case: Case, more: VisitFact) -> None:
    never_worse(case, case.person, replace(case.person, visits=[*case.person.visits, more]))


@effort(60)
@given(case=cases())
def test_confirming_what_waits_never_makes_anything_worse(case: Case) -> None:
    visits = [replace(v, status="confirmed") if v.status in ("review", "incomplete") else v for v in case.person.visits]
    never_worse(case, case.person, replace(case.person, visits=visits))


@effort(60)
@given(case=cases())
def test_rejecting_everything_leaves_nothing_met_or_pending(case: Case) -> None:
    person = replace(case.person, visits=[replace(v, status="rejected") for v in case.person.visits])
    for o in judge(person, WINDOWS, case.world()):
        assert o.verdict in (Verdict.OPEN, Verdict.EXCUSED)
        assert (o.done, o.visits, o.awaited) == (0, (), ())


@effort(60)
@given(case=cases())
def test_every_obligation_is_sound_in_itself(case: Case) -> None:
    spans = {window.label: window for window in WINDOWS}
    found = judge(case.person, WINDOWS, case.world())
    assert len({key(o) for o in found}) == len(found)
    for o in found:
        assert o.person == "p"
        assert o.path.endswith(f"/{o.place}/")
        assert spans[o.window].first <= o.opens_on <= o.due_on <= spans[o.window].last
        assert (o.verdict is Verdict.EXCUSED) == (o.reason != "")
        assert (o.verdict is Verdict.MET) == (o.done >= o.needed >= 1)
        assert not set(o.visits) & set(o.awaited)

"""A corner of the county in which everything happens in whatever order, for `test_random_changes`."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, ClassVar

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import insert, select, update

from server.domain.access import Caller, Grant, GrantKind
from server.domain.decisions import Ruling
from server.domain.duties import SHIPPED, DayOff, Fixed, ended
from server.domain.periods import month_of, week_of, windows
from server.domain.problems import Problem
from server.services import deciding, duties, imports, judging, leaves, paper, places, postings, proposals, visits
from server.services.changing import Changed
from server.services.deciding import Said
from server.services.deployment import Deployment
from server.services.paper import Sheet
from server.storage import obligations, people, register, spans
from server.storage import tables as t
from server.storage import visits as visit_rows
from tests.factories import (
    DISTRICT,
    DONGZHAO,
    HERE,
    JINJIA,
    MUTOUWANG,
    NOW,
    PLACES,
    TOWN_DISTRICT,
    XIDUAN,
    ZHENXING,
    north_of,
    photo,
    picture,
    place_row,
    sent,
    take_in,
)
from tests.services import facts
from tests.services.facts import visited
from tests.services.test_order import outcome, rework_everything

FIRST, LAST = date(2018, 10, 1), date(2018, 12, 31)

VILLAGES = [MUTOUWANG, JINJIA, DONGZHAO, ZHENXING]
PERSONS = ["owner", "colleague", "stranger", "secretary", "leader", "idle"]
AT = {"envoy": VILLAGES, "district-secretary": [DISTRICT, TOWN_DISTRICT], "paired-leader": [XIDUAN]}
some_day = st.dates(FIRST, LAST).map(date.isoformat)
person, village = st.sampled_from(PERSONS), st.sampled_from(VILLAGES)
number = st.integers(0, 10_000)
held = st.sampled_from(sorted(AT)).flatmap(lambda role: st.tuples(st.just(role), st.sampled_from(AT[role])))
weekday = st.none() | st.integers(1, 5)
rarely = st.integers(0, 3).map(lambda n: n == 0)
DUTIES = [
    *SHIPPED,
    replace(SHIPPED[0], times=2),
    replace(SHIPPED[1], day_off=DayOff.SKIP, number=1),
    replace(SHIPPED[0], fixed=Fixed.WEEKDAY, number=3, day_off=DayOff.SHIFT),
]


class Histories(RuleBasedStateMachine):
    """A corner of the county in which everything happens in whatever order."""

    open: ClassVar[Callable[[ExitStack], tuple[Deployment, Deployment]]]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        # The other one shares the database and no memory: what one has in mind wrongly, the other does not.
        self.county, self.other = type(self).open(self.stack)
        self.visits: list[str] = []
        self.seen: list[tuple[str, str]] = []  # those that are not from files, with their person
        self.said: list[str] = []

    def teardown(self) -> None:
        try:
            ends = outcome(self.county)
            rework_everything(self.other)
            assert outcome(self.other) == ends
        finally:
            self.stack.close()

    # Changes over the API

    @rule(person=person, held=held, start=some_day, days=st.none() | st.integers(0, 90), weekday=weekday)
    def post(self, person: str, held: tuple[str, str], start: str, days: int | None, weekday: int | None) -> None:
        role, place = held
        end = None if days is None else (date.fromisoformat(start) + timedelta(days)).isoformat()
        body: dict[str, Any] = {"person": person, "role": role, "place": place, "start": start, "end": end}
        if role == "district-secretary":
            body["office_weekday"] = weekday
        self.change(lambda caller, trial: postings.add(self.county, caller, body, NOW, trial))

    @rule(which=number, end=st.none() | some_day)
    def end_posting(self, which: int, end: str | None) -> None:
        self.amend(which, {"end": end})

    @rule(which=number, since=some_day, weekday=weekday)
    def other_weekday(self, which: int, since: str, weekday: int | None) -> None:
        self.amend(which, {"from": since, "office_weekday": weekday}, t.posting.c.role == "district-secretary")

    def amend(self, which: int, body: dict[str, Any], *where: Any) -> None:
        if code := self.pick(t.posting.c.id, which, *where):
            self.change(lambda caller, trial: postings.amend(self.county, caller, code, body, NOW, trial))

    @rule(which=number)
    def take_posting_away(self, which: int) -> None:
        if code := self.pick(t.posting.c.id, which):
            self.change(lambda caller, trial: postings.remove(self.county, caller, code, NOW, trial))

    @rule(which=number, to=number, on=some_day, end_grants=st.booleans())
    def move(self, which: int, to: int, on: str, end_grants: bool) -> None:
        chosen = self.pick(t.posting.c.id, which)
        if chosen is None:
            return
        with self.county.database.read() as connection:
            query = select(t.posting.c.person, t.posting.c.role, t.posting.c.place).where(t.posting.c.id == chosen)
            who, role, place = connection.execute(query).one()
        free = [other for other in AT.get(role, VILLAGES) if other != place] or [place]
        body = {"person": who, "role": role, "from": place, "to": free[to % len(free)], "on": on}
        body["end_grants"] = end_grants
        self.change(lambda caller, trial: postings.move(self.county, caller, body, NOW, trial))

    @rule(
        person=person, start=st.dates(FIRST, LAST), days=st.integers(0, 12), kind=st.sampled_from(["sick", "meeting"])
    )
    def enter_leave(self, person: str, start: date, days: int, kind: str) -> None:
        body = {"person": person, "start": start, "end": start + timedelta(days), "kind": kind}
        self.change(lambda caller, trial: leaves.enter(self.county, caller, body, NOW, trial))

    @rule(
        person=person,
        start=st.dates(FIRST, LAST),
        days=st.integers(0, 12),
        decision=st.sampled_from(["approve", "refuse"]),
    )
    def ask_for_leave(self, person: str, start: date, days: int, decision: str) -> None:
        body = {"start": start, "end": start + timedelta(days), "kind": "annual"}
        try:
            asked = leaves.ask(self.county, Caller(person, person), body, NOW, False)
        except Problem as problem:
            event(f"refused: {problem.kind.code}")
            return
        code, decided = asked.result.entry.id, {"decision": decision, "reason": "…"}
        self.change(lambda caller, trial: leaves.decide(self.county, caller, code, decided, NOW, trial))

    @rule(which=number)
    def cancel_leave(self, which: int) -> None:
        if code := self.pick(t.leave_request.c.id, which):
            body = {"decision": "cancel", "reason": "…"}
            self.change(lambda caller, trial: leaves.decide(self.county, caller, f"r{code}", body, NOW, trial))

    def change(self, ask: Callable[[Caller, bool], Changed]) -> None:
        """Tries a change out and makes it, as the county's administrator or, in turn, as one who owes something."""
        caller = self.callers[len(self.said) % len(self.callers)]
        tried = said(lambda: ask(caller, True))
        self.said.append(type(tried).__name__)
        if len(self.said) % 5 == 4:
            return  # what was only tried out leaves nothing behind, in no memory either
        done = said(lambda: ask(caller, False))
        if isinstance(tried, Problem) or isinstance(done, Problem):
            assert isinstance(tried, Problem)
            assert isinstance(done, Problem)
            assert (tried.kind, tried.errors) == (done.kind, done.errors)
            event(f"refused: {done.kind.code}")
            return
        assert tried.own == (done.proposal is not None)
        if done.proposal is not None:
            event("proposed")
            approved = proposals.approve(self.county, self.callers[0], done.proposal.id, "…", NOW).changed
            assert approved is not None
            done = approved
            # The administrator sees more of it than its author
            assert set(tried.compared.obligations) <= set(done.compared.obligations)
            return
        event("changed something" if done.compared.total else "changed nothing")
        assert tried.compared == done.compared

    @property
    def callers(self) -> list[Caller]:
        granted = (Grant(GrantKind.ADMIN, PLACES_OF_ADMINS["admin"]),)
        own = (Grant(GrantKind.ADMIN, PLACES_OF_ADMINS["secretary"]),)
        return [Caller("admin", "admin", grants=granted), Caller("secretary", "secretary", grants=own)]

    @property
    def reviewers(self) -> list[Caller]:
        granted = (Grant(GrantKind.REVIEWER, PLACES_OF_ADMINS["admin"]),)
        return [Caller(one, one, grants=granted) for one in ("inside", "outside")]

    # Facts that come in otherwise

    @rule(
        person=person, place=village, day=st.dates(FIRST, LAST), activity=st.sampled_from(["visit", "study", "office"])
    )
    def record(self, person: str, place: str, day: date, activity: str) -> None:
        self.visits.append(visited(self.county, person, place, day, activity, imported=True))

    @rule(
        person=person,
        minutes=st.integers(0, 20 * 24 * 60),
        place=village | st.none(),
        point=st.sampled_from([HERE, HERE, north_of(HERE, 650), PLACES[JINJIA][3], PLACES[ZHENXING][3]]),
        activity=st.sampled_from(["visit", "visit", "study", "office"]),
        photos=st.sampled_from([(1,), (1,), (2,), ()]),
    )
    def check_in(
        self,
        person: str,
        minutes: int,
        place: str | None,
        point: tuple[float, float],
        activity: str,
        photos: tuple[int, ...],
    ) -> None:
        pictures = [photo(n) for n in photos]
        check = sent(next(_numbers), NOW - timedelta(minutes=minutes), place, point, pictures, activity)
        visits.check_in(self.county, person, check, [picture(self.county, data) for data in pictures], NOW)
        self.seen.append((check.id, person))

    @rule(person=person, place=village, hours=st.integers(0, 20 * 24), activity=st.sampled_from(["visit", "study"]))
    def enter_from_paper(self, person: str, place: str, hours: int, activity: str) -> None:
        sheet = Sheet(person, place, activity, NOW - timedelta(hours=hours), "…")
        self.may_fail(
            lambda: self.seen.append((paper.enter(self.county, self.reviewers[0], sheet, NOW).visit.id, person))
        )

    @precondition(lambda self: self.seen)
    @rule(which=number, ruling=st.sampled_from(list(Ruling)), second=st.booleans())
    def rule_on_a_visit(self, which: int, ruling: Ruling, second: bool) -> None:
        code, caller = self.seen[which % len(self.seen)][0], self.reviewers[second]

        def ask(trial: bool) -> Any:
            version = version_of(self.county, code)
            said = Said(ruling, "…", if_match=[version])
            return deciding.compare(self.county, caller, code, said, NOW, trial)[1]

        tried, done = told(lambda: ask(True)), told(lambda: ask(False))
        assert tried == done
        event(f"ruled: {done if isinstance(done, str) else 'done'}")

    @precondition(lambda self: self.seen)
    @rule(which=number)
    def appeal(self, which: int) -> None:
        code, person = self.seen[which % len(self.seen)]
        self.may_fail(lambda: deciding.appeal(self.county, Caller(person, person), code, "…", NOW))

    @precondition(lambda self: self.visits)
    @rule(which=number, status=st.sampled_from(["confirmed", "review", "rejected"]))
    def decide(self, which: int, status: str) -> None:
        facts.decide(self.county, self.visits[which % len(self.visits)], status)

    @rule(which=number, ends=rarely)
    def excuse(self, which: int, ends: bool) -> None:
        with self.county.database.write() as connection:
            o = t.obligation.c
            rows = connection.execute(select(o.person, o.duty, o.place, o.window).order_by(o.person, o.window)).all()
            if not rows:
                return
            who, duty, place, window = rows[which % len(rows)]
            e = t.excuse.c
            this = (e.person == who, e.duty == duty, e.place == place, e.window == window, e.ended_at.is_(None))
            if ends:
                connection.execute(update(t.excuse).where(e.ended_at.is_(None)).values(ended_by="x", ended_at=NOW))
                marks = [(one, FIRST, LAST) for one in PERSONS]
            elif connection.execute(select(e.id).where(*this)).first() is None:
                row = {"person": who, "duty": duty, "place": place, "window": window}
                connection.execute(insert(t.excuse).values(**row, reason="…", by="x", at=NOW))
                of = week_of(date.fromisoformat(f"{window}-1")) if "W" in window else None
                span = of or month_of(date.fromisoformat(f"{window}-01"))
                marks = [(who, span.first, span.last)]
            else:
                return
            people.bump_facts(connection, {one for one, _, _ in marks})
            people.mark_stale(connection, marks)

    @rule(day=some_day, kind=st.sampled_from(["off", "work", "closed", "none"]), place=st.sampled_from(["-", *PLACES]))
    def mark_day(self, day: str, kind: str, place: str) -> None:
        take_in(self.county, "days", f"{day} {kind} {place}")

    @rule(
        place=village,
        since=st.dates(FIRST, LAST),
        metres=st.sampled_from([0, 650, 3000]),
        radius=st.none() | st.just(900),
    )
    def correct_place(self, place: str, since: date, metres: float, radius: float | None) -> None:
        row = place_row(place, north_of(PLACES[place][3], metres), radius)
        self.may_fail(lambda: take_in(self.county, "places", row, since=since))

    @rule(
        place=st.sampled_from([JINJIA, DONGZHAO]),
        since=st.dates(FIRST, LAST),
        parent=st.sampled_from([DISTRICT, TOWN_DISTRICT]),
    )
    def move_village(self, place: str, since: date, parent: str) -> None:
        row = place_row(place).replace(f" {DISTRICT} ", f" {parent} ")
        self.may_fail(lambda: take_in(self.county, "places", row, since=since))

    @rule(central=st.sampled_from([MUTOUWANG, JINJIA]), since=st.dates(FIRST, LAST))
    def other_central_village(self, central: str, since: date) -> None:
        row = place_row(DISTRICT).rsplit(" ", 1)[0] + f" {central}"
        self.may_fail(lambda: take_in(self.county, "places", row, since=since))

    @rule(which=st.integers(0, len(DUTIES) - 1), since=st.dates(FIRST, LAST), ends=rarely)
    def change_duty(self, which: int, since: date, ends: bool) -> None:
        duty = replace(DUTIES[which], since=since)
        duties.save(self.county, [ended(duty, since) if ends else duty], "x", NOW)

    @rule(day=st.none() | st.dates(FIRST, LAST))
    def begin_service(self, day: date | None) -> None:
        places.service_from(self.county, XIDUAN, day, "x", NOW)

    @rule(day=st.integers(10, 20), month=st.integers(10, 12), place=st.sampled_from([XIDUAN, DONGZHAO]))
    def move_fixed_day(self, day: int, month: int, place: str) -> None:
        with self.county.database.write() as connection:
            d = t.day_move.c
            window = f"2018-{month}"
            connection.execute(t.day_move.delete().where(d.window == window, d.place == place))
            row = {"duty": "envoy-study-day", "window": window, "place": place, "day": date(2018, month, day)}
            connection.execute(insert(t.day_move).values(**row, reason="…", by="x", at=NOW))
            facts.register_changed(connection)

    def may_fail(self, call: Callable[[], object]) -> None:
        try:
            call()
        except Problem as problem:
            event(f"refused: {problem.kind.code}")

    # What holds after each of them

    @invariant()
    def what_is_stored_is_what_the_facts_say(self) -> None:
        imports.work_off(self.county, NOW)
        judging.ensure_judged(self.county, FIRST, LAST)
        with self.other.database.read() as connection:
            assert spans.waiting(connection) == 0
            assert visit_rows.stale(connection, 1) == {}
            state = register.state(connection)
            assert state.judged_from is not None
            assert state.judged_to is not None
            labels = list(windows(state.judged_from, state.judged_to))
            asked = dict.fromkeys([*PERSONS, "inside"], labels)
            _, judged = judging.judged_again(connection, self.other, asked, state.revision)
            rows = connection.execute(select(*obligations.COLUMNS))
            stored = {obligations.key(o): o for o in map(obligations.from_row, rows)}
        assert stored == {obligations.key(o): o for o in judged}

    def pick(self, column: Any, which: int, *where: Any) -> int | None:
        with self.county.database.read() as connection:
            found = list(connection.scalars(select(column).where(*where).order_by(column)))
        return found[which % len(found)] if found else None


PLACES_OF_ADMINS = {"admin": "371481", "secretary": XIDUAN}
_numbers = itertools.count(1)


def told(call: Callable[[], Any]) -> Any:
    """What a call answers, or the code of its refusal."""
    try:
        return call()
    except Problem as problem:
        return problem.kind.code


def version_of(deployment: Deployment, code: str) -> int:
    """The visit's version."""
    with deployment.database.read() as connection:
        return connection.scalars(select(t.visit.c.version).where(t.visit.c.id == code)).one()


def said(call: Callable[[], Changed]) -> Changed | Problem:
    """What a call answers, or its refusal."""
    try:
        return call()
    except Problem as problem:
        return problem

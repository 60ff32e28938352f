"""Random histories: what is done in them in whatever order is in `happenings`, what holds after each step here."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from datetime import date
from typing import Any, ClassVar

from hypothesis import event
from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy import select, union

from server.domain.access import Caller, Grant, GrantKind
from server.domain.periods import windows
from server.domain.places import Level, Tree
from server.domain.problems import Problem
from server.services import imports, jobs, judging, proposals
from server.services.changing import Changed
from server.services.deployment import Deployment
from server.services.examining import examine, ground, place_after
from server.storage import days, obligations, people, register, spans, visit_photos
from server.storage import tables as t
from server.storage import visits as visit_rows
from server.storage.database import Connection
from tests.factories import LELING, NOW, XIDUAN
from tests.services.test_order import outcome, rework_everything

FIRST, LAST = date(2018, 10, 1), date(2018, 12, 31)

PERSONS = ["owner", "colleague", "stranger", "secretary", "leader", "idle", "inside"]
# Who changes registers: one who owes nothing, and one who does, so that a second person is needed.
AUTHORS = {"admin": LELING, "secretary": XIDUAN}
GIVEN = {person: (Grant(GrantKind.ADMIN, at), Grant(GrantKind.SUPERVISOR, at)) for person, at in AUTHORS.items()}
ENOUGH = 6  # visits that are worked out from scratch after every step; of more, so many in turn


class Histories(RuleBasedStateMachine):
    """What every history has: a county, a way to change it, and what holds after each step."""

    open: ClassVar[Callable[[ExitStack], Deployment]]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.county = type(self).open(self.stack)
        self.visits: list[tuple[str, str]] = []  # of all kinds, with their person
        self.numbers = itertools.count(1)
        self.changes = itertools.count()
        self.steps = itertools.count()
        self.known: dict[Any, tuple[Hashable, Any]] = {}

    def teardown(self) -> None:
        try:
            imports.work_off(self.county, NOW)
            ends = outcome(self.county)
            forgetful = without_memory(self.county)
            rework_everything(forgetful)
            assert outcome(forgetful) == ends
        finally:
            self.stack.close()

    # What rules use

    def change(self, ask: Callable[[Caller, bool], Changed]) -> None:
        """Tries a change out and, most often, makes it, as an administrator or as one who owes something."""
        turn = next(self.changes)
        admin, secretary = (Caller(one, one, grants=grants) for one, grants in GIVEN.items())
        caller = secretary if turn % 3 == 2 else admin
        tried = said(lambda: ask(caller, True))
        if turn % 4 == 3:
            return  # what was only tried out leaves nothing behind, in no memory either
        second = said(lambda: ask(admin, True)) if isinstance(tried, Changed) and tried.own else tried
        done = said(lambda: ask(caller, False))
        if isinstance(done, Changed) and done.proposal is not None:
            event("proposed")
            assert isinstance(tried, Changed)
            assert tried.own
            number = done.proposal.id
            done = said(lambda: approved(self.county, admin, number))
            tried = second
        if isinstance(tried, Problem) or isinstance(done, Problem):
            assert isinstance(tried, Problem), done
            assert isinstance(done, Problem), tried
            assert (tried.kind, tried.errors) == (done.kind, done.errors)
            event(f"refused: {done.kind.code}")
            return
        assert not tried.own
        event("changed something" if done.compared.total else "changed nothing")
        assert (tried.compared, tried.remarks) == (done.compared, done.remarks)

    def may_fail(self, call: Callable[[], object]) -> bool:
        """Whether it did not."""
        try:
            call()
        except Problem as problem:
            event(f"refused: {problem.kind.code}")
            return False
        return True

    def pick(self, columns: Sequence[Any], which: int, *where: Any) -> Any:
        """One of the rows that there are now, in order of these columns."""
        with self.county.database.read() as connection:
            found = connection.execute(select(*columns).where(*where).order_by(*columns)).all()
        return found[which % len(found)] if found else None

    def tree(self) -> Tree:
        """The places as they are stored."""
        with self.county.database.read() as connection:
            return register.tree(connection)

    def place(self, level: str, which: int) -> str:
        """One of the places of a level that have not ended, or of all if every one has: often where somebody is."""
        of_level = [place for place in self.tree().places.values() if place.level is Level(level)]
        found = sorted(place.code for place in of_level if place.ended_on is None) or sorted(p.code for p in of_level)
        with self.county.database.read() as connection:
            there = set(connection.scalars(union(select(t.posting.c.place), select(t.visit.c.place))))
        found += [code for code in found if code in there] * 3
        return found[which % len(found)]

    # What holds

    @invariant()
    def what_is_stored_is_what_the_facts_say(self) -> None:
        step = next(self.steps)
        if step % 5 == 4:
            return  # what is marked lies, and the next step finds it lying
        if step % 10 == 0:
            jobs.tick(self.county, NOW, hourly=False)
        imports.work_off(self.county, NOW)
        judging.ensure_judged(self.county, FIRST, LAST)
        forgetful = without_memory(self.county)
        with forgetful.database.read() as connection:
            assert spans.waiting(connection) == 0
            assert visit_rows.stale(connection, 1) == {}
            state = register.state(connection)
            self.nothing_changes_without_its_version(connection, state.revision)
            assert state.judged_from is not None
            assert state.judged_to is not None
            labels = list(windows(state.judged_from, state.judged_to))
            _, judged = judging.judged_again(connection, forgetful, dict.fromkeys(PERSONS, labels), state.revision)
            rows = connection.execute(select(*obligations.COLUMNS))
            stored = {obligations.key(o): o for o in map(obligations.from_row, rows)}
            assert stored == {obligations.key(o): o for o in judged}
            for visit, _ in self.visits if len(self.visits) <= ENOUGH else in_turn(self.visits, step):
                self.visit_is_as_if_worked_out_now(connection, forgetful, visit)

    def visit_is_as_if_worked_out_now(self, connection: Connection, forgetful: Deployment, visit: str) -> None:
        """Nothing about it would be otherwise, had it been marked."""
        found = visit_rows.find(connection, visit)
        assert found is not None
        on = ground(connection, forgetful, found.person)
        draft = replace(found, place=place_after(found, on))
        again = examine(connection, forgetful, on, draft, visit_photos.photos_of(connection, visit), NOW, found)
        assert again.visit == found
        assert again.touched == []

    def nothing_changes_without_its_version(self, connection: Connection, revision: int) -> None:
        """Whoever decides on something read before notices, though nothing but the version is asked again."""
        world = (
            register.tree(connection).places,
            register.duties(connection),
            sorted(register.marks(connection), key=repr),
            days.moves(connection),
        )
        self.same_or_moved_on("the register", revision, world)
        held, away = people.postings_of(connection, PERSONS), people.leaves_of(connection, PERSONS)
        excused = people.excused_of(connection, PERSONS)
        p, v = t.person.c, t.visit.c
        versions = {one: rest for one, *rest in connection.execute(select(p.code, p.facts, p.visits, p.gcj02_from))}
        counted = select(v.person, v.id, v.day, v.place, v.activity, v.status, v.photos, v.missing).order_by(v.id)
        of: dict[str, list[Any]] = {one: [] for one in PERSONS}
        for person, *rest in connection.execute(counted):
            of[person].append(rest)
        for one in PERSONS:
            facts, seen, datum = versions[one]
            rest = (set(held.get(one, ())), set(away.get(one, ())), excused.get(one, frozenset()))
            self.same_or_moved_on(("facts", one), facts, rest)
            self.same_or_moved_on(("visits", one), seen, (datum, of[one]))

    def same_or_moved_on(self, what: Any, version: Hashable, content: Any) -> None:
        """Fails if this is otherwise than when it was last seen, under the same version."""
        before = self.known.get(what)
        assert before is None or before[0] != version or before[1] == content, what
        self.known[what] = (version, content)


def in_turn(visits: Sequence[Any], step: int) -> list[Any]:
    """The last ones, and as many of the others."""
    others = visits[: -ENOUGH // 2]
    return [*visits[-ENOUGH // 2 :], *(others[(step * ENOUGH // 2 + n) % len(others)] for n in range(ENOUGH // 2))]


def approved(deployment: Deployment, caller: Caller, number: int) -> Changed:
    """What the approval of a proposal did; what does not fit is refused as for its author."""
    try:
        changed = proposals.approve(deployment, caller, number, "…", NOW).changed
    except Problem:
        proposals.refuse(deployment, caller, number, "…", NOW)
        raise
    assert changed is not None
    return changed


def without_memory(deployment: Deployment) -> Deployment:
    """The same county to somebody who has never looked at it."""
    values: Mapping[str, Any] = {f.name: getattr(deployment, f.name) for f in fields(Deployment) if f.name[0] != "_"}
    return Deployment(**values)


def told(call: Callable[[], Any]) -> Any:
    """What a call answers, or the code of its refusal."""
    try:
        return call()
    except Problem as problem:
        return problem.kind.code


def said(call: Callable[[], Changed]) -> Changed | Problem:
    """What a call answers, or its refusal."""
    try:
        return call()
    except Problem as problem:
        return problem

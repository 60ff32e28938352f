"""What comes from phones, files and paper in random histories, and what people decide on it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from sqlalchemy import select

from server.domain.access import Caller, Grant, GrantKind
from server.domain.checkins import Addition
from server.domain.decisions import Ruling
from server.services import deciding, paper, visits
from server.services.deciding import Said
from server.services.deployment import Deployment
from server.services.paper import Sheet
from server.storage import tables as t
from tests.factories import (
    CHINA,
    DONGZHAO,
    HERE,
    JINJIA,
    LELING,
    NOW,
    PLACES,
    ZHENXING,
    digest,
    north_of,
    picture,
    sent,
    take_in,
    visit_id,
)
from tests.factories import photo as drawn
from tests.services.happenings import Registers, number, person, rarely, some_day
from tests.services.histories import told

activity = st.sampled_from(["visit", "visit", "study", "office"])
pictures = st.sampled_from([(1,), (1,), (2,), ()])
days_ago = st.sampled_from([0, 0, 1, 1, 2, 5, 6, 8, 15, 19])
# To be near, and to be far away within minutes
points = st.sampled_from([HERE, HERE, HERE, north_of(HERE, 650), PLACES[JINJIA][3], PLACES[ZHENXING][3], None])
REVIEWERS = [Caller(one, one, grants=(Grant(GrantKind.REVIEWER, LELING),)) for one in ("inside", "outside")]


class Everything(Registers):
    """Visits and what becomes of them, beside all that changes in the registers."""

    @initialize()
    def some_have_been_there(self) -> None:
        there = (
            ("owner", DONGZHAO, "study"),
            ("owner", JINJIA, "visit"),  # where they are not posted, unless the two places become one
            ("secretary", JINJIA, "visit"),
        )
        for who, place, activity in there:
            for ago in (5, 1):  # the 15th of the month, and yesterday
                data = drawn(next(self.numbers) + 10)
                check = sent(next(self.numbers), NOW - timedelta(days=ago), place, PLACES[place][3], [data], activity)
                visits.check_in(self.county, who, check, [picture(self.county, data)], NOW)
                self.visits.append((check.id, who))

    @rule(
        person=person,
        ago=days_ago,
        minutes=st.lists(st.integers(0, 90), min_size=1, max_size=3),
        named=st.sampled_from([DONGZHAO, None, "village", "district", "ended"]),
        which=number,
        point=points,
        activity=activity,
        photos=pictures,
        along=st.booleans(),
    )
    def check_in(
        self,
        person: str,
        ago: int,
        minutes: list[int],
        named: str | None,
        which: int,
        point: tuple[float, float] | None,
        activity: str,
        photos: tuple[int, ...],
        along: bool,
    ) -> None:
        place = self.place(named, which) if named in ("village", "district") else named
        if named == "ended":
            ended = self.pick([t.place.c.code], which, t.place.c.ended_on.is_not(None), t.place.c.level == "village")
            place = ended.code if ended else DONGZHAO
        data = [drawn(n) for n in photos]
        come = [picture(self.county, one) for one in data] if along else []
        for before in minutes:
            at = NOW - timedelta(days=ago, minutes=before)
            check = sent(next(self.numbers), at, place if point else place or DONGZHAO, point, data, activity)
            if self.may_fail(lambda: visits.check_in(self.county, person, check, come, NOW)):  # noqa: B023
                self.visits.append((check.id, person))

    @rule(which=number, to=number, on=some_day)
    def merge_with_where_somebody_was(self, which: int, to: int, on: date) -> None:
        held = self.pick([t.posting.c.place, t.posting.c.person], which, t.posting.c.role == "envoy")
        other = self.near(held.place, to, on) if held else None
        if other is not None:
            self.check_in_somewhere(held.person, other)
            self.become_one(held.place, other, on)

    def check_in_somewhere(self, person: str, place: str) -> None:
        check = sent(next(self.numbers), NOW - timedelta(minutes=5), place, HERE)
        if self.may_fail(lambda: visits.check_in(self.county, person, check, [], NOW)):
            self.visits.append((check.id, person))

    @precondition(lambda self: self.visits)
    @rule(which=number)
    def send_photo(self, which: int) -> None:
        p = t.visit_photo.c
        missing = self.pick([p.visit, p.digest], which, p.received_at.is_(None), p.withdrawn_at.is_(None))
        if missing is None:
            return
        data = next(data for data in map(drawn, (1, 2, 3)) if digest(data) == missing.digest)
        by = dict(self.visits)[missing.visit]
        self.may_fail(lambda: visits.receive_photo(self.county, by, missing.visit, picture(self.county, data), NOW))

    @precondition(lambda self: self.visits)
    @rule(which=number, more=st.booleans(), withdraws=rarely)
    def add(self, which: int, more: bool, withdraws: bool) -> None:
        visit, person = self.visits[which % len(self.visits)]
        gone = (digest(drawn(1)),) if withdraws else ()
        addition = Addition((digest(drawn(3)),) if more else (), gone, f"第{next(self.numbers)}次")
        self.may_fail(lambda: visits.add(self.county, person, visit, addition, NOW))

    @rule(
        person=person,
        day=some_day,
        which=number,
        activity=activity,
        status=st.sampled_from(["confirmed", "confirmed", "review", "rejected"]),
        again=rarely,
    )
    def take_in_a_record(self, person: str, day: Any, which: int, activity: str, status: str, again: bool) -> None:
        known = self.pick([t.visit.c.id], which, t.visit.c.imported)
        code = known.id if again and known else visit_id(next(self.numbers))
        at = datetime.combine(day, time(12), CHINA).isoformat()
        row = f"{code} {person} {self.place('village', which)} {activity} {at} - - - {status}"
        if self.may_fail(lambda: take_in(self.county, "visits", row)):
            self.visits = [*(one for one in self.visits if one[0] != code), (code, person)]

    @rule(person=person, which=number, ago=days_ago, activity=activity)
    def enter_from_paper(self, person: str, which: int, ago: int, activity: str) -> None:
        code = visit_id(next(self.numbers))
        sheet = Sheet(person, self.place("village", which), activity, NOW - timedelta(days=ago), "…", id=code)
        if self.may_fail(lambda: paper.enter(self.county, REVIEWERS[which % 2], sheet, NOW)):
            self.visits.append((code, person))

    @precondition(lambda self: self.visits)
    @rule(
        which=number,
        ruling=st.sampled_from([Ruling.CONFIRM, Ruling.REJECT, Ruling.REJECT, Ruling.RETURN]),
        second=st.booleans(),
        take_position=rarely,
    )
    def rule_on_a_visit(self, which: int, ruling: Ruling, second: bool, take_position: bool) -> None:
        code, caller = self.visits[which % len(self.visits)][0], REVIEWERS[second]
        take = take_position and ruling is Ruling.CONFIRM

        def ask(trial: bool) -> Any:
            words = Said(ruling, "…", take, [version_of(self.county, code)])
            return deciding.compare(self.county, caller, code, words, NOW, trial)[1]

        tried = told(lambda: ask(True))
        if which % 4 == 3:
            return
        done = told(lambda: ask(False))
        assert tried == done
        event(f"ruled: {done if isinstance(done, str) else 'done'}")

    @precondition(lambda self: self.visits)
    @rule(which=number)
    def appeal(self, which: int) -> None:
        rejected = self.pick([t.visit.c.id, t.visit.c.person], which, t.visit.c.status == "rejected")
        if rejected:
            caller = Caller(rejected.person, rejected.person)
            self.may_fail(lambda: deciding.appeal(self.county, caller, rejected.id, "…", NOW))


def version_of(deployment: Deployment, code: str) -> int:
    """The visit's version."""
    with deployment.database.read() as connection:
        return connection.scalars(select(t.visit.c.version).where(t.visit.c.id == code)).one()

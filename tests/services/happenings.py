"""What happens to a county's registers in random histories, much of it to few people, at few places, in few weeks."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from server.domain.access import Caller
from server.domain.duties import SHIPPED
from server.domain.periods import month_of, week_of
from server.domain.problems import Problem
from server.services import days, duties, excuses, leaves, merging, place_changes, places, postings
from server.storage import tables as t
from tests.factories import DISTRICT, DONGZHAO, HERE, JINJIA, NOW, PLACES, XIDUAN, north_of, place_row, take_in
from tests.services.histories import FIRST, LAST, Histories

number = st.integers(0, 1000)
busy = st.sampled_from([date(2018, 11, day) for day in (1, 5, 12, 14, 15, 19, 20, 26)])
some_day = st.one_of(busy, busy, st.dates(FIRST, LAST))
person = st.sampled_from(["owner", "owner", "secretary", "leader", "idle", "colleague"])
often_none = st.sampled_from([None, None, None, 5, 14])
rarely = st.integers(0, 3).map(lambda n: n == 0)
level = st.sampled_from([*["village"] * 8, "district", "district", "township"])
ROLES = {"envoy": "village", "district-secretary": "district", "paired-leader": "township"}
POINTS = [HERE, north_of(HERE, 650), PLACES[JINJIA][3]]


def around(point: tuple[float, float]) -> dict[str, Any]:
    """A square of about a kilometre."""
    (y, x), d = point, 0.005
    ring = [[x - d, y - d], [x + d, y - d], [x + d, y + d], [x - d, y + d], [x - d, y - d]]
    return {"type": "Polygon", "coordinates": [ring]}


standings = st.one_of(
    st.sampled_from(POINTS).map(lambda point: {"points": [list(point)]}),
    st.just({"points": [], "polygon": None}),
    st.sampled_from([None, 100, 900, 5000]).map(lambda metres: {"radius_m": metres}),
    st.sampled_from([None, *map(around, POINTS)]).map(lambda polygon: {"polygon": polygon}),
)
versions = st.sampled_from(
    [
        *({"code": duty.code} for duty in SHIPPED),
        {"code": "envoy-weekly-visit", "times": 2},
        {"code": "envoy-weekly-visit", "min_photos": 1},
        {"code": "envoy-weekly-visit", "fixed": "weekday", "number": 3, "day_off": "shift"},
        {"code": "envoy-study-day", "day_off": "skip", "number": 1},
        {"code": "envoy-study-day", "number": 14},
        {"code": "leader-monthly-day", "activities": ["study"]},
    ]
)


class Registers(Histories):
    """Changes of registers, as callers of the API ask for them; a few as they come from files."""

    @initialize()
    def some_were_away(self) -> None:
        for who in ("owner", "secretary"):  # throughout a week in which nobody has been anywhere yet
            self.enter_leave(who, date(2018, 11, 5), 6, "meeting")

    # Postings and leave

    @rule(person=person, role=st.sampled_from(["envoy", *ROLES]), at=number, start=some_day, days=often_none)
    def post(self, person: str, role: str, at: int, start: date, days: int | None) -> None:
        end = None if days is None else start + timedelta(days)
        body: dict[str, Any] = {"person": person, "role": role, "place": self.place(ROLES[role], at)}
        body |= {"start": start.isoformat(), "end": end and end.isoformat()}
        if role == "district-secretary":
            body["office_weekday"] = 1 + at % 5
        self.change(lambda caller, trial: postings.add(self.county, caller, body, NOW, trial))

    @rule(which=number, end=st.none() | some_day)
    def end_posting(self, which: int, end: date | None) -> None:
        self.amend(which, {"end": end and end.isoformat()})

    @rule(which=number, since=some_day, weekday=st.integers(1, 5))
    def other_weekday(self, which: int, since: date, weekday: int) -> None:
        body = {"from": since.isoformat(), "office_weekday": weekday}
        self.amend(which, body, t.posting.c.role == "district-secretary")

    def amend(self, which: int, body: dict[str, Any], *where: Any) -> None:
        if found := self.pick([t.posting.c.id], which, *where):
            self.change(lambda caller, trial: postings.amend(self.county, caller, found.id, body, NOW, trial))

    @rule(which=number)
    def take_posting_away(self, which: int) -> None:
        if found := self.pick([t.posting.c.id], which):
            self.change(lambda caller, trial: postings.remove(self.county, caller, found.id, NOW, trial))

    @rule(which=number, to=number, on=some_day, end_grants=rarely)
    def move(self, which: int, to: int, on: date, end_grants: bool) -> None:
        found = self.pick([t.posting.c.id, t.posting.c.person, t.posting.c.role, t.posting.c.place], which)
        if found is None or found.role not in ROLES:
            return
        body = {"person": found.person, "role": found.role, "from": found.place, "on": on.isoformat()}
        body |= {"to": self.place(ROLES[found.role], to), "end_grants": end_grants}
        self.change(lambda caller, trial: postings.move(self.county, caller, body, NOW, trial))

    @rule(person=person, start=some_day, days=st.integers(0, 12), kind=st.sampled_from(["sick", "meeting"]))
    def enter_leave(self, person: str, start: date, days: int, kind: str) -> None:
        body = {"person": person, "start": start, "end": start + timedelta(days), "kind": kind}
        self.change(lambda caller, trial: leaves.enter(self.county, caller, body, NOW, trial))

    @rule(person=person, start=some_day, days=st.integers(0, 12), approves=st.booleans())
    def ask_for_leave(self, person: str, start: date, days: int, approves: bool) -> None:
        body = {"start": start, "end": start + timedelta(days), "kind": "annual"}
        try:
            code = leaves.ask(self.county, Caller(person, person), body, NOW, False).result.entry.id
        except Problem as problem:
            event(f"refused: {problem.kind.code}")
            return
        decided = {"decision": "approve" if approves else "refuse", "reason": "…"}
        self.change(lambda caller, trial: leaves.decide(self.county, caller, code, decided, NOW, trial))

    @rule(which=number)
    def cancel_leave(self, which: int) -> None:
        if found := self.pick([t.leave_request.c.id], which, t.leave_request.c.status == "approved"):
            body = {"decision": "cancel", "reason": "…"}
            self.change(lambda caller, trial: leaves.decide(self.county, caller, f"r{found.id}", body, NOW, trial))

    # Days and duties

    @rule(
        day=some_day, kind=st.sampled_from(["off", "work", "closed", "none"]), at=level, which=number, from_file=rarely
    )
    def mark_day(self, day: date, kind: str, at: str, which: int, from_file: bool) -> None:
        place = "" if at == "district" else self.place(at, which)
        o = t.obligation.c
        fixed = self.pick([o.due_on, o.person], which, o.opens_on == o.due_on)  # where a mark moves what is due
        day = fixed.due_on if fixed and which % 2 else day
        if from_file:
            take_in(self.county, "days", f"{day} {kind} {place or '-'}")
            return
        body = {"date": day.isoformat(), "kind": kind, "place": place}
        self.change(lambda caller, trial: days.put(self.county, caller, body, NOW, trial))

    @rule(day=some_day, duty=st.sampled_from([1, 1, 1, 2]), at=level, which=number)
    def move_fixed_day(self, day: date, duty: int, at: str, which: int) -> None:
        window = (month_of(day) if SHIPPED[duty].every == "month" else week_of(day)).label
        body = {"duty": SHIPPED[duty].code, "window": window, "place": self.place(at, which)}
        body |= {"day": day.isoformat(), "reason": "…"}
        self.change(lambda caller, trial: days.move(self.county, caller, body, NOW, trial))

    @rule(which=number)
    def move_fixed_day_back(self, which: int) -> None:
        if found := self.pick([t.day_move.c.duty, t.day_move.c.window, t.day_move.c.place], which):
            self.change(lambda caller, trial: days.unmove(self.county, caller, *found, NOW, trial))

    @rule(version=versions, since=some_day)
    def change_duty(self, version: dict[str, Any], since: date) -> None:
        duty = next(duty for duty in SHIPPED if duty.code == version["code"])
        body = {**duties.shown(duty), **version, "since": since.isoformat()}
        self.change(lambda caller, trial: duties.add(self.county, caller, body, NOW, trial))

    @rule(which=st.integers(0, len(SHIPPED) - 1), since=some_day)
    def end_duty(self, which: int, since: date) -> None:
        code, body = SHIPPED[which].code, {"from": since.isoformat()}
        self.change(lambda caller, trial: duties.finish(self.county, caller, code, body, NOW, trial))

    @rule(which=number, busy_day=busy)
    def excuse(self, which: int, busy_day: date) -> None:
        o = t.obligation.c
        labels = [week_of(busy_day).label, month_of(busy_day).label]
        found = self.pick([o.person, o.duty, o.place, o.window], which, o.window.in_(labels))
        if found:
            body = {**found._mapping, "reason": "…"}
            self.change(lambda caller, trial: excuses.excuse(self.county, caller, body, NOW, trial))

    @rule(which=number)
    def excuse_no_more(self, which: int) -> None:
        if found := self.pick([t.excuse.c.id], which, t.excuse.c.ended_at.is_(None)):
            body = {"reason": "…"}
            self.change(lambda caller, trial: excuses.take_back(self.county, caller, found.id, body, NOW, trial))

    # Places

    @rule(at=level, which=number, since=some_day, standing=standings)
    def correct_place(self, at: str, which: int, since: date, standing: dict[str, Any]) -> None:
        self.stands(self.place(at, which), since, standing)

    @rule(which=number, to=number, since=some_day)
    def move_village(self, which: int, to: int, since: date) -> None:
        self.stands(self.place("village", which), since, {"parent": self.place("district", to)})

    @rule(which=number, central=number, since=some_day)
    def other_central_village(self, which: int, central: int, since: date) -> None:
        self.stands(self.place("district", which), since, {"central_village": self.place("village", central)})

    def stands(self, code: str, since: date, standing: dict[str, Any]) -> None:
        body = {**standing, "from": since.isoformat()}
        self.change(lambda caller, trial: place_changes.amend(self.county, caller, code, body, NOW, trial))

    @rule(day=st.none() | some_day, which=number, by_command=rarely)
    def begin_service(self, day: date | None, which: int, by_command: bool) -> None:
        if by_command:
            places.service_from(self.county, XIDUAN, day, "x", NOW)
        else:
            self.stands(self.place("township", which), FIRST, {"service_from": day and day.isoformat()})

    @rule(place=st.sampled_from([DONGZHAO, JINJIA, DISTRICT]), since=some_day, metres=st.sampled_from([0, 650, 3000]))
    def places_from_a_file(self, place: str, since: date, metres: float) -> None:
        row = place_row(place, north_of(PLACES[place][3], metres), 900 if metres else None)
        self.may_fail(lambda: take_in(self.county, "places", row, since=since))

    @rule(at=level, which=number, into=number, on=some_day)
    def merge(self, at: str, which: int, into: int, on: date) -> None:
        code = self.place(at, which)
        self.become_one(code, self.near(code, into, on) or self.place(at, into), on)

    def near(self, code: str, which: int, on: date) -> str | None:
        """Another place of the same level and township, if there is one."""
        tree = self.tree()
        around = tree.chain(code, on)[-2:]  # the township it lies in, or itself
        others = [p.code for p in tree.places.values() if p.level == tree[code].level and p.on(on) and p.exists_on(on)]
        found = sorted(other for other in others if other != code and tree.chain(other, on)[-2:] == around)
        return found[which % len(found)] if found else None

    def become_one(self, code: str, into: str, on: date) -> None:
        body = {"into": into, "on": on.isoformat()}
        self.change(lambda caller, trial: merging.merge_places(self.county, caller, code, body, NOW, trial))

    @rule(at=st.sampled_from(["village", "village", "village", "district"]), which=number, on=some_day)
    def split(self, at: str, which: int, on: date) -> None:
        code, new = self.place(at, which), [f"n{next(self.numbers):03}" for _ in "12"]
        held = self.pick([t.posting.c.person, t.posting.c.role], which, t.posting.c.place == code)
        body = {
            "on": on.isoformat(),
            "into": [
                {"code": one, "name": one, "points": [list(point)] if at == "village" else []}
                for one, point in zip(new, (HERE, north_of(HERE, 1500)), strict=True)
            ],
            "postings": [{"person": held.person, "role": held.role, "to": new[which % 2]}] if held else [],
        }
        self.change(lambda caller, trial: merging.split_place(self.county, caller, code, body, NOW, trial))

    @rule(parent=number, since=st.none() | some_day)
    def new_place(self, parent: int, since: date | None) -> None:
        code = f"n{next(self.numbers):03}"
        body = {"code": code, "name": code, "level": "village", "parent": self.place("district", parent)}
        body |= {"points": [list(HERE)], "from": since and since.isoformat()}
        self.change(lambda caller, trial: place_changes.add(self.county, caller, body, NOW, trial))

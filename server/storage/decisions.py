"""What people decide on visits, as rows that are only added to, and appeals."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, insert, or_, select, update

from server.domain.checkins import Entry
from server.domain.checks import VisitStatus
from server.domain.decisions import Appeal, Decision, Record, Ruling
from server.storage import tables as t
from server.storage.people import chunks

_d, _a, _v = t.decision.c, t.appeal.c, t.visit.c
# A decision is never written anew: what was said of somebody who is forgotten is not told any more.
_reason = case((t.person_key.c.destroyed_at.is_not(None), ""), else_=_d.reason)


def add(connection: Connection, visit: str, decision: Decision) -> None:
    """Stores a decision."""
    connection.execute(
        insert(t.decision).values(
            visit=visit,
            decision=decision.ruling.value,
            reason=decision.reason,
            by=decision.by,
            at=decision.at,
            on_appeal=decision.on_appeal,
            version=decision.version,
        )
    )


def add_appeal(connection: Connection, visit: str, appeal: Appeal) -> None:
    """Stores the appeal."""
    connection.execute(insert(t.appeal).values(visit=visit, reason=appeal.reason, at=appeal.at))


def settle_appeal(connection: Connection, visit: str, at: datetime) -> None:
    """Notes that the appeal, if one waits, was decided."""
    waiting = update(t.appeal).where(_a.visit == visit, _a.decided_at.is_(None))
    connection.execute(waiting.values(decided_at=at))


def records(connection: Connection, visits: Collection[str]) -> dict[str, Record]:
    """What people have said on each of these visits; those on which nobody has are left out."""
    made: dict[str, list[Decision]] = defaultdict(list)
    appeals: dict[str, Appeal] = {}
    for chunk in chunks(sorted(set(visits))):
        columns = (_d.visit, _d.decision, _reason, _d.by, _d.at, _d.version, _d.on_appeal)
        for visit, ruling, *rest in connection.execute(
            select(*columns)
            .join_from(t.decision, t.visit, _v.id == _d.visit)
            .join(t.person_key, t.person_key.c.person == _v.person, isouter=True)
            .where(_d.visit.in_(chunk))
            .order_by(_d.visit, _d.version)
        ):
            made[visit].append(Decision(Ruling(ruling), *rest))
        for row in connection.execute(select(_a.visit, _a.reason, _a.at, _a.decided_at).where(_a.visit.in_(chunk))):
            appeals[row.visit] = Appeal(row.reason, row.at, row.decided_at)
    return {visit: Record(tuple(made.get(visit, ())), appeals.get(visit)) for visit in made.keys() | appeals.keys()}


def record_of(connection: Connection, visit: str) -> Record:
    """What people have said on the visit."""
    return records(connection, [visit]).get(visit, Record())


def rejected_later(connection: Connection, visits: Collection[str]) -> dict[str, datetime]:
    """When the checks last turned each of these visits into a rejected one; those rejected on arrival are left out.

    The log knows it: nothing else keeps when a status came about.
    """
    c = t.log.c
    found: dict[str, datetime] = {}
    for chunk in chunks(sorted(set(visits))):
        lines = select(c.subject, c.at, c.detail).where(c.kind == "visit", c.subject.in_(chunk), c.verb == "worked-out")
        found |= {
            visit: at
            for visit, at, detail in connection.execute(lines.order_by(c.id))
            if detail.get("after") == VisitStatus.REJECTED and detail.get("before") != VisitStatus.REJECTED
        }
    return found


def waits_for(person: str, appealed: bool) -> ColumnElement[bool]:
    """Visits under review that this reviewer may decide on (`domain.decisions.barred`): appealed ones, or the others.

    Where they hold a grant is for the scope of the query.
    """
    appeal = exists().where(_a.visit == _v.id, _a.decided_at.is_(None))
    rejected = exists().where(
        _d.visit == _v.id, _d.by == person, _d.decision == Ruling.REJECT.value, _d.on_appeal.is_(False)
    )
    others = and_(
        _v.status == VisitStatus.REVIEW.value,
        _v.person != person,
        or_(_v.entered_by.is_(None), _v.entered_by != person),
    )
    return and_(others, appeal, ~rejected) if appealed else and_(others, ~appeal)


def misread_since(connection: Connection, person: str, enough: int) -> datetime | None:
    """When the person made the check-in by which so many confirmed ones had been right only as GCJ-02, if ever."""
    confirmed = (_v.person == person, _v.decided, _v.status == VisitStatus.CONFIRMED.value)
    found = 0
    for occurred_at, findings in connection.execute(
        select(_v.occurred_at, _v.findings).where(*confirmed).order_by(_v.occurred_at, _v.id)
    ):
        found += any(check == "place" and reason == "gcj02" for check, _, reason, *_ in findings)
        if found == enough:
            at: datetime = occurred_at
            return at
    return None


def open_since(connection: Connection, person: str, instant: datetime) -> list[str]:
    """The person's visits after an instant whose findings are ours to work out."""
    query = select(_v.id).where(_v.person == person, _v.occurred_at > instant, *_ours())
    return list(connection.scalars(query.order_by(_v.occurred_at, _v.id)))


def open_at(connection: Connection, paths: Collection[str]) -> dict[str, tuple[str, date]]:
    """Person and day of the visits at places with these paths whose findings are ours to work out, oldest first."""
    query = select(_v.id, _v.person, _v.day).where(_v.path.in_(sorted(paths)), *_ours())
    return {row.id: (row.person, row.day) for row in connection.execute(query.order_by(_v.occurred_at, _v.id))}


def _ours() -> tuple[ColumnElement[bool], ...]:
    """As `Visit.is_examined` says."""
    return _v.decided.is_(False), _v.imported.is_(False), or_(_v.entry.is_(None), _v.entry != Entry.PAPER.value)


def on_paper(connection: Connection, person: str, first: datetime, last: datetime) -> int:
    """How many of the person's visits between two instants came on paper and were not rejected."""
    paper = (_v.entry == Entry.PAPER.value, _v.status != VisitStatus.REJECTED.value)
    query = select(func.count()).where(_v.person == person, _v.occurred_at >= first, _v.occurred_at < last, *paper)
    return connection.scalar(query) or 0

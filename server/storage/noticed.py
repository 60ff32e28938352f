"""What there is to tell: what has become of people's affairs, what ends soon, and what waits at an office.

Every question for a person leaves out what they were told of already, and looks no further back than it is told to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, cast, exists, func, literal_column, or_, select
from sqlalchemy import String as Text
from sqlalchemy import text as sql

from server.domain.checks import VisitStatus
from server.domain.decisions import Ruling
from server.domain.engine import Verdict
from server.domain.notices import Notice, NoticeKind, WeeklyVisit
from server.domain.periods import Moment
from server.storage import tables as t

_n, _v, _d, _a, _l, _o = t.notice.c, t.visit.c, t.decision.c, t.appeal.c, t.log.c, t.obligation.c
_OPEN = Verdict.OPEN.value


def _untold(person: Any, kind: Any, subject: Any) -> ColumnElement[bool]:
    return ~exists().where(_n.person == person, _n.kind == kind, _n.subject == subject)


def decisions(connection: Connection, since: datetime, limit: int) -> list[Notice]:
    """Decisions on people's visits; a confirmation only where something else was decided before, or on appeal."""
    earlier = t.decision.alias().c
    before = exists().where(earlier.visit == _d.visit, earlier.version < _d.version)
    kind = case(
        (_d.decision == Ruling.RETURN.value, NoticeKind.VISIT_RETURNED.value),
        (_d.on_appeal, NoticeKind.APPEAL_DECIDED.value),
        (_d.decision == Ruling.REJECT.value, NoticeKind.VISIT_REJECTED.value),
        else_=NoticeKind.VISIT_CONFIRMED.value,
    )
    subject = _d.visit + "/" + cast(_d.version, Text)
    query = (
        select(_v.person, kind, subject, _d.at, _d.decision, _v.id, _v.place, _v.day)
        .join_from(t.decision, t.visit, _v.id == _d.visit)
        .where(_d.at >= since, or_(_d.decision != Ruling.CONFIRM.value, _d.on_appeal, before))
        .where(_untold(_v.person, kind, subject))
        .order_by(_d.at)
        .limit(limit)
    )
    return [
        Notice(person, NoticeKind(told), key, at, {"decision": ruling, **_visit(*visit)})
        for person, told, key, at, ruling, *visit in connection.execute(query)
    ]


def worked_out(connection: Connection, since: datetime, limit: int) -> list[Notice]:
    """Visits that something found later has turned: a confirmed one to be reviewed, or any to rejected."""
    before, after = (
        _l.detail.op("->>", return_type=Text())(literal_column(f"'{name}'")) for name in ("before", "after")
    )
    worse = or_(
        and_(after == VisitStatus.REVIEW.value, before == VisitStatus.CONFIRMED.value),
        and_(after == VisitStatus.REJECTED.value, before != VisitStatus.REJECTED.value),
    )
    kind = case(
        (after == VisitStatus.REVIEW.value, NoticeKind.VISIT_REOPENED.value), else_=NoticeKind.VISIT_REJECTED.value
    )
    subject = _l.subject + "/log/" + cast(_l.id, Text)
    query = (
        select(_v.person, kind, subject, _l.at, _v.id, _v.place, _v.day)
        .join_from(t.log, t.visit, _v.id == _l.subject)
        # In the words of the partial index, so that SQLite sees that it serves.
        .where(sql("log.verb = 'worked-out'"), _l.kind == "visit", _l.at >= since, worse)
        .where(_untold(_v.person, kind, subject))
        .order_by(_l.at)
        .limit(limit)
    )
    return [
        Notice(person, NoticeKind(what), key, at, _visit(*visit))
        for person, what, key, at, *visit in connection.execute(query)
    ]


def _visit(visit: str, place: str, day: date) -> dict[str, Any]:
    return {"visit": visit, "place": place, "day": day.isoformat()}


def open_on(connection: Connection, kind: NoticeKind, due_on: date, now: datetime, limit: int) -> list[Notice]:
    """Obligations due on a day that neither are met nor would be by what waits for a reviewer."""
    subject = _o.duty + "/" + _o.place + "/" + _o.window + "/" + cast(_o.turn, Text)
    query = (
        select(_o.person, subject, _o.duty, _o.place, _o.window)
        .where(_o.due_on == due_on, _o.verdict == _OPEN, _untold(_o.person, kind.value, subject))
        .order_by(_o.person)
        .limit(limit)
    )
    day = {"day": due_on.isoformat()}
    return [
        Notice(person, kind, key, now, {"duty": duty, "place": place, "window": window, **day})
        for person, key, duty, place, window in connection.execute(query)
    ]


def leave(connection: Connection, since: datetime, limit: int) -> list[Notice]:
    """Leave that somebody else approved, refused or cancelled."""
    r, kind = t.leave_request.c, NoticeKind.LEAVE_DECIDED
    number = "r" + cast(r.id, Text)
    subject = number + "/" + r.status
    query = (
        select(r.person, subject, r.decided_at, number, r.status, r.start, r.end)
        .where(r.decided_at >= since, r.decided_by != r.person, _untold(r.person, kind.value, subject))
        .order_by(r.decided_at)
        .limit(limit)
    )
    return [
        Notice(person, kind, key, at, {"leave": leave, "decision": status, "day": f"{start}", "end": f"{end}"})
        for person, key, at, leave, status, start, end in connection.execute(query)
    ]


def proposals(connection: Connection, since: datetime, limit: int) -> list[Notice]:
    """Proposals that somebody else approved or refused."""
    p, kind = t.proposal.c, NoticeKind.PROPOSAL_DECIDED
    subject = cast(p.id, Text)
    query = (
        select(p.by, p.id, p.decided_at, p.status)
        .where(p.decided_at >= since, p.decided_by != p.by, _untold(p.by, kind.value, subject))
        .order_by(p.decided_at)
        .limit(limit)
    )
    return [
        Notice(by, kind, str(number), at, {"proposal": number, "decision": status})
        for by, number, at, status in connection.execute(query)
    ]


def excuses(connection: Connection, since: datetime, limit: int) -> list[Notice]:
    """Excuses that were given, and those taken back."""
    e, kind = t.excuse.c, NoticeKind.EXCUSE_DECIDED
    found = []
    for decision, at in (("given", e.at), ("ended", e.ended_at)):
        subject = cast(e.id, Text) + f"/{decision}"
        query = (
            select(e.person, subject, at, e.duty, e.place, e.window)
            .where(at >= since, _untold(e.person, kind.value, subject))
            .order_by(at)
            .limit(limit)
        )
        found += [
            Notice(person, kind, key, when, {"decision": decision, "duty": duty, "place": place, "window": window})
            for person, key, when, duty, place, window in connection.execute(query)
        ]
    return found


# What waits at an office


@dataclass(frozen=True, slots=True)
class Waiting:
    """Work that waits for somebody at a path; `barred` are those who may not do it, `since` the day it is of."""

    path: str
    barred: frozenset[str]
    count: int = 1
    since: date | None = None


def old_reviews(connection: Connection, before: datetime) -> list[Waiting]:
    """Visits that came in before an instant and still wait for a reviewer, appealed ones left out."""
    appealed = exists().where(_a.visit == _v.id, _a.decided_at.is_(None))
    query = (
        select(_v.path, _v.person, _v.entered_by, func.count(), func.min(_v.day))
        .where(sql("visit.status IN ('incomplete', 'review')"))
        .where(_v.status == VisitStatus.REVIEW.value, _v.received_at < before, ~appealed)
        .group_by(_v.path, _v.person, _v.entered_by)
    )
    return [
        Waiting(path, frozenset({person, entered_by or person}), count, day)
        for path, person, entered_by, count, day in connection.execute(query)
    ]


def appeals(connection: Connection) -> list[Waiting]:
    """Appeals that nobody has decided on."""
    waiting = sql("appeal.decided_at IS NULL")
    found: dict[str, tuple[str, set[str], date]] = {}
    query = select(_v.id, _v.path, _v.person, _v.entered_by, _v.day).join_from(t.appeal, t.visit, _v.id == _a.visit)
    for visit, path, person, entered_by, day in connection.execute(query.where(waiting)):
        found[visit] = (path, {person, entered_by or person}, day)
    rejected = select(_d.visit, _d.by).join_from(t.appeal, t.decision, _d.visit == _a.visit)
    for visit, by in connection.execute(
        rejected.where(waiting, _d.decision == Ruling.REJECT.value, _d.on_appeal.is_(False))
    ):
        if visit in found:
            found[visit][1].add(by)
    return [Waiting(path, frozenset(barred), since=day) for path, barred, day in found.values()]


def leave_requests(connection: Connection) -> Iterator[tuple[str, str, str]]:
    """Number and person of leave that waits, and each place they are posted to meanwhile."""
    r, p = t.leave_request.c, t.posting.c
    during = and_(p.person == r.person, p.start <= r.end, or_(p.end.is_(None), p.end >= r.start))
    query = select(r.id, r.person, p.place).join_from(t.leave_request, t.posting, during)
    for number, person, place in connection.execute(query.where(r.status == "waiting").distinct()):
        yield str(number), person, place


def open_proposals(connection: Connection) -> list[Waiting]:
    """Proposals that wait for a second person."""
    p = t.proposal.c
    rows = connection.execute(select(p.path, p.by).where(p.status == "waiting"))
    return [Waiting(path, frozenset({by})) for path, by in rows]


def weekly_visits(connection: Connection, first: date, last: date, label: str) -> list[WeeklyVisit]:
    """What is owed in a week on any of its days, with the days it begins and ends and its label."""
    query = select(_o.place, _o.path, _o.person, _o.verdict).where(
        _o.due_on == last, _o.opens_on == first, _o.window == label
    )
    rows = connection.execute(query.order_by(_o.place, _o.person))
    return [WeeklyVisit(place, path, person, Verdict(verdict)) for place, path, person, verdict in rows]


def in_grace(connection: Connection, moment: Moment) -> list[Waiting]:
    """Open obligations whose last day is over and whose 72 hours are not."""
    query = (
        select(_o.path, func.count())
        .where(_o.due_on >= moment.grace_from, _o.due_on < moment.today, _o.verdict == _OPEN)
        .group_by(_o.path)
    )
    return [Waiting(path, frozenset(), count) for path, count in connection.execute(query)]

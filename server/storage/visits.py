"""Visits with their photos, as rows and as domain values."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from server.domain.access import Scope
from server.domain.checkins import Entry, Visit
from server.domain.checks import Finding, Outcome, VisitStatus
from server.domain.engine import VisitFact
from server.storage import decisions
from server.storage import tables as t
from server.storage.people import chunks
from server.storage.prepared import Prepared, Sent
from server.storage.scoping import inside, seen_by
from server.storage.visit_photos import if_new

_FIELDS = [field.name for field in fields(Visit)]
COLUMNS = [t.visit.c[name] for name in _FIELDS]
_WORKED_OUT = ("place", "path", "photos", "missing", "findings", "status", "decided", "held", "version")


@dataclass(frozen=True, slots=True)
class Sketch:
    """As much of a visit as the others of the same person need to know of it."""

    fact: VisitFact
    occurred_at: datetime
    latitude: float | None
    longitude: float | None
    accuracy_m: float | None
    imported: bool
    decided: bool

    @property
    def order(self) -> tuple[datetime, str]:
        """By which one visit is earlier than another."""
        return (self.occurred_at, self.fact.id)

    @property
    def comparable(self) -> bool:
        """Whether a later check-in is compared with this one: not imported, has a position, was not rejected."""
        return self.latitude is not None and not self.imported and self.fact.status != VisitStatus.REJECTED


_new_visit = if_new(t.visit, _FIELDS)
_find = Prepared(select(*COLUMNS).where(t.visit.c.id == bindparam("visit")))
_expected = Prepared(
    select(t.visit.c.person, t.visit.c.entered_by, t.visit_photo.c.digest, t.visit_photo.c.withdrawn_at)
    .select_from(
        t.visit.outerjoin(
            t.visit_photo,
            and_(t.visit_photo.c.visit == t.visit.c.id, t.visit_photo.c.digest == bindparam("digest")),
        )
    )
    .where(t.visit.c.id == bindparam("visit"))
)
_keep_worked_out = Prepared(
    update(t.visit)
    .where(t.visit.c.id == bindparam("k_visit"))
    .values({name: bindparam(f"v_{name}") for name in _WORKED_OUT})
)


def from_row(row: Sequence[Any]) -> Visit:
    """A visit from a row of `COLUMNS`."""
    values = dict(zip(_FIELDS, row, strict=True))
    values["functions"] = tuple(values["functions"])
    values["findings"] = tuple(finding_from(found) for found in values["findings"])
    values["status"] = VisitStatus(values["status"])
    return Visit(**values)


def finding_from(stored: Sequence[Any]) -> Finding:
    """A finding as it was stored."""
    check, outcome, reason, value, limit, others = stored
    return Finding(check, Outcome(outcome), reason, value, limit, tuple(others))


def _to_row(visit: Visit) -> dict[str, Any]:
    row = {name: getattr(visit, name) for name in _FIELDS}
    row["functions"] = list(visit.functions)
    row["findings"] = [[f.check, f.outcome.value, f.reason, f.value, f.limit, list(f.others)] for f in visit.findings]
    row["status"] = visit.status.value
    return row


def find(connection: Connection, visit: str) -> Visit | None:
    """The visit with this id."""
    row = _find.first(connection, {"visit": visit})
    return from_row(row) if row else None


def expects(connection: Connection, visit: str, digest: str) -> tuple[str, str | None, bool] | None:
    """Whose visit it is, who entered it for them, and whether it awaits or has the picture; none without the visit."""
    row = _expected.first(connection, {"visit": visit, "digest": digest})
    return (row[0], row[1], row[2] is not None and row[3] is None) if row else None


def find_all(connection: Connection, ids: Collection[str]) -> dict[str, Visit]:
    """The visits with these ids."""
    found: dict[str, Visit] = {}
    for chunk in chunks(sorted(set(ids))):
        for row in connection.execute(select(*COLUMNS).where(t.visit.c.id.in_(chunk))):
            found[row.id] = from_row(row)
    return found


def insert_new(connection: Connection, visit: Visit) -> bool:
    """Stores a new visit; false, and nothing stored, if its id is taken."""
    return send_new(connection, visit).changed == 1


def send_new(connection: Connection, visit: Visit) -> Sent:
    """As `insert_new`: it has changed one row or none."""
    return _new_visit.send(connection, _to_row(visit))


def insert_many(connection: Connection, visits: Iterable[Visit]) -> None:
    """Stores many new visits."""
    for chunk in chunks(visits, 2000):
        connection.execute(insert(t.visit), [_to_row(visit) for visit in chunk])


def replace_imported(connection: Connection, visit: Visit) -> None:
    """Changes an imported record to what the file says now."""
    connection.execute(update(t.visit).where(t.visit.c.id == visit.id).values(_to_row(visit)))


def keep_worked_out(connection: Connection, visit: Visit) -> None:
    """Stores what was worked out anew; the first record is not touched."""
    row = _to_row(visit)
    values = {f"v_{name}": row[name] for name in _WORKED_OUT}
    _keep_worked_out.run(connection, {"k_visit": visit.id, **values})


_SKETCH: list[Any] = [
    t.visit.c[name]
    for name in ("id", "place", "activity", "day", "status", "photos", "occurred_at", "latitude", "longitude",
                 "accuracy_m", "imported", "decided", "entry")
]  # fmt: skip


def _sketch(row: Any) -> Sketch:
    (
        id_,
        place,
        activity,
        day,
        status,
        photos,
        occurred_at,
        latitude,
        longitude,
        accuracy,
        imported,
        decided,
        entry,
    ) = row
    fact = VisitFact(id_, place, activity, day, status, _counted(photos, imported, entry))
    return Sketch(fact, occurred_at, latitude, longitude, accuracy, imported, decided)


def _counted(photos: int, imported: bool, entry: str | None) -> int | None:
    """As many as `Visit.fact` says."""
    return None if imported or entry == Entry.PAPER else photos


_before = t.visit.alias("before")
_latest_comparable = (
    select(_before.c.occurred_at)
    .where(
        _before.c.person == bindparam("person"),
        _before.c.occurred_at < bindparam("instant"),
        _before.c.status != VisitStatus.REJECTED.value,
        _before.c.latitude.is_not(None),
        _before.c.imported.is_(False),
    )
    .order_by(_before.c.occurred_at.desc())
    .limit(1)
)
_since = Prepared(
    select(*_SKETCH)
    .where(
        t.visit.c.person == bindparam("person"),
        t.visit.c.occurred_at >= func.coalesce(_latest_comparable.scalar_subquery(), bindparam("instant")),
    )
    .order_by(t.visit.c.occurred_at, t.visit.c.id)
)


def since(connection: Connection, person: str, instant: datetime) -> list[Sketch]:
    """The person's visits from an instant on, earliest first, and before them those from the latest `comparable` one
    on: what a check-in after that instant may be compared with is always among them.
    """
    return [_sketch(row) for row in _since.rows(connection, {"person": person, "instant": instant})]


def facts_between(
    connection: Connection, people: Sequence[str], first: datetime, last: datetime
) -> dict[str, list[VisitFact]]:
    """What the engine needs of these people's visits that happened between two instants."""
    c = t.visit.c
    found: dict[str, list[VisitFact]] = defaultdict(list)
    query = select(c.person, c.id, c.place, c.activity, c.day, c.status, c.photos, c.imported, c.entry).where(
        c.person.in_(people), c.occurred_at >= first, c.occurred_at < last
    )
    for person, id_, place, activity, day, status, photos, imported, entry in connection.execute(query):
        found[person].append(VisitFact(id_, place, activity, day, status, _counted(photos, imported, entry)))
    return found


@dataclass(frozen=True, slots=True)
class Sharer:
    """Another visit that has one of the same pictures, or one much like it."""

    id: str
    person: str
    occurred_at: datetime
    day: Any
    status: str
    decided: bool
    exact: bool


def sharers(connection: Connection, visit: str, digests: Sequence[str], likeness: int) -> list[Sharer]:
    """Other visits for which one of these pictures, or a copy that agrees by so many percent, was sent in full."""
    if not digests:
        return []
    v, p, like = t.visit.c, t.visit_photo.c, t.photo_likeness.c
    columns = (v.id, v.person, v.occurred_at, v.day, v.status, v.decided)
    theirs = t.visit_photo.join(t.visit, v.id == p.visit)
    sent = and_(p.visit != visit, p.received_at.is_not(None))
    exact = select(*columns).select_from(theirs).where(sent, p.digest.in_(digests)).distinct()
    near = (
        select(*columns)
        .select_from(theirs.join(t.photo_likeness, like.other == p.digest))
        .where(sent, like.digest.in_(digests), like.percent >= likeness)
        .distinct()
    )
    found = [Sharer(*row, exact=True) for row in connection.execute(exact)]
    found += [Sharer(*row, exact=False) for row in connection.execute(near)]
    return found


def mark_stale(connection: Connection, visits: Iterable[str], cause: str) -> None:
    """Notes that the findings of these visits must be worked out again."""
    rows = [{"visit": visit, "cause": cause} for visit in visits]
    for chunk in chunks(rows, 5000):
        connection.execute(insert(t.stale_visit), chunk)


def stale(connection: Connection, limit: int, only: Sequence[str] | None = None) -> dict[str, list[int]]:
    """Visits whose findings must be worked out again, each with its marks."""
    c = t.stale_visit.c
    found: dict[str, list[int]] = defaultdict(list)
    query = select(c.visit, c.id).order_by(c.id).limit(limit)
    if only is not None:
        query = query.where(c.visit.in_(only))
    for visit, mark in connection.execute(query):
        found[visit].append(mark)
    return found


def clear_stale(connection: Connection, marks: Sequence[int]) -> None:
    """Takes away marks that have been worked off."""
    for chunk in chunks(marks):
        connection.execute(delete(t.stale_visit).where(t.stale_visit.c.id.in_(chunk)))


def set_days(connection: Connection, day_of: Callable[[datetime], date]) -> None:
    """Works out every visit's local day again, after the county's time zone was changed."""
    c = t.visit.c
    moved = []
    for id_, occurred_at, day in connection.execute(select(c.id, c.occurred_at, c.day)).all():
        if day_of(occurred_at) != day:
            moved.append({"k_id": id_, "v_day": day_of(occurred_at)})
    if moved:
        connection.execute(update(t.visit).where(c.id == bindparam("k_id")).values(day=bindparam("v_day")), moved)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which visits to list; days are local, both included; `after` is where the page before ended."""

    person: str | None = None
    place: Sequence[str] | None = None  # every path the place ever had
    status: str | None = None
    first: date | None = None
    last: date | None = None
    after: tuple[datetime, str] | None = None
    waits_for: str | None = None  # a reviewer who may decide on them
    appealed: bool = False  # of those that wait: appealed ones, or the others
    oldest_first: bool = False


_SHARE = 20  # so many times the rows wanted are looked at first
_SORTED = 50_000  # visits; more of them are read in the order of time instead of being sorted


def listed(connection: Connection, scope: Scope, sought: Sought, limit: int) -> list[Visit]:
    """Visits inside the scope, latest first unless said otherwise."""
    c = t.visit.c
    query = _matching(select(*COLUMNS), scope, sought).limit(limit)
    if scope.areas and not sought.oldest_first and sought.person is None and sought.waits_for is None:
        # Otherwise all that ever happened in a wide area is sorted for one page of it.
        newest = select(c.id).order_by(c.occurred_at.desc(), c.id.desc()).limit(_SHARE * limit)
        if sought.last is not None:
            newest = newest.where(c.occurred_at < datetime.combine(sought.last + timedelta(days=2), time.min, UTC))
        if sought.after is not None:
            newest = newest.where(c.occurred_at <= sought.after[0])
        rows = connection.execute(query.where(c.id.in_(newest))).all()
        if len(rows) == limit:
            return [from_row(row) for row in rows]
    return [from_row(row) for row in connection.execute(query)]


_BRIEF = ("id", "person", "place", "activity", "captured_at", "day", "received_at", "latitude", "longitude",
          "accuracy_m", "status", "functions", "note", "photos", "imported")  # fmt: skip


def streamed(connection: Connection, scope: Scope, sought: Sought) -> Iterator[Any]:
    """As `listed`, all of them and one by one, each as a row of what a table shows, with the person's name."""
    columns = [t.visit.c[name] for name in _BRIEF]
    name = select(t.person.c.name).where(t.person.c.code == t.visit.c.person).scalar_subquery()
    query = select(*columns, name.label("person_name"))
    yield from connection.execute(_matching(query, scope, sought, by_time=_is_wide(connection, scope, sought)))


def _is_wide(connection: Connection, scope: Scope, sought: Sought) -> bool:
    """Whether so many visits are sought that SQLite must not sort them: it maps what it sorts into our memory."""
    if connection.dialect.name != "sqlite" or sought.person is not None or sought.waits_for is not None:
        return False
    areas = scope.areas if sought.place is None else sought.place
    some = select(literal(1)).where(or_(false(), *(inside(t.visit.c.path, area) for area in areas))).limit(_SORTED)
    return connection.scalar(select(func.count()).select_from(some.subquery())) == _SORTED


def _matching(query: Select[Any], scope: Scope, sought: Sought, by_time: bool = False) -> Select[Any]:
    c = t.visit.c
    # What is not a bare column no index serves: with `by_time` only that of the time is left to walk along.
    path: ColumnElement[str] = c.path.concat("") if by_time else c.path
    query = query.where(seen_by(scope, c.person, path))
    if sought.person is not None:
        query = query.where(c.person == sought.person)
    if sought.place is not None:
        query = query.where(or_(*(inside(path, area) for area in sought.place)))
    if sought.status is not None:
        query = query.where(c.status == sought.status)
    # Wherever the county lies, its days begin and end within two of UTC's.
    if sought.first is not None:
        begins = datetime.combine(sought.first - timedelta(days=2), time.min, UTC)
        query = query.where(c.day >= sought.first, c.occurred_at >= begins)
    if sought.last is not None:
        ends = datetime.combine(sought.last + timedelta(days=2), time.min, UTC)
        query = query.where(c.day <= sought.last, c.occurred_at < ends)
    if sought.waits_for is not None:
        query = query.where(decisions.waits_for(sought.waits_for, sought.appealed))
    if sought.after is not None:
        at, visit = sought.after
        if sought.oldest_first:
            query = query.where(or_(c.occurred_at > at, and_(c.occurred_at == at, c.id > visit)))
        else:
            query = query.where(or_(c.occurred_at < at, and_(c.occurred_at == at, c.id < visit)))
    order = (c.occurred_at, c.id) if sought.oldest_first else (c.occurred_at.desc(), c.id.desc())
    return query.order_by(*order)

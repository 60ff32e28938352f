"""People, their postings and leave."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from itertools import islice
from typing import TypeVar

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Date,
    String,
    and_,
    bindparam,
    cast,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    union_all,
    update,
)

from server.domain.postings import Leave, Posting
from server.storage import tables as t
from server.storage.prepared import Prepared, Sent
from server.storage.types import Instant

T = TypeVar("T")
CHUNK = 500  # codes in one IN list


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the register."""

    code: str
    name: str
    phone: str = ""
    unit: str = ""
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class Versions:
    """What a decision about a person rests on; if any of it has moved on, the decision is made again."""

    revision: int
    facts: int
    visits: int
    judged_from: date | None
    judged_to: date | None
    gcj02_from: datetime | None = None  # what the person's phone calls WGS-84 is GCJ-02 since; moves on with `visits`


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    waiting = iter(items)
    while chunk := list(islice(waiting, size)):
        yield chunk


def find(connection: Connection, code: str) -> Person | None:
    """The person with this code."""
    c = t.person.c
    row = connection.execute(select(c.code, c.name, c.phone, c.unit, c.language).where(c.code == code)).first()
    return Person(*row) if row else None


def named(connection: Connection, codes: Collection[str]) -> dict[str, Person]:
    """The people with these codes."""
    c = t.person.c
    found: dict[str, Person] = {}
    for chunk in chunks(sorted(set(codes))):
        for row in connection.execute(select(c.code, c.name, c.phone, c.unit, c.language).where(c.code.in_(chunk))):
            found[row.code] = Person(*row)
    return found


_versions = Prepared(
    select(
        t.register.c.revision, t.person.c.facts, t.person.c.visits, t.register.c.judged_from, t.register.c.judged_to,
        t.person.c.gcj02_from,
    )
    .join_from(t.person, t.register, t.register.c.id == 1)
    .where(t.person.c.code == bindparam("code"))
)  # fmt: skip


def versions(connection: Connection, code: str) -> Versions | None:
    """The versions a decision about the person rests on; none if there is no such person."""
    row = _versions.first(connection, {"code": code})
    return Versions(*row) if row else None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a decision about a person rests on beside their visits, all as of one moment."""

    versions: Versions
    postings: Sequence[Posting]
    leaves: Sequence[Leave]
    excused: frozenset[tuple[str, str, str]]  # duty, place and window
    taken: bool  # whether there is a visit with the id that was asked for


def _standing() -> Prepared:
    """All of it in one statement, a row of a kind each: for most check-ins a round trip in place of five."""
    kind, no_text, no_day, no_number, no_instant = (
        literal_column,
        cast(null(), String),
        cast(null(), Date),
        cast(null(), BigInteger),
        cast(null(), Instant),
    )
    this_person: BindParameter[str] = bindparam("code")
    p, leave, excuse = t.posting.c, t.leave.c, t.excuse.c
    taken = select(t.visit.c.id).where(t.visit.c.id == bindparam("visit")).scalar_subquery()
    register, person = t.register.c, t.person.c
    return Prepared(
        union_all(
            select(
                kind("'person'", String), cast(taken, String), no_text, no_text, register.judged_from,
                register.judged_to, register.revision, person.facts, person.visits, person.gcj02_from,
            ).join_from(t.person, t.register, register.id == 1).where(person.code == this_person),
            select(
                kind("'posting'", String), p.role, p.place, no_text, p.start, p.end,
                cast(p.office_weekday, BigInteger), no_number, no_number, no_instant,
            ).where(p.person == this_person),
            select(
                kind("'leave'", String), leave.kind, leave.note, no_text, leave.start, leave.end,
                no_number, no_number, no_number, no_instant,
            ).where(leave.person == this_person),
            select(
                kind("'excuse'", String), excuse.duty, excuse.place, excuse.window, no_day, no_day,
                no_number, no_number, no_number, no_instant,
            ).where(excuse.person == this_person, excuse.ended_at.is_(None)),
        )
    )  # fmt: skip


_standing_of = _standing()


def standing(connection: Connection, code: str, visit: str = "") -> Standing | None:
    """What a decision about the person rests on, and whether `visit` is an id in use; none for no such person."""
    versions = None
    taken = False
    postings: list[Posting] = []
    leaves: list[Leave] = []
    excused: set[tuple[str, str, str]] = set()
    rows = _standing_of.rows(connection, {"code": code, "visit": visit})
    for kind, one, two, three, first, last, number, facts, visits, gcj02_from in rows:
        if kind == "posting":
            postings.append(Posting(code, one, two, first, last, number))
        elif kind == "leave":
            leaves.append(Leave(code, first, last, one, two))
        elif kind == "excuse":
            excused.add((one, two, three))
        else:
            versions = Versions(number, facts, visits, first, last, gcj02_from)
            taken = one is not None
    return Standing(versions, postings, leaves, frozenset(excused), taken) if versions else None


_take_turn = Prepared(
    update(t.person)
    .where(
        t.person.c.code == bindparam("k_code"),
        t.person.c.visits == bindparam("k_visits"),
        t.person.c.facts == bindparam("k_facts"),
        select(t.register.c.revision).where(t.register.c.id == 1).scalar_subquery() == bindparam("k_revision"),
    )
    .values(visits=t.person.c.visits + 1)
)


def take_turn(connection: Connection, code: str, versions: Versions) -> bool:
    """Claims the next change of the person's visits; false if what was decided rests on facts that have moved on."""
    return send_turn(connection, code, versions).changed == 1


def send_turn(connection: Connection, code: str, versions: Versions) -> Sent:
    """As `take_turn`: it has changed one row or none."""
    held = {"k_visits": versions.visits, "k_facts": versions.facts, "k_revision": versions.revision}
    return _take_turn.send(connection, {"k_code": code, **held})


def set_gcj02_from(connection: Connection, code: str, instant: datetime | None) -> None:
    """Keeps since when the person's phone has given GCJ-02 for WGS-84; none: it has not."""
    connection.execute(update(t.person).where(t.person.c.code == code).values(gcj02_from=instant))


def all_versions(connection: Connection, codes: Sequence[str], lock: bool = False) -> dict[str, tuple[int, int]]:
    """Facts and visits versions of several people; with `lock`, held until the transaction ends."""
    c = t.person.c
    query = select(c.code, c.facts, c.visits).where(c.code.in_(codes)).order_by(c.code)
    rows = connection.execute(query.with_for_update() if lock else query)
    return {row.code: (row.facts, row.visits) for row in rows}


def bump_facts(connection: Connection, codes: Iterable[str]) -> None:
    """Counts a change of the postings or leave of these people."""
    for chunk in chunks(sorted(set(codes))):
        connection.execute(update(t.person).where(t.person.c.code.in_(chunk)).values(facts=t.person.c.facts + 1))


def blank(connection: Connection, code: str, name: str) -> None:
    """Takes a person's name, number and unit away; `name` stands where the name was."""
    connection.execute(update(t.person).where(t.person.c.code == code).values(name=name, phone="", unit=""))


def blank_texts(connection: Connection, code: str) -> None:
    """Takes away what a person wrote, and what was written of them, in words of one's own.

    Decisions are only added to: `decisions.records` does not tell their reasons where the key is destroyed. What they
    said as an office of a day moved or a month reopened was sealed in the log with their own key, so it goes too.
    """
    v = t.visit.c
    connection.execute(update(t.visit).where(v.person == code).values(note="", entry_reason=""))
    visits = select(v.id).where(v.person == code)
    connection.execute(update(t.addition).where(t.addition.c.visit.in_(visits)).values(note=""))
    connection.execute(update(t.appeal).where(t.appeal.c.visit.in_(visits)).values(reason=""))
    for table, blanks in (
        (t.excuse, {"reason": ""}),
        (t.explanation, {"text": ""}),
        (t.leave, {"note": ""}),
        (t.leave_request, {"note": "", "reason": ""}),
    ):
        connection.execute(update(table).where(table.c.person == code).values(blanks))
    connection.execute(update(t.day_move).where(t.day_move.c.by == code).values(reason=""))
    connection.execute(update(t.closure).where(t.closure.c.reopened_by == code).values(reason=""))


_postings = select(*(t.posting.c[field.name] for field in fields(Posting))).where(
    t.posting.c.person.in_(bindparam("codes", expanding=True))
)
_leaves = select(*(t.leave.c[field.name] for field in fields(Leave))).where(
    t.leave.c.person.in_(bindparam("codes", expanding=True))
)
_excused = select(t.excuse.c.person, t.excuse.c.duty, t.excuse.c.place, t.excuse.c.window).where(
    t.excuse.c.person.in_(bindparam("codes", expanding=True)), t.excuse.c.ended_at.is_(None)
)


def postings_of(connection: Connection, codes: Sequence[str]) -> dict[str, list[Posting]]:
    """The postings of these people, past and to come."""
    found: dict[str, list[Posting]] = defaultdict(list)
    for row in connection.execute(_postings, {"codes": codes}):
        found[row.person].append(Posting(*row))
    return found


def leaves_of(connection: Connection, codes: Sequence[str]) -> dict[str, list[Leave]]:
    """The approved leaves of these people."""
    found: dict[str, list[Leave]] = defaultdict(list)
    for row in connection.execute(_leaves, {"codes": codes}):
        found[row.person].append(Leave(*row))
    return found


def excused_of(connection: Connection, codes: Sequence[str]) -> dict[str, frozenset[tuple[str, str, str]]]:
    """What these people have been excused from: duty, place and window."""
    found: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for person, duty, place, window in connection.execute(_excused, {"codes": codes}):
        found[person].add((duty, place, window))
    return {person: frozenset(its) for person, its in found.items()}


def posted_at(connection: Connection, places: Collection[str]) -> set[str]:
    """Everybody who has or had a posting at one of these places."""
    found: set[str] = set()
    for chunk in chunks(sorted(set(places))):
        found.update(connection.scalars(select(t.posting.c.person).where(t.posting.c.place.in_(chunk)).distinct()))
    return found


def posted_between(connection: Connection, first: date, last: date) -> list[str]:
    """Everybody with a posting that shares a day with the span."""
    c = t.posting.c
    in_span = and_(c.start <= last, or_(c.end.is_(None), c.end >= first))
    return list(connection.scalars(select(c.person).where(in_span).distinct().order_by(c.person)))


def first_posting(connection: Connection) -> date | None:
    """The day on which the earliest posting of all begins."""
    found: date | None = connection.scalar(select(func.min(t.posting.c.start)))
    return found


def mark_stale(
    connection: Connection, spans: Mapping[str, tuple[date, date]] | Iterable[tuple[str, date, date]]
) -> None:
    """Notes that the windows of these people that share a day with the span must be judged again."""
    listed = ((p, *span) for p, span in spans.items()) if isinstance(spans, Mapping) else spans
    rows = [{"person": person, "first": first, "last": last} for person, first, last in listed]
    if rows:
        connection.execute(insert(t.stale_span), rows)

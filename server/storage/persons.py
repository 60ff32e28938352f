"""The people of the register, listed and changed one by one, and what the log tells of them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, update

from server.storage import keys
from server.storage import tables as t
from server.storage.people import Person

p = t.person.c


@dataclass(frozen=True, slots=True)
class Sought:
    """Which people are asked for: those who belong to one of these places, as of a day; None: all there are.

    `text` is part of a name, or how a code or a telephone number begins.
    """

    places: Collection[str] | None
    today: date
    text: str | None = None


def page(connection: Connection, sought: Sought, after: str, limit: int) -> list[Person]:
    """At most `limit` people after a code, in order of their codes."""
    query = select(p.code, p.name, p.phone, p.unit, p.language).where(p.code > after).order_by(p.code).limit(limit)
    if sought.places is not None:
        query = query.where(_belonging(sought.places, sought.today))
    if sought.text:
        text = sought.text
        query = query.where(
            or_(
                p.name.icontains(text, autoescape=True),
                p.code.istartswith(text, autoescape=True),
                p.phone.startswith(text, autoescape=True),
            )
        )
    return [Person(*row) for row in connection.execute(query)]


def _belonging(places: Collection[str], today: date) -> ColumnElement[bool]:
    """As `accounts.standing_places` says: posted there now or later, or else there last of all."""
    held, other = t.posting.c, t.posting.alias().c
    there = and_(held.person == p.code, held.place.in_(sorted(places)))
    lasts = or_(held.end.is_(None), held.end >= today)
    latest = select(func.max(other.end)).where(other.person == p.code).scalar_subquery()
    anywhere = exists().where(other.person == p.code, or_(other.end.is_(None), other.end >= today))
    return or_(exists().where(there, lasts), and_(~anywhere, exists().where(there, held.end == latest)))


def set_language(connection: Connection, code: str, language: str) -> None:
    """Says in which language a person is written to."""
    connection.execute(update(t.person).where(p.code == code).values(language=language))


@dataclass(frozen=True, slots=True)
class Told:
    """What the log tells of a person; `erased` if what was personal in it can no longer be read."""

    id: int
    at: datetime
    actor: str
    verb: str
    kind: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    erased: bool


def history(connection: Connection, code: str, before: int | None, limit: int) -> list[Told]:
    """What the log tells of a person's entry, postings, leave and grants, latest first, at most `limit` lines."""
    c = t.log.c
    named = [
        and_(c.kind.in_(["person", "grant", "account", "leave"]), c.subject == code),
        # "!" follows the blank in code-point order
        and_(c.kind.in_(["posting", "leave"]), c.subject > f"{code} ", c.subject < f"{code}!"),
    ]
    about = ("created", "changed", "removed", "give", "end", "open", "revoke", "asked", "approved", "refused",
             "cancelled", "withdrawn")  # fmt: skip
    query = select(t.log).where(or_(*named), c.verb.in_(about)).order_by(c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(c.id < before)
    rows = connection.execute(query).all()
    opened = keys.opened(connection, [(row.about, row.personal) for row in rows])
    return [_told(row, personal) for row, personal in zip(rows, opened, strict=True)]


def _told(row: Any, personal: dict[str, Any] | None) -> Told:
    detail, private = dict(row.detail), dict(personal or {})
    before, after = (_joined(detail.pop(when, None), private.pop(when, None)) for when in ("before", "after"))
    if detail or private:  # what is the same before and after
        after = detail | private | (after or {})
    erased = row.personal is not None and personal is None
    return Told(
        row.id,
        row.at,
        row.actor,
        row.verb,
        row.kind,
        row.subject,
        before,
        after,
        erased,
    )


def _joined(values: dict[str, Any] | None, personal: dict[str, Any] | None) -> dict[str, Any] | None:
    return {**(values or {}), **personal} if personal else values

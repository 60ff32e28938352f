"""Accounts and grants, as their administrators see and change them."""

from __future__ import annotations

from schemas.base import CODE, Base, Choice, Code, Cursor, Instant, Integer, Items, Part, Text
from schemas.exports import ExportQuery
from server.domain.access import GrantKind


class AccountsQuery(ExportQuery):
    """Which accounts: of people who belong to a place or what lies inside it, or of one person."""

    cursor = Cursor(CODE)
    place = Code()
    person = Code()


class AccountIn(Base):
    """Who gets an account."""

    person = Code(required=True)


class GrantIn(Base):
    """A right over a place and all inside it."""

    kind = Choice(GrantKind, required=True)
    place = Code(required=True)


class GrantOut(Base):
    """A grant in force."""

    id = Integer(1, 2**63 - 1, required=True)
    kind = Choice(GrantKind, required=True)
    place = Code(required=True)
    place_name = Text(1, 100, required=True)
    granted_by = Text(1, 64, required=True)
    granted_at = Instant(required=True)


class GrantsOut(Base):
    """The grants in force of one account; there are never so many that they come in pages."""

    items = Items(Part(GrantOut), 0, 10_000, required=True)
    next = Cursor(CODE, required=True, allow_none=True)


class AccountOut(Base):
    """An account: invited until it has its first password, then active, or revoked."""

    person = Code(required=True)
    name = Text(1, 100, required=True)
    phone = Text(0, 20, required=True)
    unit = Text(0, 100, required=True)
    state = Choice(("invited", "active", "revoked"), required=True)
    created_at = Instant(required=True)
    sessions = Integer(0, 1_000_000, required=True)
    code_expires_at = Instant(required=True, allow_none=True)
    grants = Items(Part(GrantOut), 0, 10_000, required=True)


class AccountsOut(Base):
    """A page of accounts, in order of the person's code."""

    items = Items(Part(AccountOut), required=True)
    next = Cursor(CODE, required=True, allow_none=True)


class ActivationOut(Base):
    """A one-time code, shown this once; in the link it stands in the fragment."""

    person = Code(required=True)
    code = Text(10, 10, required=True)
    expires_at = Instant(required=True)
    link = Text(1, 500, required=True)

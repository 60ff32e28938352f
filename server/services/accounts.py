"""Accounts and grants: who may sign in, and who may do what where. Outside one's own area nothing exists."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from server.adapters import secrets
from server.domain import problems
from server.domain.access import Caller, Grant, GrantKind
from server.domain.accounts import (
    CODE_ALPHABET,
    CODE_LENGTH,
    Footing,
    Reach,
    activation_link,
    may_keep,
    may_see,
    standing_places,
)
from server.domain.places import Tree
from server.domain.problems import Problem, invalid
from server.services.areas import Area, area_now, area_of
from server.services.deployment import Deployment
from server.services.record import home
from server.storage import accounts, links, logbook, people
from server.storage.accounts import Account, HeldGrant
from server.storage.database import Connection
from server.storage.logbook import Line

_AT_ONCE = 500  # accounts of a long list held in memory


@dataclass(frozen=True, slots=True)
class GrantView:
    """A grant in force, with the name of its place."""

    id: int
    kind: GrantKind
    place: str
    place_name: str
    granted_by: str
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as its administrator sees it: `invited` until its first password, `active`, or `revoked`.

    Grants outside the administrator's own area are left out.
    """

    person: str
    name: str
    phone: str
    unit: str
    state: str
    created_at: datetime
    sessions: int
    code_expires_at: datetime | None
    grants: tuple[GrantView, ...]


@dataclass(frozen=True, slots=True)
class Activation:
    """A new one-time code, shown this once, and its link."""

    person: str
    code: str
    expires_at: datetime
    link: str


def page(
    deployment: Deployment,
    caller: Caller,
    now: datetime,
    *,
    after: str = "",
    limit: int = 50,
    place: str | None = None,
    person: str | None = None,
) -> list[AccountView]:
    """Accounts the caller administers, in order of the person's code, `limit` and one more if there is one.

    `place` keeps those whose person belongs to it or to what lies inside. Raises Problem INVALID for a place that is
    unknown or outside, FORBIDDEN for who administers nothing.
    """
    with deployment.database.read() as connection:
        ground = area_of(deployment, connection, caller, now)
        if not ground.admin.areas:
            raise Problem(problems.FORBIDDEN)
        inside: set[str] | None = None
        if place is not None:
            if place not in ground.tree or not ground.admin.covers(ground.path(place)):
                raise invalid("/place", "not-exist")
            inside = _belonging(connection, ground, Reach((ground.path(place),), False), with_holders=False)
        elif not ground.admin.whole:
            inside = _belonging(connection, ground, ground.admin, with_holders=True)
        return _views(connection, ground, accounts.page(connection, after, limit + 1, inside, person), now)


def every_one(
    deployment: Deployment, caller: Caller, now: datetime, place: str | None, person: str | None
) -> Iterator[AccountView]:
    """The same accounts one by one; raises Problem as `page`, at once."""
    found = page(deployment, caller, now, limit=_AT_ONCE, place=place, person=person)
    return _from_page_to_page(deployment, caller, now, found, place, person)


def _from_page_to_page(
    deployment: Deployment,
    caller: Caller,
    now: datetime,
    found: list[AccountView],
    place: str | None,
    person: str | None,
) -> Iterator[AccountView]:
    while len(found) > _AT_ONCE:
        yield from found[:_AT_ONCE]
        after = found[_AT_ONCE - 1].person
        found = page(deployment, caller, now, after=after, limit=_AT_ONCE, place=place, person=person)
    yield from found


def show(deployment: Deployment, caller: Caller, person: str, now: datetime) -> AccountView:
    """One account; raises Problem NOT_FOUND outside the caller's area, FORBIDDEN inside it without the right."""
    with deployment.database.read() as connection:
        ground = area_of(deployment, connection, caller, now)
        _require(_standing(connection, ground, person), Standing.SEEN)
        return _view(connection, ground, person, now)


def open_account(deployment: Deployment, caller: Caller, person: str, now: datetime) -> AccountView:
    """Gives a person an account, which still needs an activation, or opens a revoked one again.

    Raises Problem: INVALID for a person who is unknown or outside, FORBIDDEN, CONFLICT if there is an open account.
    """
    with deployment.database.read() as connection:
        ground = area_of(deployment, connection, caller, now)
        standing = _standing(connection, ground, person)
        path = home(connection, deployment, person, now)
    if standing is Standing.NOWHERE:
        raise invalid("/person", "not-exist")
    _require(standing, Standing.KEPT)
    with deployment.database.write() as connection:
        _ground_now(deployment, connection, caller, person, now, Standing.KEPT)
        if not accounts.open_accounts(connection, [person], now):
            raise Problem(problems.CONFLICT)
        logbook.write(connection, now, [Line(caller.person, "open", "account", person, path=path)])
        return _view(connection, ground, person, now)


def revoke(deployment: Deployment, caller: Caller, person: str, now: datetime) -> None:
    """Closes an account at once, with its sessions, code and grants; raises Problem as `show`, and for one's own."""
    path = _kept(deployment, caller, person, now, own=False)
    with deployment.database.write() as connection:
        accounts.lock(connection, person)
        _ground_now(deployment, connection, caller, person, now, Standing.KEPT)
        if not close(connection, person, path, caller.person, now):
            raise Problem(problems.NOT_FOUND)


def new_activation(deployment: Deployment, caller: Caller, person: str, now: datetime) -> Activation:
    """A new one-time code, which replaces the password and the code before, and ends all sessions.

    Raises Problem as `show`, for one's own account, and CONFLICT for a revoked one.
    """
    path = _kept(deployment, caller, person, now, own=False)
    code = secrets.new_code(CODE_ALPHABET, CODE_LENGTH)
    digest = secrets.code_digest(code, person)
    with deployment.database.write() as connection:
        if accounts.lock(connection, person) is None:
            known = accounts.find(connection, person)
            raise Problem(problems.CONFLICT if known else problems.NOT_FOUND)
        _ground_now(deployment, connection, caller, person, now, Standing.KEPT)
        accounts.set_password(connection, person, None)
        accounts.end_tokens(connection, person, now)
        expires_at = now + _code_life(deployment)
        accounts.put_codes(connection, {person: digest}, now, expires_at)
        logbook.write(connection, now, [Line(caller.person, "activation", "account", person, path=path)])
    return _activation(deployment, person, code, expires_at)


def end_sessions(deployment: Deployment, caller: Caller, person: str, now: datetime) -> None:
    """Ends every session of a person and their calendar's address, as when a phone is lost; raises as `show`."""
    path = _kept(deployment, caller, person, now, own=True)
    with deployment.database.write() as connection:
        if accounts.lock(connection, person) is None:
            raise Problem(problems.NOT_FOUND)
        _ground_now(deployment, connection, caller, person, now, Standing.KEPT)
        ended = accounts.end_tokens(connection, person, now)
        links.end_feeds(connection, person, now)
        line = Line(caller.person, "end-sessions", "account", person, {"sessions": ended}, path)
        logbook.write(connection, now, [line])


def grants(deployment: Deployment, caller: Caller, person: str, now: datetime) -> tuple[GrantView, ...]:
    """The grants in force of an account inside the caller's own area; raises Problem as `show`."""
    return show(deployment, caller, person, now).grants


def add_grant(deployment: Deployment, caller: Caller, person: str, grant: Grant, now: datetime) -> GrantView:
    """Gives a grant, inside one's own area and never to oneself.

    Raises Problem as `show`, OWN_GRANT, INVALID for a place that is unknown or outside, CONFLICT if it is held
    already or the account is revoked.
    """
    with deployment.database.read() as connection:
        ground = area_of(deployment, connection, caller, now)
        _require(_standing(connection, ground, person), Standing.SEEN)
    if person == caller.person:
        raise Problem(problems.OWN_GRANT)
    _require_inside(ground, grant)
    with deployment.database.write() as connection:
        if accounts.lock(connection, person) is None:
            known = accounts.find(connection, person)
            raise Problem(problems.CONFLICT if known else problems.NOT_FOUND)
        ground = _ground_now(deployment, connection, caller, person, now, Standing.SEEN)
        _require_inside(ground, grant)
        added = give(connection, person, {grant: ground.path(grant.place)}, caller.person, now)
        if not added:
            raise Problem(problems.CONFLICT)
        return _grant_view(ground.tree, added[0])


def end_grant(deployment: Deployment, caller: Caller, person: str, number: int, now: datetime) -> None:
    """Ends a grant inside the caller's own area; raises Problem as `show`, NOT_FOUND for a grant that is outside."""
    with deployment.database.read() as connection:
        ground = area_of(deployment, connection, caller, now)
        _require(_standing(connection, ground, person), Standing.SEEN)
    with deployment.database.write() as connection:
        accounts.lock(connection, person)
        ground = _ground_now(deployment, connection, caller, person, now, Standing.SEEN)
        held = accounts.grant(connection, person, number)
        if held is None or not ground.admin.covers(ground.path(held.place)):
            raise Problem(problems.NOT_FOUND)
        if accounts.end_grants(connection, [number], now):
            detail = {"kind": held.kind.value, "place": held.place}
            line = Line(caller.person, "end", "grant", person, detail, ground.path(held.place))
            logbook.write(connection, now, [line])


# What is done in a transaction of somebody else's, without asking who may


def close(connection: Connection, person: str, path: str, actor: str, now: datetime) -> bool:
    """Closes an account with its sessions, code and grants; false if it was not open. `path`: where they belong."""
    if accounts.lock(connection, person) is None or not accounts.revoke(connection, person, now):
        return False
    ended = accounts.grants_of(connection, [person]).get(person, [])
    accounts.set_password(connection, person, None)
    accounts.end_tokens(connection, person, now)
    accounts.end_codes(connection, person, now)
    links.end_feeds(connection, person, now)
    accounts.end_grants(connection, [held.id for held in ended], now)
    detail = {"grants": [{"kind": held.kind.value, "place": held.place} for held in ended]}
    logbook.write(connection, now, [Line(actor, "revoke", "account", person, detail, path)])
    return True


def give(
    connection: Connection, person: str, wanted: Mapping[Grant, str], actor: str, now: datetime
) -> list[HeldGrant]:
    """Gives the grants, each with the path of its place, that a person does not hold yet; those that are new.

    A one-time code that the person has ends then: who made it may not be allowed to make one for the holder of these.
    """
    added: list[HeldGrant] = []
    lines: list[Line] = []
    for grant, path in wanted.items():
        held = accounts.add_grant(connection, person, grant, actor, now)
        if held is not None:
            added.append(held)
            detail = {"kind": grant.kind.value, "place": grant.place}
            lines.append(Line(actor, "give", "grant", person, detail, path))
    if added:
        accounts.end_codes(connection, person, now)
    logbook.write(connection, now, lines)
    return added


class Standing(IntEnum):
    """How an account stands to a caller, from nothing at all to being in their keeping."""

    NOWHERE = 0  # it does not exist for them
    INSIDE = 1  # inside what they may read, or their own: it exists, but accounts are not theirs to see
    SEEN = 2
    KEPT = 3


def _ground_now(
    deployment: Deployment, connection: Connection, caller: Caller, person: str, now: datetime, needed: Standing
) -> Area:
    """The ground as it stands in a transaction that holds the account, with the grants that the caller still has.

    Raises Problem if the person's account no longer stands to the caller as is needed: since that was looked at, the
    one may have been given more, and the other may have lost what they had.
    """
    ground = area_now(deployment, connection, caller, now)
    _require(_standing(connection, ground, person), needed)
    return ground


def _require_inside(ground: Area, grant: Grant) -> None:
    if grant.place not in ground.tree or not ground.admin.covers(ground.path(grant.place)):
        raise invalid("/place", "not-exist")


def _standing(connection: Connection, ground: Area, person: str) -> Standing:
    if people.find(connection, person) is None:
        return Standing.NOWHERE
    postings = people.postings_of(connection, [person]).get(person, [])
    held = accounts.grants_of(connection, [person]).get(person, [])
    footing = Footing(
        frozenset(ground.path(place) for place in standing_places(postings, ground.today)),
        frozenset(ground.path(grant.place) for grant in held),
    )
    if may_see(ground.admin, footing):
        return Standing.KEPT if may_keep(ground.admin, footing) else Standing.SEEN
    if person == ground.caller.person or may_see(ground.reader, footing):
        return Standing.INSIDE
    return Standing.NOWHERE


def _require(standing: Standing, needed: Standing) -> None:
    if standing is Standing.NOWHERE:
        raise Problem(problems.NOT_FOUND)
    if standing < needed:
        raise Problem(problems.FORBIDDEN)


def _kept(deployment: Deployment, caller: Caller, person: str, now: datetime, *, own: bool) -> str:
    """Where the person belongs; raises Problem unless the account is in the caller's keeping, their own with `own`."""
    with deployment.database.read() as connection:
        ground = area_of(deployment, connection, caller, now)
        _require(_standing(connection, ground, person), Standing.KEPT)
        path = home(connection, deployment, person, now)
    # A stolen session must not become a password of the thief's
    if person == caller.person and not own:
        raise Problem(problems.FORBIDDEN)
    return path


def _belonging(connection: Connection, ground: Area, area: Reach, *, with_holders: bool) -> set[str]:
    """Everybody who belongs to the area, and those who hold a grant for something in it."""
    places = ground.inside(area)
    codes = set(places)
    found = accounts.holders(connection, places) if with_holders else set()
    for chunk in people.chunks(sorted(people.posted_at(connection, places))):
        for person, postings in people.postings_of(connection, chunk).items():
            if standing_places(postings, ground.today) & codes:
                found.add(person)
    return found


def _view(connection: Connection, ground: Area, person: str, now: datetime) -> AccountView:
    found = accounts.find(connection, person)
    if found is None:
        raise Problem(problems.NOT_FOUND)
    return _views(connection, ground, [found], now)[0]


def _views(connection: Connection, ground: Area, rows: Sequence[Account], now: datetime) -> list[AccountView]:
    codes = [row.person for row in rows]
    held = accounts.grants_of(connection, codes)
    live = {code.person: code.expires_at for code in accounts.live_codes(connection, codes, now)}
    sessions = accounts.sessions(connection, codes, now)
    return [
        AccountView(
            person=row.person,
            name=row.name,
            phone=row.phone,
            unit=row.unit,
            state="revoked" if row.revoked_at else "active" if row.activated else "invited",
            created_at=row.created_at,
            sessions=sessions.get(row.person, 0),
            code_expires_at=live.get(row.person),
            grants=tuple(
                _grant_view(ground.tree, grant)
                for grant in held.get(row.person, ())
                if ground.admin.covers(ground.path(grant.place))
            ),
        )
        for row in rows
    ]


def _grant_view(tree: Tree, held: HeldGrant) -> GrantView:
    return GrantView(held.id, held.kind, held.place, tree[held.place].name, held.granted_by, held.granted_at)


def _code_life(deployment: Deployment) -> timedelta:
    return timedelta(days=deployment.settings.activation_days)


def _activation(deployment: Deployment, person: str, code: str, expires_at: datetime) -> Activation:
    link = activation_link(deployment.settings.public_url, person, code)
    return Activation(person, code, expires_at.astimezone(deployment.zone), link)

"""Accounts from the command line: one, or a whole sheet for everybody posted in an area."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from server.adapters import secrets
from server.domain.access import Grant
from server.domain.accounts import CODE_ALPHABET, CODE_LENGTH, SheetRow, activation_link, check_password
from server.domain.periods import local_day
from server.domain.places import shared_area
from server.domain.postings import Posting
from server.domain.problems import invalid
from server.services.accounts import Activation, close, give
from server.services.deployment import Deployment
from server.services.record import home, homes
from server.storage import accounts, logbook, people
from server.storage.logbook import Line


def ensure_account(
    deployment: Deployment,
    person: str,
    grants: Iterable[Grant],
    actor: str,
    now: datetime,
    password: str | None = None,
) -> Activation | None:
    """Gives a person an account if there is none, and the grants; with a password it is ready, else a code is issued.

    A password replaces the one before and ends all sessions at once. So does a code that comes without grants, as for a
    forgotten password or a lost phone; one that comes with grants does it when it is used. Raises Problem INVALID for
    an unknown person or place, or a password that will not do.
    """
    wanted = list(grants)
    with deployment.database.read() as connection:
        known = people.find(connection, person)
        tree = deployment.world(connection).tree
        path = home(connection, deployment, person, now)
    if known is None:
        raise invalid("/person", "not-exist")
    if any(grant.place not in tree for grant in wanted):
        raise invalid("/place", "not-exist")
    if password is None:
        code = secrets.new_code(CODE_ALPHABET, CODE_LENGTH)
        digest = secrets.code_digest(code, person)
    else:
        check_password(password, (person, known.phone))
        hashed = secrets.hash_password(password)
    today = local_day(now, deployment.zone)
    paths = {grant: tree.path(grant.place, today) for grant in wanted}
    path = path or shared_area(paths.values())
    with deployment.database.write() as connection:
        if accounts.open_accounts(connection, [person], now):
            logbook.write(connection, now, [Line(actor, "open", "account", person, path=path)])
        accounts.lock(connection, person)
        give(connection, person, paths, actor, now)
        if password is not None:
            accounts.set_password(connection, person, hashed)
            accounts.end_tokens(connection, person, now)
            accounts.end_codes(connection, person, now)
            logbook.write(connection, now, [Line(actor, "password", "account", person, path=path)])
            return None
        if not wanted:
            accounts.set_password(connection, person, None)
            accounts.end_tokens(connection, person, now)
        expires_at = now + timedelta(days=deployment.settings.activation_days)
        accounts.put_codes(connection, {person: digest}, now, expires_at)
        logbook.write(connection, now, [Line(actor, "activation", "account", person, path=path)])
    return Activation(person, code, expires_at, activation_link(deployment.settings.public_url, person, code))


def revoke(deployment: Deployment, person: str, actor: str, now: datetime) -> bool:
    """Closes an account at once, with its sessions, code and grants; false if it was not open."""
    with deployment.database.read() as connection:
        path = home(connection, deployment, person, now)
    with deployment.database.write() as connection:
        return close(connection, person, path, actor, now)


def activate_all(deployment: Deployment, place: str, role: str | None, actor: str, now: datetime) -> list[SheetRow]:
    """Accounts and new codes for everybody posted today at the place or inside it, in the role if one is given.

    Whoever is signed in stays so until they use their code. Ordered by township, place and person. Raises Problem
    INVALID for an unknown place.
    """
    today = local_day(now, deployment.zone)
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        if place not in tree:
            raise invalid("/place", "not-exist")
        area = tree.path(place, today)
        inside = {code for code in tree.places if tree.path(code, today).startswith(area)}
        posted: dict[str, list[Posting]] = {}
        for chunk in people.chunks(sorted(people.posted_at(connection, inside))):
            for person, postings in people.postings_of(connection, chunk).items():
                present = [p for p in postings if p.place in inside and p.in_force(today) and role in (None, p.role)]
                if present:
                    posted[person] = sorted(present, key=lambda p: p.place)
        persons = people.named(connection, posted)
        paths = homes(connection, deployment, posted, now)
    codes = {person: secrets.new_code(CODE_ALPHABET, CODE_LENGTH) for person in posted}
    expires_at = _issue(deployment, codes, paths, actor, now)
    rows: list[SheetRow] = []
    for person, postings in posted.items():
        first, known = postings[0], persons[person]
        township = tree.township_of(first.place, today)
        rows.append(
            SheetRow(
                person=person,
                name=known.name,
                phone=known.phone,
                role=first.role,
                place=first.place,
                place_name="、".join(dict.fromkeys(tree[p.place].name for p in postings)),
                township_name=township.name if township else "",
                code=codes[person],
                expires_at=expires_at.astimezone(deployment.zone),
            )
        )
    return sorted(rows, key=lambda row: (tree.path(row.place, today), row.person))


def _issue(
    deployment: Deployment, codes: dict[str, str], paths: Mapping[str, str], actor: str, now: datetime
) -> datetime:
    """Stores the codes, with accounts for those who have none; until when they live."""
    digests = {person: secrets.code_digest(code, person) for person, code in codes.items()}
    expires_at = now + timedelta(days=deployment.settings.activation_days)
    with deployment.database.write() as connection:
        opened = accounts.open_accounts(connection, codes, now)
        accounts.put_codes(connection, digests, now, expires_at)
        logbook.write(connection, now, _lines(actor, opened, paths))
    return expires_at


def _lines(actor: str, opened: Collection[str], paths: Mapping[str, str]) -> list[Line]:
    return [
        *(Line(actor, "open", "account", person, path=paths[person]) for person in sorted(opened)),
        *(Line(actor, "activation", "account", person, path=paths[person]) for person in sorted(paths)),
    ]

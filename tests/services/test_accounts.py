"""What an administrator may do with whose account: the area decides, and nobody rises by their own hand."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from server.adapters import secrets
from server.domain import problems
from server.domain.access import Grant, GrantKind
from server.domain.problems import Kind, Problem
from server.services import accounts, issuing, signing_in
from server.services.deployment import Deployment, open_deployment
from server.settings import Settings
from server.storage import accounts as rows
from tests.support.staff import GRANTS, NOW, POSTINGS, add_people, caller_of, fill, on_sqlite, post, token_of

IN_T = ["admin", "auditor", "colleague", "inside", "owner", "revoked", "secretary", "supervisor"]

MISSING, DENIED, DONE = problems.NOT_FOUND.code, problems.FORBIDDEN.code, "done"


@pytest.fixture
def office(ready_url: str, tmp_path: Path) -> Iterator[Deployment]:
    deployment = open_deployment(Settings(database_url=ready_url, uploads=tmp_path))
    fill(deployment)
    yield deployment
    deployment.database.close()


@pytest.fixture
def small_office(tmp_path: Path) -> Iterator[Deployment]:
    """The same on SQLite only, for long tables of what the database has no part in."""
    deployment = open_deployment(on_sqlite(tmp_path))
    yield deployment
    deployment.database.close()


def outcome(action: Callable[[], object]) -> str:
    try:
        action()
    except Problem as problem:
        return problem.kind.code
    return DONE


def give(office: Deployment, person: str, kind: GrantKind, place: str) -> int:
    with office.database.write() as connection:
        added = rows.add_grant(connection, person, Grant(kind, place), "command-line", NOW)
    assert added is not None
    return added.id


def codes(found: list[accounts.AccountView]) -> list[str]:
    return [account.person for account in found]


def listed(office: Deployment, caller: str, **sought: object) -> list[str]:
    return codes(accounts.page(office, caller_of(office, caller), NOW, **sought))  # type: ignore[arg-type]


CALLERS_AND_WHAT_THEY_SEE = [
    ("chief", "owner", DONE, DONE),
    ("chief", "chief", DONE, DENIED),
    ("chief", "admin", DONE, DONE),
    ("admin", "owner", DONE, DONE),
    ("admin", "inside", DONE, DONE),
    ("admin", "admin", DONE, DENIED),
    ("admin", "stranger", MISSING, MISSING),
    ("admin", "outside", MISSING, MISSING),
    ("admin", "chief", MISSING, MISSING),
    ("admin", "nobody", MISSING, MISSING),
    ("neighbour", "owner", MISSING, MISSING),
    ("inside", "owner", DENIED, DENIED),
    ("inside", "inside", DENIED, DENIED),
    ("supervisor", "owner", DENIED, DENIED),
    ("auditor", "owner", DENIED, DENIED),
    ("outside", "owner", MISSING, MISSING),
    ("owner", "owner", DENIED, DENIED),
    ("owner", "colleague", MISSING, MISSING),
    ("owner", "nobody", MISSING, MISSING),
]


@pytest.mark.parametrize(("caller", "person", "seen", "kept"), CALLERS_AND_WHAT_THEY_SEE, ids=lambda value: str(value))
def test_who_may_see_and_reset_whose_account(
    small_office: Deployment, caller: str, person: str, seen: str, kept: str
) -> None:
    who = caller_of(small_office, caller)
    assert outcome(lambda: accounts.show(small_office, who, person, NOW)) == seen
    assert outcome(lambda: accounts.grants(small_office, who, person, NOW)) == seen
    assert outcome(lambda: accounts.new_activation(small_office, who, person, NOW)) == kept
    assert outcome(lambda: accounts.revoke(small_office, who, person, NOW)) == kept


def test_one_may_end_one_s_own_sessions(small_office: Deployment) -> None:
    accounts.end_sessions(small_office, caller_of(small_office, "admin"), "admin", NOW)
    assert signing_in.authenticate(small_office, token_of("admin"), NOW) is None


def test_whoever_holds_more_than_the_administrator_is_not_theirs_to_reset(office: Deployment) -> None:
    give(office, "owner", GrantKind.SUPERVISOR, "C")
    admin = caller_of(office, "admin")
    for action in (accounts.new_activation, accounts.revoke, accounts.end_sessions):
        assert outcome(lambda: action(office, admin, "owner", NOW)) == DENIED  # noqa: B023
    assert signing_in.authenticate(office, token_of("owner"), NOW) is not None
    assert outcome(lambda: accounts.new_activation(office, caller_of(office, "chief"), "owner", NOW)) == DONE


def test_a_grant_inside_does_not_put_a_stranger_s_account_into_one_s_keeping(office: Deployment) -> None:
    give(office, "stranger", GrantKind.REVIEWER, "T")
    admin = caller_of(office, "admin")
    assert accounts.show(office, admin, "stranger", NOW).person == "stranger"
    assert outcome(lambda: accounts.new_activation(office, admin, "stranger", NOW)) == DENIED


def test_grants_outside_are_neither_seen_nor_ended(office: Deployment) -> None:
    mine, theirs = give(office, "owner", GrantKind.REVIEWER, "d2"), give(office, "owner", GrantKind.REVIEWER, "F")
    admin = caller_of(office, "admin")
    assert [grant.id for grant in accounts.grants(office, admin, "owner", NOW)] == [mine]
    assert outcome(lambda: accounts.end_grant(office, admin, "owner", theirs, NOW)) == MISSING
    assert outcome(lambda: accounts.end_grant(office, admin, "colleague", mine, NOW)) == MISSING
    assert outcome(lambda: accounts.end_grant(office, admin, "owner", mine, NOW)) == DONE
    assert outcome(lambda: accounts.end_grant(office, admin, "owner", mine, NOW)) == MISSING
    chief = caller_of(office, "chief")
    assert [grant.id for grant in accounts.grants(office, chief, "owner", NOW)] == [theirs]


@pytest.mark.parametrize(
    ("caller", "person", "place", "expected"),
    [
        ("admin", "owner", "T", DONE),
        ("admin", "owner", "d1", DONE),
        ("admin", "owner", "C", "invalid"),
        ("admin", "owner", "U", "invalid"),
        ("admin", "owner", "f1", "invalid"),
        ("admin", "owner", "X", "invalid"),
        ("admin", "admin", "d1", "own-grant"),
        ("chief", "chief", "d1", "own-grant"),
        ("chief", "owner", "C", DONE),
        ("admin", "stranger", "T", MISSING),
        ("admin", "inside", "T", "conflict"),
        ("admin", "revoked", "T", "conflict"),
        ("inside", "owner", "T", DENIED),
        ("owner", "owner", "T", DENIED),
        ("outside", "owner", "U", MISSING),
    ],
)
def test_grants_are_given_inside_one_s_own_area_and_never_to_oneself(
    small_office: Deployment, caller: str, person: str, place: str, expected: str
) -> None:
    who, grant = caller_of(small_office, caller), Grant(GrantKind.REVIEWER, place)
    assert outcome(lambda: accounts.add_grant(small_office, who, person, grant, NOW)) == expected
    assert (grant in caller_of(small_office, person).grants) == (expected == DONE or (person, place) == ("inside", "T"))


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        ("chief", sorted([*POSTINGS, *GRANTS])),
        ("admin", IN_T),
        ("neighbour", ["neighbour", "outside", "stranger"]),
    ],
)
def test_an_administrator_lists_the_accounts_of_their_area(
    office: Deployment, caller: str, expected: list[str]
) -> None:
    assert listed(office, caller) == expected


@pytest.mark.parametrize("caller", ["inside", "supervisor", "auditor", "owner"])
def test_nobody_else_lists_accounts(small_office: Deployment, caller: str) -> None:
    assert outcome(lambda: listed(small_office, caller)) == DENIED


def test_a_list_is_narrowed_and_goes_on_where_it_ended(office: Deployment) -> None:
    assert listed(office, "chief", place="U") == ["neighbour", "outside", "stranger"]
    assert listed(office, "chief", place="d1") == ["owner", "revoked"]
    assert listed(office, "admin", person="owner") == ["owner"]
    assert listed(office, "admin", person="stranger") == []
    assert listed(office, "chief", after="inside", limit=2) == ["neighbour", "outside", "owner"]
    assert listed(office, "admin", after="inside", limit=1) == ["owner", "revoked"]
    for place in ("U", "C", "X"):
        assert outcome(lambda: listed(office, "admin", place=place)) == "invalid"  # noqa: B023


def test_who_moves_is_seen_on_both_sides_until_then_and_stays_where_they_went(small_office: Deployment) -> None:
    add_people(small_office, ["mover"])
    post(small_office, "mover", "envoy", "f1", end=NOW.date() + timedelta(days=9))
    post(small_office, "mover", "envoy", "d1", start=NOW.date() + timedelta(days=10))
    issuing.ensure_account(small_office, "mover", [], "command-line", NOW)
    for caller in ("admin", "neighbour"):
        assert "mover" in listed(small_office, caller)
        assert accounts.show(small_office, caller_of(small_office, caller), "mover", NOW)
    later = NOW + timedelta(days=11)
    assert accounts.show(small_office, caller_of(small_office, "admin"), "mover", later)
    assert outcome(lambda: accounts.show(small_office, caller_of(small_office, "neighbour"), "mover", later)) == MISSING


def test_whoever_is_posted_nowhere_is_the_whole_county_s(office: Deployment) -> None:
    add_people(office, ["new"])
    admin, chief = caller_of(office, "admin"), caller_of(office, "chief")
    assert outcome(lambda: accounts.open_account(office, admin, "new", NOW)) == "invalid"
    assert accounts.open_account(office, chief, "new", NOW).state == "invited"
    assert outcome(lambda: accounts.open_account(office, chief, "new", NOW)) == "conflict"
    assert outcome(lambda: accounts.show(office, admin, "new", NOW)) == MISSING


def test_an_account_is_invited_then_active_then_revoked(office: Deployment) -> None:
    chief = caller_of(office, "chief")
    add_people(office, ["new"])
    opened = accounts.open_account(office, chief, "new", NOW)
    assert (opened.state, opened.sessions, opened.code_expires_at) == ("invited", 0, None)
    activation = accounts.new_activation(office, chief, "new", NOW)
    assert accounts.show(office, chief, "new", NOW).code_expires_at == activation.expires_at
    session = signing_in.activate(office, "new", activation.code, "words of my own", "10.0.0.1", NOW)
    shown = accounts.show(office, chief, "new", NOW)
    assert (shown.state, shown.sessions, shown.code_expires_at) == ("active", 1, None)
    accounts.revoke(office, chief, "new", NOW)
    assert accounts.show(office, chief, "new", NOW).state == "revoked"
    assert signing_in.authenticate(office, session.token, NOW) is None
    assert outcome(lambda: accounts.new_activation(office, chief, "new", NOW)) == "conflict"
    assert outcome(lambda: accounts.revoke(office, chief, "new", NOW)) == MISSING
    assert accounts.open_account(office, chief, "new", NOW).state == "invited"


def test_a_new_code_ends_the_password_and_all_sessions_at_once(office: Deployment) -> None:
    issuing.ensure_account(office, "owner", [], "command-line", NOW, password="words of my own")
    session = signing_in.sign_in(office, "owner", "words of my own", "10.0.0.1", NOW)
    accounts.new_activation(office, caller_of(office, "admin"), "owner", NOW)
    assert signing_in.authenticate(office, session.token, NOW) is None
    refused: Kind = problems.SIGN_IN_FAILED
    assert outcome(lambda: signing_in.sign_in(office, "owner", "words of my own", "10.0.0.1", NOW)) == refused.code


def test_a_code_from_before_a_grant_gives_nobody_its_rights(office: Deployment) -> None:
    admin, chief = caller_of(office, "admin"), caller_of(office, "chief")
    code = accounts.new_activation(office, admin, "owner", NOW).code
    accounts.add_grant(office, chief, "owner", Grant(GrantKind.ADMIN, "C"), NOW)
    refused: Kind = problems.ACTIVATION_FAILED
    assert (
        outcome(lambda: signing_in.activate(office, "owner", code, "the thief's own", "10.0.0.1", NOW)) == refused.code
    )
    code = accounts.new_activation(office, chief, "owner", NOW).code
    assert signing_in.activate(office, "owner", code, "words of my own", "10.0.0.1", NOW).person.code == "owner"


def test_a_grant_that_comes_in_between_keeps_the_account_from_being_reset(
    office: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = secrets.new_code

    def in_between(*given: Any) -> str:
        give(office, "owner", GrantKind.ADMIN, "C")
        return make(*given)

    monkeypatch.setattr(secrets, "new_code", in_between)
    assert outcome(lambda: accounts.new_activation(office, caller_of(office, "admin"), "owner", NOW)) == DENIED
    assert signing_in.authenticate(office, token_of("owner"), NOW) is not None


def test_who_has_just_lost_a_grant_can_no_longer_use_it(office: Deployment) -> None:
    admin = caller_of(office, "admin")
    (grant,) = accounts.grants(office, caller_of(office, "chief"), "admin", NOW)
    mine = give(office, "owner", GrantKind.REVIEWER, "d2")
    accounts.end_grant(office, caller_of(office, "chief"), "admin", grant.id, NOW)
    for action in (accounts.new_activation, accounts.revoke, accounts.end_sessions):
        assert outcome(lambda: action(office, admin, "owner", NOW)) != DONE  # noqa: B023
    assert outcome(lambda: accounts.add_grant(office, admin, "owner", Grant(GrantKind.ADMIN, "T"), NOW)) != DONE
    assert outcome(lambda: accounts.end_grant(office, admin, "owner", mine, NOW)) != DONE
    assert signing_in.authenticate(office, token_of("owner"), NOW) is not None


def test_a_person_without_an_account_has_nothing_to_reset(small_office: Deployment) -> None:
    add_people(small_office, ["new"])
    post(small_office, "new", "envoy", "d1")
    admin = caller_of(small_office, "admin")
    for action in (accounts.show, accounts.new_activation, accounts.revoke, accounts.end_sessions):
        assert outcome(lambda: action(small_office, admin, "new", NOW)) == MISSING  # noqa: B023
    grant = Grant(GrantKind.REVIEWER, "T")
    assert outcome(lambda: accounts.add_grant(small_office, admin, "new", grant, NOW)) == MISSING


def test_revoking_ends_grants_for_good(office: Deployment) -> None:
    admin = caller_of(office, "admin")
    accounts.revoke(office, admin, "inside", NOW)
    accounts.open_account(office, admin, "inside", NOW)
    assert caller_of(office, "inside").grants == ()

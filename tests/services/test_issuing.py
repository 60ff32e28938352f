"""Accounts from the command line, whole sheets of them, and what the log says of all changes."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from server.domain import problems
from server.domain.access import Grant, GrantKind
from server.domain.problems import Kind, Problem
from server.services import accounts, issuing, signing_in
from server.services.deployment import Deployment, open_deployment
from server.settings import Settings
from server.storage import tables as t
from tests.support.staff import NOW, add_people, caller_of, fill, on_sqlite, post, set_password, token_of


@pytest.fixture
def office(ready_url: str, tmp_path: Path) -> Iterator[Deployment]:
    deployment = open_deployment(Settings(database_url=ready_url, uploads=tmp_path))
    fill(deployment)
    yield deployment
    deployment.database.close()


@pytest.fixture
def small_office(tmp_path: Path) -> Iterator[Deployment]:
    """The same on SQLite only, where the database makes no difference."""
    deployment = open_deployment(on_sqlite(tmp_path))
    yield deployment
    deployment.database.close()


def refused(kind: Kind, action: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        action()
    assert caught.value.kind == kind
    return caught.value


def sign_in(office: Deployment, name: str, password: str = "a new password") -> signing_in.Session:
    return signing_in.sign_in(office, name, password, "10.1.1.1", NOW)


def activate(office: Deployment, code: str, name: str) -> signing_in.Session:
    return signing_in.activate(office, name, code, "a new password", "10.1.1.1", NOW)


def is_live(office: Deployment, token: str) -> bool:
    return signing_in.authenticate(office, token, NOW) is not None


def test_the_first_account_comes_from_the_command_line(office: Deployment) -> None:
    add_people(office, ["first"])
    wanted = [Grant(GrantKind.ADMIN, "C"), Grant(GrantKind.REVIEWER, "T")]
    activation = issuing.ensure_account(office, "first", wanted, "command-line", NOW)
    assert activation is not None
    assert activation.link == f"/#activate={activation.code}&person=first"
    session = activate(office, activation.code, "first")
    found = signing_in.authenticate(office, session.token, NOW)
    assert found is not None
    assert set(found.grants) == set(wanted)
    assert issuing.ensure_account(office, "first", wanted, "command-line", NOW, password="given words") is None
    assert not is_live(office, session.token)
    assert sign_in(office, "first", "given words")


def test_a_code_without_grants_is_for_a_lost_phone_and_one_with_grants_waits_until_used(office: Deployment) -> None:
    set_password(office, "owner", "words of my own")
    issuing.ensure_account(office, "owner", [Grant(GrantKind.REVIEWER, "T")], "command-line", NOW)
    assert is_live(office, token_of("owner"))
    assert sign_in(office, "owner", "words of my own")
    issuing.ensure_account(office, "owner", [], "command-line", NOW)
    assert not is_live(office, token_of("owner"))
    refused(problems.SIGN_IN_FAILED, lambda: sign_in(office, "owner", "words of my own"))


@pytest.mark.parametrize(
    ("person", "place", "password", "pointer"),
    [("nobody", "T", None, "/person"), ("owner", "X", None, "/place"), ("owner", "T", "short", "/password")],
)
def test_an_account_for_what_does_not_exist_is_refused(
    small_office: Deployment, person: str, place: str, password: str | None, pointer: str
) -> None:
    wanted = [Grant(GrantKind.ADMIN, place)]
    problem = refused(
        problems.INVALID,
        lambda: issuing.ensure_account(small_office, person, wanted, "command-line", NOW, password=password),
    )
    assert [error.pointer for error in problem.errors] == [pointer]


def test_a_revoked_account_comes_back_without_its_password_or_grants(office: Deployment) -> None:
    set_password(office, "inside")
    issuing.revoke(office, "inside", "command-line", NOW)
    activation = issuing.ensure_account(office, "inside", [], "command-line", NOW)
    assert activation is not None
    refused(problems.SIGN_IN_FAILED, lambda: sign_in(office, "inside"))
    assert activate(office, activation.code, "inside")
    assert caller_of(office, "inside").grants == ()


def test_a_code_dies_with_the_account(office: Deployment) -> None:
    activation = issuing.ensure_account(office, "owner", [], "command-line", NOW)
    assert activation is not None
    issuing.revoke(office, "owner", "command-line", NOW)
    accounts.open_account(office, caller_of(office, "admin"), "owner", NOW)
    refused(problems.ACTIVATION_FAILED, lambda: activate(office, activation.code, "owner"))


def test_a_code_dies_when_the_office_gives_a_password(office: Deployment) -> None:
    activation = issuing.ensure_account(office, "owner", [], "command-line", NOW)
    assert activation is not None
    issuing.ensure_account(office, "owner", [], "command-line", NOW, password="given words")
    refused(problems.ACTIVATION_FAILED, lambda: activate(office, activation.code, "owner"))


def test_a_sheet_has_a_slip_for_everybody_posted_inside_today(office: Deployment) -> None:
    add_people(office, ["gone", "coming", "two"])
    post(office, "gone", "envoy", "d2", end=NOW.date() - timedelta(days=1))
    post(office, "coming", "envoy", "d2", start=NOW.date() + timedelta(days=1))
    post(office, "two", "envoy", "d1")
    post(office, "two", "envoy", "d2")
    rows = issuing.activate_all(office, "T", "envoy", "command-line", NOW)
    assert [(row.person, row.place, row.place_name, row.township_name) for row in rows] == [
        ("owner", "d1", "d1村", "T村"),
        ("revoked", "d1", "d1村", "T村"),
        ("two", "d1", "d1村、d2村", "T村"),
        ("colleague", "d2", "d2村", "T村"),
    ]
    everybody = issuing.activate_all(office, "T", None, "command-line", NOW)
    assert {row.person for row in everybody} == {
        "owner", "revoked", "two", "colleague", "secretary", "inside", "supervisor", "auditor", "admin",
    }  # fmt: skip
    assert len({row.code for row in everybody}) == len(everybody)
    assert is_live(office, token_of("owner"))
    for row in everybody[:3]:
        assert activate(office, row.code, row.person)
    assert issuing.activate_all(office, "f1", "paired-leader", "command-line", NOW) == []
    refused(problems.INVALID, lambda: issuing.activate_all(office, "X", None, "command-line", NOW))


def test_every_change_is_in_the_log_with_who_made_it(office: Deployment) -> None:
    admin = caller_of(office, "admin")
    accounts.new_activation(office, admin, "owner", NOW)
    given = accounts.add_grant(office, admin, "owner", Grant(GrantKind.REVIEWER, "D"), NOW)
    accounts.end_grant(office, admin, "owner", given.id, NOW)
    accounts.end_sessions(office, admin, "owner", NOW)
    accounts.revoke(office, admin, "owner", NOW)
    accounts.open_account(office, admin, "owner", NOW)
    with office.database.read() as connection:
        rows = connection.execute(
            select(t.log.c.verb, t.log.c.kind).where(t.log.c.actor == "admin", t.log.c.subject == "owner")
        )
        assert [tuple(row) for row in rows] == [
            ("activation", "account"),
            ("give", "grant"),
            ("end", "grant"),
            ("end-sessions", "account"),
            ("revoke", "account"),
            ("open", "account"),
        ]

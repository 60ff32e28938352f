"""Every line says where it belongs, and what is personal in it stands in no column in the clear."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from server.domain.access import Grant, GrantKind
from server.services import accounts, issuing, places, record, signing_in
from server.services.deployment import Deployment, open_deployment
from server.storage import tables as t
from tests.support.staff import NOW, PASSWORD, add_people, caller_of, on_sqlite, phone_of, post, set_password


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Deployment]:
    deployment = open_deployment(on_sqlite(tmp_path))
    yield deployment
    deployment.database.close()


def lines(deployment: Deployment) -> list[tuple[str, str, str, str]]:
    c = t.log.c
    with deployment.database.read() as connection:
        return [tuple(row) for row in connection.execute(select(c.verb, c.kind, c.subject, c.path).order_by(c.id))]


@pytest.mark.parametrize(
    ("person", "path"),
    [
        pytest.param("owner", "/C/T/D/d1/", id="one posting"),
        pytest.param("two", "/C/T/D/", id="two villages of a district"),
        pytest.param("far", "/C/", id="two townships"),
        pytest.param("chief", "/C/", id="no posting but a grant"),
        pytest.param("nobody", "", id="neither"),
    ],
)
def test_a_person_belongs_to_the_smallest_area_around_everything_they_hold(
    office: Deployment, person: str, path: str
) -> None:
    add_people(office, ["two", "far", "nobody"])
    for who, where in (("two", "d1"), ("two", "d2"), ("far", "d1"), ("far", "f1")):
        post(office, who, "envoy", where)
    with office.database.read() as connection:
        assert record.home(connection, office, person, NOW) == path


def test_what_happens_to_an_account_belongs_to_where_its_person_is_posted(office: Deployment) -> None:
    set_password(office, "owner")
    session = signing_in.sign_in(office, phone_of("owner"), PASSWORD, "10.0.0.1", NOW)
    signing_in.sign_out(office, session.token, NOW)
    admin = caller_of(office, "admin")
    accounts.new_activation(office, admin, "colleague", NOW)
    accounts.end_sessions(office, admin, "colleague", NOW)
    accounts.revoke(office, admin, "colleague", NOW)
    accounts.open_account(office, admin, "colleague", NOW)
    assert lines(office) == [
        ("sign-in", "account", "owner", "/C/T/D/d1/"),
        ("sign-out", "account", "owner", "/C/T/D/d1/"),
        ("activation", "account", "colleague", "/C/T/D/d2/"),
        ("end-sessions", "account", "colleague", "/C/T/D/d2/"),
        ("revoke", "account", "colleague", "/C/T/D/d2/"),
        ("open", "account", "colleague", "/C/T/D/d2/"),
    ]


def test_a_grant_belongs_to_its_place(office: Deployment) -> None:
    chief = caller_of(office, "chief")
    given = accounts.add_grant(office, chief, "owner", Grant(GrantKind.REVIEWER, "U"), NOW)
    accounts.end_grant(office, chief, "owner", given.id, NOW)
    assert lines(office) == [("give", "grant", "owner", "/C/U/"), ("end", "grant", "owner", "/C/U/")]


def test_an_account_from_the_command_line_belongs_there_too(office: Deployment) -> None:
    add_people(office, ["new"])
    issuing.ensure_account(office, "new", [Grant(GrantKind.REVIEWER, "T")], "command-line", NOW)
    issuing.activate_all(office, "F", None, "command-line", NOW + timedelta(minutes=1))
    issuing.revoke(office, "stranger", "command-line", NOW)
    assert lines(office) == [
        ("open", "account", "new", "/C/T/"),
        ("give", "grant", "new", "/C/T/"),
        ("activation", "account", "new", "/C/T/"),
        ("activation", "account", "stranger", "/C/U/F/f1/"),
        ("revoke", "account", "stranger", "/C/U/F/f1/"),
    ]


def test_a_township_s_first_day_of_service_belongs_to_the_township(office: Deployment) -> None:
    places.service_from(office, "T", date(2018, 10, 1), "command-line", NOW)
    assert lines(office) == [("service-from", "place", "T", "/C/T/")]

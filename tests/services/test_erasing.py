"""A person who is forgotten: what is gone, what stays, and that the chain stays whole."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from server.domain.problems import Problem
from server.services import accounts, erasing, sealing, upkeep
from server.services.deployment import Deployment, open_deployment
from server.settings import Settings
from server.storage import keys, logbook, people
from server.storage import tables as t
from server.storage.logbook import Line
from tests.support.staff import NOW, add_people, caller_of, fill, post

SAID = Line("admin", "changed", "person", "left", {}, "/C/T/", "left", {"before": {"phone": "13911112222"}})


@pytest.fixture
def office(ready_url: str, tmp_path: Path) -> Iterator[Deployment]:
    deployment = open_deployment(Settings(database_url=ready_url, uploads=tmp_path))
    fill(deployment)
    add_people(deployment, ["left"])
    post(deployment, "left", "envoy", "d2", end=date(2018, 10, 31))
    with deployment.database.write() as connection:
        logbook.write(connection, NOW, [SAID])
    yield deployment
    deployment.database.close()


def test_name_number_account_and_what_the_log_said_are_gone_and_the_chain_is_whole(office: Deployment) -> None:
    accounts.open_account(office, caller_of(office, "admin"), "left", NOW)
    sealing.seal_all(office, NOW)
    assert erasing.erase(office, "left", "command-line", NOW)
    sealing.seal_all(office, NOW)
    with office.database.read() as connection:
        assert people.find(connection, "left") == people.Person("left", "已删除")
        lines = connection.execute(select(t.log).order_by(t.log.c.id)).all()
        assert keys.opened(connection, [(lines[0].about, lines[0].personal)]) == [None]
        assert connection.scalar(select(t.account.c.revoked_at).where(t.account.c.person == "left")) == NOW
        assert people.postings_of(connection, ["left"])["left"][0].place == "d2"
    assert [(line.verb, line.subject, line.path) for line in lines[-2:]] == [
        ("revoke", "left", "/C/T/D/d2/"),
        ("erase", "left", "/C/T/D/d2/"),
    ]
    (head,) = upkeep.check_log(office)
    assert head == sealing.head(office)


def test_what_is_said_of_them_later_is_not_kept(office: Deployment) -> None:
    erasing.erase(office, "left", "command-line", NOW)
    with office.database.write() as connection:
        logbook.write(connection, NOW, [SAID])
    with office.database.read() as connection:
        *_, last = connection.scalars(select(t.log.c.personal).order_by(t.log.c.id))
    assert last is None


def test_a_second_time_does_nothing(office: Deployment) -> None:
    assert erasing.erase(office, "left", "command-line", NOW)
    assert not erasing.erase(office, "left", "command-line", NOW)


@pytest.mark.parametrize(("person", "code"), [("owner", "still-posted"), ("nobody", "not-exist")])
def test_who_is_posted_or_unknown_is_not_erased(office: Deployment, person: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        erasing.erase(office, person, "command-line", NOW)
    assert [(error.pointer, error.code) for error in caught.value.errors] == [("/person", code)]
    with office.database.read() as connection:
        assert keys.destroyed(connection, person) is None

"""A person who is forgotten: what is gone, what stays, and that the chain stays whole."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, insert, select

from server.domain.decisions import Decision, Ruling
from server.domain.problems import Problem
from server.services import accounts, erasing, sealing, upkeep
from server.services.deployment import Deployment, open_deployment
from server.settings import Settings
from server.storage import decisions, keys, logbook, people, visits
from server.storage import tables as t
from server.storage.logbook import Line
from tests.services import facts
from tests.support.staff import NOW, add_people, caller_of, fill, post

SECRET = "母亲住院"
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


TEXTS = (
    (t.visit, "note"), (t.visit, "entry_reason"), (t.addition, "note"), (t.appeal, "reason"), (t.excuse, "reason"),
    (t.explanation, "text"), (t.leave, "note"), (t.leave_request, "note"), (t.leave_request, "reason"),
    (t.day_move, "reason"), (t.closure, "reason"),
)  # fmt: skip


def test_what_was_written_of_them_in_words_is_gone_and_nobody_elses(office: Deployment) -> None:
    add_people(office, ["other"])
    with office.database.write() as connection:
        ids = [write_texts(connection, person) for person in ("left", "other")]
    erasing.erase(office, "left", "command-line", NOW)
    with office.database.read() as connection:
        for table, name in TEXTS:
            assert sorted(connection.scalars(select(table.c[name]))) == ["", SECRET], (table.name, name)
        told = decisions.records(connection, ids)
        kept = connection.execute(select(t.proposal).order_by(t.proposal.c.id)).all()
    for number, word in enumerate(("", SECRET)):
        theirs = kept[4 * number : 4 * number + 4]
        assert [row.body["reason"] for row in theirs] == [word, word, word, SECRET], "but not what is about others"
        assert [row.reason for row in theirs] == [word, word, word, SECRET]
        assert theirs[0].body["day"] == "2018-11-16"
    assert [told[visit].decisions[0].reason for visit in ids] == ["", SECRET]


def write_texts(connection: Connection, person: str) -> str:
    """Every kind of words that there may be about a person; the visit that some of them are about."""
    visit = facts.made(person, "d2", NOW, "visit", "review", path="/C/T/D/d2/", note=SECRET, entry_reason=SECRET)
    days = {"person": person, "start": date(2018, 10, 8), "end": date(2018, 10, 9), "kind": "sick", "note": SECRET}
    owed = {"person": person, "duty": "envoy-weekly-visit", "place": "d2", "window": "2018-W40", "at": NOW}
    visits.insert_many(connection, [visit])
    rows: list[tuple[Table, dict[str, Any]]] = [
        (t.addition, {"visit": visit.id, "content": bytes(32), "note": SECRET, "at": NOW}),
        (t.appeal, {"visit": visit.id, "reason": SECRET, "at": NOW}),
        (t.excuse, {**owed, "reason": SECRET, "by": "admin"}),
        (t.explanation, {**owed, "text": SECRET}),
        (t.leave, days),
        (t.leave_request, {**days, "at": NOW, "reason": SECRET}),
    ]
    for table, row in rows:
        connection.execute(insert(table).values(row))
    write_words_of_an_office(connection, person)
    decisions.add(connection, visit.id, Decision(Ruling.REJECT, SECRET, "admin", NOW, 2))
    return visit.id


def write_words_of_an_office(connection: Connection, person: str) -> None:
    """What a person said as a supervisor, and what would excuse them; last what the same one decided about others."""
    said = {"duty": "envoy-study-day", "day": date(2018, 11, 16), "reason": SECRET, "by": person, "at": NOW}
    window = "2018-11" if person == "left" else "2018-12"
    connection.execute(insert(t.day_move).values({**said, "window": window, "place": "d2"}))
    reopened = {"reopened_by": person, "reopened_at": NOW, "reason": SECRET}
    connection.execute(
        insert(t.closure).values(place="d2", path="/C/T/D/d2/", month="2018-10", by="admin", at=NOW, **reopened)
    )
    excuse = connection.scalar(select(t.excuse.c.id).where(t.excuse.c.person == person))
    for kind, body, by, decider in (
        ("day-move", {"day": "2018-11-16"}, person, "admin"),
        ("excuse", {"person": person}, "admin", "chief"),
        ("excuse-end", {"id": excuse}, "admin", "chief"),
        ("excuse", {"person": "owner"}, "admin", person),
    ):
        row = {"kind": kind, "body": {**body, "reason": SECRET}, "path": "/C/T/", "by": by, "at": NOW}
        decided = {"status": "refused", "decided_by": decider, "decided_at": NOW, "reason": SECRET}
        connection.execute(insert(t.proposal).values({**row, **decided}))


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

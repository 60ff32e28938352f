"""Leave is asked for by the person, decided on by their office, and then a fact that verdicts rest on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert, select

from server.domain import problems
from server.domain.problems import Kind, Problem
from server.services import judging, leaves, persons
from server.services.deployment import Deployment
from server.storage import tables as t
from tests.support import staff
from tests.support.staff import NOW, caller_of

WEEK: dict[str, Any] = {
    "start": date(2018, 11, 12),
    "end": date(2018, 11, 16),
    "kind": "annual",
    "note": "看望父母",
}
APPROVE = {"decision": "approve", "reason": "同意"}


@pytest.fixture
def office(deployment: Deployment) -> Deployment:
    staff.fill(deployment)
    judging.ensure_judged(deployment, date(2018, 11, 1), date(2018, 11, 30))
    return deployment


def refusal(call: Callable[[], object]) -> Kind:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value.kind


def changes(changed: Any) -> list[tuple[str, ...]]:
    return [
        (o.duty, o.window, str(o.before.status), str(o.after.status), str(o.after.reason))
        for o in changed.compared.obligations
    ]


def asked(office: Deployment, **given: Any) -> str:
    answer = leaves.ask(office, caller_of(office, "owner"), WEEK | given, NOW, False)
    assert answer.result.entry.status == "waiting"
    assert answer.compared.total == 0
    return str(answer.result.entry.id)


def facts(office: Deployment) -> list[Any]:
    with office.database.read() as connection:
        return list(connection.execute(select(t.leave.c.person, t.leave.c.start, t.leave.c.kind, t.leave.c.note)))


def test_asked_for_approved_and_cancelled(office: Deployment) -> None:
    code, reviewer = asked(office), caller_of(office, "inside")
    assert facts(office) == []
    tried = leaves.decide(office, reviewer, code, APPROVE, NOW, True)
    assert facts(office) == []
    approved = leaves.decide(office, reviewer, code, APPROVE, NOW, False)
    assert approved.compared == tried.compared
    assert ("envoy-weekly-visit", "2018-W46", "grace", "excused", "leave") in changes(approved)
    assert approved.result.entry.status == "approved"
    assert approved.result.entry.decided_by == "inside"
    assert facts(office) == [("owner", date(2018, 11, 12), "annual", "看望父母")]
    cancelled = leaves.decide(office, reviewer, code, {"decision": "cancel", "reason": "没有去"}, NOW, False)
    assert facts(office) == []
    assert ("envoy-weekly-visit", "2018-W46", "excused", "grace", "") in changes(cancelled)
    assert cancelled.result.entry.status == "withdrawn"


def test_nobody_decides_on_their_own_nor_on_a_stranger_s(office: Deployment) -> None:
    code = asked(office)
    with office.database.write() as connection:
        connection.execute(
            insert(t.grant).values(person="owner", kind="reviewer", place="T", granted_by="chief", granted_at=NOW)
        )
    for who, kind in (
        ("owner", problems.FORBIDDEN),
        ("supervisor", problems.FORBIDDEN),
        ("outside", problems.NOT_FOUND),
        ("colleague", problems.NOT_FOUND),
    ):
        assert refusal(lambda who=who: leaves.decide(office, caller_of(office, who), code, APPROVE, NOW, False)) is kind
    assert facts(office) == []


def test_what_was_decided_is_not_decided_again(office: Deployment) -> None:
    code, reviewer = asked(office), caller_of(office, "inside")
    refused = leaves.decide(office, reviewer, code, {"decision": "refuse", "reason": "忙"}, NOW, False)
    assert refused.result.entry.status == "refused"
    assert refused.compared.total == 0
    for decision in ("approve", "refuse", "cancel"):
        body = {"decision": decision, "reason": "x"}
        assert refusal(lambda body=body: leaves.decide(office, reviewer, code, body, NOW, False)) is problems.CONFLICT
    assert refusal(lambda: leaves.withdraw(office, caller_of(office, "owner"), code, NOW)) is problems.CONFLICT


def test_the_same_leave_is_asked_for_once_and_can_be_taken_back(office: Deployment) -> None:
    code = asked(office)
    assert refusal(lambda: asked(office)) is problems.CONFLICT
    assert refusal(lambda: leaves.withdraw(office, caller_of(office, "colleague"), code, NOW)) is problems.NOT_FOUND
    assert refusal(lambda: leaves.withdraw(office, caller_of(office, "inside"), code, NOW)) is problems.FORBIDDEN
    leaves.withdraw(office, caller_of(office, "owner"), code, NOW)
    assert asked(office) != code


def test_days_in_the_wrong_order_or_too_many_are_refused(office: Deployment) -> None:
    assert refusal(lambda: asked(office, end=date(2018, 11, 11))) is problems.INVALID
    assert refusal(lambda: asked(office, end=date(2019, 11, 14))) is problems.INVALID


def test_the_office_enters_leave_and_one_from_a_file_is_listed_and_cancelled(office: Deployment) -> None:
    reviewer = caller_of(office, "inside")
    entered = leaves.enter(office, reviewer, WEEK | {"person": "owner"}, NOW, False)
    assert ("envoy-weekly-visit", "2018-W46", "grace", "excused", "leave") in changes(entered)
    with pytest.raises(Problem) as caught:
        leaves.enter(office, reviewer, WEEK | {"person": "stranger"}, NOW, False)
    assert [(e.pointer, e.code) for e in caught.value.errors] == [("/person", "not-exist")]
    assert refusal(lambda: leaves.enter(office, reviewer, WEEK | {"person": "owner"}, NOW, False)) is problems.CONFLICT
    with office.database.write() as connection:
        row = {"start": date(2018, 11, 19), "end": date(2018, 11, 20), "kind": "sick", "note": ""}
        connection.execute(insert(t.leave), [row | {"person": "colleague"}, row | {"person": "stranger"}])

    listed = leaves.page(office, reviewer, NOW)
    assert [(n.entry.person, n.entry.kind, n.entry.status, n.entry.id[0]) for n in listed] == [
        ("colleague", "sick", "approved", "f"),
        ("owner", "annual", "approved", "r"),
    ]
    assert [n.entry.person for n in leaves.page(office, caller_of(office, "owner"), NOW)] == ["owner"]
    assert len(leaves.page(office, caller_of(office, "chief"), NOW)) == 3
    first = leaves.page(office, reviewer, NOW, limit=1)[0].entry
    rest = leaves.page(office, reviewer, NOW, after=(first.start, first.id))
    assert [n.entry.person for n in rest] == ["owner"]
    gone = leaves.decide(office, reviewer, first.id, {"decision": "cancel", "reason": "错"}, NOW, False)
    assert gone.result is None
    assert sorted(row.person for row in facts(office)) == ["owner", "stranger"]


def test_the_log_keeps_the_note_and_the_reason_sealed(office: Deployment) -> None:
    leaves.decide(office, caller_of(office, "inside"), asked(office), APPROVE, NOW, False)
    with office.database.read() as connection:
        lines = connection.execute(select(t.log).where(t.log.c.kind == "leave").order_by(t.log.c.id)).all()
    assert [(line.actor, line.verb, line.about, line.path) for line in lines] == [
        ("owner", "asked", "owner", "/C/T/D/d1/"),
        ("inside", "created", "owner", "/C/T/D/d1/"),
        ("inside", "approved", "owner", "/C/T/D/d1/"),
    ]
    told = [(line.detail["before"], line.detail["after"]) for line in (lines[0], lines[2])]
    assert told == [(None, {"status": "waiting"}), ({"status": "waiting"}, {"status": "approved"})]
    history = persons.history(office, caller_of(office, "owner"), "owner", NOW)
    known = [(line.verb, line.after or {}) for line in history if line.verb in ("asked", "approved")]
    assert [(verb, after["status"], after["kind"], after.get("reason")) for verb, after in known] == [
        ("approved", "approved", "annual", APPROVE["reason"]),
        ("asked", "waiting", "annual", None),
    ]
    clear = "".join(f"{line.subject} {line.detail}" for line in lines)
    assert "看望父母" not in clear
    assert "annual" not in clear

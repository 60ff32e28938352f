"""Notices: found by queries, told once, whatever else happens."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, update

from server.domain.access import Caller, Grant, GrantKind
from server.domain.decisions import Appeal, Decision, Ruling
from server.domain.notices import Notice, NoticeKind
from server.domain.postings import Leave, Posting, Role
from server.services import jobs, judging, notices
from server.services.deployment import Deployment
from server.storage import accounts, decisions, leaves, logbook, noticed, proposals
from server.storage import notices as rows
from server.storage import tables as t
from server.storage.people import Person
from tests.domain.county import d
from tests.services import facts

TUESDAY = datetime(2018, 11, 20, 2, 0, tzinfo=UTC)  # ten in the morning in the county
SATURDAY, SUNDAY = TUESDAY + timedelta(days=4), TUESDAY + timedelta(days=5)
OWNER, REVIEWER, SUPERVISOR, CHIEF = "p", "r", "s", "c"


@pytest.fixture
def county(deployment: Deployment) -> Deployment:
    """An envoy each in d1 and f1; a reviewer and a supervisor of T, and an administrator of the whole county."""
    facts.county(deployment, (OWNER, "q", REVIEWER, SUPERVISOR, CHIEF))
    envoy = Role.ENVOY
    facts.post(
        deployment, Posting(OWNER, envoy, "d1", date(2018, 11, 19)), Posting("q", envoy, "f1", date(2018, 11, 19))
    )
    judging.ensure_judged(deployment, d("11-01"), d("12-31"))
    with deployment.database.write() as connection:
        accounts.open_accounts(connection, [OWNER, REVIEWER, SUPERVISOR, CHIEF], TUESDAY)
        for person, kind, place in (
            (REVIEWER, GrantKind.REVIEWER, "T"),
            (SUPERVISOR, GrantKind.SUPERVISOR, "T"),
            (CHIEF, GrantKind.ADMIN, "C"),
        ):
            accounts.add_grant(connection, person, Grant(kind, place), "command-line", TUESDAY)
    return deployment


def told(deployment: Deployment, now: datetime, person: str = OWNER) -> list[str]:
    """What the jobs have told the person by now, oldest first, as sentences."""
    jobs.tick(deployment, now)
    jobs.tick(deployment, now)  # the second time there is nothing new
    found = notices.page(deployment, Caller(person, ""), "zh", False, None, 100)
    return [seen.sentence for seen in reversed(found)]


def decide(deployment: Deployment, visit: str, *rulings: Ruling, on_appeal: bool = False) -> None:
    with deployment.database.write() as connection:
        for ruling in rulings:
            version = len(decisions.record_of(connection, visit).decisions) + 2
            made = Decision(ruling, "因为", REVIEWER, TUESDAY, version, on_appeal)
            decisions.add(connection, visit, made)


@pytest.mark.parametrize(
    ("rulings", "on_appeal", "sentences"),
    [
        ([Ruling.RETURN], False, ["被退回，请补充材料"]),
        ([Ruling.REJECT], False, ["被驳回"]),
        ([Ruling.CONFIRM], False, []),
        ([Ruling.RETURN, Ruling.CONFIRM], False, ["被退回，请补充材料", "已确认"]),
        ([Ruling.RETURN, Ruling.RETURN], False, ["被退回，请补充材料"] * 2),
        ([Ruling.CONFIRM], True, ["：申诉成立，已确认"]),
        ([Ruling.REJECT], True, ["：申诉未获支持，仍为驳回"]),
    ],
)
def test_the_person_hears_of_a_decision(
    county: Deployment, rulings: list[Ruling], on_appeal: bool, sentences: list[str]
) -> None:
    visit = facts.visited(county, OWNER, "d1", d("11-19"), status="review")
    decide(county, visit, *rulings, on_appeal=on_appeal)
    assert told(county, TUESDAY) == [f"您2018年11月19日在Td1的签到{said}。" for said in sentences]
    assert told(county, TUESDAY, "q") == []


def test_a_decision_of_last_month_is_told_to_nobody(county: Deployment) -> None:
    visit = facts.visited(county, OWNER, "d1", d("11-19"), status="review")
    decide(county, visit, Ruling.REJECT)
    with county.database.read() as connection:
        assert noticed.decisions(connection, TUESDAY + timedelta(seconds=1), 10) == []
        assert len(noticed.decisions(connection, TUESDAY, 10)) == 1


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("confirmed", "review", "因后来的情况需要重新审核"),
        ("confirmed", "rejected", "被驳回"),
        ("review", "rejected", "被驳回"),
        ("incomplete", "review", None),
        ("review", "confirmed", None),
        ("rejected", "rejected", None),
    ],
)
def test_the_person_hears_when_a_later_finding_turns_a_visit(
    county: Deployment, before: str, after: str, said: str | None
) -> None:
    visit = facts.visited(county, OWNER, "d1", d("11-19"), status=after)
    line = logbook.Line(logbook.SYSTEM, "worked-out", "visit", visit, {"before": before, "after": after})
    with county.database.write() as connection:
        logbook.write(connection, TUESDAY, [line])
    assert told(county, TUESDAY) == ([f"您2018年11月19日在Td1的签到{said}。"] if said else [])


def test_what_is_due_tomorrow_is_told_the_day_before(county: Deployment) -> None:
    assert told(county, SATURDAY - timedelta(hours=11)) == []  # Friday, 23:00
    assert told(county, SATURDAY - timedelta(hours=9)) == ["Td1的“每周走访”到 2018年11月25日 截止，尚未完成。"]
    assert len(told(county, SUNDAY)) == 1


@pytest.mark.parametrize(("status", "said"), [("confirmed", 0), ("review", 0), ("rejected", 1)])
def test_who_was_there_is_not_reminded(county: Deployment, status: str, said: int) -> None:
    facts.visited(county, OWNER, "d1", d("11-20"), status=status)
    assert len(told(county, SATURDAY)) == said


def test_who_is_excused_is_not_reminded(county: Deployment) -> None:
    facts.leave(county, Leave(OWNER, d("11-19"), d("11-25"), "sick"))
    assert told(county, SATURDAY) == []


def test_the_end_of_grace_is_told_on_its_last_day(county: Deployment) -> None:
    sunday_ends = datetime(2018, 11, 25, 16, 0, tzinfo=UTC)
    assert told(county, sunday_ends + timedelta(hours=47, minutes=59)) == []
    assert told(county, sunday_ends + timedelta(hours=48)) == [
        "Td1的“每周走访”已于 2018年11月25日 截止；当时没有信号的签到请在 2018年11月29日 00:00 之前传上来。"
    ]


def test_it_is_too_late_once_grace_is_over(county: Deployment) -> None:
    assert told(county, datetime(2018, 11, 28, 16, 0, tzinfo=UTC)) == []


@pytest.mark.parametrize(
    ("status", "by", "said"),
    [
        ("approved", REVIEWER, "已批准"),
        ("refused", REVIEWER, "未获批准"),
        ("withdrawn", REVIEWER, "已被取消"),
        ("withdrawn", OWNER, None),
    ],
)
def test_the_person_hears_what_became_of_their_leave(
    county: Deployment, status: str, by: str, said: str | None
) -> None:
    asked = Leave(OWNER, d("11-26"), d("11-27"), "meeting")
    with county.database.write() as connection:
        leave = leaves.add(connection, asked, TUESDAY)
        leaves.decide(connection, leave, leaves.WAITING, status, by, TUESDAY, "因为")
    expected = [f"您 2018年11月26日 至 2018年11月27日 的请假{said}。"] if said else []
    assert told(county, TUESDAY) == expected


def test_leave_approved_and_then_cancelled_is_told_twice(county: Deployment) -> None:
    asked = Leave(OWNER, d("11-26"), d("11-27"), "meeting")
    with county.database.write() as connection:
        leave = leaves.add(connection, asked, TUESDAY)
        leaves.decide(connection, leave, leaves.WAITING, leaves.APPROVED, REVIEWER, TUESDAY, "")
    assert len(told(county, TUESDAY)) == 1
    with county.database.write() as connection:
        leaves.decide(connection, leave, leaves.APPROVED, leaves.WITHDRAWN, REVIEWER, TUESDAY, "")
    assert len(told(county, TUESDAY)) == 2


@pytest.mark.parametrize(("status", "said"), [("approved", "已获批准"), ("refused", "未获批准")])
def test_whoever_proposed_hears_of_the_decision(county: Deployment, status: str, said: str) -> None:
    with county.database.write() as connection:
        made = proposals.add(connection, "posting-new", {}, "/C/T/", OWNER, TUESDAY)
        proposals.decide(connection, made.id, status, CHIEF, TUESDAY, "")
        own = proposals.add(connection, "posting-new", {}, "/C/T/", OWNER, TUESDAY)
        proposals.decide(connection, own.id, proposals.WITHDRAWN, OWNER, TUESDAY, "")
    assert told(county, TUESDAY) == [f"您提出的更改（第 {made.id} 号）{said}。"]


def test_the_person_hears_of_an_excuse_and_of_its_end(county: Deployment) -> None:
    e = t.excuse.c
    values = {"person": OWNER, "duty": "envoy-weekly-visit", "place": "d1", "window": "2018-W47"}
    with county.database.write() as connection:
        connection.execute(insert(t.excuse).values(**values, reason="病", by=SUPERVISOR, at=TUESDAY))
    assert told(county, TUESDAY) == ["Td1的“每周走访”（2018-W47）：已予免除。"]
    with county.database.write() as connection:
        connection.execute(update(t.excuse).where(e.person == OWNER).values(ended_by=SUPERVISOR, ended_at=TUESDAY))
    assert told(county, TUESDAY)[1:] == ["Td1的“每周走访”（2018-W47）：免除已被撤销。"]


# Offices


def test_a_reviewer_hears_once_a_day_what_has_waited_too_long(county: Deployment) -> None:
    for day in ("11-19", "11-20", "11-23"):
        facts.visited(county, OWNER, "d1", d(day), status="review")
    facts.visited(county, "q", "f1", d("11-19"), status="review")  # another township's
    facts.visited(county, OWNER, "d1", d("11-19"), status="incomplete")
    assert told(county, TUESDAY, REVIEWER) == []
    friday = SATURDAY - timedelta(days=1)
    assert told(county, friday, REVIEWER) == ["T：有 2 条签到等候审核已超期，最早的是 2018年11月19日 的。"]
    assert len(told(county, friday + timedelta(hours=12), REVIEWER)) == 1
    assert len(told(county, SATURDAY, REVIEWER)) == 2
    assert [s for s in told(county, SATURDAY, SUPERVISOR) if "审核" in s] == []


def test_nobody_is_told_of_work_that_is_not_theirs_to_do(county: Deployment) -> None:
    own = facts.visited(county, REVIEWER, "d1", d("11-10"), status="review")
    entered = facts.visited(county, OWNER, "d1", d("11-10"), status="review", entered_by=REVIEWER)
    rejected = facts.visited(county, OWNER, "d1", d("11-11"), status="review")
    decide(county, rejected, Ruling.REJECT)
    with county.database.write() as connection:
        decisions.add_appeal(connection, rejected, Appeal("不对", TUESDAY))
        leaves.add(connection, Leave(REVIEWER, d("11-26"), d("11-27"), "meeting"), TUESDAY)
    assert told(county, TUESDAY, REVIEWER) == []
    assert len({own, entered, rejected}) == 3


def test_a_reviewer_hears_of_appeals_and_leave_that_wait(county: Deployment) -> None:
    visit = facts.visited(county, OWNER, "d1", d("11-11"), status="review")
    with county.database.write() as connection:
        decisions.add_appeal(connection, visit, Appeal("不对", TUESDAY))
        leaves.add(connection, Leave(OWNER, d("11-26"), d("11-27"), "meeting"), TUESDAY)
        leaves.add(connection, Leave("q", d("11-26"), d("11-27"), "meeting"), TUESDAY)
    assert told(county, TUESDAY, REVIEWER) == ["T：有 1 条申诉等您处理。", "T：有 1 条请假等您审批。"]
    assert told(county, TUESDAY, CHIEF) == ["C：有 2 条请假等您审批。"]
    with county.database.write() as connection:
        decisions.settle_appeal(connection, visit, TUESDAY)
    assert not any("申诉" in sentence for sentence in told(county, TUESDAY + timedelta(days=1), REVIEWER)[2:])


@pytest.mark.parametrize(
    ("path", "by", "holders"),
    [("/C/T/D/", OWNER, [SUPERVISOR, CHIEF]), ("/", OWNER, [CHIEF]), ("/C/T/", SUPERVISOR, [CHIEF])],
)
def test_who_may_decide_on_a_proposal_hears_of_it(county: Deployment, path: str, by: str, holders: list[str]) -> None:
    with county.database.write() as connection:
        proposals.add(connection, "posting-new", {}, path, by, TUESDAY)
    for person in (SUPERVISOR, CHIEF, REVIEWER):
        assert any("第二人" in sentence for sentence in told(county, TUESDAY, person)) == (person in holders)


def test_a_supervisor_hears_on_friday_which_villages_nobody_has_visited(county: Deployment) -> None:
    thursday = TUESDAY + timedelta(days=2)
    assert told(county, thursday, SUPERVISOR) == []
    assert told(county, thursday + timedelta(days=1), SUPERVISOR) == ["T：本周还有 1 个村没有走访：Td1。"]
    assert len(told(county, SATURDAY, SUPERVISOR)) == 1  # once a week


def test_a_visited_village_is_not_at_risk(county: Deployment) -> None:
    facts.visited(county, OWNER, "d1", d("11-20"))
    assert told(county, SATURDAY, SUPERVISOR) == []


def test_a_long_list_of_villages_is_cut(county: Deployment) -> None:
    villages = ("d1", "d2", "d3", "e1", "e2")
    facts.add_people(county, [Person(f"p{at}", "") for at in villages])
    facts.post(county, *(Posting(f"p{at}", Role.ENVOY, at, date(2018, 11, 19)) for at in villages))
    with county.database.write() as connection:
        accounts.open_accounts(connection, ["q"], TUESDAY)
        accounts.add_grant(connection, "q", Grant(GrantKind.SUPERVISOR, "C"), "command-line", TUESDAY)
    assert told(county, SATURDAY, "q")[-1] == "C：本周还有 6 个村没有走访：Td1、Td2、Td3、Te1、Te2等。"


def test_a_grant_inside_another_is_told_of_once(county: Deployment) -> None:
    with county.database.write() as connection:
        accounts.add_grant(connection, SUPERVISOR, Grant(GrantKind.SUPERVISOR, "D"), "command-line", TUESDAY)
    assert len(told(county, SATURDAY, SUPERVISOR)) == 1


# However often


def test_two_processes_that_find_the_same_tell_it_once(county: Deployment) -> None:
    one = Notice(OWNER, NoticeKind.QUEUE_OLD, "T/2018-11-20", TUESDAY, {"count": 1})
    for _ in range(2):
        with county.database.write() as connection:
            rows.add(connection, [one])
    with county.database.read() as connection:
        assert len(rows.page(connection, OWNER, False, None, 10)) == 1
        assert rows.untold(connection, [one]) == []


def test_more_than_a_batch_is_told_in_rounds(county: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "BATCH", 2)
    visits = [facts.visited(county, OWNER, "d1", d("11-19"), status="review") for _ in range(5)]
    for visit in visits:
        decide(county, visit, Ruling.REJECT)
    assert [notices.tell_people(county, TUESDAY) for _ in range(4)] == [2, 2, 1, 0]


def test_notices_of_long_ago_go(county: Deployment) -> None:
    ago = TUESDAY - timedelta(days=401)
    with county.database.write() as connection:
        rows.add(connection, [Notice(OWNER, NoticeKind.QUEUE_OLD, str(n), ago, {"count": n}) for n in range(3)])
        rows.add(connection, [Notice(OWNER, NoticeKind.QUEUE_OLD, "new", TUESDAY, {"count": 1})])
    assert (notices.forget(county, TUESDAY), notices.forget(county, TUESDAY)) == (3, 0)
    with county.database.read() as connection:
        assert [told.subject for told in rows.page(connection, OWNER, False, None, 10)] == ["new"]


def statements(deployment: Deployment, now: datetime) -> int:
    """How many statements a round of the notices takes."""
    asked: list[Any] = []
    engine = deployment.database._reads
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    notices.tell_people(deployment, now)
    notices.tell_offices(deployment, now)
    return len(asked)


def test_the_questions_are_as_many_for_many_people_as_for_few(county: Deployment) -> None:
    before = statements(county, SATURDAY)
    facts.add_people(county, [Person(f"n{n}", "") for n in range(40)])
    facts.post(county, *(Posting(f"n{n}", Role.ENVOY, "d2", date(2018, 11, 19)) for n in range(40)))
    judging.work_off(county)
    assert statements(county, SATURDAY) <= 2 * before  # the second listener hears the same again

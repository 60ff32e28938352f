"""The digest: once a day to each address, tried again when it is not taken."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from server.adapters import messenger
from server.domain.decisions import Appeal
from server.domain.postings import Leave, Posting, Role
from server.services import digests, judging
from server.services.deployment import Deployment
from server.storage import decisions, leaves, proposals
from server.storage import jobs as locks
from server.storage import tables as t
from tests.domain.county import d
from tests.services import facts
from tests.support.robots import Robot, robot

EIGHT = datetime(2018, 11, 23, 0, 0, tzinfo=UTC)  # Friday, eight in the morning in the county
ONE, TWO = "json://127.0.0.1/one", "json://127.0.0.1/two"


class Post:
    """Stands where messages leave the machine; what it answers each address, and what came."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.problems: dict[str, str | None] = {}

    def __call__(self, address: str, title: str, body: str) -> str | None:
        self.sent.append((address, title, body))
        return self.problems.get(address)

    @property
    def to(self) -> list[str]:
        return [address for address, *_ in self.sent]


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    taken = Post()
    monkeypatch.setattr(messenger, "send", taken)
    return taken


@pytest.fixture
def county(deployment: Deployment) -> Deployment:
    facts.county(deployment, ("p", "q", "r"))
    begins = date(2018, 11, 19)
    facts.post(deployment, Posting("p", Role.ENVOY, "d1", begins), Posting("q", Role.ENVOY, "f1", begins))
    judging.ensure_judged(deployment, d("11-01"), d("12-31"))
    return configured(deployment, T=(ONE, TWO))


def configured(deployment: Deployment, **addresses: tuple[str, ...]) -> Deployment:
    settings = replace(deployment.settings, digest_addresses=tuple(addresses.items()), public_url="https://d.example")
    return replace(deployment, settings=settings)


def test_it_goes_out_once_a_day_to_each_address_from_the_hour_on(county: Deployment, post: Post) -> None:
    assert digests.send_due(county, EIGHT - timedelta(seconds=1)) == []
    assert len(digests.send_due(county, EIGHT)) == 2
    for hours in (0, 1, 15.9):
        assert digests.send_due(county, EIGHT + timedelta(hours=hours)) == []
    assert post.to == [ONE, TWO]
    assert len(digests.send_due(county, EIGHT + timedelta(days=1))) == 2


def test_it_says_what_waits(county: Deployment, post: Post) -> None:
    old = facts.visited(county, "p", "d1", d("11-10"), status="review")
    facts.visited(county, "q", "f1", d("11-10"), status="review")  # another township's
    appealed = facts.visited(county, "p", "d1", d("11-12"), status="review")
    with county.database.write() as connection:
        decisions.add_appeal(connection, appealed, Appeal("不对", EIGHT))
        leaves.add(connection, Leave("p", d("11-26"), d("11-27"), "meeting"), EIGHT)
        proposals.add(connection, "posting-new", {}, "/C/T/D/", "p", EIGHT)
    digests.send_due(county, EIGHT)
    assert old
    _, title, body = post.sent[0]
    assert title == "到村日报：T，2018年11月23日"
    assert body.split("\n") == [
        "等候审核超过 2 天的签到：1 条，最早的是 2018年11月10日 的",
        "待处理的申诉：1 条",
        "待审批的请假：1 条",
        "等第二人确认的更改：1 项",
        "本周还没有走访的村：1 个",
        "· Td1，特派员：name of p",
        "请到 https://d.example/ 处理。",
    ]


def test_what_is_in_grace_is_counted(county: Deployment, post: Post) -> None:
    monday = EIGHT + timedelta(days=3)
    digests.send_due(county, monday)
    assert post.sent[0][2].split("\n")[0] == "已到期、还在宽限期内的任务：1 项"


def test_a_quiet_day_says_so(county: Deployment, post: Post) -> None:
    facts.visited(county, "p", "d1", d("11-20"))
    digests.send_due(county, EIGHT)
    assert post.sent[0][2].split("\n")[0] == "今天没有等待处理的事项。"


def test_a_long_list_of_villages_is_cut(county: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "VILLAGES", 1)
    facts.post(county, Posting("r", Role.ENVOY, "d2", date(2018, 11, 19)))
    made = digests.compose(county, "T", EIGHT, "en")
    assert made is not None
    assert made.body.split("\n")[:3] == [
        "Villages not visited this week: 2",
        "· d1, T: envoy name of p",
        "· and 1 more",
    ]


def test_there_is_none_of_a_place_that_is_not_there(county: Deployment, post: Post) -> None:
    assert digests.compose(county, "nowhere", EIGHT) is None
    assert digests.send_due(configured(county, nowhere=(ONE,)), EIGHT) == []


def test_what_was_not_taken_is_tried_again_with_growing_pauses_and_then_left(county: Deployment, post: Post) -> None:
    post.problems = {ONE: "refused"}
    now, tries = EIGHT, []
    while now < EIGHT + timedelta(hours=15):
        if any(one.problem for one in digests.send_due(county, now)):
            tries.append((now - EIGHT) / timedelta(minutes=1))
        now += timedelta(minutes=5)
    assert tries == [0, 5, 20, 65, 185, 545]
    assert post.to.count(TWO) == 1


def test_one_that_is_taken_at_the_second_try_is_not_sent_again(county: Deployment, post: Post) -> None:
    post.problems = {ONE: "errcode 310000"}
    digests.send_due(county, EIGHT)
    post.problems = {}
    assert [one.problem for one in digests.send_due(county, EIGHT + timedelta(minutes=5))] == [None]
    assert digests.send_due(county, EIGHT + timedelta(hours=10)) == []


def test_a_crash_between_sending_and_noting_it_costs_one_repeat(
    county: Deployment, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    county = configured(county, T=(ONE,))

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("server.storage.digests.finish", crash)
        with pytest.raises(KeyboardInterrupt):
            digests.send_due(county, EIGHT)
    assert digests.send_due(county, EIGHT + timedelta(minutes=4)) == []
    for minutes in (5, 10, 60):
        digests.send_due(county, EIGHT + timedelta(minutes=minutes))
    assert post.to == [ONE, ONE]


def test_many_at_once_send_it_once(county: Deployment, post: Post) -> None:
    county = configured(county, T=(ONE,))
    ready = threading.Barrier(4)

    def send() -> None:
        ready.wait()
        digests.send_due(county, EIGHT)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert post.to == [ONE]


def test_it_is_sent_at_once_when_asked_for_and_not_twice(county: Deployment, post: Post) -> None:
    early = EIGHT - timedelta(hours=2)
    assert [one.before for one in digests.send_due(county, early, "T")] == [False, False]
    assert [one.before for one in digests.send_due(county, early, "T")] == [True, True]
    assert digests.send_due(county, early, "U") == []
    assert post.to == [ONE, TWO]


def test_what_was_sent_is_in_the_log_without_its_address(county: Deployment, post: Post) -> None:
    digests.send_due(configured(county, T=("json://name:password@127.0.0.1/",)), EIGHT)
    c = t.log.c
    with county.database.read() as connection:
        (row,) = connection.execute(select(c.actor, c.subject, c.detail, c.path).where(c.kind == "digest"))
    assert tuple(row) == ("system", "T", {"day": "2018-11-23", "by": "json"}, "/C/T/")


@pytest.fixture
def robot_here() -> Iterator[Robot]:
    with robot() as running:
        yield running


def test_a_restarted_service_goes_on_where_it_was(county: Deployment, robot_here: Robot, tmp_path: Any) -> None:
    robot_here.answers = [(200, {"errcode": 45009, "errmsg": "too many"})]
    before = configured(county, T=(robot_here.address,))
    assert [one.problem for one in digests.send_due(before, EIGHT)] == ["errcode 45009"]
    url = county.database.engine.url.render_as_string(hide_password=False)
    after = configured(facts.opened(url, tmp_path), T=(robot_here.address,))
    assert digests.send_due(after, EIGHT + timedelta(minutes=1)) == []
    assert [one.problem for one in digests.send_due(after, EIGHT + timedelta(minutes=5))] == [None]
    after.database.close()
    assert len(robot_here.taken) == 2


def test_the_thread_sends_beside_the_jobs_and_a_hanging_robot_holds_nobody_up(
    county: Deployment, robot_here: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot_here.hangs = True
    monkeypatch.setattr(digests, "REST_S", 0.05)
    monkeypatch.setattr("server.adapters.clock.now", lambda: EIGHT)
    county = configured(county, T=(robot_here.address,))
    stop = threading.Event()
    thread = threading.Thread(target=digests.keep_sending, args=(county, stop))
    thread.start()
    began = time.monotonic()
    while not robot_here.taken and time.monotonic() - began < 30:
        time.sleep(0.02)
    with locks.alone(county.database) as alone, county.database.write() as connection:
        assert alone
        proposals.add(connection, "posting-new", {}, "/C/T/D/", "p", EIGHT)
    with locks.alone(county.database, "digests") as another:
        assert not another
    assert thread.is_alive()
    robot_here.over.set()
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


def test_without_addresses_there_is_no_thread_to_speak_of(county: Deployment) -> None:
    digests.keep_sending(configured(county), threading.Event())

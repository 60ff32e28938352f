"""The log is sealed after its commits: without a gap, whatever order they come in, and nothing is left out."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from sqlalchemy import insert, select

from server.domain.chain import GENESIS
from server.services import sealing
from server.services.deployment import Deployment
from server.services.sealing import BATCH, Mark, seal, seal_all
from server.storage import jobs, logbook, seals
from server.storage import tables as t
from server.storage.logbook import Line

NOW = datetime(2018, 11, 20, 1, 31, 5, tzinfo=UTC)


def line(subject: str) -> Line:
    return Line("E1", "check-in", "visit", subject, {"status": "确认"}, "/C/T/", "E1")


def write(deployment: Deployment, *subjects: str) -> None:
    with deployment.database.write() as connection:
        logbook.write(connection, NOW, map(line, subjects))


def sealed(deployment: Deployment) -> list[str]:
    """The subjects of the sealed lines in order of their numbers, which have no gap."""
    query = select(t.log_seal.c.number, t.log.c.subject).join(t.log, t.log.c.id == t.log_seal.c.line)
    with deployment.database.read() as connection:
        rows = connection.execute(query.order_by(t.log_seal.c.number)).all()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    return [row.subject for row in rows]


def test_every_line_is_sealed_once_and_only_once(deployment: Deployment) -> None:
    write(deployment, "a", "b")
    assert seal_all(deployment, NOW) == 2
    assert seal_all(deployment, NOW) == 0
    write(deployment, "c")
    assert seal_all(deployment, NOW) == 1
    assert sealed(deployment) == ["a", "b", "c"]
    with deployment.database.read() as connection:
        blocks = list(seals.blocks(connection, 9))
    assert [(b.number, b.first, b.last) for b in blocks] == [(1, 1, 2), (2, 3, 3)]


def test_the_hashes_are_those_that_the_documents_tell_how_to_compute(deployment: Deployment) -> None:
    """As docs/record.md has it, in the words of that page."""
    with deployment.database.write() as connection:
        logbook.write(connection, NOW, [replace(line("a"), personal={"note": "家"})])
    seal_all(deployment, NOW)
    with deployment.database.read() as connection:
        row = connection.execute(select(t.log)).one()
        stored = connection.scalar(select(t.log_seal.c.hash))
        head = connection.scalar(select(t.log_block.c.head))

    def net(value: bytes | None) -> bytes:
        return b"-," if value is None else b"%d:%s," % (len(value), value)

    detail = '{"status":"确认"}' if deployment.database.is_sqlite else '{"status": "确认"}'
    texts = ("1", "2018-11-20T01:31:05.000000Z", "E1", "check-in", "visit", "a", detail, "/C/T/", "E1")
    hashed = sha256(GENESIS + b"".join(net(text.encode()) for text in texts) + net(row.personal)).digest()
    assert stored == hashed
    counted = b"".join(map(net, (b"1", b"1", b"1", b"1", b"2018-11-20T01:31:05.000000Z")))
    assert head == sha256(hashed + counted).digest()


def test_more_than_a_batch_is_several_blocks(deployment: Deployment) -> None:
    write(deployment, *(str(n) for n in range(BATCH + 1)))
    assert seal_all(deployment, NOW) == BATCH + 1
    assert sealed(deployment) == [str(n) for n in range(BATCH + 1)]
    with deployment.database.read() as connection:
        assert [block.settled for block in seals.blocks(connection, 9)] == [BATCH, BATCH + 1]


def test_an_id_that_commits_late_is_sealed_when_it_is_seen(deployment: Deployment) -> None:
    if deployment.database.is_sqlite:
        pytest.skip("on SQLite ids come in the order of the commits")
    mark = Mark()
    with deployment.database.engine.connect() as late, late.begin():
        logbook.write(late, NOW, [line("late")])
        for n in range(5):
            write(deployment, str(n))
            done, mark = seal(deployment, mark, NOW)
            assert (done, mark.settled) == (1, 0)
        assert seal(deployment, Mark(), NOW)[0] == 0  # a sealer that begins anew waits for it too
    done, mark = seal(deployment, mark, NOW)
    assert done == 1
    assert sealed(deployment) == ["0", "1", "2", "3", "4", "late"]
    assert seal(deployment, mark, NOW)[1].settled == 6


def test_writers_who_are_never_all_gone_do_not_keep_the_mark_from_moving(deployment: Deployment) -> None:
    if deployment.database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    mark, open_ = Mark(), deployment.database.engine.connect()
    begun = open_.begin()
    logbook.write(open_, NOW, [line("0")])
    for n in range(1, 6):
        following = deployment.database.engine.connect()
        next_begun = following.begin()
        logbook.write(following, NOW, [line(str(n))])
        begun.commit()
        open_.close()
        open_, begun = following, next_begun
        mark = seal(deployment, mark, NOW)[1]
    assert mark.settled >= 3
    begun.rollback()
    open_.close()
    for _ in range(2):
        mark = seal(deployment, mark, NOW)[1]
    assert mark.settled == 6
    assert sealed(deployment) == ["0", "1", "2", "3", "4"]


def test_many_writers_at_once_leave_no_line_out(deployment: Deployment) -> None:
    stop = threading.Event()
    sealer = threading.Thread(target=sealing.keep_sealing, args=(deployment, stop))
    sealer.start()

    def work(who: int) -> None:
        for n in range(25):
            write(deployment, f"{who}-{n}")

    writers = [threading.Thread(target=work, args=(who,)) for who in range(6)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    deadline = time.monotonic() + 20
    while len(sealed(deployment)) < 150 and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    sealer.join()
    found = sealed(deployment)
    assert sorted(found) == sorted(f"{who}-{n}" for who in range(6) for n in range(25))
    for who in range(6):  # one writer's lines keep their order
        assert [one for one in found if one.startswith(f"{who}-")] == [f"{who}-{n}" for n in range(25)]


def test_two_never_seal_at_once(deployment: Deployment) -> None:
    write(deployment, "a")
    with jobs.alone(deployment.database, "seals") as alone:
        assert alone
        assert seal_all(deployment, NOW) is None
        with jobs.alone(deployment.database) as others:
            assert others  # the other jobs are done meanwhile
    assert seal_all(deployment, NOW) == 1


def test_nothing_new_is_one_question(deployment: Deployment) -> None:
    write(deployment, "a")
    mark = seal(deployment, Mark(), NOW)[1]
    assert mark == Mark(1)
    assert seal(deployment, mark, NOW) == (0, mark)


def test_a_line_is_hashed_by_what_it_holds_whatever_the_offset_of_its_time(deployment: Deployment) -> None:
    with deployment.database.write() as connection:
        connection.execute(insert(t.log).values(at=NOW.astimezone(tz=None), actor="a", verb="b", kind="c", subject="d",
                                                detail={"b": 1, "a": [1.5, None]}))  # fmt: skip
    seal_all(deployment, NOW + timedelta(seconds=1))
    with deployment.database.read() as connection:
        (found,) = seals.sealed(connection, 9)
    assert found.fields is not None
    assert found.fields[1] == b"2018-11-20T01:31:05.000000Z"
    assert found.fields[7:] == [b"", None, None]

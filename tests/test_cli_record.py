"""The commands that keep the record: its head, forgetting a person, a role that only adds to it, a damaged file."""

import io
import random
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from server import cli
from server.domain.duties import SHIPPED
from server.services.deployment import Deployment, open_deployment
from server.settings import Settings
from server.storage import people
from server.storage.database import open_database
from tests.support import staff

ROLE = "of the command"
Ran = tuple[int, str, str]
Daocun = Callable[..., Ran]


@pytest.fixture
def daocun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Daocun:
    """Runs the command with the database that it is given first; its end, and what it printed where."""
    monkeypatch.setenv("DAOCUN_HOME", str(tmp_path))

    def run(url: str, *arguments: str, said: str = "") -> Ran:
        monkeypatch.setenv("DAOCUN_DATABASE_URL", url)
        monkeypatch.setattr(sys, "stdin", io.StringIO(said))
        code = cli.run(list(arguments))
        return code, *capfd.readouterr()

    return run


@pytest.fixture
def office(ready_url: str, tmp_path: Path) -> Iterator[Deployment]:
    """The county of the tests; somebody who left in October among its people."""
    deployment = open_deployment(Settings(database_url=ready_url, uploads=tmp_path))
    staff.fill(deployment)
    staff.add_people(deployment, ["left"])
    staff.post(deployment, "left", "envoy", "d2", end=date(2018, 10, 31))
    yield deployment
    deployment.database.close()


def name_of(office: Deployment, person: str) -> str:
    with office.database.read() as connection:
        found = people.find(connection, person)
    assert found is not None
    return found.name


# erase


def test_who_is_erased_is_asked_for_twice(office: Deployment, daocun: Daocun, ready_url: str) -> None:
    code, out, err = daocun(ready_url, "erase", "left", said="n\n")
    assert (code, out, name_of(office, "left")) == (cli.STOPPED, "", "left名")
    assert "无法撤销" in err
    code, out, err = daocun(ready_url, "erase", "left", said="y\n")
    assert (code, out, name_of(office, "left")) == (0, "", "已删除")
    assert "left is erased." in err
    code, _, err = daocun(ready_url, "erase", "left", "--yes")
    assert code == 0
    assert "erased before" in err


@pytest.mark.parametrize(("person", "why"), [("owner", "end it first"), ("nobody", "no such thing")])
def test_who_is_posted_or_unknown_is_not_erased(
    office: Deployment, daocun: Daocun, ready_url: str, person: str, why: str
) -> None:
    code, out, err = daocun(ready_url, "erase", person, "--yes")
    assert (code, out) == (1, "")
    assert why in err
    assert name_of(office, "owner") == "owner名"


# head


def test_a_head_is_printed_that_a_scrub_finds_again(office: Deployment, daocun: Daocun, ready_url: str) -> None:
    code, out, err = daocun(ready_url, "head")
    assert (code, out) == (1, "")
    assert "no line yet" in err
    daocun(ready_url, "erase", "left", "--yes")
    code, head, _ = daocun(ready_url, "head")
    assert code == 0
    assert head.startswith("1:")
    assert len(head) == len("1:") + 64 + 1
    assert daocun(ready_url, "scrub", "--head", head.strip())[0] == 0
    other = head.strip()[:-1] + ("0" if head.strip()[-1] != "0" else "1")
    code, out, _ = daocun(ready_url, "scrub", "--head", other)
    assert (code, out.splitlines()[0]) == (1, "head-differs\tblock=1")


# init --service-role


def test_a_role_of_the_service_only_adds_to_the_log(postgres_url: str, daocun: Daocun) -> None:
    code, _, err = daocun(postgres_url, "init", "--service-role", "nobody")
    assert code == 1
    assert "nobody" in err
    owner = open_database(postgres_url)
    with owner.write() as connection:
        connection.execute(text(f'CREATE ROLE "{ROLE}" LOGIN'))
    try:
        assert daocun(postgres_url, "init", "--service-role", ROLE)[0] == 0
        assert daocun(postgres_url, "init", "--service-role", ROLE)[0] == 0  # safe to repeat
        as_service = make_url(postgres_url).set(username=ROLE).render_as_string(hide_password=False)
        service = open_database(as_service)
        with service.read() as connection:
            assert connection.scalar(text("SELECT count(*) FROM duty")) == len(SHIPPED)
        with pytest.raises(DBAPIError, match="permission denied"), service.write() as connection:
            connection.execute(text("DELETE FROM log"))
        service.close()
        code, out, _ = daocun(as_service, "head")
        assert (code, out[:2]) == (0, "1:")
    finally:
        with owner.write() as connection:
            connection.execute(text(f'DROP OWNED BY "{ROLE}"'))
            connection.execute(text(f'DROP ROLE "{ROLE}"'))
        owner.close()


def test_who_owns_the_tables_is_no_role_of_the_service(postgres_url: str, daocun: Daocun) -> None:
    code, _, err = daocun(postgres_url, "init", "--service-role", str(make_url(postgres_url).username))
    assert code == 1
    assert "triggers" in err


def test_sqlite_has_no_roles(sqlite_url: str, daocun: Daocun) -> None:
    code, _, err = daocun(sqlite_url, "init", "--service-role", "service")
    assert code == 2
    assert "PostgreSQL" in err


# scrub on a file that is damaged


def written_over(data: bytes, at: int, length: int) -> bytes:
    return data[:at] + random.Random(at).randbytes(length) + data[at + length :]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: written_over(data, 0, 4096), id="its beginning"),
        pytest.param(lambda data: data[: len(data) // 2], id="cut in half"),
        pytest.param(lambda data: data[:4096] + bytes(len(data) - 4096), id="nothing but zeros"),
        *(
            pytest.param(lambda data, at=at: written_over(data, at * 4096, 4096), id=f"page {at}")
            for at in (2, 11, 31, 47, 63)
        ),
    ],
)
@pytest.mark.parametrize("command", ["scrub", "head"])
def test_a_damaged_file_is_said_to_be_so(
    tmp_path: Path, migrated_sqlite: Path, daocun: Daocun, damage: Callable[[bytes], bytes], command: str
) -> None:
    file = tmp_path / "ours.db"
    file.write_bytes(migrated_sqlite.read_bytes())
    assert daocun(f"sqlite:///{file}", "scrub")[0] == 0
    file.write_bytes(damage(file.read_bytes()))
    code, out, err = daocun(f"sqlite:///{file}", command)
    assert (code, out) == (1, "")
    if command == "scrub":
        assert err.splitlines()[-1].endswith("go back to a backup (docs/operating.md).")
    assert "Something went wrong" not in err, "it is no error that nobody foresaw"


def test_a_row_that_somebody_changed_is_no_damage_to_the_file(sqlite_url: str, tmp_path: Path, daocun: Daocun) -> None:
    daocun(sqlite_url, "init")
    daocun(sqlite_url, "head")
    database = open_database(sqlite_url)
    with database.write() as connection:
        for trigger in connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(text(f'DROP TRIGGER "{trigger}"'))
        connection.execute(text("PRAGMA ignore_check_constraints = ON"))
        connection.execute(text("UPDATE log SET verb = 'x' WHERE id = 1"))
        connection.execute(text("UPDATE duty SET times = 99"))
    database.close()
    code, out, _ = daocun(sqlite_url, "scrub")
    assert code == 1
    assert out.startswith("line-")

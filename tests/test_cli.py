"""The command: what it prints where, how it ends, and what it leaves behind."""

import base64
import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from server import cli, terminal
from server.adapters import sheets
from server.domain import imports, words
from server.domain.duties import SHIPPED
from server.services.deployment import open_deployment
from server.services.visits import check_in
from server.settings import Settings
from server.storage import migrate
from server.storage.database import open_database
from tests import factories
from tests.support import robots
from tests.support.tables import everything

FOLDER = Path(__file__).resolve().parent / "data" / "worked-examples"
KINDS = ("places", "people", "postings", "leave", "days", "visits")
SPAN = ("--from", "2018-09-17", "--to", "2018-11-30")
AS_OF = ("--as-of", "2018-11-26T12:00:00+08:00")
HEADER = "duty,person,place,window,opens_on,due_on,status,reason"


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()


Daocun = Callable[..., Ran]


@pytest.fixture
def database_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The SQLite file that the settings name; it does not exist yet."""
    monkeypatch.setenv("DAOCUN_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "daocun.db"


@pytest.fixture
def daocun(database_file: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Daocun:
    """Runs the command in a deployment of its own."""

    def run(*arguments: object) -> Ran:
        code = cli.run([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return Ran(code, out, err.decode())

    return run


@pytest.fixture
def ready(daocun: Daocun) -> Daocun:
    """The command, with the worked examples imported."""
    for arguments in [("init",), *(("import", kind, FOLDER / f"{kind}.csv") for kind in KINDS)]:
        assert daocun(*arguments).code == 0
    return daocun


def a_file(tmp_path: Path, text: str, name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


# init


def test_init_is_safe_to_repeat(daocun: Daocun, database_file: Path) -> None:
    assert daocun("init").code == 0
    before = everything(f"sqlite:///{database_file}")
    again = daocun("init")
    assert (again.code, again.out) == (0, b"")
    assert everything(f"sqlite:///{database_file}") == before
    assert len(before["duty"]) == len(SHIPPED)
    assert (database_file.parent / "uploads").is_dir()


def test_what_is_made_is_for_its_own_user_alone(tmp_path: Path) -> None:
    register = a_file(tmp_path, "code,name,level,parent,latitude,longitude,radius_m,central_village\nC,C,county,,,,,\n")
    environ = {"DAOCUN_HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    program = "import os; os.umask(0o022); from server import cli; cli.main()"
    for arguments in (
        ["init"],
        ["import", "places", str(register)],
        ["account", "--place", "C", "--sheet", str(tmp_path / "sheet.html")],
        ["attendance", "--from", "2018-11-01", "--to", "2018-11-30", "--output", str(tmp_path / "attendance.csv")],
    ):
        subprocess.run([sys.executable, "-c", program, *arguments], env=environ, check=True, capture_output=True)
    made = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "home").rglob("*")}
    assert made
    assert not any(mode & 0o077 for mode in made.values()), made
    assert (tmp_path / "sheet.html").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "attendance.csv").stat().st_mode & 0o777 == 0o644


def test_init_leaves_a_duty_that_the_county_changed(daocun: Daocun, tmp_path: Path) -> None:
    daocun("init")
    duty, *others = json.loads(daocun("duty", "list").text)
    assert daocun("duty", "save", a_file(tmp_path, json.dumps(duty | {"min_photos": 2}))).code == 0
    daocun("init")
    assert json.loads(daocun("duty", "list").text) == [duty | {"min_photos": 2}, *others]


@pytest.mark.parametrize(
    "arguments", [("attendance", *SPAN), ("import", "places", FOLDER / "places.csv"), ("rebuild",), ("scrub",)]
)
def test_without_a_database_a_command_says_what_to_do_and_makes_none(
    daocun: Daocun, database_file: Path, arguments: tuple[object, ...]
) -> None:
    ran = daocun(*arguments)
    assert (ran.code, ran.out) == (1, b"")
    assert "daocun init" in ran.err
    assert not database_file.exists()


def test_a_database_of_another_version_is_told_apart(daocun: Daocun, database_file: Path) -> None:
    database_file.parent.mkdir()
    database = open_database(f"sqlite:///{database_file}")
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('9999')")
    database.close()
    ran = daocun("attendance", *SPAN)
    assert ran.code == 1
    assert "newer version" in ran.err
    assert daocun("init").code == 1


def test_the_numbers_of_the_migrations_are_those_of_their_files() -> None:
    from server.storage import readiness

    assert readiness.steps()[-1] == migrate.head()


def test_a_database_that_does_not_answer_is_no_traceback(daocun: Daocun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAOCUN_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    ran = daocun("attendance", *SPAN)
    assert ran.code == 1
    assert "DAOCUN_DATABASE_URL" in ran.err
    assert "Traceback" not in ran.err


# import


def test_every_bad_cell_is_told_in_both_languages_and_nothing_is_stored(
    ready: Daocun, database_file: Path, tmp_path: Path
) -> None:
    before = everything(f"sqlite:///{database_file}")
    rows = "code,name,phone,unit\nE9,新人,12,\n3.71481E+11,新人,,\n"
    ran = ready("import", "people", a_file(tmp_path, rows))
    assert (ran.code, ran.out) == (1, b"")
    assert "第 2 行 phone 列：" in ran.err
    assert "row 2, column phone: " in ran.err
    assert "row 3, column code: " in ran.err
    assert everything(f"sqlite:///{database_file}") == before


def test_a_dry_run_prints_what_would_change_and_stores_nothing(
    ready: Daocun, database_file: Path, tmp_path: Path
) -> None:
    before = everything(f"sqlite:///{database_file}")
    rows = "code,name,phone,unit\nE1,东赵特派员,13900000001,市财政局\nE9,新人,,\n"
    ran = ready("import", "people", a_file(tmp_path, rows), "--dry-run")
    assert ran.code == 0
    assert list(csv.reader(io.StringIO(ran.text)))[1:] == [
        ["changed", "person", "E1", '{"unit": "市编办"}', '{"unit": "市财政局"}'],
        ["created", "person", "E9", "", '{"name": "新人", "phone": "", "unit": ""}'],
    ]
    assert everything(f"sqlite:///{database_file}") == before


def test_a_workbook_is_taken_like_a_csv_file(daocun: Daocun, tmp_path: Path) -> None:
    daocun("init")
    with (FOLDER / "places.csv").open(encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    book = tmp_path / "places.xlsx"
    with book.open("wb") as stream:
        sheets.write_xlsx(header, rows, stream)
    assert daocun("import", "places", book).code == 0
    ran = daocun("import", "places", FOLDER / "places.csv", "--dry-run")
    assert ran.text.splitlines()[1:] == []


def test_records_are_taken_from_a_chinese_workbook_with_real_times(daocun: Daocun, tmp_path: Path) -> None:
    daocun("init")
    for kind in ("places", "people", "postings", "visits"):
        daocun("import", kind, FOLDER / f"{kind}.csv")
    with (FOLDER / "visits.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    zone = ZoneInfo("Asia/Shanghai")
    cells = [
        row
        | {
            "activity": words.in_chinese(words.ACTIVITIES, row["activity"]),
            "status": words.in_chinese(words.IMPORTED_STATUSES, row["status"]),
            "captured_at": datetime.fromisoformat(row["captured_at"]).astimezone(zone),
        }
        for row in rows
    ]
    book = tmp_path / "visits.xlsx"
    with book.open("wb") as stream:
        sheets.write_xlsx(imports.chinese_columns("visits"), [list(row.values()) for row in cells], stream)
    again = daocun("import", "visits", book, "--dry-run")
    assert again.code == 0, again.err
    assert again.text.splitlines()[1:] == []
    assert f"{len(rows)}" in again.err
    cells[0]["captured_at"] = datetime.fromisoformat("2018-11-20T00:00:00+08:00")
    with book.open("wb") as stream:
        sheets.write_xlsx(imports.chinese_columns("visits"), [list(row.values()) for row in cells], stream)
    changed = daocun("import", "visits", book, "--dry-run")
    assert "2018-11-19T16:00:00" in changed.text.splitlines()[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", "villages", "file.csv"),
        ("import", "places"),
        ("import", "places", "file.csv", "--from", "2018-02-30"),
        ("import", "places", "file.csv", "--crs", "wgs72"),
        ("import", "people", "file.csv", "--from", "2018-02-03"),
        ("import", "people", "file.csv", "--crs", "gcj02"),
        ("attendance",),
        ("attendance", "--from", "2018-11-30", "--to", "2018-11-01"),
        ("attendance", *SPAN, "--as-of", "2018-11-26T12:00:00"),
        ("attendance", *SPAN, "--as-of", "noon"),
        ("attendance", *SPAN, "--format", "pdf"),
        ("attendance", *SPAN, "--format", "json", "--for-excel"),
        ("rebuild", "--from", "2018-11-30", "--to", "2018-11-01"),
        ("account",),
        ("account", "E1", "--place", "371481"),
        ("account", "--place", "371481"),
        ("account", "--sheet", "sheet.html"),
        ("account", "E1", "--role", "envoy"),
        ("account", "E1", "--revoke", "--qr"),
        ("account", "E1", "--grant", "king:371481"),
        ("account", "E1", "--grant", "admin"),
        ("duty", "end", "envoy-study-day"),
        ("place", "371481200"),
        ("place", "371481200", "--service-from", "soon"),
        ("dance",),
        ("attendance", "--sideways"),
        (),
    ],
    ids=lambda arguments: " ".join(map(str, arguments)) or "nothing",
)
def test_bad_usage_ends_with_2_and_prints_nothing_on_stdout(ready: Daocun, arguments: tuple[str, ...]) -> None:
    ran = ready(*arguments)
    assert (ran.code, ran.out) == (2, b"")
    assert ran.err


# attendance


def test_attendance_for_excel_begins_with_the_mark(ready: Daocun) -> None:
    plain = ready("attendance", *SPAN, *AS_OF)
    assert ready("attendance", *SPAN, *AS_OF, "--for-excel").out == b"\xef\xbb\xbf" + plain.out
    assert plain.text.splitlines()[0] == HEADER


def test_attendance_as_json_and_as_a_workbook_has_the_same_rows(ready: Daocun, tmp_path: Path) -> None:
    import python_calamine

    rows = list(csv.reader(io.StringIO(ready("attendance", *SPAN, *AS_OF).text)))
    objects = json.loads(ready("attendance", *SPAN, *AS_OF, "--format", "json").text)
    assert [list(one.values()) for one in objects] == rows[1:]
    assert ",".join(objects[0]) == HEADER
    for given in (("--format", "xlsx"), ()):  # without a format the name tells
        book = tmp_path / "attendance.xlsx"
        assert ready("attendance", *SPAN, *AS_OF, *given, "--output", book).out == b""
        sheet = python_calamine.CalamineWorkbook.from_path(str(book)).get_sheet_by_index(0).to_python()
        assert [[str(cell) for cell in row] for row in sheet] == rows


def test_attendance_can_be_narrowed_to_a_place_a_person_and_a_duty(ready: Daocun) -> None:
    def lines(*more: str) -> list[str]:
        return ready("attendance", *SPAN, *AS_OF, *more).text.splitlines()[1:]

    everyone = lines()
    assert lines("--person", "E1") == [line for line in everyone if ",E1," in line]
    assert lines("--duty", "envoy-study-day") == [line for line in everyone if line.startswith("envoy-study-day,")]
    assert lines("--place", "371481") == everyone
    assert lines("--place", "371481200268") == [line for line in everyone if ",371481200268," in line]


@pytest.mark.parametrize("option", ["--place", "--person", "--duty"])
def test_asking_for_what_does_not_exist_is_refused(ready: Daocun, option: str) -> None:
    ran = ready("attendance", *SPAN, option, "nowhere")
    assert (ran.code, ran.out) == (1, b"")
    assert option[2:] in ran.err


def test_a_year_without_published_holidays_is_told(ready: Daocun) -> None:
    ran = ready("attendance", "--from", "2003-10-01", "--to", "2003-10-31")
    assert ran.code == 0
    assert "2003" in ran.err
    assert ready("attendance", *SPAN, *AS_OF).err == ""


def test_a_file_is_replaced_only_when_all_of_it_is_there(ready: Daocun, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    file = a_file(folder, "old")

    def fail_half_way() -> None:
        with terminal.output(file) as stream:
            stream.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert file.read_text() == "old"
    assert ready("attendance", *SPAN, *AS_OF, "--output", file).code == 0
    assert file.read_text().splitlines()[0] == HEADER
    assert [found.name for found in folder.iterdir()] == [file.name]


def test_a_folder_that_is_not_there_is_named(ready: Daocun, tmp_path: Path) -> None:
    ran = ready("attendance", *SPAN, "--output", tmp_path / "no" / "a.csv")
    assert ran.code == 1
    assert "a.csv" in ran.err
    assert "Traceback" not in ran.err


def test_rebuilding_gives_the_same_rows(ready: Daocun, database_file: Path) -> None:
    before = ready("attendance", *SPAN, *AS_OF).out
    stored = everything(f"sqlite:///{database_file}")["obligation"]
    assert ready("rebuild").code == 0
    assert everything(f"sqlite:///{database_file}")["obligation"] == stored
    assert ready("attendance", *SPAN, *AS_OF).out == before


def test_attendance_loads_nothing_it_does_not_need(ready: Daocun, database_file: Path) -> None:
    heavy = "flask_restx marshmallow PIL shapely geopy numpy alembic granian cryptography argon2 xlsxwriter segno"
    code = (
        "import sys; from server import cli; code = cli.run(sys.argv[1:]); "
        f"sys.exit(code or ','.join(m for m in '{heavy}'.split() if m in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "attendance", *SPAN, *AS_OF],
        cwd=Path(__file__).resolve().parents[1],
        env={"DAOCUN_HOME": str(database_file.parent), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == HEADER


def test_a_reader_that_stops_reading_is_no_error(ready: Daocun, database_file: Path) -> None:
    command = f"{sys.executable} -m server.cli attendance {' '.join((*SPAN, *AS_OF))} | head -1"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=Path(__file__).resolve().parents[1],
        env={"DAOCUN_HOME": str(database_file.parent), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == HEADER
    assert done.stderr == ""


# What goes wrong


def test_an_error_nobody_foresaw_is_put_into_a_file_and_not_before_people(
    ready: Daocun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from server.services import reports

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delattr(reports, "attendance_rows")
    ran = ready("attendance", *SPAN)
    assert (ran.code, ran.out) == (1, b"")
    assert "Traceback" not in ran.err
    (log,) = tmp_path.glob("daocun-*.log")
    assert log.name in ran.err
    assert "AttributeError" in log.read_text()


def test_a_bad_setting_is_named(daocun: Daocun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAOCUN_TIMEZONE", "Leling")
    ran = daocun("init")
    assert (ran.code, ran.out) == (1, b"")
    assert "DAOCUN_TIMEZONE" in ran.err


def test_settings_are_printed_with_secrets_hidden(daocun: Daocun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAOCUN_DATABASE_URL", "postgresql://daocun:secret@127.0.0.1/daocun")
    monkeypatch.setenv("DAOCUN_DATABASE", "typo")
    ran = daocun("settings")
    assert ran.code == 0
    assert "DAOCUN_TIMEZONE=Asia/Shanghai" in ran.text
    assert "secret" not in ran.text
    assert "DAOCUN_DATABASE_URL" in ran.err  # what the unknown one may have meant


# Duties and places


def test_a_duty_is_listed_changed_from_a_day_on_and_ended(ready: Daocun, tmp_path: Path) -> None:
    def owed() -> list[str]:
        rows = ready("attendance", *SPAN, *AS_OF, "--duty", "envoy-study-day").text.splitlines()[1:]
        return [line.split(",")[5] for line in rows if ",E1," in line]

    assert owed() == ["2018-10-15", "2018-11-15"]
    duty = next(one for one in json.loads(ready("duty", "list").text) if one["code"] == "envoy-study-day")
    file = a_file(tmp_path, json.dumps(duty | {"number": 20}))
    assert ready("duty", "save", file, "--from", "2018-11-01").code == 0
    assert owed() == ["2018-10-15", "2018-11-20"]
    assert "0 duties saved" in ready("duty", "save", file, "--from", "2018-11-01").err
    assert ready("duty", "end", "envoy-study-day", "--from", "2018-10-20").code == 0
    assert owed() == ["2018-10-15", "2018-11-20"]  # the later version stands
    assert ready("duty", "end", "envoy-study-day", "--from", "2018-11-01").code == 0
    assert owed() == ["2018-10-15"]


def test_a_county_adds_a_duty_of_its_own_without_code(ready: Daocun, tmp_path: Path) -> None:
    duty = {
        "code": "leader-office-days",
        "role": "paired-leader",
        "activities": ["office"],
        "target": "posting",
        "every": "month",
        "times": 3,
    }
    assert ready("duty", "save", a_file(tmp_path, json.dumps(duty))).code == 0
    rows = ready("attendance", *SPAN, *AS_OF, "--duty", "leader-office-days").text.splitlines()
    assert len(rows) > 1


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"day_off": "shift"}, "day_off"),
        ({"times": 0}, "times"),
        ({"times": "2"}, "times"),
        ({"role": "mayor"}, "role"),
        ({"activities": []}, "activities"),
        ({"activities": ["dance"]}, "activities"),
        ({"fixed": "month-day", "number": 32}, "number"),
        ({"code": "a b"}, "code"),
        ({"since": "2018-02-30"}, "since"),
        ({"colour": "red"}, "colour"),
        ({"active": 1}, "active"),
    ],
)
def test_a_duty_that_makes_no_sense_is_refused(
    ready: Daocun, tmp_path: Path, changed: dict[str, object], pointer: str
) -> None:
    duty = {"code": "x", "role": "envoy", "activities": ["visit"], "target": "posting", "every": "month"}
    before = ready("duty", "list").out
    ran = ready("duty", "save", a_file(tmp_path, json.dumps([duty, duty | changed])))
    assert (ran.code, ran.out) == (1, b"")
    assert pointer in ran.err
    assert ready("duty", "list").out == before


@pytest.mark.parametrize("text", ["", "[", '"envoy"', "[1]", "null"])
def test_a_file_that_holds_no_duty_is_refused(ready: Daocun, tmp_path: Path, text: str) -> None:
    assert ready("duty", "save", a_file(tmp_path, text)).code == 1


def test_an_unknown_duty_cannot_end(ready: Daocun) -> None:
    assert ready("duty", "end", "dance", "--from", "2018-11-01").code == 1


def test_a_township_begins_on_a_day_of_its_own(ready: Daocun) -> None:
    def first_owed() -> str:
        return min(line.split(",")[4] for line in ready("attendance", *SPAN, *AS_OF).text.splitlines()[1:])

    begun = first_owed()
    assert ready("place", "371481200", "--service-from", "2018-11-01").code == 0
    assert first_owed() >= "2018-11-01" > begun
    assert ready("place", "371481200", "--service-from", "none").code == 0
    assert first_owed() == begun
    assert ready("place", "371481200268", "--service-from", "none").code == 1
    assert ready("place", "nowhere", "--service-from", "none").code == 1


# Accounts


def test_an_account_with_a_password_file_is_ready_and_prints_nothing(ready: Daocun, tmp_path: Path) -> None:
    file = a_file(tmp_path, "long enough a password\n", "password")
    ran = ready("account", "E1", "--grant", "admin:371481", "--grant", "auditor:371481", "--password-file", file)
    assert (ran.code, ran.out) == (0, b"")
    assert ready("account", "E1", "--revoke").code == 0
    assert ready("account", "E1", "--revoke").code == 1


def test_an_account_without_a_password_prints_its_code_once(ready: Daocun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAOCUN_PUBLIC_URL", "https://daocun.example")
    code, link, *_ = ready("account", "E1").text.splitlines()
    assert len(code) == 10
    assert code in link
    assert len(ready("account", "E1", "--qr").text.splitlines()) > 10
    nobody = ready("account", "nobody")
    assert nobody.code == 1
    assert "daocun import people" in nobody.err


def test_without_a_public_address_there_is_no_link_to_nowhere(ready: Daocun, tmp_path: Path) -> None:
    ran = ready("account", "E1", "--qr")
    assert len(ran.text.split()) == 1
    assert "DAOCUN_PUBLIC_URL" in ran.err
    sheet = tmp_path / "sheet.html"
    ran = ready("account", "--place", "371481200", "--sheet", sheet)
    assert "DAOCUN_PUBLIC_URL" in ran.err
    assert "<svg" not in sheet.read_text()


def test_what_only_the_register_knows_is_told_together_with_what_cannot_be_read(ready: Daocun, tmp_path: Path) -> None:
    rows = "person,role,place,start,end,office_weekday\nE1,envoy,nowhere,2018-09-01,,\nE1,envoy,371481200268,soon,,\n"
    ran = ready("import", "postings", a_file(tmp_path, rows, "postings.csv"))
    assert ran.code == 1
    assert "nowhere" in ran.err
    assert "soon" in ran.err


def test_a_place_in_a_row_that_cannot_be_read_is_not_called_unknown(ready: Daocun, tmp_path: Path) -> None:
    rows = (
        "code,name,level,parent,latitude,longitude,radius_m,central_village\n"
        "N1,新区,district,371481200,91,117,,\nN1-1,新村,village,N1,,,,\nN1-2,新村,village,N2,,,,\n"
    )
    ran = ready("import", "places", a_file(tmp_path, rows, "places.csv"))
    assert "91" in ran.err
    assert "N2" in ran.err
    assert "N1”" not in ran.err


def test_a_mistyped_year_is_refused_and_judges_nothing(ready: Daocun) -> None:
    ran = ready("attendance", "--from", "2199-01-01", "--to", "2199-01-31")
    assert (ran.code, ran.text) == (1, "")
    assert "2199-01-01" not in ran.err


def test_a_sheet_for_a_township_holds_everyone_posted_there(ready: Daocun, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.html"
    ran = ready("account", "--place", "371481200", "--role", "envoy", "--sheet", sheet)
    assert (ran.code, ran.out) == (0, b"")
    page = sheet.read_text(encoding="utf-8")
    assert "东赵特派员" in page
    assert ready("account", "--place", "nowhere", "--sheet", tmp_path / "other.html").code == 1
    assert not (tmp_path / "other.html").exists()


# Photos


def test_scrub_names_photos_that_are_missing_or_damaged(ready: Daocun, database_file: Path) -> None:
    home = database_file.parent
    deployment = open_deployment(Settings(home=home))
    for number in range(3):
        photo = factories.picture(deployment, factories.photo(number))
        sent = factories.sent(900 + number, factories.NOW, photos=[photo.data])
        check_in(deployment, "E1", sent, [photo], factories.NOW)
    assert ready("scrub").code == 0
    whole, gone, bad = (factories.digest(factories.photo(number)) for number in range(3))
    deployment.photos.path(gone).unlink()
    deployment.photos.path(bad).write_bytes(b"not what it was")
    deployment.database.close()
    ran = ready("scrub")
    assert ran.code == 1
    lines = {tuple(line.split("\t")) for line in ran.text.splitlines() if not line.startswith("head")}
    assert lines == {("missing", gone, factories.visit_id(901)), ("damaged", bad, factories.visit_id(902))}
    assert whole not in ran.text


def test_hand_in_takes_a_phone_s_file_and_names_what_it_refuses(ready: Daocun, tmp_path: Path) -> None:
    photo = factories.photo(1)
    held = {"sha256": factories.digest(photo), "type": "image/jpeg", "data": base64.b64encode(photo).decode()}
    body = factories.check_in([photo], place="371481200268")
    records = [
        {"kind": "check-in", "id": factories.visit_id(900), "body": body, "photos": [held]},
        {"kind": "check-in", "id": factories.visit_id(901), "body": body | {"place": "nowhere"}},
    ]
    head = {"format": "daocun-handed-in", "version": 1, "person": "E1", "saved_at": "2018-11-20T09:31:10+08:00"}
    file = a_file(tmp_path, json.dumps(head | {"records": records}), "queue.json")
    ran = ready("hand-in", file)
    assert ran.code == 1
    assert ran.text.splitlines() == [f"{factories.visit_id(900)}\tentered", f"{factories.visit_id(901)}\trefused"]
    assert "place" in ran.err
    file = a_file(tmp_path, json.dumps(head | {"records": records[:1]}), "queue.json")
    ran = ready("hand-in", file)
    assert (ran.code, ran.text) == (0, f"{factories.visit_id(900)}\tpresent\n")
    assert ready("hand-in", a_file(tmp_path, "no file of a phone's", "other.json")).code == 1
    assert ready("hand-in", tmp_path / "nowhere.json").code == 1


def test_digest_prints_what_would_be_sent_or_sends_it_once(ready: Daocun, monkeypatch: pytest.MonkeyPatch) -> None:
    with robots.robot() as robot:
        assert ready("digest", "--place", "371481200").code == 1  # nowhere to send it to
        monkeypatch.setenv("DAOCUN_DIGEST_ADDRESSES", f"371481200={robot.address}")
        shown = ready("digest", "--place", "371481200", "--dry-run")
        assert (shown.code, robot.taken) == (0, [])
        title, _, body = shown.out.decode().rstrip("\n").partition("\n")
        robot.answers = [(500, {})]
        assert ready("digest", "--place", "371481200").code == 1
        for _ in range(2):
            assert ready("digest", "--place", "371481200").code == 0
    assert [said["title"] for _, said in robot.taken] == [title, title]
    assert robot.taken[-1][1]["message"].strip() == body
    assert ready("digest", "--place", "nowhere").code == 1

"""Files in, report out, through the command: to the byte what the duty rules say."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from server.cli import cli
from tests.support.tables import everything

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT.parent / "shared" / "golden"  # beside the project on some machines
WORKED = ROOT / "tests" / "data" / "worked-examples"

KINDS = ("places", "people", "postings", "leave", "days", "visits")
# Folder, first day, last day, as of; the README beside the folders says the same
CASES = {
    "worked-examples": ("2018-09-17", "2018-11-30", "2018-11-26T12:00:00+08:00"),
    "random-2018": ("2018-09-10", "2018-11-30", "2018-11-29T12:00:00+08:00"),
    "edges-gaps": ("2018-09-17", "2018-10-31", "2018-10-11T12:00:00+08:00"),
    "edges-marks": ("2018-02-05", "2018-05-06", "2018-04-16T12:00:00+08:00"),
}


class Office:
    """Somebody at a command line, with a deployment of their own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.environment = {"DAOCUN_HOME": str(folder), "DAOCUN_DATABASE_URL": url}

    def runs(self, *words: str) -> str:
        """What a command prints; it must succeed."""
        done = CliRunner().invoke(cli, words, env=self.environment, catch_exceptions=False)
        assert done.exit_code == 0, done.stderr
        return done.stdout_bytes.decode()

    def takes_in(self, folder: Path, kinds: tuple[str, ...] = KINDS) -> None:
        for kind in kinds:
            self.runs("import", kind, str(folder / f"{kind}.csv"))

    def attendance(self, first: str, last: str, as_of: str, *more: str) -> str:
        return self.runs("attendance", "--from", first, "--to", last, "--as-of", as_of, *more)


@pytest.fixture
def office(ready_url: str, tmp_path: Path) -> Office:
    opened = Office(ready_url, tmp_path)
    opened.runs("init")
    return opened


def case(name: str) -> tuple[Path, str]:
    """The folder of a case and what is expected of it."""
    folder = GOLDEN / name if GOLDEN.is_dir() else WORKED
    if folder.name != name:
        pytest.skip("the golden cases are not beside this project")
    return folder, (folder / "expected.csv").read_bytes().decode()


@pytest.mark.parametrize("name", CASES)
def test_the_command_prints_the_expected_report(office: Office, name: str) -> None:
    folder, expected = case(name)
    office.takes_in(folder)
    assert office.attendance(*CASES[name]) == expected
    before = everything(office.url)
    office.takes_in(folder)
    assert everything(office.url) == before, "the same files again change nothing"
    office.runs("rebuild")
    assert office.attendance(*CASES[name]) == expected


@pytest.mark.parametrize("name", ["worked-examples", "edges-gaps"])
def test_what_is_judged_before_the_facts_arrive_is_judged_again(office: Office, name: str) -> None:
    folder, expected = case(name)
    office.takes_in(folder, ("places", "people"))
    for kind in ("visits", "days", "leave", "postings"):
        office.attendance(*CASES[name])
        office.takes_in(folder, (kind,))
    assert office.attendance(*CASES[name]) == expected


@pytest.mark.parametrize(
    ("as_of", "status"),
    [
        ("2018-11-25T23:59:59+08:00", "due"),
        ("2018-11-26T00:00:00+08:00", "grace"),
        ("2018-11-28T23:59:59+08:00", "grace"),
        ("2018-11-29T00:00:00+08:00", "missed"),
        ("2018-11-28T16:00:00+00:00", "missed"),
    ],
)
def test_a_week_is_in_grace_for_72_hours_and_then_missed(office: Office, as_of: str, status: str) -> None:
    folder, _ = case("worked-examples")
    office.takes_in(folder)
    duty = ("--person", "E1", "--duty", "envoy-weekly-visit")
    rows = office.attendance("2018-11-25", "2018-11-25", as_of, *duty).splitlines()[1:]
    assert [row.split(",")[3:7] for row in rows] == [["2018-W47", "2018-11-19", "2018-11-25", status]]


def test_a_copy_of_the_worked_examples_is_kept_here() -> None:
    if not GOLDEN.is_dir():
        pytest.skip("the golden cases are not beside this project")
    for path in sorted((GOLDEN / "worked-examples").iterdir()):
        assert (WORKED / path.name).read_bytes() == path.read_bytes()

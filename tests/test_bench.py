"""The benches run, and what they send is taken."""

import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[1]


def bench(name: str, home: Path, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", f"bench.{name}", "--home", str(home), *arguments]
    done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert list(home.iterdir()) == []
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_phones_check_in_every_way_and_none_is_refused(kind: str, tmp_path: Path) -> None:
    once = ("--phones", "2", "--seconds", "0.5", "--rounds", "1", "--counties", "1", "--visits", "1000")
    lines = bench("checkin", tmp_path, "--database", kind, *once)
    rows = [line for line in lines if "one call" in line or "two calls" in line]
    assert len(rows) == 6
    assert "refused" not in "".join(lines)


@pytest.mark.slow
def test_attendance_is_measured_from_judging_to_one_more_visit(tmp_path: Path) -> None:
    lines = bench("attendance", tmp_path, "--database", "sqlite", "--counties", "1")
    assert [line[10:45].strip() for line in lines if line.strip()[:1] == "1"] == [
        "judge, an obligation",
        "rebuild, an obligation",
        "a county's month, stored, a row",
        "one more visit",
    ]

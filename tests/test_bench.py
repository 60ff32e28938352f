"""The benches run, and what they send is taken."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.export import FORMATS, LIMIT_MB
from server.adapters import sheets
from server.domain.cells import Cell
from tests.domain.effort import SOAK

TREE = Path(__file__).resolve().parents[1]


def bench(name: str, home: Path, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", f"bench.{name}", "--home", str(home), *arguments]
    done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, timeout=3600 if SOAK else 300, check=False)
    assert done.returncode == 0, done.stderr
    assert list(home.iterdir()) == []
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_phones_check_in_every_way_and_none_is_refused(kind: str, tmp_path: Path) -> None:
    once = ("--phones", "2", "--seconds", "0.5", "--rounds", "1", "--counties", "1", "--visits", "1000", "--new-store")
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


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_long_export_needs_little_memory_in_every_format(kind: str, tmp_path: Path) -> None:
    rows = "1000000" if SOAK else "15000"
    lines = bench("export", tmp_path, "--database", kind, "--rows", rows)
    found = {line.split()[0]: line.split()[1:] for line in lines if line.split()[:1] and line.split()[0] in FORMATS}
    assert set(found) == set(FORMATS)
    assert {form: cells for form, cells in found.items() if float(cells[0]) > LIMIT_MB} == {}
    assert all(float(cells[2]) > 0 for cells in found.values())


@pytest.mark.slow
@pytest.mark.skipif(not (SOAK and shutil.which("soffice")), reason="for a soak, where LibreOffice is")
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_name_that_looks_like_a_formula_is_text_in_libreoffice(ending: str, tmp_path: Path) -> None:
    rows: list[list[Cell]] = [["=cmd()", "=1+1", "+86", "@x", "-1"]]
    columns = ["a", "b", "c", "d", "e"]
    path = tmp_path / f"t.{ending}"
    with path.open("wb") as stream:
        if ending == "csv":
            stream.writelines(sheets.csv_lines(columns, rows, mark=True))
        else:
            sheets.write_xlsx(columns, rows, stream)
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "fods"]
    subprocess.run([*command, "--outdir", str(tmp_path), str(path)], check=True, timeout=300, capture_output=True)
    shown = (tmp_path / "t.fods").read_text(encoding="utf-8")
    assert "table:formula" not in shown
    assert (
        len(re.findall(r'<table:table-cell[^>]*office:value-type="string"[^>]*>\s*<text:p>(?:&apos;)?[=+@-]', shown))
        == 5
    )


@pytest.mark.slow
def test_sealing_is_measured_and_leaves_no_fault(tmp_path: Path) -> None:
    lines = bench("sealing", tmp_path, "--database", "sqlite", "--lines", "1000", "--seconds", "0.5")
    assert sum("µs" in line for line in lines) == 6
    assert "(0 faults)" in "".join(lines)

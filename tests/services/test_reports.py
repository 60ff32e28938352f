"""The report of what was owed, as the command and the API give it."""

import io
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from server.adapters import sheets
from server.services import reports
from server.services.deployment import Deployment
from tests.services import facts

ROOT = Path(__file__).resolve().parents[2]
WORKED = ROOT / "tests" / "data" / "worked-examples"
CASES = {
    "worked-examples": ("2018-09-17", "2018-11-30", "2018-11-26T12:00:00+08:00"),
    "random-2018": ("2018-09-10", "2018-11-30", "2018-11-29T12:00:00+08:00"),
    "edges-gaps": ("2018-09-17", "2018-10-31", "2018-10-11T12:00:00+08:00"),
    "edges-marks": ("2018-02-05", "2018-05-06", "2018-04-16T12:00:00+08:00"),
}


def printed(deployment: Deployment, first: str, last: str, as_of: str, **sought: str) -> str:
    days = date.fromisoformat(first), date.fromisoformat(last)
    rows = reports.attendance_rows(deployment, *days, datetime.fromisoformat(as_of), **sought)
    stream = io.BytesIO()
    sheets.write_csv(reports.COLUMNS, rows, stream)
    return stream.getvalue().decode()


@pytest.mark.parametrize("folder", CASES)
def test_stored_verdicts_give_the_expected_report_to_the_byte(
    folder: str, deployment: Deployment, shared: Path
) -> None:
    facts.load(deployment, shared / "golden" / folder)
    expected = (shared / "golden" / folder / "expected.csv").read_bytes().decode()
    assert printed(deployment, *CASES[folder]) == expected

"""When a village is at risk of going unvisited."""

import pytest

from server.domain.engine import Verdict
from server.domain.notices import WeeklyVisit, at_risk

OPEN, MET, PENDING, EXCUSED = Verdict.OPEN, Verdict.MET, Verdict.PENDING, Verdict.EXCUSED


@pytest.mark.parametrize(
    ("verdicts", "envoys"),
    [
        ([OPEN], "p"),
        ([MET], ""),
        ([PENDING], ""),
        ([EXCUSED], ""),
        ([OPEN, OPEN], "pq"),
        ([OPEN, MET], ""),
        ([PENDING, OPEN], ""),
        ([EXCUSED, OPEN], "q"),
    ],
)
def test_a_village_is_at_risk_until_one_of_its_envoys_was_there(verdicts: list[Verdict], envoys: str) -> None:
    owed = [WeeklyVisit("d1", "/C/T/D/d1/", person, verdict) for person, verdict in zip("pq", verdicts, strict=False)]
    assert "".join(one.person for one in at_risk(reversed(owed))) == envoys


def test_villages_do_not_answer_for_each_other() -> None:
    owed = [WeeklyVisit("d2", "/C/T/D/d2/", "p", OPEN), WeeklyVisit("d1", "/C/T/D/d1/", "p", MET)]
    assert [one.place for one in at_risk(owed)] == ["d2"]

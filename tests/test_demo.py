"""The demo county: made whole, true to the rules of the service, and ready for the documents' first check-in."""

import contextlib
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from server import demo
from server.demo import history
from server.demo.staff import EXAMPLE_VILLAGE, envoy_code
from server.domain.periods import week_of
from server.services import judging, signing_in, visits
from server.services.deployment import Deployment, open_deployment
from server.settings import Settings
from server.storage import people, register
from server.storage import tables as t
from server.storage import visits as rows
from server.terminal import Refused

TODAY = date(2026, 11, 24)  # a Tuesday
ZONE = Settings().timezone
NOW = datetime.combine(TODAY, time(16), ZONE).astimezone(UTC)


@dataclass(frozen=True)
class Made:
    deployment: Deployment
    said: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """One township, 西段乡; the tests only look at it."""
    folder = tmp_path_factory.mktemp("demo") / "county"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        demo.run(serve=False, folder=folder, today=TODAY, townships=1)
    deployment = opened(folder, TODAY)
    yield Made(deployment, said.getvalue())
    deployment.database.close()


def opened(folder: Path, today: date) -> Deployment:
    return open_deployment(Settings(home=folder, service_from=history.first_day(today)))


def all_of(deployment: Deployment, *columns: Any) -> list[Any]:
    with deployment.database.read() as connection:
        return list(connection.execute(select(*columns)).all())


def test_one_township_has_its_villages_and_their_envoys(made: Made) -> None:
    roles = Counter(role for (role,) in all_of(made.deployment, t.posting.c.role))
    assert (roles["envoy"], roles["district-secretary"], roles["paired-leader"]) == (42, 6, 1)
    envoys = {
        person for person, role in all_of(made.deployment, t.posting.c.person, t.posting.c.role) if role == "envoy"
    }
    assert len(envoys) == 26


def test_visits_reach_over_eight_weeks_up_to_now_and_not_beyond(made: Made) -> None:
    days = [day for (day,) in all_of(made.deployment, t.visit.c.day)]
    assert week_of(min(days)).first == week_of(history.first_day(TODAY)).first
    assert TODAY - timedelta(days=1) in days
    received = all_of(made.deployment, t.visit.c.received_at, t.visit.c.captured_at)
    assert max(max(pair) for pair in received) <= NOW


def test_the_last_two_weeks_are_check_ins_with_a_picture_of_their_own_on_disk(made: Made) -> None:
    recent = all_of(made.deployment, t.visit.c.day, t.visit.c.imported, t.visit.c.photos)
    assert all(imported == (day <= TODAY - timedelta(days=14)) for day, imported, _ in recent)
    assert all(photos == 1 for _, imported, photos in recent if not imported)
    digests = [digest for (digest,) in all_of(made.deployment, t.photo.c.digest)]
    assert digests
    assert all(made.deployment.photos.verify(digest) for digest in digests)


def test_not_everything_went_well(made: Made) -> None:
    statuses = Counter(status for (status,) in all_of(made.deployment, t.visit.c.status))
    assert statuses["confirmed"] > 10 * (statuses["review"] + statuses["rejected"]) > 0
    verdicts = Counter(verdict for (verdict,) in all_of(made.deployment, t.obligation.c.verdict))
    assert verdicts["met"] > verdicts["open"] > 0


def test_what_the_offices_decided_is_kept_as_the_service_keeps_it(made: Made) -> None:
    decided = {id_ for id_, ours in all_of(made.deployment, t.visit.c.id, t.visit.c.decided) if ours}
    decisions = {row[0]: row[1:] for row in all_of(made.deployment, t.decision.c.visit, t.decision.c.by)}
    assert decisions.keys() == decided != set()
    lines = all_of(made.deployment, t.log.c.subject, t.log.c.verb, t.log.c.actor, t.log.c.detail)
    told = {subject: (by, detail) for subject, verb, by, detail in lines if verb == "decided"}
    assert {visit: (by,) for visit, (by, _) in told.items()} == decisions
    assert {(detail["before"], detail["version"]) for _, detail in told.values()} == {("review", 2)}


def test_the_findings_are_those_the_service_would_have_made(made: Made) -> None:
    real = [id_ for id_, imported in all_of(made.deployment, t.visit.c.id, t.visit.c.imported) if not imported]
    with made.deployment.database.read() as connection:
        before = rows.find_all(connection, real)
    with made.deployment.database.write() as connection:
        rows.mark_stale(connection, real, "test")
    while visits.work_off(made.deployment, NOW):
        pass
    with made.deployment.database.read() as connection:
        after = rows.find_all(connection, real)
    changed = {id_: (before[id_], after[id_]) for id_ in real if before[id_] != after[id_]}
    assert changed == {}


def test_the_verdicts_are_those_judged_from_scratch(made: Made) -> None:
    def stored() -> list[Any]:
        return sorted(map(tuple, all_of(made.deployment, *t.obligation.c)), key=lambda row: [str(cell) for cell in row])

    before = stored()
    with made.deployment.database.read() as connection:
        state = register.state(connection)
    assert state.judged_from is not None
    assert state.judged_to is not None
    judging.rebuild(made.deployment, state.judged_from, state.judged_to)
    assert stored() == before


def test_the_envoy_of_the_documents_has_yet_to_come_this_week(made: Made) -> None:
    person = envoy_code(EXAMPLE_VILLAGE)
    c = t.visit.c
    with made.deployment.database.read() as connection:
        latest = connection.scalar(select(func.max(c.day)).where(c.person == person))
        places = {p.place for p in people.postings_of(connection, [person])[person]}
    assert latest is not None
    assert latest < week_of(TODAY).first
    assert places == {EXAMPLE_VILLAGE}


def test_the_accounts_it_prints_are_ready(made: Made) -> None:
    lines = [line.split() for line in made.said.splitlines() if line.startswith("  ")]
    assert len(lines) == 7  # nobody reviews elsewhere: there is only this township
    for code, phone, *_ in lines:
        for name in (code, phone):
            signed_in = signing_in.sign_in(made.deployment, name, demo.PASSWORD, "192.0.2.1", NOW)
            assert signed_in.person.code == code
    assert demo.PASSWORD in made.said


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(Refused):
        demo.run(serve=False, folder=tmp_path, townships=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.slow
@pytest.mark.parametrize("today", ["2026-11-02", "2025-10-05", "2026-02-20", "2027-01-01", "2024-02-29"])
def test_it_can_be_made_on_any_day(today: str, tmp_path: Path) -> None:
    day = date.fromisoformat(today)
    demo.run(serve=False, folder=tmp_path, today=day, townships=1)
    deployment = opened(tmp_path, day)
    statuses = Counter(status for (status,) in all_of(deployment, t.visit.c.status))
    deployment.database.close()
    assert statuses["confirmed"] > 200


def test_the_same_seed_makes_the_same_county(tmp_path: Path, made: Made) -> None:
    demo.run(serve=False, folder=tmp_path, today=TODAY, townships=1)
    again = opened(tmp_path, TODAY)
    columns = (t.visit.c.id, t.visit.c.person, t.visit.c.place, t.visit.c.captured_at, t.visit.c.content)
    assert sorted(all_of(again, *columns)) == sorted(all_of(made.deployment, *columns))
    again.database.close()


@pytest.mark.parametrize(
    "today", [date(2026, 1, 1) + timedelta(days=n) for n in range(0, 366, 7)] + [date(2027, 1, 31)], ids=str
)
def test_a_whole_month_lies_between_the_first_day_and_today(today: date) -> None:
    first = history.first_day(today)
    assert timedelta(days=56) <= today - first <= timedelta(days=56 + 6 + 31)
    months = {(first + timedelta(days=n)).replace(day=1) for n in range((today - first).days + 1)}
    whole = [m for m in months if m >= first and (m + timedelta(days=32)).replace(day=1) <= today + timedelta(days=1)]
    assert whole

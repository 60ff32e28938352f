"""The work that nobody waits for: found by a query, done once, and never held up by one bad case."""

import io
import os
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from PIL import Image
from sqlalchemy import func, insert, select, text, update

from server.domain.checkins import Addition, CheckIn, Position
from server.domain.checks import Finding, Outcome, VisitStatus
from server.domain.places import Standing
from server.domain.postings import Posting, Role
from server.services import evidence, jobs, judging, visits
from server.services.deployment import Deployment
from server.storage import jobs as found
from server.storage import register
from server.storage import tables as t
from tests.adapters import samples
from tests.adapters.samples import png_claiming
from tests.services import facts

NOW = datetime(2018, 11, 20, 2, 0, tzinfo=UTC)  # Tuesday, ten in the morning in Leling
SPOT = (37.8, 117.0)


@pytest.fixture
def village(deployment: Deployment) -> Deployment:
    """Two envoys, posted to a village with a position."""
    facts.county(deployment)
    facts.change_place(deployment, "d1", Standing(date(2000, 1, 1), "D", (SPOT,)))
    facts.post(deployment, *(Posting(person, Role.ENVOY, "d1", date(2018, 9, 1)) for person in "pq"))
    return deployment


def picture(deployment: Deployment, data: bytes) -> visits.Picture:
    kind = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
    received = deployment.photos.check(data, samples.digest(data), media_type=kind, limit=10_000_000)
    return visits.Picture(received, data)


def check_in(
    deployment: Deployment, person: str, data: bytes, at: datetime = NOW, sent: Sequence[bytes] | None = None
) -> str:
    """Checks in at the village with a picture, sent along unless told otherwise; the visit's id."""
    pictures = [picture(deployment, one) for one in ([data] if sent is None else sent)]
    what = CheckIn(str(uuid.uuid4()), "visit", at, "d1", Position(*SPOT, 10), (samples.digest(data),))
    visits.check_in(deployment, person, what, pictures, at)
    return what.id


def status(deployment: Deployment, visit: str) -> VisitStatus:
    answer = visits.find(deployment, visit)
    assert answer is not None
    return answer.visit.status


def reused(deployment: Deployment, visit: str) -> tuple[str, tuple[str, ...]]:
    """The outcome of the visit's `photo-reuse`, and the visits it names."""
    answer = visits.find(deployment, visit)
    assert answer is not None
    finding = next(f for f in answer.visit.findings if f.check == "photo-reuse")
    return finding.outcome, finding.others


def other_scene() -> bytes:
    return samples.encoded(samples.scene().transpose(Image.Transpose.ROTATE_90))


def saved_again(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as one:
        return samples.encoded(one.resize((320, 240)), quality=60)


def count(deployment: Deployment, table: str) -> int:
    with deployment.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(t.metadata.tables[table])) or 0


def test_a_near_copy_sends_the_later_visit_to_a_reviewer_and_leaves_the_earlier_one(village: Deployment) -> None:
    first = check_in(village, "p", samples.jpeg(), NOW - timedelta(days=1))
    second = check_in(village, "q", saved_again(samples.jpeg()))
    assert (status(village, first), status(village, second)) == (VisitStatus.CONFIRMED, VisitStatus.CONFIRMED)

    done = jobs.tick(village, NOW)

    assert done["pictures"] == 2
    assert (status(village, first), status(village, second)) == (VisitStatus.CONFIRMED, VisitStatus.REVIEW)
    assert reused(village, second) == ("warn", (first,))


def test_a_near_copy_looked_at_earlier_is_found_too(village: Deployment) -> None:
    later = check_in(village, "q", saved_again(samples.jpeg()))
    jobs.tick(village, NOW)
    # Without signal until now, but of the day before: the one that was there already is the copy.
    earlier = check_in(village, "p", samples.jpeg(), NOW - timedelta(hours=2))
    jobs.tick(village, NOW)
    assert (reused(village, earlier), reused(village, later)) == (("pass", ()), ("warn", (earlier,)))


def test_unlike_pictures_are_left_alone(village: Deployment) -> None:
    visit = check_in(village, "p", samples.jpeg(), NOW - timedelta(days=1))
    other = check_in(village, "q", other_scene())
    assert jobs.tick(village, NOW)["pictures"] == 2
    assert {status(village, visit), status(village, other)} == {VisitStatus.CONFIRMED}
    assert count(village, "photo_likeness") == 0


def test_likeness_is_stored_both_ways_and_only_once(village: Deployment) -> None:
    for n, data in enumerate((samples.jpeg(), saved_again(samples.jpeg()))):
        check_in(village, "pq"[n], data)
    jobs.tick(village, NOW)
    assert count(village, "photo_likeness") == 2
    assert jobs.tick(village, NOW) | {"swept": 0} == dict.fromkeys(jobs.tick(village, NOW), 0)


def test_of_many_copies_each_is_linked_to_some_and_still_found(
    village: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "NEAREST", 2)
    first = check_in(village, "p", samples.jpeg(), NOW - timedelta(days=1))
    copies = [check_in(village, "q", samples.jpeg() + bytes([n]), NOW + timedelta(minutes=n)) for n in range(8)]
    jobs.tick(village, NOW)
    assert count(village, "photo_likeness") <= 2 * 3 * 2 * 9
    assert reused(village, first)[0] == "pass"
    assert {reused(village, copy)[0] for copy in copies} == {"warn"}


def test_a_near_copy_does_not_reopen_what_a_person_decided(village: Deployment) -> None:
    check_in(village, "p", samples.jpeg(), NOW - timedelta(days=1))
    second = check_in(village, "q", saved_again(samples.jpeg()))
    with village.database.write() as connection:
        connection.execute(update(t.visit).where(t.visit.c.id == second).values(decided=True))
    jobs.tick(village, NOW)
    assert status(village, second) == VisitStatus.CONFIRMED


def test_a_missing_or_damaged_file_does_not_stop_the_others(village: Deployment) -> None:
    missing, damaged = samples.jpeg(), other_scene()
    check_in(village, "p", missing)
    check_in(village, "q", damaged)
    good = check_in(village, "p", samples.jpeg(quality=50), NOW + timedelta(hours=1))
    copy = check_in(village, "q", saved_again(samples.jpeg(quality=50)), NOW + timedelta(hours=2))
    village.photos.path(samples.digest(missing)).unlink()
    village.photos.path(samples.digest(damaged)).write_bytes(damaged[:300])

    assert jobs.tick(village, NOW + timedelta(hours=3))["pictures"] == 4
    assert reused(village, copy) == ("warn", (good,))
    assert jobs.tick(village, NOW + timedelta(hours=3))["pictures"] == 0


def finding(deployment: Deployment, visit: str, check: str) -> Finding:
    answer = visits.find(deployment, visit)
    assert answer is not None
    return next(f for f in answer.visit.findings if f.check == check)


def test_a_photo_that_cannot_be_decoded_sends_its_visit_to_a_reviewer(village: Deployment) -> None:
    broken = png_claiming(300, 300)
    visit = check_in(village, "p", broken)
    decided = check_in(village, "q", broken, NOW - timedelta(hours=1))
    with village.database.write() as connection:
        connection.execute(update(t.visit).where(t.visit.c.id == decided).values(decided=True))
    assert status(village, visit) == VisitStatus.REVIEW  # a copy of the other's

    jobs.tick(village, NOW)

    assert finding(village, visit, "photos") == Finding("photos", Outcome.WARN, "unreadable", 0, 1)
    assert status(village, decided) == VisitStatus.CONFIRMED


def test_an_unreadable_photo_confirms_nothing_until_another_is_added(village: Deployment) -> None:
    broken, better = png_claiming(300, 300), other_scene()
    visit = check_in(village, "p", broken)
    assert status(village, visit) == VisitStatus.CONFIRMED
    jobs.tick(village, NOW)
    assert status(village, visit) == VisitStatus.REVIEW

    later = NOW + timedelta(minutes=5)
    visits.add(village, "p", visit, Addition((samples.digest(better),)), later)
    assert status(village, visit) == VisitStatus.INCOMPLETE
    visits.receive_photo(village, "p", visit, picture(village, better), later)
    assert finding(village, visit, "photos") == Finding("photos", Outcome.PASS, "", 1, 1)
    assert status(village, visit) == VisitStatus.CONFIRMED
    # Sent again for another visit it is known for what it is at once.
    assert status(village, check_in(village, "p", broken, NOW + timedelta(minutes=10))) == VisitStatus.REVIEW


def test_a_picture_only_announced_is_not_told_to_be_unreadable(village: Deployment) -> None:
    check_in(village, "p", png_claiming(300, 300))
    jobs.tick(village, NOW)
    visit = check_in(village, "q", png_claiming(300, 300), sent=())
    assert finding(village, visit, "photos").outcome is Outcome.PASS


def test_a_photo_folder_that_is_not_there_makes_no_picture_a_missing_one(village: Deployment) -> None:
    check_in(village, "p", samples.jpeg())
    away = village.photos.root.rename(village.photos.root.with_name("away"))
    assert jobs.tick(village, NOW)["pictures"] == 0
    away.rename(village.photos.root)
    assert jobs.tick(village, NOW)["pictures"] == 1


@pytest.mark.parametrize(
    ("days", "expected"),
    [(6, VisitStatus.INCOMPLETE), (7, VisitStatus.INCOMPLETE), (7.01, VisitStatus.REVIEW)],
    ids=["six days", "seven to the second", "over seven"],
)
def test_a_visit_whose_pictures_do_not_come_goes_to_a_reviewer(
    village: Deployment, days: float, expected: VisitStatus
) -> None:
    visit = check_in(village, "p", samples.jpeg(), sent=[])
    assert status(village, visit) == VisitStatus.INCOMPLETE
    jobs.tick(village, NOW + timedelta(days=days))
    assert status(village, visit) == expected


def test_a_marked_visit_that_cannot_be_worked_out_keeps_its_mark_and_lets_the_next_one_pass(
    village: Deployment,
) -> None:
    bad, good = check_in(village, "p", samples.jpeg(), sent=[]), check_in(village, "q", other_scene(), sent=[])
    with village.database.write() as connection:
        connection.execute(update(t.visit).where(t.visit.c.id == bad).values(device=[1]))
    assert jobs.tick(village, NOW + timedelta(days=8))["visits"] == 1
    assert (status(village, bad), status(village, good)) == (VisitStatus.INCOMPLETE, VisitStatus.REVIEW)
    assert count(village, "stale_visit") == 1


def test_verdicts_reach_from_35_days_ago_to_the_end_of_next_month(village: Deployment) -> None:
    assert jobs.tick(village, NOW)["ahead"] == 1
    with village.database.read() as connection:
        state = register.state(connection)
    assert (state.judged_from, state.judged_to) == (date(2018, 10, 1), date(2018, 12, 31))
    assert count(village, "obligation") > 0
    assert jobs.tick(village, NOW)["ahead"] == 0
    assert jobs.tick(village, NOW + timedelta(days=11))["ahead"] == 1  # December has begun, in Leling


def test_what_was_judged_before_is_not_judged_further_back(village: Deployment) -> None:
    judging.ensure_judged(village, date(2018, 11, 20), date(2018, 11, 20))
    jobs.tick(village, NOW)
    with village.database.read() as connection:
        assert register.state(connection).judged_from == date(2018, 11, 1)


def test_a_county_without_postings_is_not_judged_yet(deployment: Deployment) -> None:
    facts.county(deployment)
    assert jobs.tick(deployment, NOW)["ahead"] == 0
    with deployment.database.read() as connection:
        assert register.state(connection).judged_from is None


def test_what_was_marked_and_not_judged_is_judged(village: Deployment) -> None:
    jobs.tick(village, NOW)
    facts.visited(village, "p", "d1", date(2018, 11, 13))
    assert jobs.tick(village, NOW)["judged"] == 1
    assert count(village, "stale_span") == 0


def test_what_crashed_uploads_left_is_swept_away_now_and_then(village: Deployment) -> None:
    left = village.photos.root / ".incoming" / "left"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert jobs.tick(village, NOW)["swept"] == 0  # an upload may still be at it
    os.utime(left, (0, 0))
    assert "swept" not in jobs.tick(village, NOW, hourly=False)
    assert jobs.tick(village, NOW)["swept"] == 1
    assert not left.exists()


def test_old_failed_sign_ins_are_forgotten(village: Deployment) -> None:
    with village.database.write() as connection:
        connection.execute(insert(t.attempt), [{"subject": "s", "at": NOW - timedelta(days=age)} for age in (0, 2)])
    jobs.tick(village, NOW)
    assert count(village, "attempt") == 1


def test_only_one_process_at_a_time_does_the_jobs(village: Deployment) -> None:
    with found.alone(village.database) as alone:
        assert alone
        assert jobs.tick(village, NOW) == {}
    assert jobs.tick(village, NOW) != {}


def test_a_job_that_fails_does_not_keep_the_others_from_their_turn(village: Deployment) -> None:
    check_in(village, "p", samples.jpeg())
    with village.database.write() as connection:
        connection.execute(text("ALTER TABLE photo_print RENAME COLUMN area TO gone"))
    done = jobs.tick(village, NOW)
    assert (done["pictures"], done["ahead"]) == (0, 1)

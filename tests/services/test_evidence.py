"""Among whose pictures copies are looked for, and that there is an end to it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bench import scenes
from server.domain.places import Standing
from server.domain.postings import Posting, Role
from server.services import evidence, jobs
from server.services.deployment import Deployment
from tests.adapters.samples import encoded
from tests.services import facts
from tests.services.test_jobs import SPOT, check_in, count, reused

NOW = datetime(2018, 11, 20, 2, 0, tzinfo=UTC)
SCENE = scenes.scene(1)
PHOTO, OTHER = encoded(SCENE, quality=88), encoded(scenes.scene(2), quality=88)
CROPPED = encoded(SCENE.crop((0, 72, 960, 720)), quality=60)


@pytest.fixture
def village(deployment: Deployment) -> Deployment:
    """Two envoys, posted to a village with a position."""
    facts.county(deployment)
    facts.change_place(deployment, "d1", Standing(date(2000, 1, 1), "D", (SPOT,)))
    facts.post(deployment, *(Posting(person, Role.ENVOY, "d1", date(2016, 9, 1)) for person in "pq"))
    return deployment


@pytest.mark.parametrize(
    ("person", "days", "expected"),
    [("q", 360, "warn"), ("q", 370, "pass"), ("p", 370, "warn")],
    ids=["the township's of a year", "the township's of before", "the person's of before"],
)
def test_copies_are_looked_for_among_the_persons_and_a_year_of_the_townships(
    village: Deployment, person: str, days: int, expected: str
) -> None:
    first = check_in(village, person, PHOTO, NOW - timedelta(days=days))
    later = check_in(village, "p", CROPPED)
    jobs.tick(village, NOW)
    assert reused(village, later) == (expected, (first,) if expected == "warn" else ())


def test_only_the_nearest_in_time_are_compared_and_no_more_than_so_many(
    village: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "AMONG", 1)
    check_in(village, "q", PHOTO, NOW - timedelta(days=3))
    check_in(village, "q", OTHER, NOW - timedelta(days=2))
    jobs.tick(village, NOW)
    later = check_in(village, "p", CROPPED)
    jobs.tick(village, NOW)
    assert reused(village, later)[0] == "pass"


def test_the_same_picture_of_another_visit_is_looked_at_again(village: Deployment) -> None:
    check_in(village, "p", PHOTO, NOW - timedelta(days=1))
    assert jobs.tick(village, NOW)["pictures"] == 1
    check_in(village, "q", PHOTO)
    assert jobs.tick(village, NOW)["pictures"] == 1
    assert count(village, "photo_print") == 2
    assert count(village, "photo_likeness") == 0

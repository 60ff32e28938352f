"""Findings follow the facts, whenever these are entered or corrected; what a person decided stays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from server.domain import problems
from server.domain.checkins import Addition, CheckIn
from server.domain.checks import Finding, Outcome
from server.domain.problems import Problem
from server.services import jobs, visits
from server.services.deployment import Deployment
from server.storage import register
from server.storage import tables as t
from server.storage import visits as rows
from tests.factories import (
    DONGZHAO,
    HERE,
    JINJIA,
    LELING,
    NOW,
    PLACES,
    XIDUAN,
    digest,
    footprint,
    log_of,
    north_of,
    photo,
    picture,
    place_row,
    saved_again,
    sent,
    settle,
    take_in,
    visit_id,
)
from tests.services import facts

PHOTO = photo(1)


@pytest.fixture
def leling(deployment: Deployment) -> Deployment:
    """The county of the factories on a database of each kind in turn."""
    settle(deployment)
    return deployment


@pytest.fixture
def small_leling(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Deployment]:
    """The same on SQLite only, where the database makes no difference."""
    path = tmp_path / "leling.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    opened = facts.opened(f"sqlite:///{path}", tmp_path)
    settle(opened)
    yield opened
    opened.database.close()


def check_in(
    deployment: Deployment, check: CheckIn, *pictures: bytes, person: str = "owner", now: datetime = NOW
) -> visits.Answer:
    return visits.check_in(deployment, person, check, [picture(deployment, data) for data in pictures], now)


def status(deployment: Deployment, number: int = 1) -> str:
    return stored(deployment, number).visit.status.value


def stored(deployment: Deployment, number: int = 1) -> visits.Answer:
    found = visits.find(deployment, visit_id(number))
    assert found is not None
    return found


def found(deployment: Deployment, check: str, number: int = 1) -> Finding:
    return next(f for f in stored(deployment, number).visit.findings if f.check == check)


def decided(deployment: Deployment, outcome: str, number: int = 1) -> None:
    """A person has decided the visit."""
    c = t.visit.c
    with deployment.database.write() as connection:
        row = {"status": outcome, "decided": True, "version": c.version + 1}
        connection.execute(update(t.visit).where(c.id == visit_id(number)).values(row))


def marks(deployment: Deployment) -> int:
    with deployment.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(t.stale_visit)) or 0


# Postings and places


def test_a_posting_typed_in_late_makes_a_rejected_visit_confirmed_and_says_so_in_the_log(leling: Deployment) -> None:
    check_in(leling, sent(1, NOW, photos=[PHOTO]), PHOTO, person="idle")
    assert (status(leling), found(leling, "posting").outcome) == ("rejected", Outcome.FAIL)
    take_in(leling, "postings", f"idle envoy {DONGZHAO} 2018-11-19 - -")
    assert (status(leling), found(leling, "posting").outcome) == ("confirmed", Outcome.PASS)
    assert stored(leling).visit.version == 2
    assert log_of(leling, visit_id())[-1] == (
        "system",
        "worked-out",
        {"before": "rejected", "after": "confirmed", "findings": [{"check": "posting", "outcome": "pass"}]},
    )
    assert [(o.duty, o.verdict.value) for o in stored(leling).obligations] == [("envoy-weekly-visit", "met")]


def test_a_posting_that_ended_earlier_than_was_known_makes_a_confirmed_visit_rejected(leling: Deployment) -> None:
    check_in(leling, sent(1, NOW, photos=[PHOTO]), PHOTO)
    assert status(leling) == "confirmed"
    take_in(leling, "postings", f"owner envoy {DONGZHAO} 2018-09-03 2018-11-19 -")
    assert status(leling) == "rejected"


@pytest.mark.parametrize(
    ("row", "since", "after"),
    [
        (place_row(DONGZHAO, radius=900), "2018-11-01", "confirmed"),
        (place_row(DONGZHAO, radius=900), "2018-11-20", "confirmed"),
        (place_row(DONGZHAO, radius=900), "2018-11-21", "review"),  # it holds from the day after
        (place_row(DONGZHAO, point=north_of(HERE, 600)), "2018-11-01", "confirmed"),
        (place_row(DONGZHAO, radius=100), "2018-11-01", "rejected"),
        (place_row(DONGZHAO, point=north_of(HERE, -3000)), "2018-11-01", "rejected"),
        (place_row(JINJIA, radius=900), "2018-11-01", "review"),
    ],
)
def test_a_corrected_place_is_followed_from_its_day_on(
    small_leling: Deployment, row: str, since: str, after: str
) -> None:
    check_in(small_leling, sent(1, NOW, point=north_of(HERE, 650), photos=[PHOTO]), PHOTO)
    assert status(small_leling) == "review"
    take_in(small_leling, "places", row, since=datetime.fromisoformat(since).date())
    assert status(small_leling) == after
    assert marks(small_leling) == 0


def test_a_village_that_gets_its_position_later_is_compared_with_it(small_leling: Deployment) -> None:
    with small_leling.database.write() as connection:
        connection.execute(update(t.place_standing).where(t.place_standing.c.place == DONGZHAO).values(points=[]))
        register.bump(connection)
    check_in(small_leling, sent(1, NOW, photos=[PHOTO]), PHOTO)
    assert (status(small_leling), found(small_leling, "place").reason) == ("review", "unknown-place")
    take_in(small_leling, "places", place_row(DONGZHAO))
    assert status(small_leling) == "confirmed"


def test_a_check_in_without_a_place_moves_to_the_village_that_turns_out_to_be_nearest(small_leling: Deployment) -> None:
    check_in(small_leling, sent(1, NOW, place=None, photos=[PHOTO]), PHOTO, person="secretary")
    assert stored(small_leling).visit.place == DONGZHAO
    take_in(small_leling, "places", place_row(DONGZHAO, point=north_of(HERE, 9000)))
    take_in(small_leling, "places", place_row(JINJIA, point=HERE))
    moved = stored(small_leling).visit
    assert (moved.place, moved.path.split("/")[-2], moved.status) == (JINJIA, JINJIA, "confirmed")
    assert log_of(small_leling, visit_id())[-1][2]["place"] == JINJIA


def test_a_named_district_follows_its_central_village(small_leling: Deployment) -> None:
    district = "371481200-01"
    check_in(small_leling, sent(1, NOW, place=district, activity="other"), person="secretary")
    assert stored(small_leling).visit.place == "371481200263"
    row = f"{district} 靳木王管区 district {XIDUAN} 37.808216 117.000703 - {DONGZHAO}"
    take_in(small_leling, "places", row, since=datetime(2018, 11, 1).date())
    assert stored(small_leling).visit.place == DONGZHAO


# Earlier check-ins and photos


def test_an_earlier_check_in_that_arrives_later_changes_the_next_ones_speed(leling: Deployment) -> None:
    take_in(leling, "postings", f"owner seconded-cadre {LELING} 2018-11-01 - -")
    check_in(leling, sent(1, NOW, photos=[PHOTO]), PHOTO)
    assert (status(leling), found(leling, "speed").reason) == ("confirmed", "no-previous")
    earlier = sent(2, NOW - timedelta(minutes=10), place=LELING, point=north_of(HERE, 60_000), activity="other")
    check_in(leling, earlier, now=NOW - timedelta(minutes=9, seconds=50))
    # Rejected for its place, so it is nobody's previous one until the county turns out to lie there.
    assert (status(leling, 2), status(leling)) == ("rejected", "confirmed")
    latitude, longitude = north_of(HERE, 60_000)
    take_in(leling, "places", f"{LELING} 乐陵市 county - {latitude} {longitude} - -", since=NOW.date())
    assert (status(leling, 2), status(leling)) == ("confirmed", "review")
    assert found(leling, "speed").value == pytest.approx(360, abs=2)


def test_previous_means_captured_before_and_with_the_same_instant_the_smaller_id(small_leling: Deployment) -> None:
    at = {1: NOW - timedelta(hours=1), 2: NOW - timedelta(hours=2), 3: NOW - timedelta(hours=2)}
    for number in (1, 3, 2):
        check_in(small_leling, sent(number, at[number], point=north_of(HERE, 100 * number), activity="other"))
    assert found(small_leling, "speed", 2).reason == "no-previous"
    assert (found(small_leling, "speed", 3).reason, status(small_leling, 3)) == ("same-time", "review")
    assert found(small_leling, "speed", 3).value == pytest.approx(100 - 24, abs=1)
    assert found(small_leling, "speed", 1).value == pytest.approx((200 - 24) / 1000, abs=0.01)


def test_an_earlier_photo_that_arrives_later_turns_the_later_visit_to_review(leling: Deployment) -> None:
    yesterday = NOW - timedelta(days=1)
    other = sent(1, yesterday, place=JINJIA, point=PLACES[JINJIA][3], photos=[PHOTO])
    check_in(leling, other, now=yesterday, person="colleague")
    check_in(leling, sent(2, NOW, photos=[PHOTO]), PHOTO)
    assert (status(leling), status(leling, 2)) == ("incomplete", "confirmed")
    visits.receive_photo(leling, "colleague", visit_id(1), picture(leling, PHOTO), NOW)
    assert (status(leling, 2), found(leling, "photo-reuse", 2).others) == ("review", (visit_id(1),))
    assert found(leling, "photo-reuse", 1).outcome is Outcome.PASS


def test_a_promise_that_was_never_kept_is_nobodys_earlier_photo(small_leling: Deployment) -> None:
    check_in(small_leling, sent(1, NOW - timedelta(hours=1), photos=[PHOTO]), person="colleague")
    check_in(small_leling, sent(2, NOW, photos=[PHOTO]), PHOTO)
    assert status(small_leling, 2) == "confirmed"


def test_one_picture_in_many_visits_is_worked_out_in_a_time_that_can_be_waited_for(small_leling: Deployment) -> None:
    for number in range(2, 22):
        check_in(small_leling, sent(number, NOW - timedelta(hours=number), photos=[PHOTO]), PHOTO, person="idle")
    take_in(small_leling, "postings", f"idle envoy {DONGZHAO} 2018-11-01 - -")
    assert found(small_leling, "photo-reuse", 2).value == 19
    versions = [stored(small_leling, number).visit.version for number in range(2, 22)]
    # Each is worked out again for a new posting, and for every earlier visit that came after it: not for their echoes.
    assert max(versions) <= 25


@pytest.mark.parametrize("earlier_comes", ["first", "last"])
def test_a_near_copy_found_by_the_job_turns_a_confirmed_visit_to_review(leling: Deployment, earlier_comes: str) -> None:
    check = {
        1: (sent(1, NOW - timedelta(days=1), photos=[PHOTO]), PHOTO),
        2: (sent(2, NOW, photos=[saved_again(PHOTO)]), saved_again(PHOTO)),
    }
    for number in (1, 2) if earlier_comes == "first" else (2, 1):
        check_in(leling, *check[number])
    assert (status(leling, 1), status(leling, 2)) == ("confirmed", "confirmed")
    jobs.tick(leling, NOW + timedelta(minutes=1))
    assert (status(leling, 1), status(leling, 2)) == ("confirmed", "review")
    assert found(leling, "photo-reuse", 2) == Finding("photo-reuse", Outcome.WARN, "near-copy", 1, 0, (visit_id(1),))


def test_ones_own_rejected_try_of_the_day_is_no_earlier_use_of_the_picture_but_that_of_another_day_is(
    small_leling: Deployment,
) -> None:
    away = north_of(HERE, 3000)
    check_in(small_leling, sent(1, NOW, point=away, photos=[PHOTO]), PHOTO)
    later = NOW + timedelta(minutes=1)
    check_in(small_leling, sent(2, later, photos=[PHOTO]), PHOTO, now=later)
    assert (status(small_leling, 1), status(small_leling, 2)) == ("rejected", "confirmed")
    # When the first turns out to have been right after all, the second used its picture again.
    take_in(small_leling, "places", place_row(DONGZHAO, radius=5000))
    assert (status(small_leling, 1), status(small_leling, 2)) == ("confirmed", "review")
    tomorrow = NOW + timedelta(days=1)
    check_in(small_leling, sent(3, tomorrow, photos=[PHOTO]), PHOTO, now=tomorrow)
    assert found(small_leling, "photo-reuse", 3).others == (visit_id(1), visit_id(2))


# What a person decided


@pytest.mark.parametrize("outcome", ["confirmed", "rejected", "returned"])
def test_what_a_person_decided_stays_whatever_the_facts_become(leling: Deployment, outcome: str) -> None:
    check_in(leling, sent(1, NOW, photos=[saved_again(PHOTO)]), saved_again(PHOTO))
    decided(leling, outcome)
    findings = stored(leling).visit.findings
    take_in(leling, "postings", f"owner envoy {DONGZHAO} 2018-09-03 2018-10-01 -")
    take_in(leling, "places", place_row(DONGZHAO, point=north_of(HERE, 9000)), since=datetime(2018, 10, 1).date())
    check_in(leling, sent(2, NOW - timedelta(days=1), photos=[PHOTO]), PHOTO)
    jobs.tick(leling, NOW + timedelta(days=9))
    assert (status(leling), stored(leling).visit.findings) == (outcome, findings)


def test_a_decision_made_while_a_mark_waits_keeps_the_place_too(small_leling: Deployment) -> None:
    check_in(small_leling, sent(1, NOW, place=None, photos=[PHOTO]), PHOTO, person="secretary")
    decided(small_leling, "confirmed")
    take_in(small_leling, "places", place_row(DONGZHAO, point=north_of(HERE, 9000)))
    take_in(small_leling, "places", place_row(JINJIA, point=HERE))
    with small_leling.database.write() as connection:
        rows.mark_stale(connection, [visit_id()], "place")
    assert visits.work_off(small_leling, NOW) == 1
    assert (stored(small_leling).visit.place, marks(small_leling)) == (DONGZHAO, 0)


def test_a_photo_that_comes_after_the_decision_is_kept_and_changes_nothing_else(small_leling: Deployment) -> None:
    check_in(small_leling, sent(1, NOW, photos=[PHOTO]))
    decided(small_leling, "confirmed")
    visits.receive_photo(small_leling, "owner", visit_id(), picture(small_leling, PHOTO), NOW)
    assert (status(small_leling), stored(small_leling).visit.missing) == ("confirmed", 0)


def test_a_returned_visit_goes_back_to_the_office_when_what_was_asked_for_is_there(small_leling: Deployment) -> None:
    check_in(small_leling, sent(1, NOW, photos=[PHOTO]), PHOTO)
    decided(small_leling, "returned")
    visits.add(small_leling, "owner", visit_id(), Addition(photos=(digest(photo(2)),)), NOW)
    assert status(small_leling) == "returned"
    visits.receive_photo(small_leling, "owner", visit_id(), picture(small_leling, photo(2)), NOW)
    assert status(small_leling) == "review"


def test_promised_photos_that_never_came_are_looked_at_by_a_person_after_seven_days(leling: Deployment) -> None:
    check_in(leling, sent(1, NOW, photos=[PHOTO]))
    jobs.tick(leling, NOW + timedelta(days=7))
    assert status(leling) == "incomplete"
    jobs.tick(leling, NOW + timedelta(days=7, seconds=2))
    jobs.tick(leling, NOW + timedelta(days=7, seconds=4))
    assert status(leling) == "review"
    visits.receive_photo(leling, "owner", visit_id(), picture(leling, PHOTO), NOW + timedelta(days=8))
    assert status(leling) == "confirmed"


# At the same time


def at_once(times: int, action: Callable[[int], object]) -> list[object]:
    """The results, or the problems, of an action done so many times at the same moment."""
    gate = threading.Barrier(times)

    def run(number: int) -> object:
        gate.wait()
        try:
            return action(number)
        except Problem as problem:
            return problem.kind

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def test_different_check_ins_of_one_person_at_once_all_arrive_and_see_each_other(leling: Deployment) -> None:
    def one(number: int) -> object:
        check = sent(number, NOW - timedelta(minutes=number), photos=[PHOTO], point=north_of(HERE, number))
        return check_in(leling, check, PHOTO).created

    assert at_once(8, one) == [True] * 8
    kept = [stored(leling, number).visit for number in range(8)]
    assert [len(visit.findings[7].others) for visit in kept] == [7, 6, 5, 4, 3, 2, 1, 0]
    assert kept[7].status == "confirmed"
    weekly = next(o for o in stored(leling, 7).obligations if o.duty == "envoy-weekly-visit")
    assert weekly.verdict.value == "met"
    assert (len(weekly.visits), len(weekly.awaited)) == (1, 7)


def interrupted(deployment: Deployment, meanwhile: Callable[[], object]) -> Deployment:
    """A deployment in which something else happens once a check-in has been decided on and before it is stored."""
    waiting = [meanwhile]

    def is_workday(day: date) -> bool:
        if waiting:
            waiting.pop()()
        return deployment.is_workday(day)

    return replace(deployment, is_workday=is_workday, _cache=type(deployment._cache)())


def test_visits_of_two_people_that_share_a_known_picture_at_once_see_each_other(leling: Deployment) -> None:
    check_in(leling, sent(3, NOW, place=JINJIA, photos=[PHOTO]), PHOTO, person="colleague")

    def the_other_comes() -> None:
        check_in(leling, sent(2, NOW - timedelta(minutes=1), photos=[PHOTO]), PHOTO, person="secretary")

    check = sent(1, NOW - timedelta(minutes=2), photos=[PHOTO])
    check_in(interrupted(leling, the_other_comes), check, PHOTO)
    assert found(leling, "photo-reuse", 1).outcome is Outcome.PASS
    assert found(leling, "photo-reuse", 2).others == (visit_id(1),)


@pytest.mark.parametrize("along", [True, False], ids=["with the check-in", "after it"])
def test_a_picture_that_turns_out_alike_while_it_comes_in_again_is_noticed(leling: Deployment, along: bool) -> None:
    check_in(leling, sent(3, NOW, place=JINJIA, photos=[PHOTO]), PHOTO, person="colleague")
    jobs.tick(leling, NOW)
    copy = saved_again(PHOTO)
    check_in(leling, sent(1, NOW - timedelta(days=1), photos=[copy]), copy, person="secretary")
    busy = interrupted(leling, lambda: jobs.tick(leling, NOW))
    check = sent(2, NOW - timedelta(minutes=1), photos=[PHOTO])
    if along:
        check_in(busy, check, PHOTO)
    else:
        check_in(leling, check)
        visits.receive_photo(busy, "owner", visit_id(2), picture(leling, PHOTO), NOW)
    assert (status(leling, 2), found(leling, "photo-reuse", 2).others) == ("review", (visit_id(1),))


def test_different_content_under_one_id_at_once_one_wins_and_the_others_are_told(leling: Deployment) -> None:
    def one(number: int) -> object:
        return check_in(leling, replace(sent(1, NOW), note=str(number))).created

    results = at_once(8, one)
    assert results.count(True) == 1
    assert results.count(problems.VISIT_DIFFERS) == 7
    assert footprint(leling)[0]["visit"] == 1


def test_two_people_under_one_id_at_once_one_wins_and_to_the_other_it_does_not_exist(leling: Deployment) -> None:
    people = ["owner", "colleague", "stranger", "secretary"] * 2

    def one(number: int) -> object:
        return check_in(leling, sent(1, NOW, activity="other"), person=people[number]).visit.person

    results = at_once(8, one)
    winner = stored(leling).visit.person
    # Both copies of the winner's are answered, as the same content.
    assert sorted(map(str, results)) == sorted([winner] * 2 + [str(problems.NOT_FOUND)] * 6)
    assert footprint(leling)[0]["visit"] == 1

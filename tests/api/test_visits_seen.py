"""Who sees a visit, and the list of those one may see."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.domain.access import Grant, GrantKind
from server.storage import accounts
from tests.api.phones import County, finding, json_of, refused
from tests.factories import (
    DISTRICT,
    DONGZHAO,
    JINJIA,
    NOW,
    PLACES,
    TOWN,
    TOWN_DISTRICT,
    XIDUAN,
    check_in,
    photo,
    place_row,
    take_in,
    visit_id,
)

PHOTO = photo(1)


# Who sees what


@pytest.mark.parametrize(
    ("person", "status"),
    [
        ("owner", 200), ("colleague", 404), ("stranger", 404), ("secretary", 404), ("leader", 404), ("idle", 404),
        ("inside", 200), ("outside", 404), ("supervisor", 200), ("auditor", 200), ("admin", 200),
    ],
)  # fmt: skip
def test_a_visit_exists_for_its_person_and_for_those_with_a_grant_around_it(
    sqlite_county: County, person: str, status: int
) -> None:
    json_of(sqlite_county.phone().form(check_in([PHOTO]), PHOTO), 201)
    phone = sqlite_county.phone(person)
    missing = phone.see(visit_id(99))
    for answer in (phone.see(), phone.look(PHOTO)):
        assert answer.status_code == status
        if status == 404:
            # Outside one's area a thing does not exist: not a word, not a header tells it from nothing.
            assert (answer.data, answer.headers) == (missing.data, missing.headers)
    listed = json_of(phone.get("/visits"))["items"]
    assert [visit["id"] for visit in listed] == ([visit_id()] if status == 200 else [])


@pytest.mark.parametrize("person", ["colleague", "stranger", "inside", "supervisor", "admin", "idle"])
def test_nobody_else_writes_on_a_visit(sqlite_county: County, person: str) -> None:
    json_of(sqlite_county.phone().put(check_in([PHOTO])), 201)
    kept = sqlite_county.footprint()
    phone = sqlite_county.phone(person)
    assert refused(phone.put(check_in([PHOTO])), 404, "not-found") == []
    assert refused(phone.put(check_in([], note="other")), 404, "not-found") == []
    assert refused(phone.form(check_in([PHOTO]), PHOTO), 404, "not-found") == []
    assert refused(phone.send(PHOTO), 404, "not-found") == []
    assert refused(phone.add({"note": "mine"}), 404, "not-found") == []
    assert sqlite_county.footprint() == kept


def test_a_reviewer_s_own_visit_is_to_them_like_anybody_s(sqlite_county: County) -> None:
    phone = sqlite_county.phone("inside")
    json_of(phone.form(check_in([PHOTO]), PHOTO), 201)
    at = sqlite_county.after(days=1)
    again = json_of(phone.form(check_in([PHOTO], at=at), PHOTO, visit=visit_id(2)), 201)
    assert "visits" not in finding(again, "photo-reuse")
    assert phone.look(PHOTO, "?size=original").data != PHOTO


@pytest.mark.parametrize("path", ["/visits", f"/visits/{visit_id()}", f"/visits/{visit_id()}/photos/{'a' * 64}"])
def test_without_a_token_there_is_nothing(sqlite_county: County, path: str) -> None:
    for token in ("", "Bearer nonsense", "Basic b3duZXI6eA=="):
        answer = sqlite_county.app.test_client().get(f"/api/v1{path}", headers={"Authorization": token})
        assert refused(answer, 401, "unauthenticated") == []


def test_the_list_is_latest_first_in_pages_and_takes_its_filters(county: County) -> None:
    for number, person in enumerate(["owner", "colleague", "owner", "stranger", "owner"], start=1):
        at = NOW - timedelta(days=2 * number)
        body = check_in(at=at, activity="other", place=None, point=PLACES[DONGZHAO][3])
        json_of(county.phone(person).put(body, visit_id(number)), 201)

    def ids(query: str, person: str = "admin") -> list[int]:
        items = json_of(county.phone(person).get(f"/visits?{query}"))["items"]
        return [int(item["id"][-2:], 16) for item in items]

    assert ids("") == [1, 2, 3, 4, 5]
    assert ids("", "owner") == [1, 3, 5]
    assert ids("", "inside") == [1, 2, 3, 5]
    assert ids("", "outside") == [4]
    assert ids("person=colleague") == [2]
    assert ids("person=colleague", "owner") == []
    assert ids(f"place={XIDUAN}") == [1, 2, 3, 5]
    # A place where nothing could be one's own is one that does not exist.
    outside = county.phone("outside").get(f"/visits?place={XIDUAN}")
    assert refused(outside, 422, "invalid") == [("/place", "not-exist")]
    assert ids(f"place={JINJIA}") == [2]
    assert ids("from=2018-11-14&to=2018-11-16") == [2, 3]
    found = json_of(county.phone("admin").get("/visits"))["items"]
    for status in ("confirmed", "review", "rejected"):
        assert ids(f"status={status}") == [int(v["id"][-2:], 16) for v in found if v["status"] == status]
    walked: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = json_of(county.phone("admin").get(f"/visits?limit=2{cursor and '&cursor='}{cursor}"))
        walked += [item["id"] for item in page["items"]]
        assert len(page["items"]) <= 2
        cursor = page["next"]
    assert walked == [visit_id(number) for number in range(1, 6)]


def test_who_reads_a_district_reads_what_it_was_before_it_moved(county: County) -> None:
    with county.deployment.database.write() as connection:
        accounts.add_grant(connection, "idle", Grant(GrantKind.REVIEWER, DISTRICT), "command-line", NOW)
    json_of(county.phone().form(check_in([PHOTO]), PHOTO), 201)
    month = "from=2018-11-01&to=2018-11-30"

    def seen() -> tuple[list[str], int, dict[str, int]]:
        phone = county.phone("idle")
        json_of(phone.see())
        counts = json_of(phone.get(f"/attendance?by=place&{month}"))["items"]
        return (
            [visit["id"] for visit in json_of(phone.get("/visits"))["items"]],
            len(json_of(phone.get(f"/obligations?{month}&limit=200"))["items"]),
            {row["code"]: row["total"] for row in counts},
        )

    before = seen()
    assert before[0] == [visit_id()]
    moved = place_row(DISTRICT).replace(f" {XIDUAN} ", f" {TOWN} ")
    take_in(county.deployment, "places", moved, since=(NOW + timedelta(days=1)).date())
    county.after(days=2)
    assert seen() == before


def test_a_village_keeps_its_visits_when_it_moves(county: County) -> None:
    json_of(county.phone().form(check_in([PHOTO]), PHOTO), 201)
    moved = place_row(DONGZHAO).replace(DISTRICT, TOWN_DISTRICT)
    take_in(county.deployment, "places", moved, since=(NOW + timedelta(days=1)).date())
    county.after(days=2)
    for place in (DONGZHAO, XIDUAN):
        listed = json_of(county.phone("admin").get(f"/visits?place={place}"))["items"]
        assert [visit["id"] for visit in listed] == [visit_id()]
    assert json_of(county.phone("admin").get(f"/visits?place={TOWN_DISTRICT}"))["items"] == []
    # What was done before stays with those in whose area it was done.
    assert json_of(county.phone("outside").get(f"/visits?place={DONGZHAO}"))["items"] == []


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("from=2018-11-20&to=2018-11-19", [("/to", "order")]),
        ("place=nowhere", [("/place", "not-exist")]),
        ("status=lost", [("/status", "choice")]),
        ("cursor=x", [("/cursor", "cursor")]),
        ("cursor=2018-13-40T99:99:99Z~" + "a" * 36, [("/cursor", "cursor")]),
        ("limit=0", [("/limit", "range")]),
        ("colour=red", [("/colour", "unknown")]),
        ("status=review&status=review", [("/status", "repeated")]),
    ],
)
def test_a_list_asked_for_wrongly_says_what_is_wrong(
    sqlite_county: County, query: str, errors: list[tuple[str, str]]
) -> None:
    assert refused(sqlite_county.phone().get(f"/visits?{query}"), 422, "invalid") == errors

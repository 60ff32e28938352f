"""`/downloads` and `/calendar`: addresses that stand for a person without a token."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import icalendar
import pytest
import structlog
from werkzeug.test import TestResponse

from server.storage import accounts, links
from server.storage import tables as t
from tests.api.phones import API, County, json_of, refused
from tests.domain.county import d
from tests.factories import DONGZHAO, check_in, photo
from tests.services import facts

LIST = "/obligations?from=2018-11-01&to=2018-11-30&format=csv"


def post(county: County, path: str, body: Any = None, person: str = "owner") -> TestResponse:
    phone = county.phone(person)
    return phone.http.post(API + path, json=body, headers=phone.headers)


def prepared(county: County, path: str = LIST, person: str = "owner") -> str:
    """The path of a new address."""
    return urlsplit(json_of(post(county, "/downloads", {"path": path}, person), 201)["url"]).path


def fetch(county: County, address: str, **headers: str) -> TestResponse:
    return county.app.test_client().get(address, headers=headers)


@pytest.mark.parametrize("prefix", ["", API])
def test_an_address_answers_once_what_the_path_answers_its_person(county: County, prefix: str) -> None:
    direct = county.phone("owner").get(LIST)
    address = prepared(county, prefix + LIST)
    answer = fetch(county, address)
    assert (answer.status_code, answer.data) == (200, direct.data)
    assert answer.headers["Content-Disposition"] == direct.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    refused(fetch(county, address), 404, "not-found")


def test_a_look_ahead_does_not_use_it_up(sqlite_county: County) -> None:
    address = prepared(sqlite_county)
    answer = sqlite_county.app.test_client().head(address)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert fetch(sqlite_county, address).status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 404)])
def test_it_is_good_for_a_minute(sqlite_county: County, seconds: int, status: int) -> None:
    made = json_of(post(sqlite_county, "/downloads", {"path": LIST}), 201)
    assert made["expires_at"] == "2018-11-20T09:32:10+08:00"
    sqlite_county.after(seconds=seconds)
    assert fetch(sqlite_county, urlsplit(made["url"]).path).status_code == status


def test_it_leads_to_where_the_service_is_reached(sqlite_county: County) -> None:
    assert json_of(post(sqlite_county, "/downloads", {"path": LIST}), 201)["url"].startswith("http://localhost/api/v1/")


def test_a_picture_may_be_fetched_too_by_its_person_alone(sqlite_county: County) -> None:
    picture = photo()
    json_of(sqlite_county.phone().form(check_in([picture]), picture), 201)
    path = sqlite_county.phone().look(picture).request.path
    assert fetch(sqlite_county, prepared(sqlite_county, f"{path}?size=thumb")).content_type == "image/jpeg"
    refused(fetch(sqlite_county, prepared(sqlite_county, path, "stranger")), 404, "not-found")


def test_the_rights_are_those_of_the_moment_it_is_used(county: County) -> None:
    villages = "/villages?format=csv"
    address, other = prepared(county, villages, "supervisor"), prepared(county, villages, "supervisor")
    assert DONGZHAO in fetch(county, address).get_data(as_text=True)
    with county.deployment.database.write() as connection:
        held = accounts.grants_of(connection, ["supervisor"])["supervisor"]
        accounts.end_grants(connection, [grant.id for grant in held], county.now)
    refused(fetch(county, other), 403, "forbidden")
    last = prepared(county, LIST, "supervisor")
    with county.deployment.database.write() as connection:
        accounts.revoke(connection, "supervisor", county.now)
    refused(fetch(county, last), 404, "not-found")


def test_whose_token_comes_along_does_not_matter(sqlite_county: County) -> None:
    answer = fetch(sqlite_county, prepared(sqlite_county), Authorization="Bearer nonsense")
    assert answer.status_code == 200
    assert ",owner," in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/obligations", "no-file"),
        ("/obligations?format=json", "no-file"),
        ("/obligations?format=pdf", "choice"),
        ("/obligations?format=csv&to=never", "format"),
        ("/obligations?format=csv&format=xlsx", "repeated"),
        ("/obligations?format=csv&everything=1", "unknown"),
        ("/me", "no-file"),
        ("/nowhere", "no-file"),
        ("/tokens", "no-file"),
        ("/swagger.json", "no-file"),
        ("/calendar/" + "x" * 43 + ".ics", "no-file"),
        ("/downloads/" + "x" * 43, "no-file"),
        ("/../../livez", "no-file"),
        ("/api/v2/obligations?format=csv", "no-file"),
        ("obligations?format=csv", "format"),
        ("https://example.com/obligations", "format"),
        ("/obligations#x", "format"),
    ],
)
def test_only_an_export_or_a_picture_has_an_address(sqlite_county: County, path: str, code: str) -> None:
    answer = post(sqlite_county, "/downloads", {"path": path})
    assert refused(answer, 422, "invalid") == [("/path", code)]


def test_of_two_at_once_one_wins(county: County) -> None:
    address = prepared(county)
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(fetch(county, address).status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [404] * 7


def test_secrets_are_not_stored_and_old_addresses_are_forgotten(county: County) -> None:
    secret = prepared(county).rpartition("/")[2]
    with county.deployment.database.read() as connection:
        assert secret.encode() not in b"".join(
            connection.scalars(t.download.select().with_only_columns(t.download.c.hash))
        )
    with county.deployment.database.write() as connection:
        assert links.forget_downloads(connection, county.now) == 0
        assert links.forget_downloads(connection, county.after(seconds=61)) == 1


def subscribed(county: County, person: str = "owner") -> str:
    url: str = json_of(post(county, "/me/calendar", None, person), 201)["url"]
    assert url.startswith("http://localhost/api/v1/calendar/")
    assert url.endswith(".ics")
    return urlsplit(url).path


def events(answer: TestResponse) -> dict[str, Any]:
    assert answer.status_code == 200
    return {str(event["UID"]): event for event in icalendar.Calendar.from_ical(answer.data).walk("VEVENT")}


def test_a_calendar_has_what_its_person_owes_and_nobody_elses(county: County) -> None:
    facts.visited(county.deployment, "owner", DONGZHAO, d("11-14"))
    answer = fetch(county, subscribed(county))
    assert answer.content_type == "text/calendar; charset=utf-8"
    found = events(answer)
    listed = json_of(county.phone().get("/obligations?from=2018-10-16&to=2018-12-31&limit=200"))["items"]
    assert len(found) == len(listed) > 10
    week = found[f"envoy-weekly-visit.owner.{DONGZHAO}.2018-W46.0@daocun"]
    assert (week["DTSTART"].dt, week["DTEND"].dt) == (date(2018, 11, 12), date(2018, 11, 19))
    assert week["SUMMARY"] == "【已完成】每周走访（到西段乡东赵村）"
    assert found[f"envoy-weekly-visit.owner.{DONGZHAO}.2018-W47.0@daocun"]["SUMMARY"].startswith("【待完成】")
    assert all(".owner." in uid for uid in found)
    assert {event["DTSTAMP"].dt for event in found.values()} == {county.now.replace(microsecond=0)}


def test_an_unchanged_calendar_is_told_so_and_events_keep_their_names(county: County) -> None:
    address = subscribed(county)
    first = fetch(county, address)
    again = fetch(county, address, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    facts.visited(county.deployment, "owner", DONGZHAO, d("11-20"))
    changed = fetch(county, address, **{"If-None-Match": first.headers["ETag"]})
    assert set(events(changed)) == set(events(first))
    assert changed.data != first.data


def test_a_new_address_replaces_the_one_before_and_one_can_be_revoked(county: County) -> None:
    old, new = subscribed(county), subscribed(county)
    refused(fetch(county, old), 404, "not-found")
    assert fetch(county, new).status_code == 200
    phone = county.phone()
    for _ in range(2):
        assert phone.http.delete(f"{API}/me/calendar", headers=phone.headers).status_code == 204
    refused(fetch(county, new), 404, "not-found")


@pytest.mark.parametrize("way", ["/accounts/owner", "/accounts/owner/tokens"])
def test_a_closed_account_or_a_lost_phone_ends_it_for_good(county: County, way: str) -> None:
    address = subscribed(county)
    admin = county.phone("admin")
    assert admin.http.delete(API + way, headers=admin.headers).status_code == 204
    refused(fetch(county, address), 404, "not-found")
    with county.deployment.database.write() as connection:
        accounts.open_accounts(connection, ["owner"], county.now)
    refused(fetch(county, address), 404, "not-found")


def test_a_secret_does_not_come_into_the_log(sqlite_county: County) -> None:
    address = subscribed(sqlite_county)
    with sqlite_county.deployment.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE stale_span")
    with structlog.testing.capture_logs() as logged:
        assert fetch(sqlite_county, address).status_code == 500
    assert [entry["path"] for entry in logged] == ["/api/v1/calendar/<secret:secret>.ics"]

"""The log over HTTP: an auditor sees what happened inside their area, and nothing of another's."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.api import auth
from server.app import create_app
from server.domain.access import Grant, GrantKind
from server.services import sealing
from server.services.deployment import Deployment
from server.storage import accounts, keys, logbook
from server.storage.logbook import Line
from tests.api.authorization import CHECK_IN, DIGEST, PHOTO, VISIT
from tests.support.staff import NOW, on_sqlite, token_of

LINES = [
    Line("admin", "changed", "person", "owner", {}, "/C/T/D/d1/", "owner", {"after": {"phone": "13911112222"}}),
    Line("owner", "check-in", "visit", "018c5c2e-7d11-7c3a-9f00-0d0f5b0a1c2d", {"status": "review"}, "/C/T/D/d1/"),
    Line("stranger", "check-in", "visit", "018c5c2e-7d11-7c3a-9f00-0d0f5b0a1c2e", {}, "/C/U/F/f1/"),
    Line("command-line", "saved", "duty", "envoy-weekly 2018-09-03", {"before": None, "after": {"times": 1}}),
]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    app = create_app(on_sqlite(tmp_path))
    app.extensions["daocun.clock"] = lambda: NOW
    with app.app_context():
        here = auth.deployment()
    with here.database.write() as connection:
        for number, line in enumerate(LINES):
            logbook.write(connection, NOW + timedelta(days=number - 3), [line])
        # Beside the township's auditor one for the whole county
        accounts.add_grant(connection, "chief", Grant(GrantKind.AUDITOR, "C"), "command-line", NOW)
    yield app.test_client()
    here.database.close()


def deployment(client: FlaskClient) -> Deployment:
    with client.application.app_context():
        return auth.deployment()


def ask(client: FlaskClient, query: str = "", person: str = "chief") -> TestResponse:
    return client.get(f"/api/v1/log{query}", headers={"Authorization": f"Bearer {token_of(person)}"})


def ids(answer: TestResponse) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [line["id"] for line in answer.get_json()["items"]]


def test_an_auditor_sees_the_lines_of_the_area_with_names_and_what_is_personal(client: FlaskClient) -> None:
    here = deployment(client)
    sealing.seal_all(here, NOW)
    answer = ask(client, person="auditor")
    assert ids(answer) == [2, 1]
    line = answer.get_json()["items"][1]
    assert len(line.pop("hash")) == 64
    assert line == {
        "id": 1,
        "number": 1,
        "at": "2018-11-17T09:31:05+08:00",
        "actor": "admin",
        "actor_name": "admin名",
        "verb": "changed",
        "kind": "person",
        "subject": "owner",
        "place": "d1",
        "place_name": "d1村",
        "township": "T",
        "township_name": "T村",
        "about": "owner",
        "about_name": "owner名",
        "detail": {},
        "personal": {"after": {"phone": "13911112222"}},
        "erased": False,
    }


def test_a_line_has_no_number_before_it_is_sealed(client: FlaskClient) -> None:
    line = ask(client).get_json()["items"][0]
    assert (line["number"], line["hash"]) == (None, None)


def test_what_belongs_to_no_place_is_for_auditors_of_the_county(client: FlaskClient) -> None:
    assert ids(ask(client)) == [4, 3, 2, 1]
    assert ids(ask(client, person="auditor")) == [2, 1]


@pytest.mark.parametrize("person", ["owner", "inside", "supervisor", "admin", "stranger"])
def test_nobody_but_an_auditor_reads_the_log(client: FlaskClient, person: str) -> None:
    answer = ask(client, person=person)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?actor=owner", [2]),
        ("?verb=check-in", [3, 2]),
        ("?kind=duty", [4]),
        ("?subject=envoy-weekly%202018-09-03", [4]),
        ("?from=2018-11-18&to=2018-11-19", [3, 2]),
        ("?from=2018-11-20", [4]),
        ("?to=2018-11-17", [1]),
        ("?actor=nobody", []),
    ],
)
def test_lines_are_sought_by_what_they_hold_and_by_day(client: FlaskClient, query: str, found: list[int]) -> None:
    assert ids(ask(client, query)) == found


def test_pages_follow_one_another(client: FlaskClient) -> None:
    first = ask(client, "?limit=3").get_json()
    assert [line["id"] for line in first["items"]] == [4, 3, 2]
    second = ask(client, f"?limit=3&cursor={first['next']}").get_json()
    assert ([line["id"] for line in second["items"]], second["next"]) == ([1], None)


@pytest.mark.parametrize("query", ["?from=2018-11-20&to=2018-11-19", "?cursor=0", "?cursor=x", "?who=me", "?limit=0"])
def test_what_does_not_fit_is_refused(client: FlaskClient, query: str) -> None:
    assert ask(client, query).status_code == 422


def test_what_was_erased_says_so(client: FlaskClient) -> None:
    with deployment(client).database.write() as connection:
        keys.destroy(connection, "owner", NOW)
    line = ask(client, "?kind=person").get_json()["items"][0]
    assert (line["personal"], line["erased"]) == (None, True)


def test_the_whole_log_is_had_as_a_file(client: FlaskClient) -> None:
    answer = ask(client, "?format=csv&limit=1", "auditor")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    header, *rows = answer.get_data(as_text=True).splitlines()
    assert header.startswith("number,hash,at,actor,actor_name,verb")
    assert len(rows) == 2
    assert '"{""after"": {""phone"": ""13911112222""}}"' in rows[1]
    assert ask(client, "?format=xlsx").get_data()[:2] == b"PK"


def test_an_auditor_keeps_the_lines_of_a_place_that_was_moved(client: FlaskClient) -> None:
    """A line keeps the path it was written with; a place is found by every path it ever had."""
    here = deployment(client)
    with here.database.write() as connection:
        accounts.add_grant(connection, "colleague", Grant(GrantKind.AUDITOR, "d1"), "command-line", NOW)
        connection.exec_driver_sql(
            "INSERT INTO place_standing (place, since, parent, points) VALUES ('d1', '2018-11-19', 'F', '[]')"
        )
        connection.exec_driver_sql("UPDATE register SET revision = revision + 1")
    assert ids(ask(client, person="colleague")) == [2, 1]


def lines_of(client: FlaskClient, verb: str) -> list[tuple[str, str, str, object]]:
    items = ask(client, f"?verb={verb}").get_json()["items"]
    return [(line["actor"], line["kind"], line["subject"], line["detail"]) for line in items]


def get(client: FlaskClient, person: str, path: str) -> None:
    answer = client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token_of(person)}"})
    assert answer.status_code == 200, answer.text


def test_who_looks_at_others_visits_and_photos_is_noted_and_nobody_for_their_own(client: FlaskClient) -> None:
    signed = {"Authorization": f"Bearer {token_of('owner')}"}
    done = client.put(f"/api/v1/visits/{VISIT}", json=CHECK_IN, headers=signed)
    assert done.status_code == 201
    picture = {**signed, "Content-Type": "image/jpeg"}
    assert client.put(f"/api/v1/visits/{VISIT}/photos/{DIGEST}", data=PHOTO, headers=picture).status_code == 201
    looked = ["visits?place=T&from=2018-11-01", f"visits/{VISIT}", f"visits/{VISIT}/photos/{DIGEST}?size=thumb"]
    get(client, "owner", "visits")
    for path in looked[1:]:
        get(client, "owner", path)
    get(client, "outside", "visits")  # in whose list there is nobody's
    assert lines_of(client, "read") == []
    for path in looked:
        get(client, "inside", path)
    assert lines_of(client, "read") == [
        ("inside", "visit", VISIT, {"photo": DIGEST}),
        ("inside", "visit", VISIT, {}),
        ("inside", "visits", "", {"query": {"place": "T", "from": "2018-11-01"}, "count": 1}),
    ]
    assert {line["place"] for line in ask(client, "?verb=read").get_json()["items"]} == {"d1"}


def test_who_takes_a_list_away_is_noted(client: FlaskClient) -> None:
    get(client, "owner", "obligations?format=csv")
    assert lines_of(client, "export") == []
    get(client, "inside", "villages?unvisited_since=2018-11-01&format=csv")
    get(client, "auditor", "log?format=xlsx&kind=person")
    get(client, "auditor", "people?q=owner名&format=csv")  # a name cannot be taken out of the log again
    assert lines_of(client, "export") == [
        ("auditor", "list", "people", {"query": {"format": "csv"}, "count": 1}),
        ("auditor", "list", "log", {"query": {"format": "xlsx", "kind": "person"}, "count": 1}),
        ("inside", "list", "villages", {"query": {"format": "csv", "unvisited_since": "2018-11-01"}, "count": 2}),
    ]
    assert {line["place"] for line in ask(client, "?verb=export").get_json()["items"]} == {"T"}

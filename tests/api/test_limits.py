import pytest
from flask.testing import FlaskClient

from server.api import limits
from server.api.limits import Counter
from server.app import frame
from server.settings import Settings


def client(settings: Settings) -> FlaskClient:
    app = frame(settings, ())
    limits.install(app, settings)
    return app.test_client()


def test_over_the_address_s_limit_a_request_is_refused_with_the_time_to_wait() -> None:
    flood = client(Settings(rate_address_per_minute=3, rate_person_per_minute=0))
    assert [flood.get("/livez").status_code for _ in range(3)] == [200] * 3
    refused = flood.get("/livez")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert refused.get_json()["code"] == "too-many-requests"


def test_one_token_s_flood_does_not_hold_up_another_behind_the_same_address() -> None:
    flood = client(Settings(rate_address_per_minute=0, rate_person_per_minute=2))
    mine, theirs = {"Authorization": "Bearer mine"}, {"Authorization": "Bearer theirs"}
    assert [flood.get("/livez", headers=mine).status_code for _ in range(3)] == [200, 200, 429]
    assert flood.get("/livez", headers=theirs).status_code == 200


@pytest.mark.parametrize("requests", [250])
def test_the_defaults_let_a_phone_send_its_whole_queue_at_once(requests: int) -> None:
    phone = client(Settings())
    assert {phone.get("/livez", headers={"Authorization": "Bearer one"}).status_code for _ in range(requests)} == {200}


def test_who_is_refused_is_told_what_remains_of_the_minute_and_may_go_on_after_it() -> None:
    counter = Counter(most=2)
    said = [counter.count("one", now) for now in (1000.0, 1030.0, 1030.5, 1059.9, 1060.0, 1061.0, 1062.0)]
    assert said == [0, 0, 30, 1, 0, 0, 58]


def test_a_flood_of_invented_keys_is_not_remembered_without_end() -> None:
    counter = Counter(most=1, keys=100)
    for number in range(1000):
        assert counter.count(f"invented {number}", 0.0) == 0
    assert len(counter._counts) == 100
    assert counter.count("invented 999", 0.0) == 60

import pytest
from flask.testing import FlaskClient

from server.api import limits
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
    assert refused.headers["Retry-After"] == "60"
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

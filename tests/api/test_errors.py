"""Every refusal looks the same, says why in the right language, and gives nothing away."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from flask_restx import Namespace, Resource
from structlog.testing import capture_logs

from schemas.problems import ProblemOut
from server.api.bridge import ANONYMOUS, View, answers, who
from server.app import frame
from server.settings import Settings
from tests.api.frame import GOOD, ID, application, client, signed

ODD = "/api/v1/things/odd"


@pytest.fixture
def http() -> FlaskClient:
    return client()


@pytest.mark.parametrize(
    ("method", "url", "status", "code"),
    [
        ("GET", "/api/v1/nowhere", 404, "not-found"),
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/api/v2/things", 404, "not-found"),
        ("GET", "/api/v1/things/not-a-uuid", 404, "not-found"),
        ("GET", "/api/v1/things/%00", 404, "not-found"),
        ("GET", "/api/v1/things/%ff", 404, "not-found"),
        ("GET", f"/api/v1/things/{ID}/", 404, "not-found"),
        ("GET", f"/api/v1/things/{ID}", 404, "not-found"),
        ("GET", "/api/v1/docs/../../../settings.py", 404, "not-found"),
        ("GET", "/api/v1/docs/README.md", 404, "not-found"),
        ("PATCH", f"/api/v1/things/{ID}", 405, "method-not-allowed"),
        ("POST", "/livez", 405, "method-not-allowed"),
        ("DELETE", "/api/v1/swagger.json", 405, "method-not-allowed"),
        ("GET", "/api/v1/things", 401, "unauthenticated"),
        ("POST", f"{ODD}/denied", 401, "unauthenticated"),
        ("GET", f"{ODD}/crash", 500, "unexpected"),
        ("GET", f"{ODD}/busy", 429, "too-many-requests"),
        ("GET", f"{ODD}/away", 503, "unavailable"),
        ("GET", f"{ODD}/heavy", 413, "photo-too-large"),
    ],
)
def test_every_refusal_has_the_same_shape(http: FlaskClient, method: str, url: str, status: int, code: str) -> None:
    response = http.open(url, method=method)
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert response.json is not None
    assert response.json["code"] == code
    assert response.json["status"] == status
    assert ProblemOut().validate(response.json) == {}
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("accepted", "detail"),
    [
        ("", "没有找到。"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "没有找到。"),
        ("en-GB,en;q=0.9", "Not found."),
        ("fr", "没有找到。"),
        ("fr,en;q=0.5", "Not found."),
        ("nonsense;;;q=x", "没有找到。"),
    ],
)
def test_the_sentence_is_in_the_language_asked_for(http: FlaskClient, accepted: str, detail: str) -> None:
    response = http.get("/api/v1/nowhere", headers={"Accept-Language": accepted})
    assert response.json is not None
    assert response.json["detail"] == detail


def test_a_field_is_explained_in_the_language_asked_for(http: FlaskClient) -> None:
    url = f"/api/v1/things/{ID}"
    body = {**GOOD, "at": "2018-11-20T09:31:05"}
    english = http.put(url, json=body, headers=signed() | {"Accept-Language": "en"})
    assert english.json is not None
    assert english.json["errors"] == [
        {
            "pointer": "/at",
            "code": "offset",
            "detail": "The time must have an offset, as in 2018-11-20T09:31:05+08:00.",
        }
    ]


def test_nothing_that_was_sent_comes_back(http: FlaskClient) -> None:
    body = {"code": "MARKED VALUE", "kind": "MARKED", "note": "MARKED\x00", "MARKED NAME": "MARKED", "at": "MARKED"}
    response = http.put(f"/api/v1/things/{ID}", json=body, headers=signed())
    assert response.status_code == 422
    assert "MARKED" not in response.get_data(as_text=True)


def test_an_unexpected_error_says_only_its_id_which_is_in_the_log(http: FlaskClient) -> None:
    with capture_logs() as lines:
        response = http.get(f"{ODD}/crash")
    assert response.json is not None
    assert "driver" not in response.get_data(as_text=True)
    (line,) = lines
    assert line["id"] == response.json["id"]
    assert "secret words of a driver" in str(line["exc_info"])


def test_a_method_not_allowed_names_those_that_are(http: FlaskClient) -> None:
    allowed = http.patch(f"/api/v1/things/{ID}").headers["Allow"]
    assert set(allowed.split(", ")) == {"DELETE", "GET", "HEAD", "OPTIONS", "PUT"}


def test_a_401_says_how_and_a_429_says_when(http: FlaskClient) -> None:
    assert http.get("/api/v1/things").headers["WWW-Authenticate"] == "Bearer"
    assert http.get(f"{ODD}/busy").headers["Retry-After"] == "7"
    assert http.get(f"{ODD}/away").headers["Retry-After"] == "5"


def test_without_a_right_it_is_403_before_anything_is_read(http: FlaskClient) -> None:
    assert http.post(f"{ODD}/denied", data=b"x", headers=signed()).status_code == 403


def test_authorization_comes_before_the_body_and_the_query(http: FlaskClient) -> None:
    assert http.put(f"/api/v1/things/{ID}?x=1", data=b"{").status_code == 401


def test_without_an_authorizer_everything_that_is_not_open_is_refused() -> None:
    app = application()
    del app.extensions["daocun.authorizer"]
    assert app.test_client().get("/api/v1/things", headers=signed()).status_code == 401


def test_a_route_that_says_not_who_may_call_it_stops_the_start() -> None:
    open_door = Namespace("open", path="/open")

    @open_door.route("")
    class Open(View):
        @answers(204)
        def get(self) -> None:
            pass

    with pytest.raises(TypeError, match=r"Open\.get needs @who"):
        frame(Settings(), (open_door,))


def test_a_resource_that_goes_round_the_frame_stops_the_start() -> None:
    round_it = Namespace("round", path="/round")

    @round_it.route("")
    class Round(Resource):
        @who(ANONYMOUS)
        @answers(204)
        def get(self) -> None:
            pass

    with pytest.raises(TypeError, match=r"Round\.get"):
        frame(Settings(), (round_it,))


def test_a_uuid_in_capitals_is_the_same_uuid(http: FlaskClient) -> None:
    response = http.put(f"/api/v1/things/{ID.upper()}", json=GOOD, headers=signed())
    assert response.json is not None
    assert response.json["id"] == ID


def test_answers_are_kept_by_nobody_on_the_way(http: FlaskClient) -> None:
    assert http.get("/api/v1/things", headers=signed()).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("sent", "trusted", "seen"),
    [
        ({}, "", "127.0.0.1"),
        ({"X-Forwarded-For": "9.9.9.9"}, "", "127.0.0.1"),
        ({"X-Forwarded-For": "9.9.9.9"}, "127.0.0.1", "9.9.9.9"),
        ({"X-Forwarded-For": "1.1.1.1, 9.9.9.9"}, "127.0.0.1", "9.9.9.9"),
        ({"X-Forwarded-For": "9.9.9.9, 10.1.1.1"}, "127.0.0.1,10.0.0.0/8", "9.9.9.9"),
        ({"X-Forwarded-For": "9.9.9.9, nonsense"}, "127.0.0.1", "127.0.0.1"),
        ({"X-Forwarded-For": "10.1.1.1"}, "127.0.0.1,10.0.0.0/8", "10.1.1.1"),
        ({"X-Forwarded-For": "9.9.9.9:5555"}, "127.0.0.1", "9.9.9.9"),
        ({"X-Forwarded-For": "[2001:db8::1]:5555"}, "127.0.0.1", "2001:db8::1"),
        ({"X-Forwarded-For": "2001:db8::1"}, "127.0.0.1", "2001:db8::1"),
        ({"X-Forwarded-For": "9.9.9.9:evil"}, "127.0.0.1", "127.0.0.1"),
    ],
)
def test_only_a_trusted_proxy_is_believed(sent: dict[str, str], trusted: str, seen: str) -> None:
    from server.settings import load

    http = client(trusted_proxies=load({"DAOCUN_TRUSTED_PROXIES": trusted}).trusted_proxies)
    assert http.get(f"{ODD}/who", headers=sent).get_data(as_text=True) == f"nobody {seen}"


def test_https_behind_a_trusted_proxy_is_held_to() -> None:
    from server.settings import load

    header = {"X-Forwarded-Proto": "https"}
    trusting = client(trusted_proxies=load({"DAOCUN_TRUSTED_PROXIES": "127.0.0.1"}).trusted_proxies)
    assert "Strict-Transport-Security" in trusting.get("/livez", headers=header).headers
    assert "Strict-Transport-Security" not in client().get("/livez", headers=header).headers


@pytest.mark.parametrize(
    ("path", "accept", "shown"),
    [
        ("/no-such-page", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("/no-such-page", "*/*", "application/problem+json"),
        ("/no-such-page", "application/json", "application/problem+json"),
        ("/api/v1/no-such-page", "text/html", "application/problem+json"),
    ],
)
def test_a_browser_at_a_wrong_address_is_shown_a_page(path: str, accept: str, shown: str) -> None:
    answer = client().get(path, headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (404, shown)
    if shown == "text/html":
        assert "没有这个页面" in answer.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]

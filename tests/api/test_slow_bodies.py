"""A body that takes its time: a request is received when the last of it has come, by whoever has the right then."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from tests.api.phones import API, County, finding, json_of, refused
from tests.factories import NOW, check_in, digest, photo, token_of, visit_id

PHOTO = photo(1)


class Slow(io.BytesIO):
    """A body during which something happens."""

    def __init__(self, data: bytes, meanwhile: Callable[[], object]) -> None:
        super().__init__(data)
        self._meanwhile = meanwhile

    def read(self, size: int | None = -1, /) -> bytes:
        self._meanwhile()
        return super().read(size)


def put(county: County, path: str, data: bytes, media_type: str, meanwhile: Callable[[], object]) -> TestResponse:
    return county.app.test_client().put(
        f"{API}/visits/{visit_id()}{path}",
        input_stream=Slow(data, meanwhile),
        content_length=len(data),
        content_type=media_type,
        headers={"Authorization": f"Bearer {token_of('owner')}"},
    )


def sent(county: County, meanwhile: Callable[[], object]) -> TestResponse:
    return put(county, "", json.dumps(check_in([PHOTO])).encode(), "application/json", meanwhile)


def sign_out(county: County) -> None:
    headers = {"Authorization": f"Bearer {token_of('owner')}"}
    assert county.app.test_client().delete(f"{API}/tokens/current", headers=headers).status_code == 204


def test_a_check_in_is_received_when_the_last_of_it_has_come(sqlite_county: County) -> None:
    answer = json_of(sent(sqlite_county, lambda: sqlite_county.after(minutes=20)), 201)
    assert answer["received_at"] == (NOW + timedelta(minutes=20)).astimezone(sqlite_county.deployment.zone).isoformat()
    assert finding(answer, "clock")["outcome"] == "pass"


@pytest.mark.parametrize(("seconds", "status"), [(0.5, 201), (15, 401)])
def test_who_signs_out_while_a_body_takes_long_has_not_sent_it(
    sqlite_county: County, seconds: float, status: int
) -> None:
    def meanwhile() -> None:
        sqlite_county.after(seconds=seconds)
        sign_out(sqlite_county)

    kept = sqlite_county.footprint()[0]["visit"]
    assert sent(sqlite_county, meanwhile).status_code == status
    assert sqlite_county.footprint()[0]["visit"] == kept + (status == 201)


def test_a_photo_is_asked_about_again_too(sqlite_county: County) -> None:
    def meanwhile() -> None:
        sqlite_county.after(minutes=1)
        sign_out(sqlite_county)

    json_of(sqlite_county.phone().put(check_in([PHOTO])), 201)
    answer = put(sqlite_county, f"/photos/{digest(PHOTO)}", PHOTO, "image/jpeg", meanwhile)
    refused(answer, 401, "unauthenticated")
    assert not sqlite_county.deployment.photos.exists(digest(PHOTO))

"""Photos at the door: announced, sent, sent again, added, looked at; and what is no photo."""

from __future__ import annotations

import threading
import tracemalloc
from typing import Any

import pytest
from sqlalchemy import insert, select

from server.services import visits
from server.storage import tables as t
from tests.adapters.samples import DONGZHAO_GPS, TAKEN, encoded, exif_block, jpeg, png_claiming, scene
from tests.api.phones import County, finding, json_of, not_passed, refused
from tests.factories import HERE, NOW, check_in, digest, log_of, north_of, photo, saved_again, visit_id

PHOTO, OTHER = photo(1), photo(2)
TAGS = exif_block({}, {TAKEN: "2018:11:20 09:31:00"}, DONGZHAO_GPS)
HEIC = b"\0\0\0\x28ftypheic\0\0\0\0mif1heic" + bytes(64)


def announced(county: County, *pictures: bytes, person: str = "owner", **given: Any) -> None:
    """A visit that waits for its photos."""
    json_of(county.phone(person).put(check_in(pictures, **given)), 201)


# Sending


def test_a_photo_sent_again_is_200_and_nothing_new(county: County) -> None:
    announced(county, PHOTO)
    first = json_of(county.phone().send(PHOTO), 201)
    kept = county.footprint()
    county.after(minutes=5)
    assert json_of(county.phone().send(PHOTO), 200) == first
    assert county.footprint() == kept
    assert log_of(county.deployment, visit_id())[1][:2] == ("owner", "photo")


@pytest.mark.parametrize("how", ["photo", "form"])
@pytest.mark.parametrize("damage", ["emptied", "removed"])
def test_a_photo_sent_again_is_on_disk_again(sqlite_county: County, damage: str, how: str) -> None:
    body = check_in([PHOTO])
    json_of(sqlite_county.phone().form(body, PHOTO), 201)
    path = sqlite_county.deployment.photos.path(digest(PHOTO))
    path.write_bytes(b"") if damage == "emptied" else path.unlink()
    phone = sqlite_county.phone()
    json_of(phone.send(PHOTO) if how == "photo" else phone.form(body, PHOTO), 200)
    assert path.read_bytes() == PHOTO


@pytest.mark.parametrize("query", ["?size=thumb", "?size=screen&stamp=1", "?size=original"])
@pytest.mark.parametrize("who", ["owner", "inside"])
def test_a_photo_that_has_gone_from_the_disk_is_not_there_for_the_moment(
    sqlite_county: County, who: str, query: str
) -> None:
    json_of(sqlite_county.phone().form(check_in([PHOTO]), PHOTO), 201)
    sqlite_county.deployment.photos.path(digest(PHOTO)).unlink()
    refused(sqlite_county.phone(who).look(PHOTO, query), 503, "unavailable")


def test_a_photo_is_kept_as_it_was_sent_under_its_digest(sqlite_county: County) -> None:
    data = jpeg(TAGS)
    announced(sqlite_county, data)
    json_of(sqlite_county.phone().send(data), 201)
    name = digest(data)
    assert sqlite_county.footprint()[1] == [f"{name[:2]}/{name[2:4]}/{name}"]
    assert sqlite_county.deployment.photos.path(name).read_bytes() == data


@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_jpeg_png_and_webp_are_taken(sqlite_county: County, kind: str, media_type: str) -> None:
    data = photo(1, TAGS, kind)
    announced(sqlite_county, data)
    answer = json_of(sqlite_county.phone().send(data, media_type=media_type), 201)
    assert answer["visit"]["status"] == "confirmed"
    seen = sqlite_county.phone("inside").look(data, "?size=original")
    assert (seen.content_type, seen.data) == (media_type, data)


def test_a_visit_waits_for_the_last_of_its_photos(sqlite_county: County) -> None:
    announced(sqlite_county, PHOTO, OTHER)
    answer = json_of(sqlite_county.phone().send(OTHER), 201)["visit"]
    assert answer["photos"] == {"expected": 2, "missing": [digest(PHOTO)], "received": [digest(OTHER)]}
    assert answer["status"] == "incomplete"
    answer = json_of(sqlite_county.phone().send(PHOTO), 201)["visit"]
    assert answer["photos"] == {"expected": 2, "missing": [], "received": [digest(PHOTO), digest(OTHER)]}
    assert answer["status"] == "confirmed"


def test_a_photo_for_a_rejected_visit_is_taken_all_the_same(sqlite_county: County) -> None:
    announced(sqlite_county, PHOTO, point=north_of(HERE, 3000))
    assert json_of(sqlite_county.phone().send(PHOTO), 201)["visit"]["status"] == "rejected"


def _length_of(data: bytes, more: int) -> dict[str, Any]:
    return {"environ_overrides": {"CONTENT_LENGTH": str(len(data) + more)}}


REFUSED: dict[str, tuple[bytes, dict[str, Any], int, str]] = {
    "other bytes under that digest": (OTHER, {"name": digest(PHOTO)}, 422, "photo-digest"),
    "one byte too many": (PHOTO + b"\0", {"name": digest(PHOTO)}, 422, "photo-digest"),
    "a digest nobody announced": (OTHER, {}, 404, "photo-not-announced"),
    "less than its length said": (PHOTO, _length_of(PHOTO, 1), 422, "photo-length"),
    "nothing": (b"", {"name": digest(PHOTO)}, 422, "photo-digest"),
    "called PNG": (PHOTO, {"media_type": "image/png"}, 422, "photo-type"),
    "called HEIC": (PHOTO, {"media_type": "image/heic"}, 422, "photo-heic"),
    "called a GIF": (PHOTO, {"media_type": "image/gif"}, 415, "unsupported-type"),
    "called nothing": (PHOTO, {"media_type": ""}, 415, "unsupported-type"),
    "called JSON": (PHOTO, {"media_type": "application/json"}, 415, "unsupported-type"),
    "a visit that is not there": (PHOTO, {"visit": visit_id(7)}, 404, "not-found"),
    "a digest that is none": (PHOTO, {"name": "A" * 64}, 404, "not-found"),
}


@pytest.mark.parametrize(("data", "given", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_match_is_refused_and_nothing_kept(
    sqlite_county: County, data: bytes, given: dict[str, Any], status: int, code: str
) -> None:
    announced(sqlite_county, PHOTO)
    kept = sqlite_county.footprint()
    assert refused(sqlite_county.phone().send(data, **given), status, code) == []
    assert sqlite_county.footprint() == kept
    assert json_of(sqlite_county.phone().see())["photos"]["missing"] == [digest(PHOTO)]


NO_PHOTOS: dict[str, tuple[bytes, str, str]] = {
    "a text file called jpg": ("这是一张照片。\n".encode() * 40, "image/jpeg", "photo-unreadable"),
    "a truncated JPEG": (jpeg()[:-400], "image/jpeg", "photo-truncated"),
    "the first half of a JPEG": (jpeg()[: len(jpeg()) // 2], "image/jpeg", "photo-truncated"),
    "an iPhone's HEIC": (HEIC, "image/jpeg", "photo-heic"),
    "a GIF called JPEG": (encoded(scene().convert("P"), "GIF"), "image/jpeg", "photo-unreadable"),
    "a PNG of 20,000 by 20,000": (png_claiming(20_000, 20_000), "image/png", "photo-too-many-pixels"),
    "a film": (b"\0\0\0\x18ftypmp42" + bytes(64), "image/jpeg", "photo-unreadable"),
}


@pytest.mark.parametrize(("data", "media_type", "code"), NO_PHOTOS.values(), ids=NO_PHOTOS)
def test_what_is_no_photo_is_refused_under_its_own_digest_too_and_nothing_kept(
    sqlite_county: County, data: bytes, media_type: str, code: str
) -> None:
    announced(sqlite_county, data)
    kept = sqlite_county.footprint()
    phone = sqlite_county.phone()
    assert refused(phone.send(data, media_type=media_type), 422, code) == []
    form = phone.form(check_in([data]), data, visit=visit_id(2), media_type=media_type)
    assert refused(form, 422, code) == []
    assert sqlite_county.footprint() == kept


def test_the_huge_png_costs_no_memory_at_the_door(sqlite_county: County) -> None:
    data = png_claiming(20_000, 20_000)
    announced(sqlite_county, data)
    refused(sqlite_county.phone().send(data, media_type="image/png"), 422, "photo-too-many-pixels")
    tracemalloc.start()
    try:
        refused(sqlite_county.phone().send(data, media_type="image/png"), 422, "photo-too-many-pixels")
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_photo_over_the_limit_is_refused_unread(sqlite_county: County) -> None:
    limit = sqlite_county.deployment.settings.photo_max_bytes
    data = b"\xff\xd8\xff" + bytes(limit)
    announced(sqlite_county, data)
    kept = sqlite_county.footprint()
    answer = sqlite_county.phone().send(data)
    assert refused(answer, 413, "photo-too-large") == []
    assert "8 MB" in answer.get_json()["detail"]
    assert refused(sqlite_county.phone().form(check_in([data]), data, visit=visit_id(2)), 413, "photo-too-large") == []
    assert sqlite_county.footprint() == kept


def test_more_photos_than_a_visit_may_have_are_refused(sqlite_county: County) -> None:
    many = [photo(number) for number in range(21)]
    phone = sqlite_county.phone()
    assert refused(phone.put(check_in(many)), 422, "invalid") == [("/photos", "count")]
    json_of(phone.put(check_in(many[:20])), 201)
    assert refused(phone.add({"photos": [digest(many[20])]}), 422, "invalid") == [("/photos", "count")]


def test_a_file_that_the_check_in_does_not_announce_is_refused(sqlite_county: County) -> None:
    kept = sqlite_county.footprint()
    assert refused(sqlite_county.phone().form(check_in([PHOTO]), OTHER), 422, "invalid") == [
        ("/photos", "not-announced")
    ]
    assert sqlite_county.footprint() == kept


# A stranger's digest


def test_announcing_a_strangers_digest_shows_nothing_and_completes_nothing(county: County) -> None:
    theirs = check_in([PHOTO], place="371481001031", point=(37.7133, 117.169063))
    json_of(county.phone("stranger").form(theirs, PHOTO), 201)
    known = json_of(county.phone().put(check_in([PHOTO]), visit_id(2)), 201)
    unknown = json_of(county.phone().put(check_in([OTHER]), visit_id(3)), 201)
    assert (known["status"], known["photos"]["missing"]) == ("incomplete", [digest(PHOTO)])
    assert not_passed(known) == not_passed(unknown) == {}
    # Not the picture, nor that there is one.
    assert refused(county.phone().look(PHOTO, visit=visit_id(2)), 404, "not-found") == []
    assert refused(county.phone().look(OTHER, visit=visit_id(3)), 404, "not-found") == []
    # Nor can it be had for a word: only all of its bytes will do.
    assert refused(county.phone().send(b"", visit_id(2), digest(PHOTO)), 422, "photo-digest") == []
    assert refused(county.phone().send(b"", visit_id(3), digest(OTHER)), 422, "photo-digest") == []
    answer = json_of(county.phone().send(PHOTO, visit_id(2)), 201)["visit"]
    assert not_passed(answer) == {"photo-reuse": "warn"}
    # The first one's visit, which has an earlier claim or a later one, says nothing of the other's either.
    seen = json_of(county.phone("stranger").see())
    assert visit_id(2) not in str(seen)


# Additions


def test_an_addition_announces_more_photos_and_completes_the_visit(county: County) -> None:
    phone = county.phone()
    assert json_of(phone.put(check_in()), 201)["status"] == "rejected"  # no photo
    county.after(minutes=2)
    answer = json_of(phone.add({"photos": [digest(PHOTO)], "note": "补拍"}))
    assert (answer["status"], answer["photos"]["missing"]) == ("incomplete", [digest(PHOTO)])
    assert (answer["note"], answer["received_at"]) == ("", "2018-11-20T09:31:10+08:00")  # the first record stands
    assert json_of(phone.send(PHOTO), 201)["visit"]["status"] == "confirmed"


def test_a_photo_added_when_nobody_stood_there_any_more_is_looked_at(sqlite_county: County) -> None:
    phone = sqlite_county.phone()
    json_of(phone.put(check_in()), 201)
    sqlite_county.after(minutes=20)
    json_of(phone.add({"photos": [digest(PHOTO)]}))
    answer = json_of(phone.send(PHOTO), 201)["visit"]
    assert (answer["status"], not_passed(answer)) == ("review", {"photos": "warn"})


def test_the_same_addition_again_is_200_and_nothing_new(county: County) -> None:
    announced(county, PHOTO)
    first = json_of(county.phone().add({"photos": [digest(OTHER)], "note": "x"}))
    kept = county.footprint()
    assert json_of(county.phone().add({"note": "x", "withdrawn": [], "photos": [digest(OTHER)]})) == first
    assert county.footprint() == kept


def test_the_same_addition_again_is_200_also_when_the_visit_is_no_longer_open(sqlite_county: County) -> None:
    phone = sqlite_county.phone()
    announced(sqlite_county, PHOTO)
    addition = {"photos": [digest(OTHER)]}
    json_of(phone.add(addition))
    for data in (PHOTO, OTHER):
        json_of(phone.send(data), 201)
    assert json_of(phone.add(addition))["status"] == "confirmed"
    assert refused(phone.add({"note": "late"}), 409, "visit-not-open") == []


def test_an_unreadable_photo_is_withdrawn_for_another(county: County) -> None:
    broken = jpeg()[:-400]
    announced(county, broken)
    refused(county.phone().send(broken), 422, "photo-truncated")
    answer = json_of(county.phone().add({"photos": [digest(PHOTO)], "withdrawn": [digest(broken)]}))
    assert answer["photos"] == {"expected": 1, "missing": [digest(PHOTO)], "received": []}
    assert json_of(county.phone().send(PHOTO), 201)["visit"]["status"] == "confirmed"
    assert refused(county.phone().send(broken), 404, "photo-not-announced") == []


def test_a_withdrawn_photo_may_be_announced_again(sqlite_county: County) -> None:
    phone = sqlite_county.phone()
    announced(sqlite_county, PHOTO, OTHER)
    json_of(phone.add({"withdrawn": [digest(OTHER)]}))
    answer = json_of(phone.add({"photos": [digest(OTHER)]}))
    assert answer["photos"]["missing"] == [digest(PHOTO), digest(OTHER)]


def test_withdrawing_all_photos_leaves_too_few(sqlite_county: County) -> None:
    announced(sqlite_county, PHOTO)
    answer = json_of(sqlite_county.phone().add({"withdrawn": [digest(PHOTO)]}))
    assert (answer["status"], not_passed(answer)) == ("rejected", {"photos": "fail"})


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"withdrawn": [digest(OTHER)]}, ("/withdrawn/0", "not-announced")),
        ({"withdrawn": [digest(OTHER), digest(PHOTO)]}, ("/withdrawn/0", "not-announced")),
        ({"withdrawn": [digest(PHOTO)]}, ("/withdrawn/0", "already-received")),
        ({"photos": [digest(OTHER), digest(OTHER)]}, ("/photos/1", "duplicate")),
        ({"photos": [digest(OTHER).upper()]}, ("/photos/0", "format")),
        ({"photos": digest(OTHER)}, ("/photos", "type")),
        ({"position": None}, ("/position", "unknown")),
    ],
    ids=str,
)
def test_an_addition_that_does_not_fit_is_refused(sqlite_county: County, body: Any, error: tuple[str, str]) -> None:
    announced(sqlite_county, PHOTO, photo(3))
    json_of(sqlite_county.phone().send(PHOTO), 201)
    kept = sqlite_county.footprint()
    assert refused(sqlite_county.phone().add(body), 422, "invalid") == [error]
    assert sqlite_county.footprint() == kept


def test_a_visit_takes_only_so_many_additions(sqlite_county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "ADDITIONS", 2)
    announced(sqlite_county, PHOTO)
    for note in ("one", "two"):
        json_of(sqlite_county.phone().add({"note": note}))
    assert refused(sqlite_county.phone().add({"note": "three"}), 409, "visit-not-open") == []
    json_of(sqlite_county.phone().add({"note": "two"}))


def test_pictures_that_were_withdrawn_count_too_among_those_ever_announced(sqlite_county: County) -> None:
    announced(sqlite_county, PHOTO)
    before = [digest(PHOTO)]
    for round_ in range(4):
        new = [f"{round_:032x}{number:032x}" for number in range(20)]
        json_of(sqlite_county.phone().add({"photos": new, "withdrawn": before}))
        before = new
    new = [f"{9:032x}{number:032x}" for number in range(20)]
    kept = sqlite_county.footprint()
    answer = sqlite_county.phone().add({"photos": new, "withdrawn": before})
    assert refused(answer, 422, "invalid") == [("/photos", "count")]
    assert sqlite_county.footprint() == kept
    answer = json_of(sqlite_county.phone().add({"photos": new[:19], "withdrawn": before}))
    assert answer["photos"] == {"expected": 19, "missing": new[:19], "received": []}


def test_a_confirmed_visit_takes_no_addition(sqlite_county: County) -> None:
    json_of(sqlite_county.phone().form(check_in([PHOTO]), PHOTO), 201)
    assert refused(sqlite_county.phone().add({"photos": [digest(OTHER)]}), 409, "visit-not-open") == []


def test_a_near_copy_is_a_reviewers_matter_and_the_person_reads_only_that_somebody_will_look(county: County) -> None:
    yesterday = county.after(days=-1)
    json_of(county.phone().form(check_in([PHOTO], at=yesterday), PHOTO), 201)
    copy = saved_again(PHOTO)
    at = county.after(days=1)
    answer = json_of(county.phone().form(check_in([copy], at=at), copy, visit=visit_id(2)), 201)
    assert answer["status"] == "confirmed"
    with county.deployment.database.write() as connection:
        pair = [digest(PHOTO), digest(copy)]
        rows = [{"digest": one, "other": other, "percent": 99} for one, other in (pair, pair[::-1])]
        connection.execute(insert(t.photo_likeness), rows)
        connection.execute(insert(t.stale_visit).values(visit=visit_id(2), cause="likeness"))
    from server.services import visits

    visits.work_off(county.deployment, county.now)
    mine = json_of(county.phone().see(visit_id(2)))
    assert mine["status"] == "review"
    assert finding(mine, "photo-reuse") == {
        "check": "photo-reuse", "outcome": None, "value": None, "limit": None, "message": "待核实",
    }  # fmt: skip
    theirs = finding(json_of(county.phone("inside").see(visit_id(2))), "photo-reuse")
    assert (theirs["outcome"], theirs["visits"]) == ("warn", [visit_id()])


# At the same time


def test_a_photo_shared_by_two_visits_at_once_is_stored_once_and_reuse_is_seen(county: County) -> None:
    for number, person in enumerate(("owner", "secretary"), start=1):
        body = check_in([PHOTO], at=NOW.replace(second=number))
        json_of(county.phone(person).put(body, visit_id(number)), 201)
    gate = threading.Barrier(2)
    codes: list[int] = []

    def send(number: int, person: str) -> None:
        gate.wait()
        codes.append(county.phone(person).send(PHOTO, visit_id(number)).status_code)

    threads = [threading.Thread(target=send, args=pair) for pair in ((1, "owner"), (2, "secretary"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [201, 201]
    with county.deployment.database.read() as connection:
        assert len(connection.execute(select(t.photo.c.digest)).all()) == 1
    assert not_passed(json_of(county.phone().see(visit_id(1)))) == {}
    assert not_passed(json_of(county.phone("secretary").see(visit_id(2)))) == {"photo-reuse": "warn"}

"""Check-ins, their photos and additions: a view is its decorators and one call."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Response, request
from flask_restx import Namespace

from schemas.paper import PaperIn
from schemas.visits import AdditionIn, CheckInIn, PhotoOut, PictureQuery, VisitOut, VisitQuery, VisitsOut
from server.adapters.pictures import JPEG, MEDIA_TYPES
from server.api import files, reading
from server.api.auth import REVIEWER, caller, deployment, now
from server.api.bridge import PERSON, View, answers, asks, or_a_file, refuses, settings, takes, takes_bytes, who
from server.api.errors import language
from server.api.pagination import page
from server.api.reading import Upload
from server.api.showing import visit_out
from server.domain import problems, words
from server.domain.access import Caller
from server.domain.checkins import CheckIn
from server.domain.periods import Moment
from server.domain.problems import Problem, invalid
from server.services import paper, record, resembling, visit_reading, visits
from server.services.paper import Sheet
from server.services.visit_reading import Seen
from server.services.visits import Answer, Picture
from server.storage.visits import Sought

ns = Namespace("visits", path="/visits", description="Check-ins and their photos, judged at once")
_IMAGES = tuple(sorted(MEDIA_TYPES))
_HEIC = ("image/heic", "image/heif")


@ns.route("/<uuid:visit>")
class VisitView(View):
    @who(PERSON)
    @takes(CheckInIn, part="visit")
    @answers(201, VisitOut)
    @answers(200, VisitOut)
    @refuses(problems.VISIT_DIFFERS, problems.NOT_FOUND, problems.BODY_CUT, problems.MALFORMED_MULTIPART)
    def put(self, visit: str, body: CheckIn, files: tuple[Upload, ...]) -> Any:
        """Check in. Sending the same again is always safe: 200 with the visit as it stands."""
        sent, pictures = _sent(replace(body, id=visit), files)
        answer = visits.check_in(deployment(), caller().person, sent, pictures, now())
        return shown(answer), 201 if answer.created else 200, etag(answer)

    @who(PERSON)
    @answers(200, VisitOut)
    def get(self, visit: str) -> Any:
        """One visit of one's own, or inside one's area."""
        seen = resembling.add(deployment(), caller(), visit_reading.see(deployment(), caller(), visit, now()), now())
        record.note_seen(deployment(), caller(), seen.answers[0].visit, now())
        return _out(seen, caller())[0], 200, etag(seen.answers[0])


@ns.route("/<uuid:visit>/photos/<sha256:digest>")
class PhotoView(View):
    @who(PERSON)
    @takes_bytes(*_IMAGES)
    @answers(201, PhotoOut)
    @answers(200, PhotoOut)
    @refuses(
        problems.PHOTO_NOT_ANNOUNCED, problems.PHOTO_TOO_LARGE, problems.PHOTO_DIGEST, problems.PHOTO_UNREADABLE,
        problems.PHOTO_TRUNCATED, problems.PHOTO_TYPE, problems.PHOTO_TOO_MANY_PIXELS, problems.PHOTO_HEIC,
        problems.PHOTO_LENGTH, problems.PHOTO_TOO_MANY_SCANS,
    )  # fmt: skip
    def put(self, visit: str, digest: str) -> Any:
        """The bytes of a photo that the visit announced."""
        here = deployment()
        visits.expect_photo(here, caller().person, visit, digest)
        if request.mimetype in _HEIC:
            raise Problem(problems.PHOTO_HEIC)
        media_type = reading.expect_type(request, *_IMAGES)
        too_large, cut = Problem(problems.PHOTO_TOO_LARGE), Problem(problems.PHOTO_LENGTH)
        data = reading.raw_body(request, settings().photo_max_bytes, too_large, cut)
        picture = _checked(data, digest, media_type)
        answer, new = visits.receive_photo(here, caller().person, visit, picture, now())
        received_at = next(photo.received_at for photo in answer.photos if photo.digest == digest)
        assert received_at is not None
        told = {"sha256": digest, "received_at": received_at.astimezone(here.zone), "visit": shown(answer)}
        return told, 201 if new else 200, etag(answer)

    @who(PERSON)
    @asks(PictureQuery)
    @answers(200, media_types=_IMAGES)
    def get(self, visit: str, digest: str, query: dict[str, Any]) -> Response:
        """A photo: small and upright, or the original."""
        stamp = query["stamp"] == "1"
        if stamp and query["size"] != "screen":
            raise invalid("/stamp", "inconsistent")
        data, media_type, whose = visit_reading.picture(
            deployment(), caller(), visit, digest, query["size"], stamp, now()
        )
        record.note_seen(deployment(), caller(), whose, now(), photo=digest)
        return _picture(data, media_type)


@ns.route("/<uuid:visit>/photos/<sha256:digest>/resembling/<int(max=100):number>")
class ResemblingView(View):
    @who(PERSON)
    @answers(200, media_types=(JPEG,))
    def get(self, visit: str, digest: str, number: int) -> Response:
        """An earlier photo that this one resembles, for reviewers: blurred if it lies outside their area."""
        data, whose, other = resembling.picture(deployment(), caller(), visit, digest, number, now())
        record.note_seen(deployment(), caller(), whose, now(), photo=other)
        return _picture(data, JPEG)


@ns.route("/<uuid:visit>/additions")
class AdditionsView(View):
    @who(PERSON)
    @takes(AdditionIn)
    @answers(200, VisitOut)
    @refuses(problems.VISIT_NOT_OPEN)
    def post(self, visit: str, body: Any) -> Any:
        """More photos, photos that will not come, or a word, for a visit that is still open."""
        answer = visits.add(deployment(), caller().person, visit, body, now())
        return shown(answer), 200, etag(answer)


@ns.route("")
class VisitsView(View):
    @who(REVIEWER)
    @takes(PaperIn)
    @answers(201, VisitOut)
    @answers(200, VisitOut)
    @refuses(problems.OWN_VISIT, problems.PAPER_CAP, problems.VISIT_DIFFERS, problems.CONFLICT)
    def post(self, body: dict[str, Any]) -> Any:
        """Enter somebody else's visit from paper; it counts once a second person confirms it."""
        answer = paper.enter(deployment(), caller(), Sheet(**body), now())
        return shown(answer), 201 if answer.created else 200, etag(answer)

    @who(PERSON)
    @asks(VisitQuery)
    @answers(200, VisitsOut)
    @or_a_file(files.CSV, files.XLSX, files.GEOJSON)
    def get(self, query: dict[str, Any]) -> Any:
        """Visits of one's own and inside one's area, latest first; `waiting` for those one may decide on."""
        if "from_" in query and "to" in query and query["from_"] > query["to"]:
            raise invalid("/to", "order")
        sought = Sought(
            person=query.get("person"),
            status=query.get("status"),
            first=query.get("from_"),
            last=query.get("to"),
            after=_after(query.get("cursor")),
            waits_for=caller().person if "waiting" in query else None,
            appealed=query.get("waiting") == "appeal",
            oldest_first=query["order"] == "oldest",
        )
        if query["format"] != "json":
            found = visit_reading.every_visit(deployment(), caller(), sought, query.get("place"), now())
            return _file(query["format"], found)
        limit = query["limit"]
        seen = visit_reading.find_visits(deployment(), caller(), sought, query.get("place"), limit, now())
        paged = page(seen.answers, limit, _key)
        record.note_listed(deployment(), caller(), [a.visit for a in paged["items"]], request.args, now())
        return {"items": _out(replace(seen, answers=paged["items"]), caller()), "next": paged["next"]}


def _file(form: str, found: Iterable[dict[str, Any]]) -> Response:
    if form == "geojson":
        return files.points("visits", ((_point(row), _plain(row)) for row in found))
    vocabularies = {"activity": words.ACTIVITIES, "status": words.VISIT_STATUSES, "functions": words.FUNCTIONS}
    rows = (list(row.values()) for row in found)
    return files.table(form, "visits", visit_reading.EXPORTED, rows, vocabularies=vocabularies)


def _point(row: dict[str, Any]) -> files.Point | None:
    return None if row["latitude"] is None else (row["latitude"], row["longitude"])


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """What stands beside a position on a map."""
    days = {name: row[name].isoformat() for name in ("captured_at", "day", "received_at")}
    return {name: cell for name, cell in (row | days).items() if name not in ("latitude", "longitude")}


def _picture(data: bytes, media_type: str) -> Response:
    answer = Response(data, content_type=media_type)
    # It never changes, but who may see it does: the browser asks again each time.
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.set_etag(hashlib.sha256(data).hexdigest())
    answer.make_conditional(request)
    return answer


def _sent(sent: CheckIn, files: tuple[Upload, ...]) -> tuple[CheckIn, list[Picture]]:
    """The check-in and the photos that came with it, all checked before anything is kept."""
    pictures = [_checked(file.data, None, file.media_type) for file in files]
    if not sent.photos:
        # A script that sends the files along need not count digests first.
        sent = replace(sent, photos=tuple(dict.fromkeys(picture.digest for picture in pictures)))
    if any(picture.digest not in sent.photos for picture in pictures):
        raise invalid("/photos", "not-announced")
    return sent, pictures


def _checked(data: bytes, digest: str | None, media_type: str) -> Picture:
    limits = settings()
    received = deployment().photos.check(
        data, digest, media_type=media_type, limit=limits.photo_max_bytes, max_pixels=limits.photo_max_pixels
    )
    return Picture(received, data)


def shown(answer: Answer) -> dict[str, Any]:
    """A visit just taken or decided, for the person who did it."""
    return _out(visit_reading.shown(deployment(), caller(), answer), caller())[0]


def _out(seen: Seen, who_asks: Caller) -> list[dict[str, Any]]:
    here = deployment()
    moment = Moment.of(now(), here.zone)
    return [
        visit_out(
            answer,
            seen,
            who_asks,
            language(),
            here.zone,
            moment,
            visit_reading.can(here, who_asks, answer, seen, now()),
        )
        for answer in seen.answers
    ]


def etag(answer: Answer) -> dict[str, str]:
    """The header that names the visit's version."""
    return {"ETag": f'"{answer.visit.version}"'}


def _key(answer: Answer) -> tuple[str, ...]:
    at = answer.visit.occurred_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return (at, answer.visit.id)


def _after(cursor: tuple[str, ...] | None) -> tuple[datetime, str] | None:
    return None if cursor is None else (datetime.fromisoformat(cursor[0]), cursor[1])

"""Addresses that stand for a person without a token: `/downloads`, good once, and `/calendar`."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from flask import Request, Response, current_app, g, request
from flask_restx import Namespace
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect

from schemas.links import CalendarOut, DownloadIn, DownloadOut
from server.adapters import agendas
from server.adapters.agendas import Event
from server.adapters.messages import Language, has, text
from server.adapters.pictures import MEDIA_TYPES
from server.api import files, reading
from server.api.auth import caller, deployment, now
from server.api.bridge import ANONYMOUS, PERSON, View, answers, operation, refuses, settings, takes, who
from server.api.paths import PREFIX
from server.domain import problems
from server.domain.problems import FieldError, Problem, invalid
from server.services import agenda, downloads
from server.services.reports import Listed

downloads_ns = Namespace("downloads", path="/downloads", description="Addresses good once, for links")
calendar_ns = Namespace("calendar", path="/calendar", description="One's own obligations as a calendar")
mine_ns = Namespace("my-calendar", path="/me/calendar", description="The address of one's own calendar")
_FILES = (files.CSV, files.XLSX, files.GEOJSON, *sorted(MEDIA_TYPES))
_NOT_PASSED_ON = ("werkzeug.", "flask.", "HTTP_AUTHORIZATION", "CONTENT_", "HTTP_RANGE")


@downloads_ns.route("")
class DownloadsView(View):
    @who(PERSON)
    @takes(DownloadIn)
    @answers(201, DownloadOut)
    def post(self, body: dict[str, Any]) -> Any:
        """An address for a link, which cannot send a token: good once, for a minute, for this person and path."""
        target = body["path"].removeprefix(PREFIX)
        _check(target)
        made = downloads.prepare(deployment(), caller(), target, now())
        url = f"{_address()}{PREFIX}/downloads/{made.secret}"
        return {"url": url, "expires_at": made.expires_at.astimezone(deployment().zone)}


@downloads_ns.route("/<secret:secret>")
class DownloadView(View):
    @who(ANONYMOUS)
    @answers(200, media_types=_FILES)
    @refuses(problems.NOT_FOUND, problems.FORBIDDEN, problems.EXPORT_TOO_LARGE)
    def get(self, secret: str) -> Response:
        """What the address was made for, once, as its person may see it now."""
        if request.method == "HEAD":  # a look ahead, by whatever shows a preview, would use it up
            raise MethodNotAllowed(["GET"])
        person, target = downloads.use(deployment(), secret, now())
        with current_app.request_context(_environ(target)):
            g.acting = person
            response = current_app.dispatch_request()
        answer: Response = current_app.make_response(response)
        answer.headers["Cache-Control"] = "no-store"
        return answer


@mine_ns.route("")
class MyCalendarView(View):
    @who(PERSON)
    @answers(201, CalendarOut)
    def post(self) -> Any:
        """A secret address for one's calendar, shown this once; it takes the place of the one before."""
        secret = agenda.new_address(deployment(), caller(), now())
        return {"url": f"{_address()}{PREFIX}/calendar/{secret}.ics"}

    @who(PERSON)
    @answers(204)
    def delete(self) -> Any:
        """Ends the address of one's calendar."""
        agenda.revoke(deployment(), caller(), now())


@calendar_ns.route("/<secret:secret>.ics")
class CalendarView(View):
    @who(ANONYMOUS)
    @answers(200, media_types=(agendas.MEDIA_TYPE,))
    @refuses(problems.NOT_FOUND)
    def get(self, secret: str) -> Response:
        """What its person owes, from 35 days back to the end of next month, for the calendar on their phone."""
        person, owed = agenda.calendar(deployment(), secret, now())
        spoken: Language = "en" if person.language == "en" else "zh"
        events = [_event(one, spoken) for one in owed]
        data = agendas.ics(text("calendar.name", spoken), events, now())
        answer = Response(data, content_type=f"{agendas.MEDIA_TYPE}; charset=utf-8")
        answer.headers["Cache-Control"] = "private, no-cache"
        answer.set_etag(sha256(repr(events).encode()).hexdigest())  # of what it tells, not of when it was made
        answer.make_conditional(request)
        return answer


def _check(target: str) -> None:
    """Raises Problem INVALID at `/path` unless it is an export or a picture, asked for properly."""
    asked = current_app.request_class(_environ(target))
    try:
        endpoint, _ = current_app.url_map.bind_to_environ(asked.environ).match()
    except (HTTPException, RequestRedirect):
        raise invalid("/path", "no-file") from None
    view = getattr(current_app.view_functions[endpoint], "view_class", None)
    if view is None or not issubclass(view, View):
        raise invalid("/path", "no-file")
    notes = operation(view.get)
    query = _query(asked, notes.query)
    picture = isinstance(next(iter(notes.answers.values())), tuple)
    export = bool(notes.files) and query.get("format", "json") != "json"
    if notes.who == ANONYMOUS or not (picture or export):
        raise invalid("/path", "no-file")


def _query(asked: Request, schema: Any) -> dict[str, Any]:
    if schema is None:
        return {}
    try:
        found: dict[str, Any] = reading.query(asked, schema)
    except Problem as problem:
        errors = [FieldError("/path", error.code, error.params) for error in problem.errors]
        raise Problem(problem.kind, errors=errors) from None
    return found


def _environ(target: str) -> dict[str, Any]:
    """The request as if it asked for a path and query below the API."""
    split = urlsplit(target)
    kept = {name: value for name, value in request.environ.items() if not name.startswith(_NOT_PASSED_ON)}
    asked = {"REQUEST_METHOD": "GET", "PATH_INFO": PREFIX + split.path, "QUERY_STRING": split.query}
    return {**kept, **asked}


def _address() -> str:
    """Where the service is reached."""
    return settings().public_url or request.host_url.rstrip("/")


def _event(listed: Listed, spoken: Language) -> Event:
    owed = listed.obligation
    key = f"calendar.{owed.duty}"
    duty = text(key, spoken) if has(key) else owed.duty
    where = listed.place_name
    if listed.township and listed.township != owed.place:
        where = text("finding.of-township", spoken, township=listed.township_name, place=listed.place_name)
    status = text(f"calendar.{listed.status.value}", spoken)
    return Event(
        uid=f"{owed.duty}.{owed.person}.{owed.place}.{owed.window}.{owed.turn}@daocun",
        first=owed.opens_on,
        last=owed.due_on,
        summary=text("calendar.summary", spoken, status=status, duty=duty, place=where),
        description=text("calendar.done", spoken, done=owed.done, needed=owed.needed),
    )

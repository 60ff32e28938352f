"""`/me/notices`: what one should know, and what one has read of it."""

from __future__ import annotations

from typing import Any

from flask_restx import Namespace

from schemas.notices import NoticeOut, NoticesOut, NoticesQuery, ReadIn, ReadOut
from server.api.auth import caller, deployment, now
from server.api.bridge import PERSON, View, answers, asks, takes, who
from server.api.errors import language
from server.api.pagination import page
from server.services import notices
from server.services.notices import Seen

ns = Namespace("notices", path="/me/notices", description="What one should know without asking")


@ns.route("")
class Notices(View):
    @who(PERSON)
    @asks(NoticesQuery)
    @answers(200, NoticesOut)
    def get(self, query: dict[str, Any]) -> Any:
        """Lists one's notices, newest first."""
        after = int(query["cursor"][0]) if "cursor" in query else None
        unread = query["unread"] == "1"
        found = notices.page(deployment(), caller(), language(), unread, after, query["limit"] + 1)
        paged = page(found, query["limit"], lambda seen: (str(seen.told.id),))
        return {"items": [_out(seen) for seen in paged["items"]], "next": paged["next"]}


@ns.route("/read")
class ReadNotices(View):
    @who(PERSON)
    @takes(ReadIn)
    @answers(200, ReadOut)
    def post(self, body: dict[str, Any]) -> Any:
        """Marks one's notices up to one of them as read."""
        return {"read": notices.read_until(deployment(), caller(), body["until"], now())}


@ns.route("/<int(max=2147483647):notice>/read")
class ReadNotice(View):
    @who(PERSON)
    @answers(200, NoticeOut)
    def post(self, notice: int) -> Any:
        """Marks one of one's notices as read."""
        return _out(notices.read(deployment(), caller(), notice, language(), now()))


def _out(seen: Seen) -> dict[str, Any]:
    told, zone = seen.told, deployment().zone
    detail = told.detail
    known = {"duty", "place", "window"} <= detail.keys()
    return {
        "id": told.id,
        "kind": told.kind,
        "at": told.at.astimezone(zone),
        "read_at": told.read_at and told.read_at.astimezone(zone),
        "sentence": seen.sentence,
        "place": seen.place,
        "place_name": seen.named and seen.named.name,
        "township": seen.named and seen.named.township,
        "township_name": seen.named and seen.named.township_name,
        "obligation": {name: detail[name] for name in ("duty", "place", "window")} if known else None,
        **{name: detail.get(name) for name in ("visit", "leave", "proposal", "count")},
    }

"""`/me`: what a person's phone shows first."""

from __future__ import annotations

from typing import Any

from flask_restx import Namespace

from schemas.me import MeOut
from server.api.auth import caller, deployment, now
from server.api.bridge import PERSON, View, answers, who
from server.api.obligations import obligation_out
from server.services import me as service
from server.services.me import Me, Named

ns = Namespace("me", path="/me", description="What a person's phone shows first")


@ns.route("")
class MeView(View):
    @who(PERSON)
    @answers(200, MeOut)
    def get(self) -> Any:
        """Who one is, what is still to do and until when, and visits that need one's hand."""
        return _out(service.me(deployment(), caller(), now()))


def _out(me: Me) -> dict[str, Any]:
    return {
        "person": me.person,
        "today": me.today,
        "now": me.now,
        "postings": [
            {
                "role": posting.role,
                "place": posting.place,
                **_names(named),
                "start": posting.start,
                "end": posting.end,
                "office_weekday": posting.office_weekday,
            }
            for posting, named in me.postings
        ],
        "grants": [{"kind": grant.kind, "place": grant.place, **_names(named)} for grant, named in me.grants],
        "obligations": [
            {
                **obligation_out(to_do.listed),
                "remaining": to_do.remaining,
                "until": to_do.until,
                "grace_until": to_do.grace_until,
            }
            for to_do in me.obligations
        ],
        "visits": [
            {
                "id": visit.id,
                "place": visit.place,
                **_names(named),
                "activity": visit.activity,
                "day": visit.day,
                "status": visit.status,
                "missing": visit.missing,
            }
            for visit, named in me.visits
        ],
        "places": [
            {
                "code": spot.code,
                **_names(spot.named),
                "points": [{"latitude": latitude, "longitude": longitude} for latitude, longitude in spot.points],
                "radius_m": spot.radius_m,
            }
            for spot in me.places
        ],
        "unread": me.unread,
        "photos_needed": me.photos_needed,
    }


def _names(named: Named) -> dict[str, str | None]:
    return {"place_name": named.name, "township": named.township, "township_name": named.township_name}

"""Who gets what answer from every route; a route that is missing here fails a test.

The visit is the envoy `owner`'s, in the village d1 of the township T, of which October is closed. Everybody is as in
`tests/support/staff.py`: `inside` reviews T, `outside` reviews another township, `supervisor` and `admin` are T's,
`colleague` is another envoy of T, and the account of `revoked` is closed. Each request meets the same fresh state.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any, Final

from PIL import Image

from server.domain.postings import Leave
from tests.support.staff import NOW, POINT

ROLES: Final = ("owner", "colleague", "inside", "outside", "supervisor", "admin", "auditor", "anonymous", "revoked")


def _jpeg(shade: int) -> bytes:
    kept = io.BytesIO()
    Image.linear_gradient("L").rotate(shade).resize((320, 240)).convert("RGB").save(kept, "JPEG")
    return kept.getvalue()


API: Final = "/api/v1"
VISIT: Final = "018c5c2e-7d11-7c3a-9f00-0d0f5b0a1c2d"
OTHER_VISIT: Final = "018c5c2e-7d11-7c3a-9f00-0d0f5b0a1c2e"
PHOTO: Final = _jpeg(10)
DIGEST: Final = hashlib.sha256(PHOTO).hexdigest()
AWAITED: Final = "a" * 64
CHECK_IN: Final[dict[str, Any]] = {
    "activity": "visit",
    "place": "d1",
    "captured_at": NOW.isoformat(),
    "position": {"latitude": POINT[0], "longitude": POINT[1], "accuracy_m": 12},
    "photos": [DIGEST, AWAITED],
}
PERSON: Final = {
    "code": "new",
    "name": "新人",
    "posting": {"role": "envoy", "place": "d1", "start": "2018-11-26"},
}
LEAVE: Final = {"start": "2018-11-26", "end": "2018-11-27", "kind": "meeting", "person": "owner"}
POSTING: Final = {"person": "owner", "role": "stationed-cadre", "place": "d2", "start": "2018-11-01"}
MOVE: Final = {"person": "owner", "role": "envoy", "from": "d1", "to": "d2", "on": "2018-11-26"}
REJECTED: Final = "018c5c2e-7d11-7c3a-9f00-0d0f5b0a1c2f"
FAR_AWAY: Final = {**CHECK_IN, "photos": [], "position": {"latitude": POINT[0] + 1, "longitude": POINT[1]}}
PAPER: Final = {
    "person": "owner", "place": "d1", "activity": "visit", "captured_at": "2018-11-19T09:00:00+08:00",
    "reason": "手机坏了",
}  # fmt: skip
HANDED_IN: Final = {
    "format": "daocun-handed-in", "version": 1, "person": "owner", "saved_at": "2018-11-20T09:00:00+08:00",
    "records": [{}],
}  # fmt: skip
WEEK: Final = {"duty": "envoy-weekly-visit", "place": "d1", "window": "2018-W45"}
DECISION: Final = {"decision": "confirm", "reason": "支部书记作证"}
GRANT: Final = {"kind": "reviewer", "place": "d1"}


@dataclass(frozen=True)
class Row:
    """One route: what is sent, and the status each role gets, in the order of ROLES; the last two are mostly 401.

    The auditor gets what the supervisor gets, unless said otherwise.
    """

    path: str
    statuses: tuple[int, ...]
    json: Any = None
    data: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    auditor: int | None = None

    def expected(self) -> dict[str, int]:
        *named, anonymous, revoked = (*self.statuses, 401, 401)[: len(ROLES) - 1]
        return dict(zip(ROLES, (*named, self.auditor or named[4], anonymous, revoked), strict=True))


def everybody(status: int) -> tuple[int, ...]:
    return (status,) * (len(ROLES) - 1)


# What the envoy has asked for
AWAY: Final = Leave("owner", date(2018, 12, 3), date(2018, 12, 4), "annual")
NEW_PLACE: Final = {"code": "d9", "name": "新村", "level": "village", "parent": "D"}
SPLIT: Final = {"into": [{"code": "d8", "name": "东村"}, {"code": "d9", "name": "西村"}], "on": "2018-12-01"}
MOVED_DAY: Final = {
    "duty": "envoy-study-day", "window": "2018-11", "place": "T", "day": "2018-11-16", "reason": "培训",
}  # fmt: skip
DUTY: Final = {
    "code": "first-monthly-visit", "role": "first-secretary", "activities": ["visit"], "target": "posting",
    "every": "month", "since": "2018-12-01",
}  # fmt: skip

# What waits for a second person: the secretary wants a posting taken away
PROPOSAL: Final = ("posting-delete", {"id": 1}, "/C/T/D/d1/", "secretary")

# Whether the pages were built here or not
PAGES: Final = everybody(200 if (Path(str(resources.files("server"))) / "web" / "sw.js").exists() else 404)

# Owner, colleague, reviewer inside, reviewer outside, supervisor, admin (, anonymous, revoked)
TABLE: Final[dict[str, Row]] = {
    "GET /": Row("/", everybody(200)),
    "GET /assets/<name>": Row("/assets/none.js", everybody(404)),
    "GET /icons/<name>": Row("/icons/none.png", everybody(404)),
    "GET /manifest.webmanifest": Row("/manifest.webmanifest", PAGES),
    "GET /sw.js": Row("/sw.js", PAGES),
    "GET /landing/page.css": Row("/landing/page.css", everybody(200)),
    "GET /livez": Row("/livez", everybody(200)),
    "GET /readyz": Row("/readyz", everybody(200)),
    "GET /api/v1/": Row(f"{API}/", everybody(200)),
    "GET /api/v1/docs/<name>": Row(f"{API}/docs/swagger-ui.css", everybody(200)),
    "GET /api/v1/swagger.json": Row(f"{API}/swagger.json", everybody(200)),
    #
    "POST /api/v1/tokens": Row(f"{API}/tokens", everybody(401), {"phone": "owner", "password": "not this one"}),
    "POST /api/v1/activations": Row(
        f"{API}/activations", everybody(401), {"phone": "owner", "code": "2222222222", "password": "not this one"}
    ),
    "DELETE /api/v1/tokens/current": Row(f"{API}/tokens/current", (204, 204, 204, 204, 204, 204)),
    #
    "GET /api/v1/accounts": Row(f"{API}/accounts", (403, 403, 403, 403, 403, 200)),
    "POST /api/v1/accounts": Row(f"{API}/accounts", (403, 403, 403, 403, 403, 201), {"person": "revoked"}),
    "GET /api/v1/accounts/<code:person>": Row(f"{API}/accounts/owner", (403, 404, 403, 404, 403, 200)),
    "DELETE /api/v1/accounts/<code:person>": Row(f"{API}/accounts/owner", (403, 404, 403, 404, 403, 204)),
    "POST /api/v1/accounts/<code:person>/activation": Row(
        f"{API}/accounts/owner/activation", (403, 404, 403, 404, 403, 201)
    ),
    "DELETE /api/v1/accounts/<code:person>/tokens": Row(f"{API}/accounts/owner/tokens", (403, 404, 403, 404, 403, 204)),
    "GET /api/v1/accounts/<code:person>/grants": Row(f"{API}/accounts/owner/grants", (403, 404, 403, 404, 403, 200)),
    "POST /api/v1/accounts/<code:person>/grants": Row(
        f"{API}/accounts/owner/grants", (403, 404, 403, 404, 403, 201), GRANT
    ),
    "DELETE /api/v1/accounts/<code:person>/grants/<int(max=2147483647):grant>": Row(
        f"{API}/accounts/inside/grants/1", (404, 404, 403, 404, 403, 204)
    ),
    #
    "GET /api/v1/me": Row(f"{API}/me", (200, 200, 200, 200, 200, 200)),
    "GET /api/v1/me/notices": Row(f"{API}/me/notices?unread=1", (200, 200, 200, 200, 200, 200)),
    "POST /api/v1/me/notices/read": Row(f"{API}/me/notices/read", (200, 200, 200, 200, 200, 200), {"until": 1}),
    "POST /api/v1/me/notices/<int(max=2147483647):notice>/read": Row(
        f"{API}/me/notices/1/read", (200, 404, 404, 404, 404, 404)
    ),
    "GET /api/v1/obligations": Row(f"{API}/obligations", (200, 200, 200, 200, 200, 200)),
    "POST /api/v1/obligations/explanations": Row(
        f"{API}/obligations/explanations", (200, 409, 409, 409, 409, 409), {**WEEK, "text": "下雨路断"}
    ),
    "POST /api/v1/obligations/excuses": Row(
        f"{API}/obligations/excuses",
        (403, 403, 403, 403, 201, 403),
        {**WEEK, "person": "owner", "reason": "抗洪"},
        auditor=403,
    ),
    "POST /api/v1/obligations/excuses/<int(max=2147483647):excuse>/end": Row(
        f"{API}/obligations/excuses/1/end", (403, 403, 403, 403, 404, 403), {"reason": "记错了"}, auditor=403
    ),
    "GET /api/v1/attendance": Row(f"{API}/attendance?by=place", (403, 403, 200, 200, 200, 200)),
    "GET /api/v1/villages": Row(f"{API}/villages?unvisited_since=2018-11-01", (403, 403, 200, 200, 200, 200)),
    #
    "GET /api/v1/people": Row(f"{API}/people", (403, 403, 200, 200, 200, 200)),
    "POST /api/v1/people": Row(f"{API}/people", (403, 403, 403, 403, 403, 201), PERSON),
    "GET /api/v1/people/<code:person>": Row(f"{API}/people/owner", (200, 404, 200, 404, 200, 200)),
    "PATCH /api/v1/people/<code:person>": Row(
        f"{API}/people/owner", (403, 404, 403, 404, 403, 200), {"phone": "13900001111"}
    ),
    "GET /api/v1/people/<code:person>/history": Row(
        f"{API}/people/owner/history", (200, 404, 403, 404, 403, 200), auditor=200
    ),
    "GET /api/v1/leave": Row(f"{API}/leave", (200, 200, 200, 200, 200, 200)),
    "POST /api/v1/leave": Row(f"{API}/leave", (201, 422, 201, 422, 403, 201), LEAVE),
    "DELETE /api/v1/leave/<code:leave>": Row(f"{API}/leave/r1", (204, 404, 403, 404, 403, 403)),
    "POST /api/v1/leave/<code:leave>/decisions": Row(
        f"{API}/leave/r1/decisions", (403, 404, 200, 404, 403, 200), {"decision": "approve", "reason": "yes"}
    ),
    "GET /api/v1/places": Row(f"{API}/places", (403, 403, 200, 200, 200, 200)),
    "POST /api/v1/places": Row(
        f"{API}/places",
        (403, 403, 403, 403, 403, 201),
        {"code": "d9", "name": "新村", "level": "village", "parent": "D"},
    ),
    "GET /api/v1/places/<code:place>": Row(f"{API}/places/d1", (403, 403, 200, 404, 200, 200)),
    "PATCH /api/v1/places/<code:place>": Row(f"{API}/places/d1", (404, 404, 403, 404, 403, 200), {"radius_m": 900}),
    "POST /api/v1/places/<code:place>/merge": Row(
        f"{API}/places/d2/merge", (404, 404, 403, 404, 403, 200), {"into": "d1", "on": "2018-12-01"}
    ),
    "POST /api/v1/places/<code:place>/split": Row(f"{API}/places/d2/split", (404, 404, 403, 404, 403, 200), SPLIT),
    "GET /api/v1/days": Row(f"{API}/days", (403, 403, 200, 200, 200, 200)),
    "PUT /api/v1/days": Row(
        f"{API}/days", (403, 403, 403, 403, 403, 200), {"date": "2018-12-03", "kind": "off", "place": "T"}
    ),
    "GET /api/v1/days/moves": Row(f"{API}/days/moves", (403, 403, 200, 200, 200, 200)),
    "POST /api/v1/days/moves": Row(f"{API}/days/moves", (403, 403, 403, 403, 200, 403), MOVED_DAY, auditor=403),
    "DELETE /api/v1/days/moves/<code:duty>/<code:window>/<code:place>": Row(
        f"{API}/days/moves/envoy-study-day/2018-11/T", (404, 404, 403, 404, 404, 403), auditor=403
    ),
    "GET /api/v1/duties": Row(f"{API}/duties", (200, 200, 200, 200, 200, 200)),
    "POST /api/v1/duties": Row(f"{API}/duties", (403, 403, 403, 403, 403, 403), DUTY),
    "POST /api/v1/duties/<code:duty>/end": Row(
        f"{API}/duties/envoy-study-day/end", (403, 403, 403, 403, 403, 403), {"from": "2018-12-01"}
    ),
    "GET /api/v1/postings": Row(f"{API}/postings", (200, 200, 200, 200, 200, 200)),
    "POST /api/v1/postings": Row(f"{API}/postings", (403, 403, 403, 403, 403, 201), POSTING),
    "POST /api/v1/postings/move": Row(f"{API}/postings/move", (403, 403, 403, 403, 403, 200), MOVE),
    "PATCH /api/v1/postings/<int(max=2147483647):posting>": Row(
        f"{API}/postings/1", (403, 404, 403, 404, 403, 200), {"end": "2018-12-31"}
    ),
    "DELETE /api/v1/postings/<int(max=2147483647):posting>": Row(f"{API}/postings/1", (403, 404, 403, 404, 403, 200)),
    "GET /api/v1/pairs": Row(f"{API}/pairs", (403, 403, 200, 200, 403, 403)),
    "GET /api/v1/proposals": Row(f"{API}/proposals", (200, 200, 200, 200, 200, 200)),
    "GET /api/v1/proposals/<int(max=2147483647):proposal>": Row(
        f"{API}/proposals/1", (404, 404, 403, 404, 200, 200), auditor=403
    ),
    "DELETE /api/v1/proposals/<int(max=2147483647):proposal>": Row(
        f"{API}/proposals/1", (404, 404, 403, 404, 403, 403)
    ),
    "POST /api/v1/proposals/<int(max=2147483647):proposal>/decisions": Row(
        f"{API}/proposals/1/decisions",
        (404, 404, 403, 404, 200, 200),
        {"decision": "refuse", "reason": "no"},
        auditor=403,
    ),
    "POST /api/v1/me/calendar": Row(f"{API}/me/calendar", (201,) * 6),
    "DELETE /api/v1/me/calendar": Row(f"{API}/me/calendar", (204,) * 6),
    "GET /api/v1/calendar/<secret:secret>.ics": Row(f"{API}/calendar/{'x' * 43}.ics", everybody(404)),
    "POST /api/v1/downloads": Row(f"{API}/downloads", (201,) * 6, {"path": "/obligations?format=csv"}),
    "GET /api/v1/downloads/<secret:secret>": Row(f"{API}/downloads/{'x' * 43}", everybody(404)),
    #
    "GET /api/v1/closures": Row(f"{API}/closures", (403, 403, 200, 200, 200, 200)),
    "POST /api/v1/closures": Row(
        f"{API}/closures", (403, 403, 403, 403, 201, 403), {"place": "T", "month": "2018-09"}, auditor=403
    ),
    "POST /api/v1/closures/<int(max=2147483647):closure>/reopen": Row(
        f"{API}/closures/1/reopen", (403, 403, 403, 404, 200, 403), {"reason": "x"}, auditor=403
    ),
    "GET /api/v1/closures/<int(max=2147483647):closure>/differences": Row(
        f"{API}/closures/1/differences", (403, 403, 200, 404, 200, 200)
    ),
    "GET /api/v1/log": Row(f"{API}/log", (403, 403, 403, 403, 403, 403), auditor=200),
    #
    "GET /api/v1/visits": Row(f"{API}/visits", (200, 200, 200, 200, 200, 200)),
    "PUT /api/v1/visits/<uuid:visit>": Row(f"{API}/visits/{VISIT}", (200, 404, 404, 404, 404, 404), CHECK_IN),
    "GET /api/v1/visits/<uuid:visit>": Row(f"{API}/visits/{VISIT}", (200, 404, 200, 404, 200, 200)),
    "PUT /api/v1/visits/<uuid:visit>/photos/<sha256:digest>": Row(
        f"{API}/visits/{VISIT}/photos/{DIGEST}",
        (200, 404, 404, 404, 404, 404),
        data=PHOTO,
        headers={"Content-Type": "image/jpeg"},
    ),
    "GET /api/v1/visits/<uuid:visit>/photos/<sha256:digest>": Row(
        f"{API}/visits/{VISIT}/photos/{DIGEST}?size=thumb", (200, 404, 200, 404, 200, 200)
    ),
    # There is none; `tests/api/test_resembling.py` has some
    "GET /api/v1/visits/<uuid:visit>/photos/<sha256:digest>/resembling/<int(max=100):number>": Row(
        f"{API}/visits/{VISIT}/photos/{DIGEST}/resembling/1", (403, 404, 404, 404, 403, 403)
    ),
    "POST /api/v1/visits/<uuid:visit>/additions": Row(
        f"{API}/visits/{VISIT}/additions", (200, 404, 404, 404, 404, 404), {"withdrawn": [AWAITED]}
    ),
    "POST /api/v1/visits": Row(f"{API}/visits", (403, 403, 201, 422, 403, 403), PAPER),
    "POST /api/v1/handed-in": Row(f"{API}/handed-in", (403, 403, 200, 200, 403, 403), HANDED_IN),
    "POST /api/v1/visits/<uuid:visit>/decisions": Row(
        f"{API}/visits/{VISIT}/decisions", (403, 404, 200, 404, 403, 403), DECISION
    ),
    "POST /api/v1/visits/<uuid:visit>/appeal": Row(
        f"{API}/visits/{REJECTED}/appeal", (200, 404, 403, 404, 403, 403), {"reason": "我在村里"}
    ),
    "POST /api/v1/decisions": Row(
        f"{API}/decisions", (403, 403, 200, 200, 403, 403), {"items": [{"visit": VISIT, **DECISION}]}
    ),
}

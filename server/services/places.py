"""What a county decides about single places."""

from dataclasses import replace
from datetime import date, datetime

from server.domain.periods import local_day
from server.domain.places import Level, Tree
from server.domain.problems import invalid
from server.services import placing
from server.services.deployment import Deployment
from server.services.imports_base import judged_span
from server.storage import imports as rows
from server.storage import logbook, register


def service_from(deployment: Deployment, code: str, day: date | None, actor: str, now: datetime) -> bool:
    """Sets a township's own first day of service, or takes it away; false if it was so already.

    Windows that begin before it are not owed there. Raises Problem INVALID at `/place` for a place that does not exist
    or is no township.
    """
    with deployment.database.write() as connection:
        state = register.state(connection, lock=True)
        old = register.tree(connection)
        if code not in old:
            raise invalid("/place", "not-exist")
        place = old[code]
        if place.level is not Level.TOWNSHIP:
            raise invalid("/place", "not-township")
        if place.service_from == day:
            return False
        rows.hold_people(connection)
        new = Tree({**old.places, code: replace(place, service_from=day)}.values())
        today = local_day(now, deployment.zone)
        placing.follow(connection, old, new, judged_span(state), deployment.service_from)
        detail = {
            "before": place.service_from.isoformat() if place.service_from else None,
            "after": day.isoformat() if day else None,
        }
        line = logbook.Line(actor, "service-from", "place", code, detail, old.path(code, today))
        logbook.write(connection, now, [line])
    return True

"""What a county decides about single places."""

from datetime import date, datetime

from server.domain.periods import local_day
from server.domain.places import Level
from server.domain.problems import invalid
from server.services.deployment import Deployment
from server.services.imports_base import FOREVER, judged_span, mark_spans
from server.storage import imports as rows
from server.storage import logbook, register


def service_from(deployment: Deployment, code: str, day: date | None, actor: str, now: datetime) -> bool:
    """Sets a township's own first day of service, or takes it away; false if it was so already.

    Windows that begin before it are not owed there. Raises Problem INVALID at `/place` for a place that does not exist
    or is no township.
    """
    with deployment.database.write() as connection:
        state = register.state(connection, lock=True)
        tree = register.tree(connection)
        if code not in tree:
            raise invalid("/place", "not-exist")
        place = tree[code]
        if place.level is not Level.TOWNSHIP:
            raise invalid("/place", "not-township")
        if place.service_from == day:
            return False
        rows.hold_people(connection)
        register.bump(connection)
        register.set_service_from(connection, code, day)
        days = {standing.since for other in tree.places.values() for standing in other.standings}
        concerned = {other for other in tree.places if any(tree.lies_in(other, code, on) for on in days)}
        concerned |= {link for on in days for link in tree.chain(code, on)}
        judged = judged_span(state)
        if judged is not None:
            posted = {person for person, _ in rows.posted(connection, concerned)}
            mark_spans(connection, judged, ((person, date.min, FOREVER) for person in posted))
        detail = {
            "before": place.service_from.isoformat() if place.service_from else None,
            "after": day.isoformat() if day else None,
        }
        path = tree.path(code, local_day(now, deployment.zone))
        logbook.write(connection, now, [logbook.Line(actor, "service-from", "place", code, detail, path)])
    return True

"""One message a day to the office of a township: what waits there and which villages nobody has visited.

A try is claimed, with the time of the next one, before anything is sent. So no two processes send the same, a digest
that was taken is not sent again, and a crash between sending and noting it costs one repeat at most for each crash.
"""

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from server.adapters import clock, messenger
from server.adapters.messages import Language, text
from server.domain.notices import NoticeKind, WeeklyVisit
from server.domain.periods import Moment, local_day
from server.domain.places import Tree
from server.services import judging, notices
from server.services.deployment import Deployment
from server.services.notices import BETWEEN, full_name, written_day
from server.storage import digests as rows
from server.storage import jobs, logbook, noticed, people
from server.storage.database import Connection
from server.storage.digests import Key, State
from server.storage.logbook import Line
from server.storage.noticed import Waiting

# After the first try, the second, …: a robot that refuses for a minute, a mail server that is down for the morning.
# The first is longer than a try can take.
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 45, 120, 360))
REST_S: Final = 30.0
VILLAGES: Final = 20  # named in one digest: WeCom takes 2,048 bytes

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Digest:
    """What is sent, as plain text."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one digest: `problem` is a word why it was not taken; `before` if it had been sent already."""

    key: Key
    problem: str | None = None
    before: bool = False


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the digests of all places are made of, read once a round."""

    tree: Tree
    work: notices.Work
    grace: list[Waiting]
    unvisited: list[WeeklyVisit]
    names: Mapping[str, str]


def send_due(deployment: Deployment, now: datetime, place: str | None = None) -> list[Sent]:
    """Sends what is to be sent now; with a place its digests at once, whatever the time and the pauses say."""
    settings = deployment.settings
    listed = [one for one in settings.digest_addresses if place is None or one[0] == place]
    if not listed or (place is None and now.astimezone(deployment.zone).time() < settings.digest_at):
        return []
    today = local_day(now, deployment.zone)
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        tried = rows.of_day(connection, today)
    found: list[Sent] = []
    facts: _Facts | None = None
    for code, addresses in listed:
        for address in addresses if code in tree else ():
            key = Key(code, today, hashlib.sha256(address.encode()).hexdigest()[:16])
            state = tried.get(key)
            if state is not None and state.sent_at is not None:
                found.append(Sent(key, before=True))
            elif place is not None or _is_due(state, now):
                facts = facts or _read(deployment, now)
                digest = _composed(deployment, code, facts, settings.digest_language, now)
                found += _send(deployment, key, address, digest, state.tries if state else 0, now)
    return [one for one in found if place is not None or not one.before]


def _is_due(state: State | None, now: datetime) -> bool:
    return state is None or (state.next_at <= now and state.tries <= len(PAUSES))


def _send(deployment: Deployment, key: Key, address: str, digest: Digest, tries: int, now: datetime) -> list[Sent]:
    pause = PAUSES[min(tries, len(PAUSES) - 1)]
    with deployment.database.write() as connection:
        if not rows.claim(connection, key, tries, now + pause):
            return []
    problem = messenger.send(address, digest.title, digest.body)
    service = address.partition("://")[0]
    if problem is not None:
        _log.warning("a digest could not be sent", place=key.place, by=service, problem=problem, tries=tries + 1)
        return [Sent(key, problem)]
    with deployment.database.write() as connection:
        rows.finish(connection, key, now)
        path = deployment.world(connection).tree.path(key.place, key.day)
        detail = {"day": key.day.isoformat(), "by": service}
        logbook.write(connection, now, [Line(logbook.SYSTEM, "sent", "digest", key.place, detail, path)])
    return [Sent(key)]


def keep_sending(deployment: Deployment, stop: threading.Event) -> None:
    """Sends what is due until told to stop; while another process does it, it only asks now and then."""
    while deployment.settings.digest_addresses and not stop.is_set():
        try:
            with jobs.alone(deployment.database, "digests") as alone:
                if alone:
                    send_due(deployment, clock.now())
        except Exception:
            _log.exception("the digests could not be sent")
        stop.wait(REST_S)


def compose(deployment: Deployment, place: str, now: datetime, language: Language | None = None) -> Digest | None:
    """The digest of a place as it would be sent now; none if there is no such place."""
    facts = _read(deployment, now)
    if place not in facts.tree:
        return None
    return _composed(deployment, place, facts, language or deployment.settings.digest_language, now)


def _read(deployment: Deployment, now: datetime) -> _Facts:
    moment = Moment.of(now, deployment.zone)
    judging.ensure_judged(deployment, moment.grace_from, moment.today)
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        unvisited = notices.unvisited(deployment, connection, tree, moment.today)
        return _Facts(
            tree,
            notices.waiting_work(deployment, connection, tree, now),
            noticed.in_grace(connection, moment),
            unvisited,
            _names(connection, unvisited),
        )


def _names(connection: Connection, owed: Iterable[WeeklyVisit]) -> Mapping[str, str]:
    return {code: person.name for code, person in people.named(connection, {one.person for one in owed}).items()}


def _composed(deployment: Deployment, place: str, facts: _Facts, language: Language, now: datetime) -> Digest:
    today = local_day(now, deployment.zone)
    area = facts.tree.path(place, today)
    lines: list[str] = []
    for kind in (NoticeKind.QUEUE_OLD, NoticeKind.APPEALS_WAITING, NoticeKind.LEAVE_WAITING,
                 NoticeKind.PROPOSALS_WAITING):  # fmt: skip
        lines += _line(deployment, f"digest.{kind}", _inside(facts.work[kind][1], area), language)
    lines += _line(deployment, "digest.grace", _inside(facts.grace, area), language)
    envoys: dict[str, list[str]] = {}
    for one in facts.unvisited:
        if one.path.startswith(area):
            envoys.setdefault(one.place, []).append(facts.names[one.person])
    if envoys:
        lines.append(text("digest.at-risk", language, count=len(envoys)))
        for code, names in list(envoys.items())[:VILLAGES]:
            village = full_name(code, today, facts.tree, language)
            lines.append(text("digest.village", language, village=village, people=BETWEEN[language].join(names)))
        if len(envoys) > VILLAGES:
            lines.append(text("digest.more", language, count=len(envoys) - VILLAGES))
    if not lines:
        lines.append(text("digest.nothing", language))
    if deployment.settings.public_url:
        lines.append(text("digest.link", language, url=f"{deployment.settings.public_url}/"))
    name, day = full_name(place, today, facts.tree, language), written_day(today, language)
    return Digest(text("digest.title", language, place=name, day=day), "\n".join(lines))


def _inside(waiting: Iterable[Waiting], area: str) -> list[Waiting]:
    return [one for one in waiting if one.path.startswith(area)]


def _line(deployment: Deployment, key: str, waiting: list[Waiting], language: Language) -> list[str]:
    if not waiting:
        return []
    days = [one.since for one in waiting if one.since is not None]
    since = written_day(min(days), language) if days else ""
    count = sum(one.count for one in waiting)
    return [text(key, language, count=count, since=since, days=deployment.settings.queue_days)]

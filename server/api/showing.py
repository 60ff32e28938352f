"""Turns visits into what we answer: names beside codes, the county's time, sentences in the caller's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from server.adapters.measures import metres, seconds
from server.adapters.messages import Language, text
from server.domain.access import Caller
from server.domain.checkins import Visit, VisitPhoto
from server.domain.checks import Finding, Outcome
from server.domain.decisions import Appeal, Decision
from server.domain.engine import Obligation, status_of
from server.domain.periods import Moment
from server.domain.places import Tree
from server.services.visit_reading import Resembling, Seen, is_reviewer
from server.services.visits import Answer

_METRES = frozenset({"place", "accuracy", "photo-place"})


def visit_out(
    answer: Answer,
    seen: Seen,
    caller: Caller,
    language: Language,
    zone: ZoneInfo,
    moment: Moment,
    can: Sequence[str],
) -> dict[str, Any]:
    """A visit as the schema `VisitOut` writes it; `can` is what the caller may do with it."""
    visit, tree = answer.visit, seen.tree
    names = place_names(tree, visit)
    place = spoken_place(visit, names, language)
    own, reviewer = caller.person == visit.person, is_reviewer(caller, visit)
    raw = None
    if visit.raw_latitude is not None and visit.crs != "wgs84":
        raw = _position(visit.raw_latitude, visit.raw_longitude, visit.accuracy_m, visit.crs)
    return {
        "id": visit.id,
        "person": visit.person,
        "person_name": _name(seen, visit.person),
        "place": visit.place,
        **names,
        "activity": visit.activity,
        "captured_at": visit.captured_at.astimezone(zone),
        "day": visit.day,
        "received_at": visit.received_at.astimezone(zone),
        "position": _position(visit.latitude, visit.longitude, visit.accuracy_m, "wgs84") if visit.point else None,
        "sent_position": raw,
        "functions": visit.functions,
        "note": visit.note,
        "status": visit.status,
        "findings": [
            finding_out(f, place, language, seen.resembles, own=own, reviewer=reviewer) for f in visit.findings
        ],
        "photos": photos_out(answer.photos),
        "imported": visit.imported,
        "version": visit.version,
        "obligations": [counts_for_out(o, tree, moment) for o in answer.obligations],
        "decisions": [decision_out(decision, seen, zone) for decision in answer.record.decisions],
        "appeal": _appeal_out(answer.record.appeal, zone),
        "entry": _entry_out(visit, seen),
        "can": can,
    }


def decision_out(decision: Decision, seen: Seen, zone: ZoneInfo) -> dict[str, Any]:
    """A decision with who made it: its person sees that too, for a decision must be answered for."""
    return {
        "decision": decision.ruling,
        "reason": decision.reason,
        "by": decision.by,
        "by_name": _name(seen, decision.by),
        "at": decision.at.astimezone(zone),
        "on_appeal": decision.on_appeal,
    }


def _appeal_out(appeal: Appeal | None, zone: ZoneInfo) -> dict[str, Any] | None:
    if appeal is None:
        return None
    decided_at = appeal.decided_at.astimezone(zone) if appeal.decided_at else None
    return {"reason": appeal.reason, "at": appeal.at.astimezone(zone), "decided_at": decided_at}


def _entry_out(visit: Visit, seen: Seen) -> dict[str, Any] | None:
    if visit.entry is None or visit.entered_by is None:
        return None
    by = visit.entered_by
    return {"kind": visit.entry, "by": by, "by_name": _name(seen, by), "reason": visit.entry_reason}


def _name(seen: Seen, person: str) -> str:
    known = seen.people.get(person)
    return known.name if known else ""


def place_names(tree: Tree, visit: Visit) -> dict[str, str | None]:
    """The name of a visit's place, never without its township's."""
    township = tree.township_of(visit.place, visit.day)
    return {
        "place_name": tree[visit.place].name,
        "township": township.code if township else None,
        "township_name": township.name if township else None,
    }


def photos_out(photos: list[VisitPhoto]) -> dict[str, Any]:
    """How many photos are expected, which are awaited and which are here."""
    awaited = [photo.digest for photo in photos if photo.missing]
    here = [photo.digest for photo in photos if photo.received_at and photo.withdrawn_at is None]
    return {"expected": len(awaited) + len(here), "missing": awaited, "received": here}


def counts_for_out(o: Obligation, tree: Tree, moment: Moment) -> dict[str, Any]:
    """An obligation that a visit counts for."""
    township = tree.township_of(o.place, o.due_on)
    return {
        "duty": o.duty,
        "window": o.window,
        "place": o.place,
        "place_name": tree[o.place].name,
        "township_name": township.name if township else None,
        "opens_on": o.opens_on,
        "due_on": o.due_on,
        "status": status_of(o.verdict, o.opens_on, o.due_on, moment),
        "reason": o.reason,
        "needed": o.needed,
        "done": o.done,
    }


def spoken_place(visit: Visit, names: Mapping[str, str | None], language: Language) -> str:
    """A visit's place as a sentence names it, with its township."""
    place = names["place_name"] or visit.place
    if names["township"] in (None, visit.place):
        return place
    return text("finding.of-township", language, township=names["township_name"], place=place)


def finding_out(
    found: Finding,
    place: str,
    language: Language,
    resembles: Sequence[Resembling] = (),
    *,
    own: bool,
    reviewer: bool,
) -> dict[str, Any]:
    """A finding with its sentence; `place` as `spoken_place` says it.

    A near copy is a reviewer's matter: the person reads only that somebody will look at it.
    """
    if own and found.reason == "near-copy":
        message = text("finding.photo-reuse.waiting", language)
        return {"check": found.check, "outcome": None, "value": None, "limit": None, "message": message}
    shown: dict[str, Any] = {
        "check": found.check,
        "outcome": found.outcome,
        "value": _rounded(found.value),
        "limit": _rounded(found.limit),
        "message": text(f"finding.{found.check}.{_sentence(found)}", language, place=place, **_words(found, language)),
    }
    if reviewer and found.others:
        shown["visits"] = list(found.others)
        if resembles:
            shown["resembles"] = [_resembling_out(one) for one in resembles]
    return shown


def _resembling_out(one: Resembling) -> dict[str, Any]:
    """Of a photo outside the caller's area no more than when it was and whom to ask."""
    return {
        "photo": one.photo,
        "number": one.number,
        "visit": one.visit if one.inside else None,
        "other_photo": one.other if one.inside else None,
        "day": one.day,
        "percent": one.percent,
        "office": one.office,
        "office_name": one.office_name,
        "inside": one.inside,
    }


def _sentence(found: Finding) -> str:
    if found.reason:
        # What could have been put right on the spot reads otherwise once nobody stands there any more.
        late = found.outcome is Outcome.WARN and found.reason in ("beyond", "too-few")
        return f"{found.reason}-late" if late else found.reason
    return "ok" if found.outcome is Outcome.PASS else found.outcome.value


def _words(found: Finding, language: Language) -> Mapping[str, str]:
    if found.check in _METRES:
        shown = [metres(found.value, language), metres(found.limit, language)]
    elif found.check in ("clock", "photo-time"):
        shown = [seconds(found.value, language), seconds(found.limit, language)]
    elif found.reason == "same-time":
        shown = [metres(found.value, language), metres(found.limit, language)]
    else:
        shown = [_number(found.value), _number(found.limit)]
    return {"value": shown[0], "limit": shown[1]}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _position(
    latitude: float | None, longitude: float | None, accuracy: float | None, crs: str | None
) -> dict[str, Any]:
    return {"latitude": latitude, "longitude": longitude, "accuracy_m": accuracy, "crs": crs}

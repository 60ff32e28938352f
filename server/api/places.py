"""`/places`: how places stand, stood and will stand; mergers and splits."""

from __future__ import annotations

from typing import Any

from flask_restx import Namespace

from schemas.places import (
    ChangedEndOut,
    ChangedPlaceOut,
    MergeIn,
    PlaceChangeIn,
    PlaceIn,
    PlacesOut,
    PlacesQuery,
    SplitIn,
    WholePlaceOut,
)
from server.api import auth, files
from server.api.bridge import PERSON, View, answers, asks, or_a_file, takes, who
from server.api.changes import answer, changes, is_trial
from server.api.pagination import page
from server.services import merging, place_changes, place_reading
from server.services.place_reading import Seen

ns = Namespace("places", path="/places", description="How places stand, stood and will stand")


@ns.route("")
class Places(View):
    @who(auth.READER)
    @asks(PlacesQuery)
    @answers(200, PlacesOut)
    @or_a_file(files.CSV, files.XLSX, files.GEOJSON)
    def get(self, query: dict[str, Any]) -> Any:
        """Lists the places of one's area; the files have the columns that an import takes."""
        sought = (query.get("q"), query.get("level"), query.get("inside"), query.get("on"))
        found = place_reading.listed(auth.deployment(), auth.caller(), auth.now(), *sought)
        if query["format"] == "geojson":
            return files.shapes("places", ((_geometry(seen), _plain(seen)) for seen in found))
        if query["format"] != "json":
            return files.for_import(query["format"], "places", (_row(seen) for seen in found))
        if "cursor" in query:
            found = [seen for seen in found if seen.code > query["cursor"][0]]
        paged = page(found[: query["limit"] + 1], query["limit"], lambda seen: (seen.code,))
        return {"items": [_listed(seen) for seen in paged["items"]], "next": paged["next"]}

    @who(auth.ADMIN)
    @takes(PlaceIn)
    @changes(ChangedPlaceOut, 201)
    def post(self, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Adds a place."""
        return answer(place_changes.add(auth.deployment(), auth.caller(), body, auth.now(), is_trial(query)), 201)


@ns.route("/<code:place>")
class OnePlace(View):
    @who(auth.READER)
    @answers(200, WholePlaceOut)
    def get(self, place: str) -> Any:
        """A place with its standings past and to come."""
        return place_reading.whole(auth.deployment(), auth.caller(), place, auth.now())

    @who(PERSON)
    @takes(PlaceChangeIn)
    @changes(ChangedPlaceOut)
    def patch(self, place: str, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Changes how a place stands from a day on."""
        return answer(place_changes.amend(auth.deployment(), auth.caller(), place, body, auth.now(), is_trial(query)))


@ns.route("/<code:place>/merge")
class Merge(View):
    @who(PERSON)
    @takes(MergeIn)
    @changes(ChangedEndOut)
    def post(self, place: str, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Ends a place, and has another take its stead."""
        return answer(merging.merge_places(auth.deployment(), auth.caller(), place, body, auth.now(), is_trial(query)))


@ns.route("/<code:place>/split")
class Split(View):
    @who(PERSON)
    @takes(SplitIn)
    @changes(ChangedEndOut)
    def post(self, place: str, body: dict[str, Any], query: dict[str, Any]) -> Any:
        """Ends a place, and has new ones take its stead."""
        return answer(merging.split_place(auth.deployment(), auth.caller(), place, body, auth.now(), is_trial(query)))


def _listed(seen: Seen) -> dict[str, Any]:
    found = {name: getattr(seen, name) for name in Seen.__slots__ if name != "polygon"}
    return found | {"has_polygon": seen.polygon is not None}


def _plain(seen: Seen) -> dict[str, Any]:
    days = {name: getattr(seen, name) for name in ("since", "service_from", "ended_on")}
    return _listed(seen) | {name: day.isoformat() if day else None for name, day in days.items()}


def _geometry(seen: Seen) -> dict[str, Any] | None:
    if seen.polygon is not None:
        return seen.polygon
    points = [[longitude, latitude] for latitude, longitude in seen.points]
    if len(points) > 1:
        return {"type": "MultiPoint", "coordinates": points}
    return {"type": "Point", "coordinates": points[0]} if points else None


def _row(seen: Seen) -> dict[str, Any]:
    latitude, longitude = seen.points[0] if seen.points else (None, None)
    return {
        "code": seen.code,
        "name": seen.name,
        "level": seen.level.value,
        "parent": seen.parent,
        "latitude": latitude,
        "longitude": longitude,
        "radius_m": seen.radius_m,
        "central_village": seen.central_village,
    }

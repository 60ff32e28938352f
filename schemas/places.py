"""Places: how they stand, stood and will stand."""

from __future__ import annotations

from schemas.base import CODE, Base, Choice, Code, Cursor, Day, Flag, Integer, Items, Nested, Number, Part, Text
from schemas.changes import ChangedOut
from schemas.exports import MapQuery
from server.domain.checkins import Crs
from server.domain.places import Level
from server.domain.postings import Role

_RADIUS = (1, 100_000)


class GeometryIn(Base):
    """A GeoJSON Polygon or MultiPolygon: longitude before latitude, each ring closed; 2,000 positions at most."""

    type = Choice(("Polygon", "MultiPolygon"), required=True)
    coordinates = Nested(required=True)


class GeometryOut(Base):
    """A GeoJSON geometry in WGS-84."""

    type = Choice(("Point", "MultiPoint", "Polygon", "MultiPolygon"))
    coordinates = Nested()


def _points() -> Items:
    return Items(Items(Number(-180, 180), 2, 2), 0, 100)


class PlaceIn(Base):
    """A new place; `from` a day on, or from the beginning. `points` are latitude and longitude in the datum `crs`."""

    code = Code(required=True)
    name = Text(1, 100, required=True)
    level = Choice(Level, required=True)
    parent = Code(allow_none=True)
    points = _points()
    crs = Choice(Crs)
    radius_m = Number(*_RADIUS, allow_none=True)
    polygon = Part(GeometryIn, allow_none=True)
    central_village = Code(allow_none=True)
    service_from = Day(allow_none=True)
    # `from` is a word of Python's own
    from_ = Day(data_key="from", attribute="from")


class PlaceChangeIn(Base):
    """How a place stands `from` a day on, today unless said; what is left out stays. Name and service are not dated."""

    name = Text(1, 100)
    parent = Code()
    points = _points()
    crs = Choice(Crs)
    radius_m = Number(*_RADIUS, allow_none=True)
    polygon = Part(GeometryIn, allow_none=True)
    central_village = Code(allow_none=True)
    service_from = Day(allow_none=True)
    from_ = Day(data_key="from", attribute="from")


class PartIn(Base):
    """One of the places into which another is split; `inside`: what of it lies in this one, else in the first."""

    code = Code(required=True)
    name = Text(1, 100, required=True)
    points = _points()
    crs = Choice(Crs)
    radius_m = Number(*_RADIUS, allow_none=True)
    polygon = Part(GeometryIn, allow_none=True)
    central_village = Code(allow_none=True)
    inside = Items(Code(), 0, 500, unique=True)


class HeirIn(Base):
    """Where a person's posting goes on once its place has been split."""

    person = Code(required=True)
    role = Choice(Role, required=True)
    to = Code(required=True)


class MergeIn(Base):
    """Into which place, and the first day on which the one is no more."""

    into = Code(required=True)
    on = Day(required=True)


class SplitIn(Base):
    """Into which new places, from which day on, and whose postings go on where; all others end."""

    into = Items(Part(PartIn), 2, 20, required=True)
    on = Day(required=True)
    postings = Items(Part(HeirIn), 0, 500)


class PlaceStandingOut(Base):
    """How a place stands; no `since`: from the beginning."""

    since = Day(allow_none=True)
    parent = Code(allow_none=True)
    points = _points()
    radius_m = Number(0, 100_000, allow_none=True)
    polygon = Part(GeometryOut, allow_none=True)
    central_village = Code(allow_none=True)


class PlaceOut(PlaceStandingOut):
    """A place as it stands on the day asked about; no `radius_m`: its level's."""

    code = Code()
    name = Text(0, 100)
    level = Choice(Level)
    township = Code(allow_none=True)
    township_name = Text(0, 100, allow_none=True)
    service_from = Day(allow_none=True)
    ended_on = Day(allow_none=True)
    successors = Items(Code())


class ListedPlaceOut(PlaceOut):
    """The same without its outline."""

    class Meta(Base.Meta):
        exclude = ("polygon",)

    has_polygon = Flag()


class WholePlaceOut(Base):
    """A place as it stands today, and all its standings, oldest first."""

    place = Part(PlaceOut)
    standings = Items(Part(PlaceStandingOut), most=10_000)


class PlacesQuery(MapQuery):
    """Places that stand `on` a day, today unless said; `q`: how their code begins, or part of their name."""

    cursor = Cursor(CODE)
    q = Text(1, 100)
    level = Choice(Level)
    inside = Code()
    on = Day()


class PlaceFeatureOut(Base):
    """A place as a GeoJSON feature: its outline, or else its positions."""

    type = Choice(("Feature",))
    geometry = Part(GeometryOut, allow_none=True)
    properties = Part(ListedPlaceOut)


class PlacesOut(Base):
    """A page of places, in order of code; with `format=geojson` all of them, as `type` and `features`."""

    items = Items(Part(ListedPlaceOut))
    next = Cursor(CODE, allow_none=True)
    type = Choice(("FeatureCollection",))
    features = Items(Part(PlaceFeatureOut), most=1_000_000)


class ChangedPlaceOut(ChangedOut):
    """A place as it is then."""

    result = Part(PlaceOut, allow_none=True)


class EndedPostingOut(Base):
    """A posting that ended with its place, or began at one that took its stead."""

    person = Code()
    role = Choice(Role)
    place = Code()
    start = Day()
    end = Day(allow_none=True)
    office_weekday = Integer(1, 5, allow_none=True)


class EndedPlaceOut(Base):
    """A place that ends, those that take its stead, and the postings that ended and began with it."""

    place = Part(PlaceOut)
    successors = Items(Part(PlaceOut))
    ended = Items(Part(EndedPostingOut), most=100_000)
    begun = Items(Part(EndedPostingOut), most=100_000)


class ChangedEndOut(ChangedOut):
    """What came of a place's end."""

    result = Part(EndedPlaceOut, allow_none=True)

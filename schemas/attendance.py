"""Counts of obligations, and villages with their last visit."""

from schemas.base import CODE, DAY, Base, Choice, Code, Cursor, Day, Flag, Integer, Items, Number, Part, Text
from schemas.exports import ExportQuery, MapQuery

_MANY = 10**12


class ReasonsOut(Base):
    """How many are excused for each reason."""

    holiday = Integer(0, _MANY)
    leave = Integer(0, _MANY)
    closed = Integer(0, _MANY)
    decision = Integer(0, _MANY)


class CountOut(Base):
    """Counts of one place, duty, person, week or month; `rate` is met of those met or missed, null without any."""

    code = Text(0, 32)
    name = Text(0, 100, allow_none=True)
    township = Code(allow_none=True)
    township_name = Text(0, 100, allow_none=True)
    total = Integer(0, _MANY)
    met = Integer(0, _MANY)
    excused = Integer(0, _MANY)
    pending = Integer(0, _MANY)
    upcoming = Integer(0, _MANY)
    due = Integer(0, _MANY)
    grace = Integer(0, _MANY)
    missed = Integer(0, _MANY)
    reasons = Part(ReasonsOut)
    rate = Number(0, 1, allow_none=True)


class AttendanceQuery(ExportQuery):
    """Obligations whose last day lies in a span of local days, this month by default; 400 days at most.

    By place (one level below the one given), duty, person, week or month.
    """

    cursor = Cursor(CODE)
    from_ = Day(data_key="from")
    to = Day()
    place = Code()
    by = Choice(("place", "duty", "person", "week", "month"))


class AttendanceOut(Base):
    """A page of counts, in order of code."""

    items = Items(Part(CountOut))
    next = Cursor(CODE, allow_none=True)


class VillageOut(Base):
    """A village, the local day of its last confirmed visit (null: never), and how many days ago that was."""

    code = Code()
    name = Text(0, 100)
    township = Code(allow_none=True)
    township_name = Text(0, 100, allow_none=True)
    last_visit = Day(allow_none=True)
    days = Integer(0, 1_000_000, allow_none=True)
    has_envoy = Flag()


class VillagesQuery(MapQuery):
    """Villages without a confirmed visit on a local day or later; all of them if no day is given."""

    cursor = Cursor(f"{DAY}|never", CODE)
    unvisited_since = Day()


class PointOut(Base):
    """A position as GeoJSON has it: longitude, then latitude, in WGS-84 degrees."""

    type = Choice(("Point",))
    coordinates = Items(Number(-180, 180), 2, 2)


class VillagePointOut(Base):
    """A village as a GeoJSON feature."""

    type = Choice(("Feature",))
    geometry = Part(PointOut, allow_none=True)
    properties = Part(VillageOut)


class VillagesOut(Base):
    """A page of villages, longest unvisited first; with `format=geojson` all of them, as `type` and `features`."""

    items = Items(Part(VillageOut))
    next = Cursor(f"{DAY}|never", CODE, allow_none=True)
    type = Choice(("FeatureCollection",))
    features = Items(Part(VillagePointOut), most=1_000_000)

"""One deployment: the database, the photos, the clock's zone and the limits, handed to every use case."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from zoneinfo import ZoneInfo

from server.adapters import calendar
from server.adapters.photos import PhotoStore
from server.domain.calendar import Calendar
from server.domain.checks import Limits
from server.domain.duties import Activity, DutyBook
from server.domain.engine import World
from server.domain.places import Level
from server.settings import Settings
from server.storage import register
from server.storage.database import Connection, Database, open_database

RADII: Mapping[str, float] = {Level.VILLAGE: 500, Level.DISTRICT: 300, Level.TOWNSHIP: 500, Level.COUNTY: 1000}


class _Cache:
    """What was read of the register as of one revision; workers share nothing, so each keeps its own."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.revision = -1
        self.world: World | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything a use case needs of the deployment it works for."""

    database: Database
    photos: PhotoStore
    settings: Settings
    zone: ZoneInfo
    service_from: date | None = None
    limits: Limits = field(default_factory=Limits)
    radii: Mapping[str, float] = field(default_factory=lambda: dict(RADII))
    is_workday: Callable[[date], bool] = calendar.is_workday
    _cache: _Cache = field(default_factory=_Cache)

    def world(self, connection: Connection, revision: int | None = None) -> World:
        """Places, duties and days as they stand; read again only when their revision has moved on."""
        if revision is None:
            revision = register.state(connection).revision
        cache = self._cache
        with cache.lock:
            if cache.revision != revision or cache.world is None:
                tree = register.tree(connection)
                days = Calendar(self.is_workday, register.marks(connection), tree)
                duties = DutyBook(register.duties(connection))
                world = World(tree, days, duties, self.service_from, register.moved_days(connection))
                cache.world, cache.revision = world, revision
            return cache.world

    def apart(self, database: Database) -> "Deployment":
        """The same deployment on another door to its database, with a cache of its own.

        What is read there may never be committed, so nobody else may be handed it.
        """
        with self._cache.lock:
            mine = _Cache()
            mine.revision, mine.world = self._cache.revision, self._cache.world
        return replace(self, database=database, _cache=mine)

    @property
    def basis(self) -> str:
        """What stored verdicts rest on beside the facts: if it differs, they are judged again."""
        return f"1|{self.zone.key}|{self.service_from or ''}|{calendar.library_version()}"


def open_deployment(settings: Settings) -> Deployment:
    """Opens the database and the photo store that the settings name; creates no tables."""
    limits = Limits(
        accuracy_m=settings.accuracy_limit_m,
        place_accuracy_m=settings.place_slack_m,
        place_near=settings.place_near,
        clock_ahead_s=settings.clock_future_s,
        clock_old_s=settings.clock_oldest_h * 3600,
        clock_skew_s=settings.clock_skew_s,
        photo_place_m=settings.photo_place_m,
        photo_before_s=settings.photo_before_s,
        photo_after_s=settings.photo_after_s,
        near_copy_percent=settings.photo_alike,
        speed_kmh=settings.speed_kmh,
        on_the_spot_s=settings.late_after_s,
        promise_days=settings.incomplete_days,
        photos_needed={
            Activity.VISIT: settings.photos_visit,
            Activity.STUDY: settings.photos_study,
            Activity.OFFICE: settings.photos_office,
            Activity.OTHER: settings.photos_other,
        },
    )
    radii: dict[str, float] = {
        Level.VILLAGE: settings.radius_village_m,
        Level.DISTRICT: settings.radius_district_m,
        Level.TOWNSHIP: settings.radius_township_m,
        Level.COUNTY: settings.radius_county_m,
    }
    return Deployment(
        database=open_database(settings.database_url),
        photos=PhotoStore(settings.uploads),
        settings=settings,
        zone=settings.timezone,
        service_from=settings.service_from,
        limits=limits,
        radii=radii,
    )

"""What a deployment can set: the `DAOCUN_*` variables of the environment, read once into a frozen value.

Meanings are in the message catalogues under `setting.<name>`.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from server.adapters.messages import LANGUAGES, Language, both, text
from server.domain.problems import Scalar

PREFIX: Final = "DAOCUN_"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Addresses = tuple[tuple[str, tuple[str, ...]], ...]  # by place, as apprise writes them


class _Expected(ValueError):
    """What a value should have been: a key of the catalogues and its placeholders."""

    def __init__(self, key: str, **params: Scalar) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


class SettingsError(Exception):
    """One or more variables hold something they cannot; `str()` is a bilingual line for each."""

    def __init__(self, problems: Mapping[str, _Expected]) -> None:
        super().__init__("; ".join(problems))
        self.variables = tuple(problems)
        self._problems = dict(problems)

    def __str__(self) -> str:
        return "\n".join(f"{name}: {both(bad.key, **bad.params)}" for name, bad in self._problems.items())


class SettingRow(NamedTuple):
    """One line of `daocun settings`, all as text; what is secret is hidden."""

    variable: str
    meaning: str
    default: str
    value: str


def _text(raw: str) -> str:
    return raw


def _path(raw: str) -> Path:
    return Path(raw).expanduser().absolute()


def _integer(least: int, most: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", raw) or not least <= int(raw) <= most:
            raise _Expected("setting-expected.integer", min=least, max=most)
        return int(raw)

    return parse


def _number(least: float, most: float) -> Callable[[str], float]:
    def parse(raw: str) -> float:
        try:
            value = float(raw)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise _Expected("setting-expected.number", min=least, max=most)
        return value

    return parse


def _day(raw: str) -> date:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", raw):
            return date.fromisoformat(raw)
    except ValueError:
        pass
    raise _Expected("setting-expected.day")


def _zone(raw: str) -> ZoneInfo:
    try:
        return ZoneInfo(raw)
    except (ValueError, OSError, KeyError):
        raise _Expected("setting-expected.zone") from None


def _networks(raw: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in raw.split(",") if part.strip())
    except ValueError:
        raise _Expected("setting-expected.networks") from None


def _database_url(raw: str) -> str:
    scheme, colon, rest = raw.partition("://")
    if not colon or not rest or scheme.partition("+")[0] not in ("sqlite", "postgresql", "postgres"):
        raise _Expected("setting-expected.database")
    # What hosting services hand out, in the spelling the driver needs
    if scheme in ("postgres", "postgresql"):
        scheme = "postgresql+psycopg"
    return f"{scheme}://{rest}"


def _web_address(raw: str) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise _Expected("setting-expected.web-address")
    return raw.rstrip("/")


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw not in choices:
            raise _Expected("setting-expected.choice", choices=", ".join(choices))
        return raw

    return parse


def _time(raw: str) -> time:
    if not re.fullmatch(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", raw):
        raise _Expected("setting-expected.time")
    return time.fromisoformat(raw)


def _addresses(raw: str) -> Addresses:
    found: dict[str, tuple[str, ...]] = {}
    for entry in raw.split():
        place, _, listed = entry.partition("=")
        # A comma may stand in an address too
        addresses = re.split(r",(?=[A-Za-z0-9]+://)", listed)
        known = all(re.fullmatch(r"[A-Za-z0-9]+://.+", address) for address in addresses)
        if not known or not re.fullmatch(r"[A-Za-z0-9._-]{1,32}", place):
            raise _Expected("setting-expected.addresses")
        found[place] = tuple(dict.fromkeys([*found.get(place, ()), *addresses]))
    return tuple(found.items())


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else str(value)
    return str(value)


def _hidden_url(url: str) -> str:
    # Passwords stand between the user and the last @ of the authority, or in the query
    url = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url)
    return re.sub(r"(?i)((?:password|passfile|sslpassword)=)[^&]*", r"\1***", url)


def _hidden_addresses(addresses: Addresses) -> str:
    # What follows the scheme is a robot's key, or a mailbox and its password
    shown = {place: ",".join(re.sub("://.*", "://***", address) for address in listed) for place, listed in addresses}
    return " ".join(f"{place}={listed}" for place, listed in shown.items())


def _read(
    parse: Callable[[str], Any], *, hide: Callable[[Any], str] | None = None, follows: str = ""
) -> dict[str, Any]:
    """How a field is read from `DAOCUN_<NAME>`.

    `hide` shows a secret without what is secret in it, `follows` a default that comes from another setting.
    """
    return {"parse": parse, "hide": hide or _shown, "follows": follows}


_METRES = _number(1, 1_000_000)
_SECONDS = _integer(0, 366 * 86_400)
_MEGA: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, with their defaults; made by `load`, or by keyword in tests.

    Names ending in `_m` are metres, `_s` seconds, `_h` hours, `_days` days, `_bytes` bytes.
    """

    home: Path = field(default=Path("."), metadata=_read(_path))
    database_url: str = field(
        default="", metadata=_read(_database_url, hide=_hidden_url, follows="sqlite:///<HOME>/daocun.db")
    )
    uploads: Path = field(default=Path(), metadata=_read(_path, follows="<HOME>/uploads"))
    timezone: ZoneInfo = field(default=ZoneInfo("Asia/Shanghai"), metadata=_read(_zone))
    service_from: date | None = field(default=None, metadata=_read(_day))
    public_url: str = field(default="", metadata=_read(_web_address))
    trusted_proxies: tuple[Network, ...] = field(default=(), metadata=_read(_networks))
    log_level: str = field(default="info", metadata=_read(_choice("debug", "info", "warning", "error")))
    log_format: str = field(default="json", metadata=_read(_choice("json", "text")))

    radius_village_m: float = field(default=500.0, metadata=_read(_METRES))
    radius_district_m: float = field(default=300.0, metadata=_read(_METRES))
    radius_township_m: float = field(default=500.0, metadata=_read(_METRES))
    radius_county_m: float = field(default=1000.0, metadata=_read(_METRES))
    place_slack_m: float = field(default=200.0, metadata=_read(_number(0, 100_000)))
    place_near: float = field(default=2.0, metadata=_read(_number(1, 100)))
    accuracy_limit_m: float = field(default=100.0, metadata=_read(_METRES))
    clock_future_s: int = field(default=300, metadata=_read(_SECONDS))
    clock_oldest_h: int = field(default=72, metadata=_read(_integer(1, 8784)))
    clock_skew_s: int = field(default=600, metadata=_read(_SECONDS))
    late_after_s: int = field(default=900, metadata=_read(_SECONDS))
    incomplete_days: int = field(default=7, metadata=_read(_integer(1, 366)))
    photos_visit: int = field(default=1, metadata=_read(_integer(0, 20)))
    photos_study: int = field(default=1, metadata=_read(_integer(0, 20)))
    photos_office: int = field(default=1, metadata=_read(_integer(0, 20)))
    photos_other: int = field(default=0, metadata=_read(_integer(0, 20)))
    photo_place_m: float = field(default=500.0, metadata=_read(_METRES))
    photo_before_s: int = field(default=7200, metadata=_read(_SECONDS))
    photo_after_s: int = field(default=900, metadata=_read(_SECONDS))
    photo_alike: int = field(default=93, metadata=_read(_integer(80, 100)))
    speed_kmh: float = field(default=150.0, metadata=_read(_number(1, 100_000)))

    pair_seconds: int = field(default=120, metadata=_read(_integer(1, 3600)))
    pair_m: float = field(default=20.0, metadata=_read(_number(0, 1000)))
    pair_times: int = field(default=3, metadata=_read(_integer(2, 1000)))

    appeal_days: int = field(default=30, metadata=_read(_integer(0, 3660)))
    paper_per_month: int = field(default=4, metadata=_read(_integer(0, 1000)))
    excuses_per_month: int = field(default=3, metadata=_read(_integer(0, 1000)))
    queue_days: int = field(default=2, metadata=_read(_integer(0, 366)))
    at_risk_weekday: int = field(default=5, metadata=_read(_integer(1, 7)))
    digest_addresses: Addresses = field(default=(), repr=False, metadata=_read(_addresses, hide=_hidden_addresses))
    digest_at: time = field(default=time(8), metadata=_read(_time))
    digest_language: Language = field(default="zh", metadata=_read(_choice(*LANGUAGES)))

    photo_max_bytes: int = field(default=8 * 1024 * 1024, metadata=_read(_integer(1024, 1024**3)))
    photo_max_pixels: int = field(default=50 * _MEGA, metadata=_read(_integer(10_000, 1000 * _MEGA)))
    photos_max: int = field(default=20, metadata=_read(_integer(1, 100)))
    json_max_bytes: int = field(default=64 * 1024, metadata=_read(_integer(1024, 16 * 1024**2)))
    multipart_max_bytes: int = field(default=32 * 1024**2, metadata=_read(_integer(1024, 1024**3)))
    export_max_bytes: int = field(default=1024**3, metadata=_read(_integer(1024, 64 * 1024**3)))
    import_max_bytes: int = field(default=64 * 1024**2, metadata=_read(_integer(1024, 4 * 1024**3)))

    token_days: int = field(default=180, metadata=_read(_integer(1, 3660)))
    activation_days: int = field(default=7, metadata=_read(_integer(1, 90)))
    activation_tries: int = field(default=5, metadata=_read(_integer(1, 5)))
    sign_in_tries: int = field(default=10, metadata=_read(_integer(1, 1000)))
    sign_in_window_s: int = field(default=900, metadata=_read(_integer(10, 86_400)))
    # A thousand phones may share one carrier address, and one phone may send 200 queued check-ins at once
    rate_address_per_minute: int = field(default=30_000, metadata=_read(_integer(0, 10_000_000)))
    rate_person_per_minute: int = field(default=1_200, metadata=_read(_integer(0, 10_000_000)))

    def __post_init__(self) -> None:
        if not self.database_url:
            path = (self.home / "daocun.db").resolve()
            object.__setattr__(self, "database_url", f"sqlite:///{path}")
        if self.uploads == Path():
            object.__setattr__(self, "uploads", self.home / "uploads")


def load(environ: Mapping[str, str]) -> Settings:
    """The settings of an environment; an empty variable counts as not set.

    Raises SettingsError, which lists every bad variable and what it should hold.
    """
    values: dict[str, Any] = {}
    bad: dict[str, _Expected] = {}
    for known in dataclasses.fields(Settings):
        raw = environ.get(variable(known.name), "").strip()
        if not raw:
            continue
        try:
            values[known.name] = known.metadata["parse"](raw)
        except _Expected as expected:
            bad[variable(known.name)] = expected
    if bad:
        raise SettingsError(bad)
    return Settings(**values)


def warnings(environ: Mapping[str, str]) -> list[str]:
    """A bilingual line for every `DAOCUN_*` variable that nothing reads, with the nearest real name."""
    names = [variable(known.name) for known in dataclasses.fields(Settings)]
    lines: list[str] = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            key = "settings.unknown-near" if near else "settings.unknown"
            lines.append(both(key, variable=name, near=near[0] if near else ""))
    return lines


def describe(settings: Settings, language: Language) -> list[SettingRow]:
    """Every setting with its meaning, default and present value, in order; secrets hidden."""
    return [
        SettingRow(
            variable(known.name),
            text(f"setting.{known.name}", language),
            known.metadata["follows"] or _shown(known.default),
            known.metadata["hide"](getattr(settings, known.name)),
        )
        for known in dataclasses.fields(Settings)
    ]


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()

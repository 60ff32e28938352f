"""What stands in the description of the API for a value to begin with: a check-in of the demo county, and its like."""

import re
from collections.abc import Mapping
from typing import Any, Final

from schemas.base import CODE, DAY, INSTANT, SHA256, UUID

_DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_VISIT: Final = "018c5c2e-7d11-7c3a-9f00-0d0f5b0a1c2d"
_INSTANT: Final = "2018-11-20T09:31:05+08:00"

# Bodies to try a call with, by the name of their schema
BODIES: Final[Mapping[str, dict[str, Any]]] = {
    "CheckInIn": {
        "activity": "visit",
        "place": "371481200268",
        "captured_at": _INSTANT,
        "position": {"latitude": 37.811268, "longitude": 117.012492, "accuracy_m": 12, "crs": "wgs84"},
        "photos": [_DIGEST],
        "functions": ["go-between"],
        "note": "",
    },
    "AdditionIn": {"photos": [_DIGEST], "withdrawn": [], "note": ""},
    "TokenIn": {"phone": "E200268", "password": "daocun-2018"},
    "ActivationIn": {"phone": "13800000000", "code": "K7WQ2-M9XPT", "password": "a long one of your own"},
}

_BY_NAME: Final[Mapping[str, Any]] = {
    "phone": "13800000000",
    "person": "E200268",
    "by": "R200",
    "id": "r12",
    "leave": "r12",
    "month": "2018-11",
    "password": "a long one of your own",
    "path": "/visits?format=csv",
    "token": "k3JxQ0bWm5vT9sYdLr2uHg7ZcNaEfP1i",
    "name": "王建国",
    "person_name": "王建国",
    "by_name": "李秀英",
    "place_name": "东赵村",
    "township_name": "西段乡",
    "unit": "乐陵市农业农村局",
    "duty": "envoy-weekly-visit",
    "window": "2018-W47",
    "latitude": 37.811268,
    "longitude": 117.012492,
    "accuracy_m": 12,
    "radius_m": 500,
    "reason": "",
    "note": "",
}
_BY_FORM: Final[Mapping[str, str]] = {
    CODE: "371481200268",
    DAY: "2018-11-20",
    INSTANT: _INSTANT,
    SHA256: _DIGEST,
    UUID: _VISIT,
}


def example(name: str, shown: Mapping[str, Any]) -> Any:
    """A value for a property or parameter of `swagger.json`; none where its type or its choices say enough."""
    kind = shown.get("type")
    if kind == "array":
        inner = example(name.removesuffix("s"), shown.get("items", {}))
        return None if inner is None else [inner]
    if "enum" in shown or kind not in ("string", "number", "integer"):
        return None
    if name == "code":  # of a person, or given once to activate an account
        named: Any = "K7WQ2M9XPT" if shown.get("minLength") == 10 else "E200268"
    else:
        named = _BY_NAME.get(name)
    if kind != "string":
        return named if isinstance(named, (int, float)) else None
    pattern = shown.get("pattern")
    if isinstance(named, str) and (pattern is None or re.search(pattern, named)) and _long_enough(named, shown):
        return named
    if pattern is None:
        return None
    for form, value in _BY_FORM.items():
        if pattern == f"^(?:{form})$":
            return value
    return next((text for text in ("", "示例") if re.search(pattern, text) and _long_enough(text, shown)), None)


def _long_enough(text: str, shown: Mapping[str, Any]) -> bool:
    return int(shown.get("minLength", 0)) <= len(text) <= int(shown.get("maxLength", 10_000))

"""Turns values into answers."""

from __future__ import annotations

import json
from typing import Any

from flask import Response

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def json_bytes(value: Any) -> bytes:
    """Compact JSON in UTF-8, with a newline at its end; raises ValueError for what is not finite."""
    return _json(value).encode() + b"\n"


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer, which nobody on the way may keep."""
    response = Response(json_bytes(value), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    for name, text in (headers or {}).items():
        response.headers[name] = text
    return response

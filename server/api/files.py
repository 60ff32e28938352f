"""Lists as files: any list answers `format=csv` or `xlsx`, and `geojson` where its rows have positions."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from flask import Response

from server.adapters import sheets
from server.api.responses import json_bytes
from server.domain.cells import Cell

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GEOJSON: Final = "application/geo+json"


def table(form: str, name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A table as a `csv` or `xlsx` file of this name (without its ending)."""
    stream = io.BytesIO()
    if form == "xlsx":
        sheets.write_xlsx(columns, rows, stream)
        return _file(stream.getvalue(), XLSX, f"{name}.xlsx")
    sheets.write_csv(columns, rows, stream)
    return _file(stream.getvalue(), f"{CSV}; charset=utf-8", f"{name}.csv")


def points(name: str, rows: Iterable[tuple[tuple[float, float] | None, dict[str, Any]]]) -> Response:
    """Positions (WGS-84 latitude, longitude; none: unknown) with their properties, as a GeoJSON file."""
    features = [
        {
            "type": "Feature",
            "geometry": None if point is None else {"type": "Point", "coordinates": [point[1], point[0]]},
            "properties": properties,
        }
        for point, properties in rows
    ]
    return _file(json_bytes({"type": "FeatureCollection", "features": features}), GEOJSON, f"{name}.geojson")


def _file(data: bytes, content_type: str, name: str) -> Response:
    response = Response(data, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response

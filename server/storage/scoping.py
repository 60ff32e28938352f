"""Area scope, as a condition that sits inside every query."""

from sqlalchemy import Column, ColumnElement, and_, false, or_

from server.domain.access import Scope


def inside(path: ColumnElement[str], area: str) -> ColumnElement[bool]:
    """Rows whose path begins with an area's path; a range, so that an index on the path serves."""
    # "0" follows "/" in code-point order, so this is every path that has the area as a prefix.
    return and_(path >= area, path < area[:-1] + "0")


def seen_by(scope: Scope, person: "Column[str]", path: ColumnElement[str]) -> ColumnElement[bool]:
    """Rows of the scope's person or inside its areas; none at all when it has neither."""
    conditions = [inside(path, area) for area in scope.areas]
    if scope.person is not None:
        conditions.append(person == scope.person)
    return or_(false(), *conditions)

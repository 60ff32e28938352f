"""What all tables share: their metadata, and constraints in few words."""

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

CRS = ("wgs84", "gcj02", "bd09")
GRANTS = ("reviewer", "supervisor", "auditor", "admin")
# SQLite numbers rows itself only in a column it calls INTEGER.
Serial = BigInteger().with_variant(Integer(), "sqlite")


def one_of(column: str, values: Iterable[str] | type[StrEnum], name: str | None = None) -> CheckConstraint:
    """A constraint that the column holds one of the values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name or column)


def span(column: str, least: float, most: float) -> CheckConstraint:
    """A constraint that the column, where it is given, lies between two numbers."""
    return CheckConstraint(f"{column} BETWEEN {least} AND {most}", name=column)

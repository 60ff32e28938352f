"""The base of every schema, and the fields that hold others; `values` has the kinds of value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

import marshmallow
from marshmallow import fields

from schemas.values import (
    CLOCK as CLOCK,
)
from schemas.values import (
    CODE as CODE,
)
from schemas.values import (
    DAY as DAY,
)
from schemas.values import (
    INSTANT as INSTANT,
)
from schemas.values import (
    SHA256 as SHA256,
)
from schemas.values import (
    UTC_INSTANT as UTC_INSTANT,
)
from schemas.values import (
    UUID as UUID,
)
from schemas.values import (
    Choice as Choice,
)
from schemas.values import (
    Code as Code,
)
from schemas.values import (
    Day as Day,
)
from schemas.values import (
    Fault as Fault,
)
from schemas.values import (
    Flag as Flag,
)
from schemas.values import (
    Instant as Instant,
)
from schemas.values import (
    Integer as Integer,
)
from schemas.values import (
    Matching as Matching,
)
from schemas.values import (
    Number as Number,
)
from schemas.values import (
    Password as Password,
)
from schemas.values import (
    QueryFlag as QueryFlag,
)
from schemas.values import (
    QueryInteger as QueryInteger,
)
from schemas.values import (
    Sha256 as Sha256,
)
from schemas.values import (
    Shown as Shown,
)
from schemas.values import (
    Text as Text,
)
from schemas.values import (
    UuidText as UuidText,
)
from schemas.values import (
    Value as Value,
)
from schemas.values import (
    field_errors as field_errors,
)
from schemas.values import (
    in_zone as in_zone,
)
from schemas.values import (
    instant_text as instant_text,
)
from schemas.values import (
    member as member,
)
from schemas.values import (
    refuse as refuse,
)

_ABSENT: Final = object()


class Base(marshmallow.Schema):
    """A schema that takes nothing it does not know."""

    error_messages: dict[str, str] = {  # noqa: RUF012  (marshmallow's own declaration)
        "unknown": Fault("unknown"),
        "type": Fault("type", expected="object"),
    }

    class Meta:
        unknown = marshmallow.RAISE

    def _deserialize(self, data: Any, *, many: bool = False, partial: Any = None, **kwargs: Any) -> Any:
        # What fits throughout, as nearly everything does, is taken without what marshmallow needs to collect errors.
        if type(data) is dict and not many and not partial:
            found = self._fitting(data)
            if found is not None:
                return found
        return super()._deserialize(data, many=many, partial=partial, **kwargs)

    def _fitting(self, data: dict[str, Any]) -> dict[str, Any] | None:
        found: dict[str, Any] = {}
        known = 0
        try:
            for name, key, field in self._readers():
                if key in data:
                    known += 1
                    found[name] = field.deserialize(data[key], key, data)
                else:
                    value = field.deserialize(marshmallow.missing, key, data)
                    if value is not marshmallow.missing:
                        found[name] = value
        except marshmallow.ValidationError:
            return None
        return found if known == len(data) else None

    def _readers(self) -> list[tuple[str, str, fields.Field[Any]]]:
        made: list[tuple[str, str, fields.Field[Any]]] | None = self.__dict__.get("readers")
        if made is None:
            made = [
                (field.attribute or name, field.data_key or name, field) for name, field in self.load_fields.items()
            ]
            self.__dict__["readers"] = made
        return made

    def _serialize(self, obj: Any, *, many: bool = False) -> Any:
        # marshmallow would ask each field how to find its value, which for us is a member of a dict or an attribute:
        # that is most of the cost of an answer.
        if many:
            return [self._serialize(one) for one in obj]
        found: dict[str, Any] = {}
        for name, key, written in self._writers():
            value = obj.get(name, _ABSENT) if isinstance(obj, dict) else getattr(obj, name, _ABSENT)
            if value is not _ABSENT:
                found[key] = value if written is None or value is None else written(value)
        return found

    def _writers(self) -> list[tuple[str, str, Callable[[Any], Any] | None]]:
        made: list[tuple[str, str, Callable[[Any], Any] | None]] | None = self.__dict__.get("writers")
        if made is None:
            made = [
                (field.attribute or name, field.data_key or name, _writer(field))
                for name, field in self.dump_fields.items()
            ]
            self.__dict__["writers"] = made
        return made


def _writer(field: fields.Field[Any]) -> Callable[[Any], Any] | None:
    """How a field's value is written when there is one; none: as it is."""
    if isinstance(field, Part):
        return field.schema.dump
    if isinstance(field, Items):
        inner = _writer(field.inner)
        if inner is None:
            return list
        return lambda values: [None if value is None else inner(value) for value in values]
    if type(field)._serialize is fields.Field._serialize:
        return None
    return lambda value: field._serialize(value, None, None)


class Items(Value, fields.List[Any]):
    """A list of so many entries, each different from the others if `unique`."""

    expected = "list"

    def __init__(
        self, inner: fields.Field[Any], least: int = 0, most: int = 200, *, unique: bool = False, **kwargs: Any
    ) -> None:
        fields.List.__init__(self, inner, **kwargs)
        self.least = least
        self.most = most
        self.unique = unique

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if not self.least <= len(value) <= self.most:
            raise refuse("count", min=self.least, max=self.most)
        loaded: list[Any] = fields.List._deserialize(self, value, attr, data, **kwargs)
        if self.unique:
            twice = {i: [Fault("duplicate")] for i, item in enumerate(loaded) if item in loaded[:i]}
            if twice:
                raise marshmallow.ValidationError(twice)
        return loaded

    def shown(self) -> Shown:
        shown: Shown = {"type": "array", "maxItems": self.most}
        if self.least:
            shown["minItems"] = self.least
        if self.unique:
            shown["uniqueItems"] = True
        return shown


class Part(Value, fields.Nested):
    """An object within the object, with a schema of its own."""

    expected = "object"

    def __init__(self, nested: Any, **kwargs: Any) -> None:
        fields.Nested.__init__(self, nested, **kwargs)

    def shown(self) -> Shown:
        return {}


class Free(Value):
    """An object of whatever members; only in answers."""

    expected = "object"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(dump_only=True, **kwargs)


class Nested(Value):
    """A list of lists of whatever depth, as GeoJSON has its coordinates; what is in them is for others to check."""

    expected = "list"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        return value

    def shown(self) -> Shown:
        return {"type": "array", "items": {}}


class Page(Base):
    """The base of what a list is asked with: `limit` entries after `cursor`."""

    limit = QueryInteger(1, 200, load_default=50)


class Cursor(Matching):
    """Where a list goes on: the sort key of its last row, made of the given forms.

    The whole of it is checked by its form, so that nobody can put anything else into the query.
    Clients take it as it is.
    """

    SEPARATOR: ClassVar = "~"

    def __init__(self, *forms: str, **kwargs: Any) -> None:
        super().__init__(self.SEPARATOR.join(f"(?:{form})" for form in forms), "cursor", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        if not isinstance(value, str) or not self._matches(value):
            raise refuse("cursor")
        return tuple(value.split(self.SEPARATOR))

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else self.SEPARATOR.join(value)

"""The kinds of value that schemas are made of, and how they say what does not fit.

Shape only: what exists in the world is for the services. Every refusal is a `Fault`, which carries a stable
code, and every rule a field applies is also in the property it gives `swagger.json`, so that what the
document allows is what is taken, and nothing else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, tzinfo
from enum import StrEnum
from typing import Any, ClassVar, Final

import marshmallow
from marshmallow import fields

from server.domain.problems import FieldError, Scalar
from server.domain.texts import UNSEEN, readable

# Exact to the day, so that a text which matches is a day or an instant and can be taken: years 2000 to 2099
_LEAP = "(?:[02468][048]|[13579][26])"
DAY: Final = (
    "20(?:[0-9]{2}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
)
CLOCK: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
INSTANT: Final = rf"{DAY}T{CLOCK}:[0-5][0-9](?:\.[0-9]{{1,9}})?(?:Z|[+-]{CLOCK})"
UTC_INSTANT: Final = rf"{DAY}T{CLOCK}:[0-5][0-9](?:\.[0-9]{{6}})?Z"
CODE: Final = "[A-Za-z0-9._-]{1,32}"
UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
SHA256: Final = "[0-9a-f]{64}"
# Tab and newlines are text; other control characters, separators of lines that only some programs know, marks that turn
# the direction of what follows, and halves of surrogate pairs, are not
_CONTROLS: Final = r"\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_LINES: Final = rf"[^\x00-\x08\x0b\x0c\x0e-\x1f{_CONTROLS}]"
_LINE: Final = rf"[^\x00-\x1f{_CONTROLS}]"
# As JavaScript reads patterns, in halves of surrogate pairs: tags and variants, beyond the first plane, are not seen
_SEEN: Final = rf"[^{UNSEEN}\udb40-\udb43\udc00-\udfff]"
_NAME: Final = re.compile("[A-Za-z0-9_-]{1,40}")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")

Shown = dict[str, Any]  # a JSON Schema property


class Fault(str):
    """Why a value does not fit: a code of `field.<code>` in the catalogues, and its placeholders."""

    __slots__ = ("params",)

    params: Mapping[str, Scalar]

    def __new__(cls, code: str, /, **params: Scalar) -> Fault:
        self = super().__new__(cls, code)
        self.params = params
        return self


def refuse(code: str, /, field_name: str = "_schema", **params: Scalar) -> marshmallow.ValidationError:
    """The error to raise for a fault, of a field or, by default, of the whole object."""
    return marshmallow.ValidationError([Fault(code, **params)], field_name)


def field_errors(error: marshmallow.ValidationError) -> tuple[FieldError, ...]:
    """A marshmallow error as field errors with JSON pointers, in the order of the schema; at most 100.

    What was sent is not repeated: the name of an unknown field only if it looks like a field's name.
    """
    found: list[FieldError] = []
    _collect("", error.messages, found)
    return tuple(found[:100])


def _collect(pointer: str, messages: Any, found: list[FieldError]) -> None:
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            _collect(pointer if key == "_schema" else member(pointer, str(key)), inner, found)
    elif isinstance(messages, Sequence) and not isinstance(messages, str):
        for inner in messages:
            _collect(pointer, inner, found)
    elif isinstance(messages, Fault):
        found.append(FieldError(pointer, str(messages), messages.params))
    else:
        # Only a validator of a library's own could say this; its words may repeat the input
        found.append(FieldError(pointer, "inconsistent"))


def member(pointer: str, name: str) -> str:
    """The pointer to a member; to its parent if the name is nothing like a field's, so as not to repeat it."""
    return f"{pointer}/{name}" if _NAME.fullmatch(name) else pointer


class Value(fields.Field[Any]):
    """What our fields share: faults instead of sentences."""

    expected: ClassVar[str] = "string"

    def make_error(self, key: str, **kwargs: Any) -> marshmallow.ValidationError:
        fault = {
            "required": Fault("required"),
            "null": Fault("null"),
            "validator_failed": Fault("inconsistent"),
            "invalid": Fault("type", expected=self.expected),
            "type": Fault("type", expected=self.expected),
        }[key]
        return marshmallow.ValidationError([fault])

    def shown(self) -> Shown:
        """The property for `swagger.json`."""
        return {"type": self.expected}


class Number(Value):
    """A finite JSON number between two limits, both included; neither a boolean nor a text."""

    expected = "number"

    def __init__(self, least: float, most: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least = least
        self.most = most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.make_error("invalid")
        if not math.isfinite(value):
            raise refuse("finite")
        if not self.least <= value <= self.most:
            raise refuse("range", min=self.least, max=self.most)
        return float(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> float | None:
        return None if value is None or not math.isfinite(value) else value

    def shown(self) -> Shown:
        return {"type": "number", "minimum": self.least, "maximum": self.most}


class Integer(Value):
    """A JSON integer between two limits, both included; `1.0` is one, as JSON Schema has it."""

    expected = "integer"

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least = least
        self.most = most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, float) and math.isfinite(value) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid")
        if not self.least <= value <= self.most:
            raise refuse("range", min=self.least, max=self.most)
        return value

    def shown(self) -> Shown:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class QueryInteger(Integer):
    """An integer written in a query."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not re.fullmatch(r"-?(?:0|[1-9][0-9]{0,17})", value):
            raise self.make_error("invalid")
        return super()._deserialize(int(value), attr, data, **kwargs)


class Flag(Value):
    """`true` or `false`."""

    expected = "boolean"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class QueryFlag(Flag):
    """`true` or `false` written in a query."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value not in ("true", "false"):
            raise self.make_error("invalid")
        return bool(value == "true")


class Text(Value):
    """A text of so many characters, without control characters; newlines only where `lines` says so.

    With `visible` it holds something that can be read.
    """

    def __init__(
        self, least: int = 0, most: int = 100, *, lines: bool = False, visible: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.least = least
        self.most = most
        self._visible = visible
        self._pattern = f"{_LINES if lines else _LINE}*"
        self._matches = re.compile(self._pattern).fullmatch

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not self.least <= len(value) <= self.most:
            raise refuse("length", min=self.least, max=self.most)
        if not self._matches(value) or _SURROGATE.search(value):
            raise refuse("characters")
        if self._visible and not readable(value):
            raise refuse("blank")
        return value

    def shown(self) -> Shown:
        return {
            "type": "string",
            "minLength": self.least,
            "maxLength": self.most,
            # In two steps above: in one, a long text that does not match would be tried at each of its characters
            "pattern": f"^{self._pattern}{_SEEN}{self._pattern}$" if self._visible else f"^{self._pattern}$",
        }


class Password(Text):
    """A password: long enough, and never in an answer."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(8, 200, load_only=True, **kwargs)

    def shown(self) -> Shown:
        return {**super().shown(), "format": "password"}


class Matching(Value):
    """A text of a fixed form, given as a regular expression that the whole of it matches."""

    def __init__(self, pattern: str, described_as: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pattern = pattern
        self._described_as = described_as
        self._matches = re.compile(pattern).fullmatch

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not self._matches(value):
            raise refuse("format", expected=self._described_as)
        return value

    def shown(self) -> Shown:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$"}


class Code(Matching):
    """The code of a place, a person or a duty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(CODE, "code", **kwargs)


class Sha256(Matching):
    """A SHA-256 digest in lower-case hexadecimal digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(SHA256, "sha256", **kwargs)


class UuidText(Matching):
    """A UUID in its canonical, lower-case form."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(UUID, "uuid", **kwargs)


class Day(Matching):
    """A local day, `YYYY-MM-DD`, as a `date`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(DAY, "day", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if isinstance(value, str) and not value.startswith("20") and _is_day(value):
            raise refuse("range", min="2000-01-01", max="2099-12-31")
        return date.fromisoformat(super()._deserialize(value, attr, data, **kwargs))

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.isoformat()


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


class Instant(Matching):
    """An RFC 3339 time with its offset, as an aware `datetime` in UTC, to the microsecond.

    An answer is written with the offset of the zone it is written `in_zone`, or else of the value's own.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(INSTANT, "instant", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if isinstance(value, str) and re.fullmatch(rf"{DAY}[T ]{CLOCK}(?::[0-5][0-9](?:\.[0-9]+)?)?", value):
            raise refuse("offset")
        return datetime.fromisoformat(super()._deserialize(value, attr, data, **kwargs)).astimezone(UTC)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        if value is None:
            return None
        zone = _zone.get()
        return instant_text(value if zone is None or value.tzinfo is None else value.astimezone(zone))


_zone: Final[ContextVar[tzinfo | None]] = ContextVar("zone", default=None)


@contextmanager
def in_zone(zone: tzinfo) -> Iterator[None]:
    """Has every instant written meanwhile in this zone, whatever its own."""
    before = _zone.set(zone)
    try:
        yield
    finally:
        _zone.reset(before)


def instant_text(value: datetime) -> str:
    """An aware time as RFC 3339 with its own offset, `Z` for UTC; raises ValueError for a naive one."""
    if value.tzinfo is None:
        raise ValueError("a naive time has no place in an answer")
    text = value.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


class Choice(Value):
    """One of the values of an enumeration, as that enumeration's member."""

    def __init__(self, choices: type[StrEnum] | Iterable[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._make: Callable[[str], str] = choices if isinstance(choices, type) else str
        self.choices = [str(choice) for choice in choices]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if value not in self.choices:
            raise refuse("choice", choices=", ".join(self.choices))
        return self._make(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else str(value)

    def shown(self) -> Shown:
        shown: Shown = {"type": "string", "enum": list(self.choices)}
        if self.allow_none:
            shown["enum"].append(None)
        return shown

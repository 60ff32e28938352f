"""The forms of what stands in a path; anything else is simply not found."""

from __future__ import annotations

from typing import ClassVar, Final

from flask import Flask
from werkzeug.routing import BaseConverter

from schemas.base import CODE, SHA256, UUID

PREFIX: Final = "/api/v1"


class _Form(BaseConverter):
    """A path part of a fixed form; the form is in `swagger.json` too."""

    pattern: ClassVar[str]


class UuidConverter(_Form):
    """A UUID, taken in capitals too, as some phones write it, and passed on in lower case."""

    regex = UUID.replace("a-f", "A-Fa-f")
    pattern = f"^{regex}$"

    def to_python(self, value: str) -> str:
        return value.lower()


class Sha256Converter(_Form):
    """A SHA-256 digest in lower-case hexadecimal digits."""

    regex = SHA256
    pattern = f"^{regex}$"


class CodeConverter(_Form):
    """The code of a place, a person or a duty."""

    regex = CODE
    pattern = f"^{regex}$"


class SecretConverter(_Form):
    """A secret of ours, as `secrets.new_token` makes them."""

    regex = "[A-Za-z0-9_-]{43}"
    pattern = f"^{regex}$"


CONVERTERS: dict[str, type[_Form]] = {
    "uuid": UuidConverter,
    "sha256": Sha256Converter,
    "code": CodeConverter,
    "secret": SecretConverter,
}


def install(app: Flask) -> None:
    """Makes `<uuid:…>`, `<sha256:…>`, `<code:…>` and `<secret:…>` known to the application's routes."""
    app.url_map.converters.update(CONVERTERS)

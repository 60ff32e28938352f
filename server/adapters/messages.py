"""The sentences we say to people, in Chinese and English, from the catalogues in `server/messages`."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final, Literal, cast

Language = Literal["zh", "en"]

LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")


def text(key: str, language: Language = "zh", /, **params: object) -> str:
    """The sentence under a dotted key, such as `problem.not-found`, with its placeholders filled.

    Raises KeyError for a key or a placeholder that the catalogue does not have.
    """
    return catalogue(language)[key].format(**params)


def both(key: str, /, **params: object) -> str:
    """The sentence in Chinese, then in English, as the command line prints it."""
    return f"{text(key, 'zh', **params)} / {text(key, 'en', **params)}"


def has(key: str) -> bool:
    """Whether the catalogues have this key."""
    return key in catalogue("zh")


@functools.cache
def catalogue(language: Language) -> Mapping[str, str]:
    """All sentences of one language, by dotted key; read once."""
    raw = resources.files("server").joinpath("messages", f"{language}.toml").read_text(encoding="utf-8")
    flat: dict[str, str] = {}
    _flatten("", tomllib.loads(raw), flat)
    return flat


def _flatten(prefix: str, table: Mapping[str, Any], flat: dict[str, str]) -> None:
    for name, value in table.items():
        if isinstance(value, dict):
            _flatten(f"{prefix}{name}.", cast(Mapping[str, Any], value), flat)
        elif isinstance(value, str):
            flat[prefix + name] = value
        else:
            raise TypeError(f"{prefix}{name} is not a sentence")

"""Signing in: what is sent, and what comes back."""

from __future__ import annotations

from schemas.base import Base, Choice, Code, Instant, Part, Text
from server.domain.accounts import PASSWORD_LEAST, PASSWORD_MOST


class NewPassword(Text):
    """A password to be: long enough."""

    def __init__(self) -> None:
        super().__init__(PASSWORD_LEAST, PASSWORD_MOST, required=True, load_only=True, metadata={"format": "password"})


class TokenIn(Base):
    """Who signs in: a phone number or the person's code. Shapes are not checked: a wrong one is just wrong."""

    phone = Text(1, 40, required=True)
    password = Text(1, 200, required=True, load_only=True, metadata={"format": "password"})


class ActivationIn(Base):
    """A one-time code, as typed, and the password to be."""

    phone = Text(1, 40, required=True)
    code = Text(1, 40, required=True)
    password = NewPassword()


class SignedInOut(Base):
    """The person who is signed in."""

    code = Code(required=True)
    name = Text(1, 100, required=True)
    phone = Text(0, 20, required=True)
    unit = Text(0, 100, required=True)
    language = Choice(("zh", "en"), required=True)


class TokenOut(Base):
    """A session: its token is shown this once."""

    token = Text(20, 200, required=True)
    expires_at = Instant(required=True)
    person = Part(SignedInOut, required=True)

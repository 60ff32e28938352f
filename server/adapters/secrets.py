"""Passwords, tokens and codes: made from the system's randomness, kept only as hashes."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import Type, hash_secret_raw

# OWASP's second choice for argon2id: 19 MiB, so that many may sign in at once on a small machine
_passwords: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODY: Final = _passwords.hash(secrets.token_urlsafe(32))


def new_token() -> str:
    """An opaque token that nobody can guess, safe in a header."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> bytes:
    """The 32 bytes under which a token is stored; it is random, so a plain digest gives nothing away."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def new_code(alphabet: str, length: int) -> str:
    """A random text of so many characters of the alphabet."""
    return "".join(secrets.choice(alphabet) for _ in range(length))


def code_digest(code: str, person: str) -> bytes:
    """The 32 bytes under which a one-time code for a person is stored: argon2id, for a code is short.

    At a low cost, for a sheet has a thousand of them, and none lives long.
    """
    salt = hashlib.sha256(b"activation\0" + person.encode()).digest()[:16]
    cost = {"time_cost": 1, "memory_cost": 2 * 1024, "parallelism": 1}
    return hash_secret_raw(code.encode(), salt, hash_len=32, type=Type.ID, **cost)


def same(one: bytes, other: bytes) -> bool:
    """Whether two digests are equal, in a time that does not tell where they differ."""
    return secrets.compare_digest(one, other)


def hash_password(password: str) -> str:
    """The argon2id hash of a password, with its salt and cost."""
    return _passwords.hash(password)


def password_fits(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; without a stored one just as much work, and never."""
    try:
        _passwords.verify(stored or _NOBODY, password)
    except (Argon2Error, InvalidHashError, UnicodeError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether a password was hashed at another cost than new ones are."""
    return _passwords.check_needs_rehash(stored)

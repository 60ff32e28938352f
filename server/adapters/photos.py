"""The original photos, kept under their SHA-256 digest and never altered.

A photo stands at `<root>/ab/cd/<digest>`. It is written to a temporary file on the same file system,
synced, checked, renamed, and the folder synced: when `receive` or `store` returns, it survives a power
cut; when they raise, nothing is left of it. The same photo received again is written again: that costs
what the first time cost, so no answer and no delay tells whether the server has seen it, and a copy
damaged on disk is healed.
"""

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import Protocol

from server.adapters import clock, pictures
from server.adapters.pictures import PictureFacts
from server.domain import problems
from server.domain.problems import Problem

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK = 256 * 1024  # bytes
_INCOMING = ".incoming"
_RENDITIONS = ".renditions"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_RETRY_FULL_S = 300
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL

# Folders whose own entry is known to be on disk. One that is there already may have been made by another
# process a moment ago and not be synced yet, so each process syncs the parent once.
_durable: set[str] = set()


class Stream(Protocol):
    """Anything that gives bytes until it is exhausted."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Received:
    """A photo on disk: its digest, its length in bytes, and what it says about itself."""

    digest: str
    length: int
    facts: PictureFacts


class PhotoStore:
    """The folder of original photos. Safe to use from many threads and processes at once."""

    __slots__ = ("root",)

    def __init__(self, root: Path) -> None:
        """Name the store's folder; it is made when the first photo comes."""
        self.root = root.absolute()

    def path(self, digest: str) -> Path:
        """Return where a photo stands or would stand; ValueError for what is not a lower-case hex digest."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError("not a SHA-256 digest in lower-case hexadecimal")
        return self.root / digest[:2] / digest[2:4] / digest

    def exists(self, digest: str) -> bool:
        """Say whether the photo of a digest is here."""
        return self.path(digest).is_file()

    def open(self, digest: str) -> BufferedReader:
        """Open the original for reading; FileNotFoundError if it is not here."""
        return self.path(digest).open("rb")

    def verify(self, digest: str) -> bool:
        """Say whether the photo is here and its content still has the digest."""
        try:
            with self.open(digest) as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == digest
        except FileNotFoundError:
            return False

    def can_write(self) -> bool:
        """Say whether new photos can be put here, as far as rights go; the folder need not be there yet."""
        folder = self.root
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)

    def age_s(self, digest: str, now: datetime) -> float:
        """Return for how many seconds a photo has been here; none at all if it is gone."""
        with suppress(FileNotFoundError):
            return now.timestamp() - self.path(digest).stat().st_mtime
        return 0.0

    def digests(self) -> Iterator[str]:
        """Yield the digest of every photo kept, in order."""
        for first in sorted(self.root.glob("[0-9a-f][0-9a-f]")):
            for second in sorted(first.glob("[0-9a-f][0-9a-f]")):
                yield from sorted(name for name in os.listdir(second) if _DIGEST.fullmatch(name))

    def receive(
        self,
        stream: Stream,
        digest: str,
        *,
        media_type: str,
        declared_length: int | None = None,
        limit: int,
        max_pixels: int = pictures.MAX_PIXELS,
    ) -> Received:
        """Read a photo from a stream to its end, check it, and keep it.

        `declared_length` is the length in bytes that the sender promised, if any; `limit` the most bytes we
        take. Raises Problem: PHOTO_TOO_LARGE, BODY_CUT (fewer bytes than promised), PHOTO_LENGTH (more),
        PHOTO_DIGEST, and those of `pictures.inspect`; UNAVAILABLE when the disk is full.
        """
        target = self.path(digest)
        if declared_length is not None and declared_length > limit:
            raise _too_large(limit)
        most = limit if declared_length is None else declared_length
        hasher = hashlib.sha256()
        length = 0
        with self._temporary() as (temporary, handle):
            while chunk := stream.read(_CHUNK):
                length += len(chunk)
                if length > most:
                    raise _too_large(limit) if declared_length is None else Problem(problems.PHOTO_LENGTH)
                hasher.update(chunk)
                _write(handle, chunk)
            _check_length_and_digest(length, declared_length, hasher.hexdigest(), digest)
            facts = pictures.inspect(temporary, media_type, max_pixels=max_pixels)
            self._keep(temporary, handle, target)
        return Received(digest, length, facts)

    def store(
        self,
        data: bytes,
        digest: str,
        *,
        media_type: str,
        declared_length: int | None = None,
        limit: int,
        max_pixels: int = pictures.MAX_PIXELS,
    ) -> Received:
        """Check and keep a photo that is already in memory; as `receive`, but a bad one costs no writing."""
        received = self.check(
            data, digest, media_type=media_type, declared_length=declared_length, limit=limit, max_pixels=max_pixels
        )
        self.keep(data, digest)
        return received

    def check(
        self,
        data: bytes,
        digest: str | None,
        *,
        media_type: str,
        declared_length: int | None = None,
        limit: int,
        max_pixels: int = pictures.MAX_PIXELS,
    ) -> Received:
        """Check a photo that is in memory, and keep nothing; any digest will do for `None`. Raises as `receive`."""
        if digest is not None:
            self.path(digest)
        if len(data) > limit:
            raise _too_large(limit)
        found = hashlib.sha256(data).hexdigest()
        _check_length_and_digest(len(data), declared_length, found, digest or found)
        return Received(found, len(data), pictures.inspect(data, media_type, max_pixels=max_pixels))

    def keep(self, data: bytes, digest: str) -> None:
        """Put a checked photo on disk, durably."""
        target = self.path(digest)
        with self._temporary() as (temporary, handle):
            _write(handle, data)
            self._keep(temporary, handle, target)

    def sweep_temporary(self, older_than_s: float) -> int:
        """Remove what crashed uploads left behind, if older than so many seconds; return how many."""
        limit = clock.now().timestamp() - older_than_s
        removed = 0
        for file in (self.root / _INCOMING).glob("*"):
            with suppress(FileNotFoundError):  # another process sweeps too, or the upload has just ended
                if file.stat().st_mtime <= limit:
                    file.unlink()
                    removed += 1
        return removed

    @contextmanager
    def _temporary(self) -> Iterator[tuple[Path, int]]:
        """Give a new file and its open handle; the file is gone afterwards unless it was renamed."""
        path = self.root / _INCOMING / secrets.token_hex(16)
        try:
            try:
                handle = os.open(path, _NEW, 0o640)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                handle = os.open(path, _NEW, 0o640)
            try:
                yield path, handle
            except BaseException:
                path.unlink(missing_ok=True)
                raise
            finally:
                os.close(handle)
        except OSError as error:
            if error.errno in _FULL:
                raise Problem(problems.UNAVAILABLE, retry_after=_RETRY_FULL_S) from error
            raise

    def _keep(self, temporary: Path, handle: int, target: Path) -> None:
        folder = str(target.parent)
        # Made before the file is synced: journals then carry folder and file in one commit.
        if folder not in _durable:
            os.makedirs(folder, exist_ok=True)
        os.fsync(handle)
        try:
            os.rename(temporary, target)
        except FileNotFoundError:  # somebody has put another, empty folder in its stead
            _durable.clear()
            os.makedirs(folder, exist_ok=True)
            os.rename(temporary, target)
        _sync_folder(folder)
        if folder not in _durable:
            _sync_parents(folder, str(self.root))

    def settle(self) -> None:
        """Make sure that the folders which are here are on disk, so that no photo has to wait for that.

        For the start of a process, in the background: some hundred milliseconds.
        """
        root = str(self.root)
        with suppress(OSError):  # then each photo sees to its own folder
            for first in self.root.glob("[0-9a-f][0-9a-f]"):
                inside = [f"{first}/{name}" for name in os.listdir(first)]
                _sync_folder(str(first))  # after they were listed: what was there then is on disk now
                _sync_parents(str(first), root)
                _durable.update(inside)


class Renditions:
    """Smaller copies of the photos in a store, made when first asked for and kept beside it.

    A cache: the folder `.renditions` may be removed at any time.
    """

    def __init__(self, store: PhotoStore) -> None:
        self._store = store
        self._root = store.root / _RENDITIONS

    def get(self, digest: str, size: pictures.Size) -> bytes:
        """Return the JPEG copy in a size; FileNotFoundError without the original, Problem as `rendition`."""
        original = self._store.path(digest)
        kept = self._root / size / digest[:2] / f"{digest}.jpg"
        with suppress(OSError):
            data = kept.read_bytes()
            # Copies are not synced: one that a power cut left empty or half is made again.
            if data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9":
                return data
        data = pictures.rendition(original, size)
        # A full disk is no reason not to show the picture.
        with suppress(OSError):
            _replace(kept, data)
        return data


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(secrets.token_hex(16))
    try:
        temporary.write_bytes(data)
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _check_length_and_digest(length: int, declared: int | None, digest: str, expected: str) -> None:
    if declared is not None and length != declared:
        raise Problem(problems.BODY_CUT if length < declared else problems.PHOTO_LENGTH)
    if digest != expected:
        raise Problem(problems.PHOTO_DIGEST)


def _too_large(limit: int) -> Problem:
    return Problem(problems.PHOTO_TOO_LARGE, params={"limit_mb": f"{limit / 1_000_000:g}"})


def _write(handle: int, data: bytes) -> None:
    written = os.write(handle, data)
    while written < len(data):
        written += os.write(handle, memoryview(data)[written:])


def _sync_folder(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_parents(folder: str, root: str) -> None:
    """Sync the folders in which a folder and those above it are entered, up to the one that holds the root."""
    above = os.path.dirname(root)
    while folder != above and folder not in _durable:
        parent = os.path.dirname(folder)
        _sync_folder(parent)
        _durable.add(folder)
        folder = parent

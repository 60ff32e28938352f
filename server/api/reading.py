"""Reads what was sent, strictly: whole, of the right type, within its limit, and only then parsed."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import marshmallow
from flask import Request, current_app
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_etags, parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from schemas.base import field_errors, member
from server.domain import problems
from server.domain.problems import FieldError, Problem

MAX_DEPTH: Final = 16
_MAX_DIGITS: Final = 40


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a multipart body: its declared media type, and its bytes."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Multipart:
    """A multipart body taken apart: the JSON of its one named part, and its files in order."""

    value: Any
    files: tuple[Upload, ...]


def json_body(request: Request, schema: marshmallow.Schema, limit: int) -> Any:
    """The body as the schema loads it; `limit` is in bytes.

    Raises Problem: 415 for another type, 413 over the limit, 400 if cut off or no JSON, 422 if it does not fit.
    """
    expect_type(request, "application/json")
    return load(schema, parse_json(raw_body(request, limit)))


def expect_type(request: Request, *media_types: str) -> str:
    """The declared media type, which must be one of these; raises Problem 415."""
    media_type = request.mimetype
    if media_type not in media_types:
        raise Problem(problems.UNSUPPORTED_TYPE)
    charset = request.mimetype_params.get("charset", "utf-8")
    if media_type == "application/json" and charset.lower() not in ("utf-8", "utf8"):
        raise Problem(problems.UNSUPPORTED_TYPE)
    return media_type


def if_match(request: Request) -> frozenset[int] | None:
    """The versions that `If-Match` names, as our `ETag`s do, any of which will do; none if any at all will.

    What can be no version is left out; a weak tag never matches (RFC 9110, 13.1.1).
    """
    sent = request.headers.get("If-Match", "*")
    if sent.strip() == "*":
        return None
    return frozenset(int(tag) for tag in parse_etags(sent).as_set() if re.fullmatch("[1-9][0-9]{0,8}", tag))


def raw_body(request: Request, limit: int, too_large: Problem | None = None, cut: Problem | None = None) -> bytes:
    """The whole body, of at most `limit` bytes.

    The server hands over a body that was cut off half-way as a short or empty one and says nothing, so its
    length is compared with the declared one. Raises Problem 413, 400 if it was cut off, 411 if nobody said how
    long it is; `too_large` and `cut` in their place, if given; 503 while too many bodies are under way; and 401 or 403
    if the caller has no right any more.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(problems.UNSUPPORTED_TYPE)
    declared = declared_length(request)
    if declared > limit:
        raise too_large or Problem(problems.TOO_LARGE)
    with current_app.extensions.get("daocun.bodies", contextlib.nullcontext)():
        data = _read(request, declared)
    if len(data) != declared:
        raise cut or Problem(problems.BODY_CUT)
    if received := current_app.extensions.get("daocun.receiver"):
        received()
    return data


def declared_length(request: Request) -> int:
    """The Content-Length in bytes, 0 without a body; raises Problem 400 for nonsense, 411 for a body without one.

    Bodies in chunks are refused: the server does not tell one that was cut off from one that ended.
    """
    raw = request.environ.get("CONTENT_LENGTH", "")
    if request.environ.get("HTTP_TRANSFER_ENCODING"):
        raise Problem(problems.LENGTH_REQUIRED)
    if raw == "":
        if request.environ.get("wsgi.input_terminated") and request.environ["wsgi.input"].read(1):
            raise Problem(problems.LENGTH_REQUIRED)
        return 0
    if not re.fullmatch("[0-9]{1,18}", raw):
        raise Problem(problems.BAD_REQUEST)
    return int(raw)


def _read(request: Request, length: int) -> bytes:
    # Straight from the server, for werkzeug would pass over in silence what we refuse
    stream = request.environ["wsgi.input"]
    pieces: list[bytes] = []
    missing = length
    try:
        while missing > 0 and (piece := stream.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
    except OSError:
        return b""
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class _Twice(dict[str, Any]):
    """A JSON object in which some keys stood more than once."""

    keys_twice: tuple[str, ...] = ()


def parse_json(data: bytes) -> Any:
    """The value of a JSON text in UTF-8, of limited depth.

    NaN, infinities and numbers beyond a float come out as not finite, for the schema to refuse at their place.
    Raises Problem: 400 for what is no JSON, 422 for keys that stand twice.
    """
    twice: list[FieldError] = []
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_object, parse_int=_integer)
        _walk("", value, 1, twice)
    except (ValueError, RecursionError):
        raise Problem(problems.MALFORMED_BODY) from None
    if twice:
        raise Problem(problems.INVALID, errors=twice[:100])
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = _Twice(found)
    counts = Counter(name for name, _ in pairs)
    twice.keys_twice = tuple(name for name, count in counts.items() if count > 1)
    return twice


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else math.inf


def _walk(pointer: str, value: Any, depth: int, twice: list[FieldError]) -> None:
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        if isinstance(value, _Twice):
            twice.extend(FieldError(member(pointer, name), "duplicate") for name in value.keys_twice)
        for name, inner in value.items():
            _walk(member(pointer, name), inner, depth + 1, twice)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _walk(f"{pointer}/{index}", inner, depth + 1, twice)


def load(schema: marshmallow.Schema, value: Any) -> Any:
    """What the schema makes of a value; raises Problem 422 with every error, without repeating the value."""
    try:
        return schema.load(value)
    except marshmallow.ValidationError as error:
        refused = Problem(problems.INVALID, errors=field_errors(error))
    # Outside the handler: a marshmallow error holds the submitted data, and would go along as the context
    raise refused


def query(request: Request, schema: marshmallow.Schema) -> Any:
    """The query as the schema loads it; raises Problem 422, also for a parameter given twice."""
    values: dict[str, str] = {}
    twice: list[FieldError] = []
    for name, given in request.args.lists():
        if len(given) > 1:
            twice.append(FieldError(member("", name), "repeated"))
        values[name] = given[0]
    if twice:
        raise Problem(problems.INVALID, errors=twice[:100])
    return load(schema, values)


def multipart(
    request: Request, part: str, *, json_limit: int, file_limit: int, files_limit: int, total_limit: int
) -> Multipart:
    """A `multipart/form-data` body of one JSON part named `part` and files; limits in bytes and files.

    Raises Problem: 400 if malformed or cut off, 413 over a limit, 422 for a missing or an unknown part.
    """
    expect_type(request, "multipart/form-data")
    boundary = request.mimetype_params.get("boundary", "")
    # RFC 2046 says at most 70 characters; clients write longer ones.
    if not re.fullmatch(r"[ -~]{0,199}[!-~]", boundary):
        raise Problem(problems.MALFORMED_MULTIPART)
    body = raw_body(request, total_limit)
    parts = _take_apart(body, boundary.encode("ascii"), files_limit + 1)
    texts: list[bytes] = []
    files: list[Upload] = []
    for head, data in parts:
        if head.name == part:
            texts.append(data)
        elif isinstance(head, File) or head.headers.get("Content-Type", "").startswith("image/"):
            if len(data) > file_limit:
                raise Problem(problems.PHOTO_TOO_LARGE, params={"limit_mb": _megabytes(file_limit)})
            media_type = parse_options_header(head.headers.get("Content-Type", ""))[0]
            files.append(Upload(head.name, media_type, data))
        else:
            raise problems.invalid(member("", head.name), "unknown")
    if not texts:
        raise problems.invalid("", "missing-part", part=part)
    if len(texts) > 1:
        raise problems.invalid(f"/{part}", "duplicate")
    if len(texts[0]) > json_limit:
        raise Problem(problems.TOO_LARGE)
    return Multipart(parse_json(texts[0]), tuple(files))


def _take_apart(body: bytes, boundary: bytes, most: int) -> list[tuple[Field | File, bytes]]:
    decoder = MultipartDecoder(boundary, max_parts=most)
    parts: list[tuple[Field | File, list[bytes]]] = []
    try:
        for piece in (*_cut(body, b"--" + boundary, most), None):
            decoder.receive_data(piece)
            while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
                if isinstance(event, Field | File):
                    _check_head(event)
                    parts.append((event, []))
                elif isinstance(event, Data):
                    parts[-1][1].append(event.data)
    except RequestEntityTooLarge:
        raise Problem(problems.TOO_LARGE) from None
    except (ValueError, AttributeError, LookupError):
        raise Problem(problems.MALFORMED_MULTIPART) from None
    return [(head, pieces[0] if len(pieces) == 1 else b"".join(pieces)) for head, pieces in parts]


def _cut(body: bytes, delimiter: bytes, most: int) -> Iterator[bytes]:
    """The body in pieces that end just before a delimiter, but for the last; some `most` pieces, not more.

    In a piece that holds a delimiter the decoder looks at every byte up to it one by one: three milliseconds a photo.
    """
    begin = 0
    at = body.find(delimiter)
    for _ in range(most):
        at = body.find(delimiter, at + 1) if at >= 0 else -1
        if at < 0:
            break
        end = max(begin, at - 2)
        yield body[begin:end]
        begin = end
    yield body[begin:]


def _check_head(head: Field | File) -> None:
    encoding = head.headers.get("Content-Transfer-Encoding", "binary").lower()
    if not head.name or encoding not in ("binary", "8bit", "7bit"):
        raise Problem(problems.MALFORMED_MULTIPART)


def _megabytes(limit: int) -> str:
    return f"{limit / 1024**2:.3g}"

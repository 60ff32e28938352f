"""A multipart body is taken apart alike whether the decoder gets it in pieces or whole."""

from hypothesis import given
from hypothesis import strategies as st
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder

from server.api.reading import _cut, _take_apart
from server.domain.problems import Problem

BOUNDARY = b"xx"
# Whatever may look like a delimiter, or a piece of one
PIECES = [b"--xx", b"--xx--", b"\r\n", b"\n", b"-", b"--", b"x", b"\x00\xff", b"name",
          b'Content-Disposition: form-data; name="a"',
          b'Content-Disposition: form-data; name="b"; filename="c"', b"\r\n\r\n"]  # fmt: skip

bodies = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
contents = st.lists(st.sampled_from([*PIECES[2:8], b"\r\n--x", b"-xx"]), max_size=12).map(b"".join)


def whole(body: bytes, most: int) -> list[tuple[str | None, bytes]] | None:
    decoder = MultipartDecoder(BOUNDARY, max_parts=most)
    parts: list[tuple[str | None, bytes]] = []
    try:
        decoder.receive_data(body)
        decoder.receive_data(None)
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, Field | File):
                parts.append((event.name, b""))
            elif isinstance(event, Data):
                parts[-1] = (parts[-1][0], parts[-1][1] + event.data)
    except Exception:
        return None
    return None if any(not name for name, _ in parts) else parts


def in_pieces(body: bytes, most: int) -> list[tuple[str | None, bytes]] | None:
    try:
        return [(head.name, data) for head, data in _take_apart(body, BOUNDARY, most)]
    except Problem:
        return None


@given(bodies, st.integers(1, 4))
def test_any_bytes_at_all(body: bytes, most: int) -> None:
    assert in_pieces(body, most) == whole(body, most)


@given(st.lists(contents, min_size=1, max_size=5), st.integers(1, 4))
def test_parts_with_contents_that_look_like_delimiters(parts: list[bytes], most: int) -> None:
    head = b'\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
    body = b"".join(b"--" + BOUNDARY + head + part + b"\r\n" for part in parts) + b"--" + BOUNDARY + b"--\r\n"
    assert in_pieces(body, most) == whole(body, most)


@given(bodies, st.integers(1, 4))
def test_nothing_is_lost_or_doubled(body: bytes, most: int) -> None:
    assert b"".join(_cut(body, b"--" + BOUNDARY, most)) == body


def test_a_body_full_of_delimiters_is_cut_only_so_often() -> None:
    assert len(list(_cut(b"--xx" * 100_000, b"--xx", 21))) == 22

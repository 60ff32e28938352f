"""Phones that check in as fast as they are answered, over plain sockets: they must cost less than what they measure."""

import hashlib
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bench.county import Envoy

Call = tuple[bytes, ...]  # what is sent, head and body, in pieces
Way = Callable[[Envoy, "Photo"], Iterator[Call]]  # the calls of one check-in, one after the other

_BOUNDARY = b"----daocun-bench"


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo unlike every other, made for next to nothing: all but its last bytes are the same."""

    head: bytes
    tail: bytes
    digest: str

    def __len__(self) -> int:
        return len(self.head) + len(self.tail)


class Camera:
    """Takes photos of so many bytes, give or take a few percent."""

    def __init__(self, size: int) -> None:
        self._head = _picture(size)[:-34]
        self._hash = hashlib.sha256(self._head)

    def photo(self) -> Photo:
        """A new photo; the digits before its end are picture data like the rest."""
        tail = os.urandom(16).hex().encode() + b"\xff\xd9"
        digest = self._hash.copy()
        digest.update(tail)
        return Photo(self._head, tail, digest.hexdigest())


def _picture(size: int) -> bytes:
    import io

    from PIL import Image

    data = b""
    noise = Image.effect_noise((1280, 960), 40).convert("RGB")
    for quality in range(10, 96):
        buffer = io.BytesIO()
        noise.save(buffer, "JPEG", quality=quality)
        data = buffer.getvalue()
        if len(data) >= size:
            break
    return data


def in_one_call(envoy: Envoy, photo: Photo) -> Iterator[Call]:
    """One multipart call with the photo."""
    visit = _json(envoy, photo.digest)
    first = (
        b'--%b\r\nContent-Disposition: form-data; name="visit"\r\nContent-Type: application/json\r\n\r\n%b\r\n'
        b'--%b\r\nContent-Disposition: form-data; name="photo"; filename="photo.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n" % (_BOUNDARY, visit, _BOUNDARY)
    )
    last = b"\r\n--%b--\r\n" % _BOUNDARY
    length = len(first) + len(photo) + len(last)
    kind = b"multipart/form-data; boundary=" + _BOUNDARY
    path = f"/api/v1/visits/{uuid.uuid4()}"
    yield _head(path, envoy, kind, length) + first, photo.head, photo.tail + last


def in_two_calls(envoy: Envoy, photo: Photo) -> Iterator[Call]:
    """The check-in that announces the photo, then the photo."""
    visit, path = _json(envoy, photo.digest), f"/api/v1/visits/{uuid.uuid4()}"
    yield (_head(path, envoy, b"application/json", len(visit)) + visit,)
    yield _head(f"{path}/photos/{photo.digest}", envoy, b"image/jpeg", len(photo)), photo.head, photo.tail


def without_photo(envoy: Envoy, _photo: Photo) -> Iterator[Call]:
    """A check-in that no photo belongs to."""
    visit = _json(envoy, None)
    yield (_head(f"/api/v1/visits/{uuid.uuid4()}", envoy, b"application/json", len(visit)) + visit,)


def _json(envoy: Envoy, digest: str | None) -> bytes:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    photos = f'"{digest}"' if digest else ""
    return (
        f'{{"activity":"{"visit" if digest else "other"}","place":"{envoy.village}","captured_at":"{at}",'
        f'"position":{{"latitude":{envoy.latitude + 0.0003:.6f},"longitude":{envoy.longitude:.6f},"accuracy_m":12.5,'
        f'"crs":"wgs84"}},"functions":["policy-explainer"],"note":"看望老党员","photos":[{photos}],'
        f'"device":{{"sent_at":"{at}","skew_s":0.4,"offline":false}}}}'
    ).encode()


def _head(path: str, envoy: Envoy, kind: bytes, length: int) -> bytes:
    return (
        f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {envoy.token}\r\n"
        f"Accept: application/json\r\nAccept-Language: zh-CN\r\nUser-Agent: Mozilla/5.0 (Linux; Android 10)\r\n"
        f"Content-Type: {kind.decode()}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


class Phone:
    """One connection that is kept open."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, pieces: Call) -> int:
        """The status of the answer; raises OSError when the server hangs up."""
        missing = sum(map(len, pieces)) - self._socket.sendmsg(pieces)
        if missing:
            self._socket.sendall(b"".join(pieces)[-missing:])
        answer = self._socket.recv(65_536)
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._more()
        head = answer[:end].lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        left = length - (len(answer) - end - 4)
        while left > 0:
            left -= len(self._more())
        return int(head[9:12])

    def _more(self) -> bytes:
        more = self._socket.recv(65_536)
        if not more:
            raise OSError("the server hung up")
        return more

    def close(self) -> None:
        """Hangs up."""
        self._socket.close()


@dataclass(slots=True)
class Measured:
    """The check-ins of one stretch of time: how long each took, in seconds, and how many went wrong."""

    seconds: float = 0.0
    took: list[float] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Check-ins a second."""
        return len(self.took) / self.seconds

    def percentile(self, share: float) -> float:
        """The time within which this share of the check-ins was answered, in milliseconds."""
        return sorted(self.took)[min(len(self.took) - 1, int(len(self.took) * share))] * 1000 if self.took else 0.0

    def add(self, other: "Measured") -> None:
        """Takes another stretch in."""
        self.seconds += other.seconds
        self.took += other.took
        for status, number in other.refused.items():
            self.refused[status] = self.refused.get(status, 0) + number


class Crowd:
    """So many phones at one server; each check-in is the next envoy's."""

    def __init__(self, port: int, phones: int, envoys: Iterator[Envoy], camera: Camera) -> None:
        self._phones = [Phone(port) for _ in range(phones)]
        self._envoys = envoys
        self._camera = camera

    def check_in(self, way: Way, seconds: float) -> Measured:
        """Lets all of them check in for so long."""
        begun = time.perf_counter()
        results = [Measured() for _ in self._phones]
        threads = [
            threading.Thread(target=self._go_on, args=(phone, way, begun + seconds, result))
            for phone, result in zip(self._phones, results, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        together = Measured(time.perf_counter() - begun)
        for result in results:
            together.add(result)
        return together

    def _go_on(self, phone: Phone, way: Way, until: float, result: Measured) -> None:
        while time.perf_counter() < until:
            calls = [(time.perf_counter(), phone.call(call)) for call in way(next(self._envoys), self._camera.photo())]
            bad = [status for _, status in calls if status != 201]
            if bad:
                result.refused[bad[0]] = result.refused.get(bad[0], 0) + 1
            else:
                result.took.append(time.perf_counter() - calls[0][0])

    def close(self) -> None:
        """Hangs up, all of them."""
        for phone in self._phones:
            phone.close()

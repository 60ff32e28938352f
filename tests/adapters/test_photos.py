import io
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from server.adapters import clock, photos
from server.adapters.photos import PhotoStore, Renditions
from server.domain import problems
from server.domain.problems import Kind, Problem
from tests.adapters.samples import DONGZHAO_GPS, TAKEN, digest, encoded, exif_block, jpeg, png_claiming, scene

LIMIT = 8_000_000
PHOTO = jpeg(exif_block(exif={TAKEN: "2018:11:20 09:31:05"}, gps=DONGZHAO_GPS))
NAME = digest(PHOTO)

Way = Callable[..., photos.Received]


@pytest.fixture
def store(tmp_path: Path) -> PhotoStore:
    return PhotoStore(tmp_path / "uploads")


@pytest.fixture(params=["received", "stored"])
def keep(request: pytest.FixtureRequest, store: PhotoStore) -> Way:
    """Both ways into the store, with the same arguments."""

    def way(
        data: bytes, name: str, *, declared: int | None = None, limit: int = LIMIT, media_type: str = "image/jpeg"
    ) -> photos.Received:
        options = {"media_type": media_type, "declared_length": declared, "limit": limit}
        if request.param == "received":
            return store.receive(io.BytesIO(data), name, **options)  # type: ignore[arg-type]
        return store.store(data, name, **options)  # type: ignore[arg-type]

    return way


def files(store: PhotoStore) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file()]


def test_a_photo_is_kept_under_its_digest_unaltered(keep: Way, store: PhotoStore) -> None:
    received = keep(PHOTO, NAME, declared=len(PHOTO))
    assert files(store) == [store.root / NAME[:2] / NAME[2:4] / NAME]
    assert store.path(NAME).read_bytes() == PHOTO
    assert (received.digest, received.length) == (NAME, len(PHOTO))
    assert received.facts.latitude == pytest.approx(37.811267, abs=1e-6)
    assert received.facts.taken_at == datetime.fromisoformat("2018-11-20T09:31:05")
    assert store.exists(NAME)
    assert store.verify(NAME)
    assert list(store.digests()) == [NAME]
    with store.open(NAME) as file:
        assert file.read() == PHOTO


def test_a_kept_photo_is_not_for_everyone_on_the_machine(keep: Way, store: PhotoStore) -> None:
    keep(PHOTO, NAME)
    assert not stat.S_IMODE(store.path(NAME).stat().st_mode) & 0o007


def test_the_same_photo_again_is_the_same_photo(keep: Way, store: PhotoStore) -> None:
    assert keep(PHOTO, NAME) == keep(PHOTO, NAME)
    assert len(files(store)) == 1


def test_a_copy_damaged_on_disk_is_healed_by_sending_it_again(keep: Way, store: PhotoStore) -> None:
    keep(PHOTO, NAME)
    store.path(NAME).write_bytes(PHOTO[:-1] + b"\0")
    assert not store.verify(NAME)
    keep(PHOTO, NAME)
    assert store.verify(NAME)


HALF = PHOTO[: len(PHOTO) // 2]
BAD: dict[str, tuple[bytes, dict[str, object], Kind]] = {
    "another digest": (PHOTO, {"name": digest(b"other")}, problems.PHOTO_DIGEST),
    "a body cut off": (HALF, {"name": NAME, "declared": len(PHOTO)}, problems.BODY_CUT),
    "no body": (b"", {"name": NAME, "declared": len(PHOTO)}, problems.BODY_CUT),
    "a body too long": (PHOTO, {"name": NAME, "declared": len(PHOTO) - 1}, problems.PHOTO_LENGTH),
    "over the limit": (PHOTO, {"name": NAME, "limit": len(PHOTO) - 1}, problems.PHOTO_TOO_LARGE),
    "announced over the limit": (PHOTO, {"name": NAME, "limit": 9, "declared": len(PHOTO)}, problems.PHOTO_TOO_LARGE),
    "half a photo with its own digest": (HALF, {"name": digest(HALF)}, problems.PHOTO_TRUNCATED),
    "nothing with its own digest": (b"", {"name": digest(b"")}, problems.PHOTO_UNREADABLE),
    "text with its own digest": (b"text", {"name": digest(b"text")}, problems.PHOTO_UNREADABLE),
    "another type": (PHOTO, {"name": NAME, "media_type": "image/png"}, problems.PHOTO_TYPE),
    "too many pixels": (
        png_claiming(20_000, 20_000),
        {"name": digest(png_claiming(20_000, 20_000)), "media_type": "image/png"},
        problems.PHOTO_TOO_MANY_PIXELS,
    ),
}


@pytest.mark.parametrize(("data", "options", "kind"), BAD.values(), ids=BAD)
def test_a_bad_photo_is_refused_and_leaves_nothing(
    data: bytes, options: dict[str, object], kind: Kind, keep: Way, store: PhotoStore
) -> None:
    with pytest.raises(Problem) as raised:
        keep(data, **options)
    assert raised.value.kind == kind
    assert files(store) == []


def test_a_refused_photo_leaves_the_kept_one_alone(keep: Way, store: PhotoStore) -> None:
    keep(PHOTO, NAME)
    with pytest.raises(Problem):
        keep(HALF, NAME)
    assert store.verify(NAME)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", NAME.upper(), NAME[:-1], NAME + "\n", "g" * 64])
def test_a_name_that_is_no_digest_never_reaches_the_disk(name: str, keep: Way, store: PhotoStore) -> None:
    with pytest.raises(ValueError, match="not a SHA-256 digest"):
        keep(PHOTO, name)
    assert not store.root.exists()


def test_a_connection_that_breaks_leaves_nothing(store: PhotoStore) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise ConnectionResetError
            return super().read(1000)

    with pytest.raises(ConnectionResetError):
        store.receive(Broken(PHOTO), NAME, media_type="image/jpeg", limit=LIMIT)
    assert files(store) == []


def test_a_stream_may_come_in_dribs_and_drabs(store: PhotoStore) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(997)

    store.receive(Slow(PHOTO), NAME, media_type="image/jpeg", declared_length=len(PHOTO), limit=LIMIT)
    assert store.verify(NAME)


def test_a_full_disk_is_said_to_be_temporary(store: PhotoStore) -> None:
    if not os.access("/dev/full", os.W_OK):
        pytest.skip("this system has no device that is always full")
    handle = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(Problem) as raised, store._temporary() as (temporary, _own):
            photos._write(handle, PHOTO)
    finally:
        os.close(handle)
    assert raised.value.kind == problems.UNAVAILABLE
    assert raised.value.retry_after
    assert not temporary.exists()


def test_file_and_folders_are_on_disk_before_the_answer(keep: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, rename = os.fsync, os.rename

    def noted_sync(handle: int) -> None:
        done.append("sync " + Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        sync(handle)

    def noted_rename(path: Path, target: Path) -> None:
        done.append("rename")
        rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "rename", noted_rename)
    keep(PHOTO, NAME)
    file, *rest = done
    assert len(file) == len("sync ") + 32  # the temporary file's random name
    assert rest[:4] == ["rename", f"sync {NAME[2:4]}", f"sync {NAME[:2]}", "sync uploads"]
    done.clear()
    keep(PHOTO, NAME)
    assert done[1:] == ["rename", f"sync {NAME[2:4]}"]


def test_a_new_process_sees_to_folders_that_are_here_before_photos_wait_for_it(
    store: PhotoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.store(PHOTO, NAME, media_type="image/jpeg", limit=LIMIT)
    photos._durable.clear()
    done: list[str] = []
    sync = os.fsync

    def noted_sync(handle: int) -> None:
        done.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        sync(handle)

    monkeypatch.setattr(os, "fsync", noted_sync)
    store.settle()
    assert set(done) == {NAME[:2], "uploads", store.root.parent.name}
    done.clear()
    store.store(PHOTO, NAME, media_type="image/jpeg", limit=LIMIT)
    assert done[1:] == [NAME[2:4]]


def test_a_folder_that_was_put_in_the_place_of_the_photos_takes_new_ones(keep: Way, store: PhotoStore) -> None:
    keep(PHOTO, NAME)
    store.root.rename(store.root.with_name("gone"))
    keep(PHOTO, NAME)
    assert store.verify(NAME)


def test_many_at_once_leave_one_good_copy(store: PhotoStore) -> None:
    def send(_number: int) -> photos.Received:
        return store.store(PHOTO, NAME, media_type="image/jpeg", limit=LIMIT)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(send, range(32)))) == 1
    assert store.verify(NAME)
    assert len(files(store)) == 1


def test_what_a_crash_left_behind_is_swept_when_it_is_old(store: PhotoStore) -> None:
    assert store.sweep_temporary(3600) == 0
    incoming = store.root / ".incoming"
    incoming.mkdir(parents=True)
    for name, age_s in (("old", 7200), ("young", 60)):
        (incoming / name).write_bytes(b"half")
        then = clock.now().timestamp() - age_s
        os.utime(incoming / name, (then, then))
    assert store.sweep_temporary(3600) == 1
    assert [path.name for path in files(store)] == ["young"]


def test_a_photo_that_is_not_here_is_not_verified(store: PhotoStore) -> None:
    assert not store.exists(NAME)
    assert not store.verify(NAME)
    assert list(store.digests()) == []


def test_a_copy_is_made_once_and_then_kept(store: PhotoStore) -> None:
    store.store(PHOTO, NAME, media_type="image/jpeg", limit=LIMIT)
    renditions = Renditions(store)
    first = renditions.get(NAME, "thumb")
    assert list(store.digests()) == [NAME]
    store.path(NAME).unlink()
    assert renditions.get(NAME, "thumb") == first
    with pytest.raises(FileNotFoundError):
        renditions.get(NAME, "screen")


@pytest.mark.parametrize("left", [b"", b"\xff\xd8half"], ids=["empty", "half"])
def test_a_copy_spoilt_by_a_power_cut_is_made_again(left: bytes, store: PhotoStore) -> None:
    store.store(PHOTO, NAME, media_type="image/jpeg", limit=LIMIT)
    renditions = Renditions(store)
    first = renditions.get(NAME, "thumb")
    (kept,) = (store.root / ".renditions").rglob("*.jpg")
    kept.write_bytes(left)
    assert renditions.get(NAME, "thumb") == first == kept.read_bytes()


def test_a_cache_that_cannot_be_written_still_shows_the_picture(store: PhotoStore) -> None:
    store.store(PHOTO, NAME, media_type="image/jpeg", limit=LIMIT)
    (store.root / ".renditions").write_bytes(b"in the way")
    assert Renditions(store).get(NAME, "thumb")[:2] == b"\xff\xd8"


def test_png_and_webp_are_kept_too(keep: Way, store: PhotoStore) -> None:
    for kind in ("PNG", "WEBP"):
        data = encoded(scene(64, 48), kind)
        assert keep(data, digest(data), media_type=f"image/{kind.lower()}").facts.width == 64
    assert len(list(store.digests())) == 2

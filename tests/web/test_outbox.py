"""Check-ins on a real phone's browser in front of the real server, with everything between them that can go wrong."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from server.adapters import exif, pictures, secrets
from server.services.deployment import Deployment, open_deployment
from server.services.visits import Answer, find
from server.settings import Settings
from server.storage import accounts
from server.storage import tables as t
from tests.adapters.samples import DONGZHAO_GPS, TAKEN, encoded, exif_block, scene
from tests.domain.effort import SOAK
from tests.factories import CHINA, HERE, settle, token_of
from tests.support.handset import Handset, handset
from tests.support.network import Network, network_to
from tests.support.serving import TREE, running_server

pytestmark = [pytest.mark.browser, pytest.mark.slow]

expect.set_options(timeout=30_000)  # other tests run beside these

CUTS = 50 if SOAK else 2
IN_THE_VILLAGE = {"latitude": HERE[0], "longitude": HERE[1], "accuracy": 12}
PASSWORD = "correct-horse"
KILLS = 25 if SOAK else 1
QUARTER_TURN = 6  # a phone held upright: the camera's own top is at the right


class Village:
    """The service, and the network to it."""

    def __init__(self, url: str, uploads: Path, deployment: Deployment, network: Network) -> None:
        self.url, self.uploads, self.deployment, self.network = url, uploads, deployment, network
        self._server = contextlib.ExitStack()

    def start(self) -> None:
        self.network.upstream = self._server.enter_context(running_server(self.url, self.uploads)).port

    def stop(self) -> None:
        self._server.close()

    def visits(self) -> set[str]:
        with self.deployment.database.read() as connection:
            return set(connection.execute(select(t.visit.c.id)).scalars())

    def visit(self, number: str) -> Answer:
        found = find(self.deployment, number)
        assert found is not None
        return found

    def photo(self, digest: str) -> bytes:
        with self.deployment.photos.open(digest) as file:
            return file.read()


@pytest.fixture(scope="module")
def village(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """One service for all these tests; each has a phone of its own."""
    if not (TREE / "server" / "web" / "sw.js").exists():
        pytest.fail("the web pages have not been built: make pages")
    home = tmp_path_factory.mktemp("village")
    path, uploads = home / "county.db", home / "uploads"
    path.write_bytes(migrated_sqlite.read_bytes())
    deployment = open_deployment(Settings(database_url=f"sqlite:///{path}", uploads=uploads))
    settle(deployment, datetime.now(UTC))
    with network_to(0) as network:
        served = Village(f"sqlite:///{path}", uploads, deployment, network)
        served.start()
        yield served
        served.stop()
    deployment.database.close()


@pytest.fixture
def phone(village: Village) -> Iterator[Handset]:
    """The envoy's phone, in the village."""
    village.network.become("open")
    with handset(village.network.address, geolocation=IN_THE_VILLAGE) as its:
        yield its


def camera(number: int) -> bytes:
    """A photo as a camera makes it: large, turned, with time, place and a thumbnail."""
    seed = random.Random(number)
    picture = scene().resize((3200, 2400))
    for _ in range(40):
        spot = Image.new("RGB", (200, 150), (seed.randrange(256), seed.randrange(256), seed.randrange(256)))
        picture.paste(spot, (seed.randrange(900, 3000), seed.randrange(700, 2200)))
    now = datetime.now(CHINA).strftime("%Y:%m:%d %H:%M:%S")
    return encoded(picture, "JPEG", exif_block({0x0112: QUARTER_TURN}, {TAKEN: now}, DONGZHAO_GPS), quality=92)


def take_photo(page: Page, data: bytes) -> None:
    before = page.locator(".photos img").count()
    page.set_input_files("#camera", [{"name": "照片.jpg", "mimeType": "image/jpeg", "buffer": data}])
    expect(page.locator(".photos img")).to_have_count(before + 1)


def begin(page: Page) -> None:
    page.get_by_role("button", name="签到", exact=True).or_(page.get_by_role("link", name="签到", exact=True)).click()


def check_in(page: Page, data: bytes) -> None:
    """Three taps: check in, the photo, save."""
    begin(page)
    take_photo(page, data)
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_text("已保存").first).to_be_visible()


def all_is_here(village: Village, phone: Handset, before: set[str]) -> Answer:
    """Exactly one visit came in, and its photo is whole, upright and small, with its time and place."""
    [record] = phone.records()
    assert village.visits() - before == {record["id"]}
    visit = village.visit(record["id"])
    [photo] = visit.photos
    assert (photo.digest, photo.missing) == (record["photos"][0]["sha256"], False)
    data = village.photo(photo.digest)
    assert len(data) < 340_000
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (1200, 1600)
        red, green, blue = picture.convert("RGB").getpixel((1150, 40))  # the red corner, turned to the right
        assert red > 200 > 60 > max(green, blue)
        assert "thumbnail" not in picture.info
        tags = exif.read(picture.info["exif"].removeprefix(b"Exif\0\0"))
    facts = pictures.inspect(data, "image/jpeg")
    assert (tags.orientation, facts.latitude, facts.longitude) == (
        1,
        pytest.approx(HERE[0]),
        pytest.approx(HERE[1], abs=1e-4),
    )
    assert facts.taken_at is not None
    return visit


# The network


def test_checked_in_offline_killed_started_offline_and_sent_once_there_is_a_network(
    village: Village, phone: Handset
) -> None:
    phone.install("owner", token_of("owner"))
    phone.close()
    before = village.visits()
    page = phone.start()
    village.network.become("gone")
    check_in(page, camera(1))
    phone.kill()
    page = phone.start()
    assert len(phone.records()) == 1
    expect(page.get_by_text("未发送 1")).to_be_visible()
    assert village.visits() == before
    village.network.become("open")
    phone.wait_until("sent")
    visit = all_is_here(village, phone, before).visit
    today = datetime.now(CHINA).date()
    assert (visit.status, visit.device["offline"], visit.day) == ("confirmed", True, today)
    expect(page.get_by_text("全部已发送")).to_be_visible()


def test_a_draft_survives_the_kill(village: Village, phone: Handset) -> None:
    page = phone.install("owner", token_of("owner"))
    begin(page)
    take_photo(page, camera(2))
    page.get_by_role("radio", name="集中学习").check()
    page.get_by_text("补充说明（可不填）").click()
    page.get_by_label("备注").fill("王大爷家漏雨")
    while phone.note() == "":
        page.wait_for_timeout(50)
    phone.kill()
    page = phone.start()
    begin(page)
    expect(page.locator(".photos img")).to_have_count(1)
    expect(page.get_by_label("备注")).to_have_value("王大爷家漏雨")
    expect(page.get_by_role("radio", name="集中学习")).to_be_checked()


def test_killed_at_any_moment_of_saving_it_is_a_draft_or_a_record_and_never_lost(
    village: Village, phone: Handset
) -> None:
    page = phone.install("owner", token_of("owner"))
    phone.close()
    village.network.become("gone")
    seed = random.Random(11)
    saved = 0
    for number in range(KILLS):
        page = phone.start()
        begin(page)
        if page.locator(".photos img").count() == 0:
            take_photo(page, camera(200 + number))
        page.evaluate("document.querySelector('.act button').click()")  # and not a moment longer
        time.sleep(seed.uniform(0, 0.2))
        phone.kill()
        page = phone.start()
        records = phone.records()
        begin(page)
        expect(page.get_by_role("button", name="保存", exact=True)).to_be_visible()
        page.wait_for_timeout(300)
        drafted = page.locator(".photos img").count()
        assert (len(records) - saved, drafted) in ((1, 0), (0, 1))
        saved = len(records)
        phone.close()


def test_what_is_typed_fast_on_a_slow_phone_is_all_kept(village: Village, phone: Handset) -> None:
    page = phone.install("owner", token_of("owner"))
    begin(page)
    page.get_by_text("补充说明（可不填）").click()
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 10})
    said = "东赵村的变压器闲着，加工户用不上电，已报乡里。"
    page.get_by_label("备注").press_sequentially(said, delay=15)
    expect(page.get_by_label("备注")).to_have_value(said)
    end = time.monotonic() + 30
    while phone.note() != said:
        assert time.monotonic() < end
    phone.kill()
    page = phone.start()
    begin(page)
    expect(page.get_by_label("备注")).to_have_value(said)


def test_the_network_cut_in_the_middle_of_the_photo(village: Village, phone: Handset) -> None:
    page = phone.install("owner", token_of("owner"))
    seed = random.Random(7)
    for number in range(CUTS):
        before, cuts = village.visits(), village.network.cuts
        # The last one lets all of the photo through, and loses the answer.
        village.network.cut_next_photo(10_000_000 if number == CUTS - 1 else seed.randrange(1, 250_000))
        check_in(page, camera(100 + number))
        while village.network.cuts == cuts:
            page.wait_for_timeout(100)
        phone.online()
        phone.wait_until(*["sent"] * (number + 1))
        assert village.network.cuts == cuts + 1
        [new] = village.visits() - before
        [photo] = village.visit(new).photos
        assert village.deployment.photos.verify(photo.digest)
        page.goto(phone.address)


def test_a_portal_that_answers_200_to_everything_is_not_believed(village: Village, phone: Handset) -> None:
    page = phone.install("owner", token_of("owner"))
    before = village.visits()
    village.network.become("portal")
    check_in(page, camera(3))
    page.wait_for_timeout(3000)
    phone.online()
    page.wait_for_timeout(1000)
    [record] = phone.records()
    assert (record["progress"]["state"], record["progress"]["trouble"]["kind"]) == ("waiting", "foreign")
    assert village.visits() == before
    village.network.become("open")
    phone.online()
    phone.wait_until("sent")
    all_is_here(village, phone, before)


def test_the_server_is_restarted_meanwhile(village: Village, phone: Handset) -> None:
    page = phone.install("owner", token_of("owner"))
    before = village.visits()
    village.stop()
    check_in(page, camera(4))
    phone.wait_until("waiting")
    village.start()
    phone.online()
    phone.wait_until("sent")
    all_is_here(village, phone, before)


def test_a_session_that_was_ended_keeps_everything_until_its_person_signs_in(village: Village, phone: Handset) -> None:
    page = phone.install("colleague", token_of("colleague"))
    before = village.visits()
    with village.deployment.database.write() as connection:
        accounts.set_password(connection, "colleague", secrets.hash_password(PASSWORD))
        connection.execute(update(t.token).where(t.token.c.person == "colleague").values(revoked_at=datetime.now(UTC)))
    check_in(page, camera(23))
    phone.wait_until("needs-sign-in")
    assert village.visits() == before
    page.goto(f"{phone.address}/#/outbox")
    page.get_by_role("link", name="重新登录").first.click()
    page.get_by_label("手机号或人员代码").fill("colleague")
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    phone.wait_until("sent")
    assert all_is_here(village, phone, before).visit.person == "colleague"


def test_background_sync_sends_with_no_page_open(village: Village, phone: Handset) -> None:
    page = phone.install("owner", token_of("owner"))
    before = village.visits()
    village.network.become("gone")
    check_in(page, camera(24))
    phone.wait_until("waiting")
    page.goto("about:blank")
    devtools = page.context.new_cdp_session(page)
    known: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda said: known.extend(one["registrationId"] for one in said["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    page.wait_for_timeout(500)
    village.network.become("open")
    page.wait_for_timeout(7000)  # longer than the pause after one failure
    event = {"origin": phone.address, "registrationId": known[0], "tag": "outbox", "lastChance": False}
    devtools.send("ServiceWorker.dispatchSyncEvent", event)
    end = time.monotonic() + 30
    while not village.visits() - before or village.visit(next(iter(village.visits() - before))).photos[0].missing:
        assert time.monotonic() < end
        page.wait_for_timeout(200)
    village.network.become("gone")
    page.goto(phone.address)
    phone.wait_until("sent")
    all_is_here(village, phone, before)


def test_two_tabs_send_everything_once(village: Village, phone: Handset) -> None:
    page = phone.install("owner", token_of("owner"))
    before = village.visits()
    village.network.become("gone")
    for number in (20, 21):
        check_in(page, camera(number))
        page.goto(phone.address)
    second = page.context.new_page()
    second.goto(phone.address)
    village.network.requests.clear()
    village.network.become("open")
    for tab in (page, second):
        tab.evaluate("window.dispatchEvent(new Event('online'))")
    phone.wait_until("sent", "sent")
    sent = [line for line in village.network.requests if line.startswith("PUT ")]
    assert (len(sent), len(set(sent)), len(village.visits() - before)) == (4, 4, 2)


def test_an_engine_without_workers_that_draw_or_locks_does_the_same(village: Village, phone: Handset) -> None:
    page = phone.install("owner", token_of("owner"))
    page.context.add_init_script(
        "delete self.Worker; delete self.OffscreenCanvas; delete self.BroadcastChannel; "
        "delete Navigator.prototype.locks; delete Blob.prototype.arrayBuffer; delete crypto.randomUUID"
    )
    page.reload()
    before = village.visits()
    check_in(page, camera(22))
    phone.wait_until("sent")
    assert page.evaluate("[typeof Worker, typeof navigator.locks]") == ["undefined", "undefined"]
    all_is_here(village, phone, before)


def test_the_queue_is_handed_in_as_a_file_and_the_phone_may_still_send_it(village: Village, phone: Handset) -> None:
    page = phone.install("owner", token_of("owner"))
    before = village.visits()
    village.network.become("gone")
    check_in(page, camera(5))
    page.goto(phone.address)
    page.get_by_text("未发送 1").click()
    page.get_by_text("一直没有网络？").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="存成文件").click()
    held = Path(download.value.path()).read_bytes()
    headers = {"Authorization": f"Bearer {token_of('inside')}", "Content-Type": "application/json"}
    village.network.become("open")
    answer = _ask(village, "/api/v1/handed-in", held, headers)
    assert [item["outcome"] for item in answer["items"]] in (["entered"], ["present"])
    phone.wait_until("sent")
    all_is_here(village, phone, before)


# Where the phone is, what time it is, and what it cannot do


def test_a_position_denied_says_what_to_do_and_the_visit_is_kept(village: Village) -> None:
    with handset(village.network.address, permissions=[]) as phone:
        page = phone.install("owner", token_of("owner"))
        visit = _without_position(page, phone, village, "没有定位权限", camera(6))
    assert (visit.status, visit.device["no_position"], visit.point) == ("review", "denied", None)


def test_a_position_that_never_comes_says_what_to_do_and_the_visit_is_kept(village: Village, phone: Handset) -> None:
    page = phone.install("owner", token_of("owner"))
    page.context.add_init_script("navigator.geolocation.watchPosition = () => 1")
    page.clock.install()
    page.reload()
    begin(page)
    expect(page.get_by_text("正在找位置")).to_be_visible()
    page.clock.fast_forward(46_000)
    expect(page.get_by_text("一直没有找到位置")).to_be_visible()
    page.clock.resume()
    page.goto(phone.address)
    visit = _without_position(page, phone, village, "", camera(7))
    assert (visit.status, visit.device["no_position"]) == ("review", "timeout")


def test_a_position_2_000_m_wide_is_said_to_be_coarse_and_goes_to_a_reviewer(village: Village) -> None:
    coarse = {**IN_THE_VILLAGE, "accuracy": 2000}
    with handset(village.network.address, geolocation=coarse) as phone:
        page = phone.install("owner", token_of("owner"))
        begin(page)
        expect(page.get_by_text("误差约 2000 米")).to_be_visible()
        expect(page.get_by_role("button", name="再找一次位置")).to_be_visible()
        page.goto(phone.address)
        check_in(page, camera(8))
        phone.wait_until("sent")
        visit = village.visit(phone.records()[0]["id"]).visit
    assert (visit.status, visit.accuracy_m) == ("review", 2000)


def test_a_clock_two_days_off_is_known_and_put_right(village: Village, phone: Handset) -> None:
    page = phone.install("owner", token_of("owner"))
    page.context.clock.install(time=datetime.now() + timedelta(days=2))
    page.reload()
    expect(page.get_by_text("全部已发送")).to_be_visible()
    page.wait_for_timeout(1000)
    check_in(page, camera(9))
    phone.wait_until("sent")
    visit = village.visit(phone.records()[0]["id"]).visit
    now = datetime.now(UTC)
    assert abs(visit.skew_s - 2 * 86_400) < 60
    assert abs(visit.occurred_at - now) < timedelta(minutes=3)
    assert visit.day == now.astimezone(village.deployment.zone).date()
    assert visit.status == "review"  # a person looks at so large a correction


def test_a_camera_refused_loses_nothing_and_says_what_is_missing(village: Village, phone: Handset) -> None:
    page = phone.install("owner", token_of("owner"))
    begin(page)
    with page.expect_file_chooser():
        page.get_by_text("拍照", exact=True).click()
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_text("没有照片会被驳回")).to_be_visible()
    expect(page.get_by_text("从相册选")).to_be_visible()
    assert phone.records() == []
    page.set_input_files("#album", [{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": camera(10)}])
    expect(page.locator(".photos img")).to_have_count(1)
    page.get_by_role("button", name="保存", exact=True).click()
    phone.wait_until("sent")


def test_what_is_no_photo_is_said_to_be_none(village: Village, phone: Handset) -> None:
    page = phone.install("owner", token_of("owner"))
    begin(page)
    heic = b"\0\0\0\x28ftypheic\0\0\0\0mif1heic" + bytes(64)
    page.set_input_files("#album", [{"name": "a.heic", "mimeType": "image/heic", "buffer": heic}])
    expect(page.get_by_text("HEIC")).to_be_visible()
    page.set_input_files("#album", [{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff no"}])
    expect(page.get_by_text("这张照片打不开")).to_be_visible()


def test_a_full_disk_is_said_plainly_and_loses_no_draft(village: Village, phone: Handset) -> None:
    page = phone.install("owner", token_of("owner"))
    begin(page)
    take_photo(page, camera(11))
    phone.close()
    page = phone.start(before=lambda its: full_disk(its, phone.address, 1))
    begin(page)
    expect(page.locator(".photos img")).to_have_count(1)
    page.set_input_files("#camera", [{"name": "b.jpg", "mimeType": "image/jpeg", "buffer": camera(12)}])
    expect(page.get_by_text("手机空间满了，照片没有存下")).to_be_visible()
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_text("手机空间满了，没有存下").first).to_be_visible()
    phone.close()
    page = phone.start()
    begin(page)
    expect(page.locator(".photos img")).to_have_count(1)
    page.get_by_role("button", name="保存", exact=True).click()
    phone.wait_until("sent")


def full_disk(page: Page, origin: str, left: int) -> None:
    page.context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": left})


def _without_position(page: Page, phone: Handset, village: Village, says: str, photo: bytes) -> Any:
    begin(page)
    if says:
        expect(page.get_by_text(says)).to_be_visible()
    take_photo(page, photo)
    page.get_by_role("button", name="保存", exact=True).click()
    page.get_by_role("button", name="就这样保存").click()
    expect(page.get_by_text("已保存").first).to_be_visible()
    phone.wait_until("sent")
    return village.visit(phone.records()[0]["id"]).visit


def _ask(village: Village, path: str, body: bytes, headers: dict[str, str]) -> Any:
    with contextlib.closing(
        http.client.HTTPConnection("127.0.0.1", village.network.upstream, timeout=60)
    ) as connection:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        assert answer.status == 200
        return json.loads(answer.read())

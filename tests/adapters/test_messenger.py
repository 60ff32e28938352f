"""Messages by apprise, against servers on this machine."""

import email
import time
import warnings
from collections.abc import Iterator
from email import policy

import pytest

from server.adapters import messenger
from tests.support.robots import Robot, mail_server, robot

TITLE, BODY = "到村日报：西段乡", "等候审核：2 条\n<靳家村>"


@pytest.fixture
def here() -> Iterator[Robot]:
    with robot() as running:
        yield running


@pytest.fixture
def robots(here: Robot, monkeypatch: pytest.MonkeyPatch) -> Robot:
    """What apprise would send to DingTalk and WeCom comes to this machine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from apprise.plugins.dingtalk import NotifyDingTalk
        from apprise.plugins.wecombot import NotifyWeComBot
    base = f"http://127.0.0.1:{here.port}"
    monkeypatch.setattr(NotifyDingTalk, "notify_url", base + "/robot/send?access_token={token}")
    monkeypatch.setattr(NotifyWeComBot, "notify_url", base + "/cgi-bin/webhook/send?key={key}")
    return here


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("dingtalk://abc123/", "/robot/send?access_token=abc123"),
        ("wecombot://aaaaaaaa-bbbb-cccc-dddd-eeee/", "/cgi-bin/webhook/send?key=aaaaaaaa-bbbb-cccc-dddd-eeee"),
    ],
    ids=["dingtalk", "wecom"],
)  # fmt: skip
def test_a_robot_takes_plain_text_and_its_refusal_is_one(robots: Robot, address: str, path: str) -> None:
    assert messenger.deliver(address, TITLE, BODY) is None
    ((taken, said),) = robots.taken
    assert (taken, said["msgtype"]) == (path, "text")
    assert said["text"]["content"].replace("\r", "").split("\n") == [TITLE, *BODY.split("\n")]

    # They answer 200 to what they refuse.
    robots.answers = [(200, {"errcode": 310000, "errmsg": "keywords not in content"}), (500, {}), (200, [])]
    assert messenger.deliver(address, TITLE, BODY) == "errcode 310000"
    assert messenger.deliver(address, TITLE, BODY) == "refused"
    assert messenger.deliver(address, TITLE, BODY) is None


def test_a_signed_robot_is_asked_with_a_signature(robots: Robot) -> None:
    assert messenger.deliver("dingtalk://secret@abc123/", TITLE, BODY) is None
    assert "sign=" in robots.taken[0][0]


def test_mail_is_sent_as_it_is() -> None:
    with mail_server() as server:
        address = f"mailto://127.0.0.1:{server.port}/?from=daocun@example.org&to=office@example.org&mode=insecure"
        assert messenger.send(address, TITLE, BODY) is None
        server.answers = [(550, "")]
        assert messenger.send(address, TITLE, BODY) == "refused"
    ((_, data),) = server.taken
    mail = email.message_from_bytes(data, policy=policy.default)
    assert mail["Subject"] == TITLE
    assert mail.get_content().replace("\r", "").strip() == BODY


def test_it_is_sent_from_a_process_of_its_own(here: Robot) -> None:
    assert messenger.send(here.address, TITLE, BODY) is None
    assert (here.taken[0][1]["title"], here.taken[0][1]["message"]) == (TITLE, BODY)
    here.answers = [(200, {"errcode": 40058}), (503, {})]
    assert messenger.send(here.address, TITLE, BODY) == "errcode 40058"
    assert messenger.send(here.address, TITLE, BODY) == "refused"


def test_who_never_answers_is_left_after_a_while(here: Robot) -> None:
    here.hangs = True
    began = time.monotonic()
    assert messenger.send(here.address, TITLE, BODY, timeout_s=3) == "timeout"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("address", ["nothing://x", "dingtalk://", "wecombot://", "mailto://"])
def test_an_address_it_does_not_know_is_said_to_be_one(address: str) -> None:
    assert messenger.deliver(address, TITLE, BODY) == "address"


def test_nobody_there_is_a_refusal() -> None:
    with robot() as gone:
        pass
    assert messenger.deliver(gone.address, TITLE, BODY) == "refused"

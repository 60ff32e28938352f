"""The printed sheet says everything its person needs, to nobody but them, and needs no network."""

import re
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser

import pytest

from server.adapters.papers import activation_sheet, qr_svg, qr_text
from server.domain.accounts import SheetRow
from server.domain.words import ROLES

ADDRESS = "https://daocun.example.cn"
ROW = SheetRow(
    person="371481-007",
    name="王<建>国",
    phone="13800000007",
    role="envoy",
    place="371481200268",
    place_name="东赵村",
    township_name="西段乡",
    code="ABCDE23456",
    expires_at=datetime.fromisoformat("2018-11-27T09:31:05+08:00"),
)


class Page(HTMLParser):
    """The text and the tags of a page; raises AssertionError for tags that do not match."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.said: list[str] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self.feed(page.decode("utf-8"))
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "path"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("meta", "path"):
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.said)


def test_a_slip_names_its_person_their_code_and_how_long_it_lives() -> None:
    said = Page(activation_sheet([ROW], ADDRESS)).text
    for expected in ("王<建>国", "西段乡 东赵村 党建特派员", "ABCDE-23456", "371481-007", "2018-11-27 09:31", ADDRESS):
        assert expected in said
    assert ROW.phone not in said


def test_everybody_has_a_slip_with_a_picture_of_their_own() -> None:
    rows = [replace(ROW, person=f"p{number}", role=role) for number, role in enumerate(ROLES)]
    page = activation_sheet(rows, ADDRESS)
    assert Page(page).tags.count("article") == len(rows)
    pictures = re.findall(rb"<svg.*?</svg>", page)
    assert len(set(pictures)) == len(rows)


def test_the_picture_is_the_link_and_the_link_is_not_written_out() -> None:
    page = activation_sheet([ROW], ADDRESS).decode()
    assert qr_svg(f"{ADDRESS}/#activate=ABCDE23456&person=371481-007") in page
    assert "activate=" not in page


def test_the_page_fetches_nothing() -> None:
    page = activation_sheet([ROW], ADDRESS).decode()
    assert not re.search(r"<(script|link|img|iframe)|url\(|@import|src=|href=", page)


def test_without_an_address_a_slip_has_its_code_and_nothing_to_scan() -> None:
    page = activation_sheet([ROW], "").decode()
    assert "<svg" not in page
    assert "#activate" not in page
    assert "ABCDE-23456" in page


def test_a_sheet_for_nobody_says_so() -> None:
    page = Page(activation_sheet([], ADDRESS))
    assert "article" not in page.tags
    assert "此处今天没有在任人员" in page.text


@pytest.mark.parametrize("content", ["a", f"{ADDRESS}/#activate=ABCDE23456&person=371481-007", "x" * 300])
def test_a_terminal_shows_a_square_of_half_blocks(content: str) -> None:
    lines = qr_text(content).splitlines()
    assert len({len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines if line}) == 1
    assert len(lines) > 10

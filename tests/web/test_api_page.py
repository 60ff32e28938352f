"""The page that describes the API, in a real browser."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from server.app import create_app
from server.settings import Settings
from tests.support.browser import served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(create_app(Settings())) as started:
        yield started


def test_it_works_under_its_strict_policy_and_asks_nobody_else(page: Page, address: str) -> None:
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 1100, "height": 800})
    answer = page.goto(f"{address}/api/v1/")
    assert answer is not None
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    expect(page.locator(".title")).to_contain_text("到村")
    expect(page.get_by_role("button", name="Authorize")).to_be_visible()
    assert complaints == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    if folder := os.environ.get("DAOCUN_TEST_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / "api.png")

"""The documentation page in a real browser, under its own policy and with nothing from elsewhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.api.frame import application
from tests.support.browser import served


@pytest.mark.browser
def test_the_page_shows_the_api_and_breaks_no_policy(page: Page) -> None:
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    with served(application()) as address:
        page.goto(f"{address}/api/v1/")
        page.click(".opblock-put .opblock-summary")
        page.wait_for_selector(".opblock-body")
        page.click(".btn.authorize")
        page.wait_for_selector(".modal-ux")
        page.goto(f"{address}/")
        page.wait_for_selector("h1")
    assert said == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []

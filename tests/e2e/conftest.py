"""One house and one browser for all journeys; an account of its own for each."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from playwright.sync_api import Browser

from tests.e2e.driver import DESK, Desk, Window, chromium, chromium_path, desk
from tests.e2e.installation import Installation
from tests.support.living_house import House, fresh_database, living_house

CHROMIUM = chromium_path()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None:
        for item in items:
            if "/e2e/" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason="no browser: Chromium is not installed"))


@pytest.fixture(scope="package")
def house(pg_url: str, template: str) -> Generator[House]:
    with fresh_database(pg_url, template) as url, living_house(url) as made:
        yield made


@pytest.fixture(scope="package")
def browser(house: House) -> Generator[Browser]:
    """Comes after the house, because Playwright keeps the event loop of this thread until the browser closes."""
    assert CHROMIUM is not None
    with chromium(CHROMIUM) as running:
        yield running


@pytest.fixture
def me(house: House, browser: Browser) -> Generator[Desk]:
    with desk(house, browser) as made:
        yield made


@pytest.fixture
def owner(house: House, browser: Browser) -> Generator[Desk]:
    """Somebody who may do everything in the house."""
    with desk(house, browser, "owner") as made:
        yield made


@pytest.fixture
def window(fresh: Installation, browser: Browser) -> Generator[Window]:
    """A window on the installation that a test calls `fresh`."""
    made = Window(browser.new_context(viewport=DESK, locale="en-US"), fresh.url)
    yield made
    made.context.close()

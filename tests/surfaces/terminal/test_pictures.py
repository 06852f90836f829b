"""The pictures of the page in the terminal for the docs: `make screenshots`."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from pathlib import Path

import pytest

from mecum.surfaces.terminal.client import Client
from tests.e2e.driver import chromium, chromium_path
from tests.e2e.test_pictures import ANSWER, QUESTION, TITLES
from tests.support.processes import REPO
from tests.surfaces.terminal.driver import page
from tests.surfaces.terminal.fake_api import FakeApi
from tests.surfaces.terminal.fake_run import FakeThread, iso

pytestmark = pytest.mark.pictures

IMAGES = REPO / "docs" / "images"
BYTES_MAX = 250_000


@pytest.fixture
def supper(api: FakeApi) -> FakeThread:
    """A conversation that somebody could have had, today, among others."""
    now = dt.datetime.now(dt.UTC)
    for number, title in enumerate(reversed(TITLES)):
        api.thread(title).updated = now - dt.timedelta(days=len(TITLES) - number)
    thread = api.thread("Supper for six")
    api.talk(thread, QUESTION, ANSWER)
    thread.updated = now
    for event in thread.events:
        event["at"] = iso(now.replace(hour=9, minute=41))
    return thread


@pytest.mark.parametrize(
    ("name", "size", "dark"), [("terminal-dark", (120, 40), True), ("terminal-light", (80, 24), False)]
)
async def test_the_page(
    api: FakeApi, client: Client, supper: FakeThread, tmp_path: Path, name: str, size: tuple[int, int], dark: bool
) -> None:
    async with page(client, size=size, thread=supper.id, dark=dark) as shown:
        await shown.sees("for_guests", "again")
        svg = shown.app.export_screenshot(simplify=True)
    (tmp_path / "page.svg").write_text(re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL))
    await asyncio.to_thread(_draw, tmp_path / "page.svg", IMAGES / f"{name}.png")
    assert (IMAGES / f"{name}.png").stat().st_size < BYTES_MAX


def _draw(svg: Path, png: Path) -> None:
    path = chromium_path()
    if path is None:
        pytest.skip("no browser: Chromium is not installed")
    with chromium(path) as browser:
        tab = browser.new_page(viewport={"width": 1400, "height": 900})
        tab.goto(svg.as_uri())
        tab.locator("svg").first.screenshot(path=png)

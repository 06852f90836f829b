"""The first paint of the web client, cold, and the JavaScript that it takes.

    python -m bench.paint           against `mecum up`, with a browser on the same machine

Cold means: a browser profile that has never been here, so nothing is in its cache. First contentful paint as the
browser reports it (Paint Timing, W3C), from the start of the navigation.
"""

from __future__ import annotations

import gzip
import os
import shutil
import statistics
import sys
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Response, sync_playwright

from bench.chat import house
from bench.report import Row, write
from bench.start import data_directory

TRIES = 7
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PAINT = """() => new Promise((done) => {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") done(entry.startTime);
  }).observe({ type: "paint", buffered: true });
})"""
PASSWORD = "seven paper boats"  # noqa: S105  of the installation that bench.chat makes and throws away


def main() -> int:
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        print("Chromium is not installed: no first paint without a browser.", file=sys.stderr)
        return 0
    with data_directory() as data, house(data) as (url, _key), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        door = [first_paint(browser, url, signed_in=False) for _ in range(TRIES)]
        page = [first_paint(browser, url, signed_in=True) for _ in range(TRIES)]
        browser.close()
    return 0 if write("paint", "First paint", rows(door, page)) else 1


def rows(door: list[tuple[float, int]], page: list[tuple[float, int]]) -> list[Row]:
    note = f"median of {TRIES}, browser profile never used before, loopback"
    script = "first visit, not signed in: all JavaScript fetched until the page stands, each file gzipped"
    return [
        Row("first contentful paint, sign-in", statistics.median(ms for ms, _ in door) / 1000, "s", 1.0, note=note),
        Row("first contentful paint, a new page", statistics.median(ms for ms, _ in page) / 1000, "s", 1.0, note=note),
        Row("slowest of all", max(ms for ms, _ in (*door, *page)) / 1000, "s"),
        Row("JavaScript before the first page, sign-in", door[0][1] / 1000, "kB", 130, note=script),
        Row("JavaScript with a new page, signed in", page[0][1] / 1000, "kB", note="and what it fetches ahead"),
    ]


def first_paint(browser: Browser, url: str, *, signed_in: bool) -> tuple[float, int]:
    """Milliseconds to the first contentful paint, and the gzipped bytes of the scripts fetched."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, service_workers="block")
    if signed_in:
        given = {"email": "owner@example.org", "password": PASSWORD}
        context.request.post(f"{url}/api/sign-in", data=given, headers={"origin": url})
    scripts: list[Response] = []
    page = context.new_page()
    page.on("response", lambda answer: scripts.append(answer) if is_script(answer) else None)
    page.goto(f"{url}/" if signed_in else f"{url}/sign-in")
    page.get_by_role("button", name="Send" if signed_in else "Sign in", exact=True).wait_for()
    milliseconds = float(page.evaluate(PAINT))
    size = sum(len(gzip.compress(answer.body(), 9)) for answer in scripts)
    context.close()
    return milliseconds, size


def is_script(answer: Response) -> bool:
    return urlsplit(answer.url).path.endswith(".js")


if __name__ == "__main__":
    os.environ.pop("MECUM_DATA", None)
    sys.exit(main())

"""The browser as a person holds it: windows that remember what went wrong in them, and the words on their buttons."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    ViewportSize,
    expect,
    sync_playwright,
)

from mecum.kit.types import InstallationRole
from tests.support.living_house import PASSWORD, House

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_MS = 20_000
"""How long a page may take for anything: machines that run tests are busy."""
DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 740}

_numbers = itertools.count(1)


def chromium_path() -> str | None:
    """Where the browser is; None without one."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@contextmanager
def chromium(path: str) -> Generator[Browser]:
    """A running browser. Nothing else may run an event loop in this thread meanwhile."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Window:
    """A browser window with cookies of its own, and everything that went wrong in it.

    Args:
        allowed: pattern of what may be reported, e.g. while the server is away.
    """

    context: BrowserContext
    url: str
    allowed: str = r"$^"
    troubles: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.on("console", self._said)
        self.context.on("weberror", lambda error: self._note(f"error: {error.error}"))
        self.context.on("requestfailed", self._failed)
        self.context.on("response", self._answered)

    def open(self, path: str = "/") -> Page:
        """A new tab at that path."""
        page = self.context.new_page()
        page.goto(self.url + path)
        return page

    def sign_in(self, email: str) -> Window:
        """Through the API, where signing in is not what is tested."""
        answer = self.context.request.post(
            f"{self.url}/api/sign-in", data={"email": email, "password": PASSWORD}, headers={"origin": self.url}
        )
        assert answer.ok, answer.text()
        return self

    def check(self) -> None:
        """Fails when anything went wrong that was not allowed."""
        assert [trouble for trouble in self.troubles if not re.search(self.allowed, trouble)] == []

    def _note(self, trouble: str) -> None:
        self.troubles.append(trouble)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self._note(f"{message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        # A stream ends with the page that read it, and a page that is left drops what it asked for.
        if request.failure != "net::ERR_ABORTED":
            self._note(f"{request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._note(f"{response.request.method} {response.url}: {response.status}")


@dataclass(frozen=True)
class Desk:
    """Somebody's desk: the house, an account of their own, and windows that are signed in to it."""

    house: House
    browser: Browser
    email: str
    windows: list[Window]

    def window(self, *, signed_in: bool = True, **options: Any) -> Window:
        """`options` as Playwright's `new_context` takes them."""
        made = Window(self.browser.new_context(**{"viewport": DESK, "locale": "en-US", **options}), self.house.url)
        self.windows.append(made)
        return made.sign_in(self.email) if signed_in else made

    def page(self, path: str = "/", **options: Any) -> Page:
        """A tab in a window of its own."""
        return self.window(**options).open(path)

    def change_me(self, **fields: str) -> None:
        """As `PATCH /api/me` takes them."""
        with closing(self.house.browser(self.email).http) as http:
            session = http.get("/api/session").json()
            headers = {"origin": self.house.url, "x-csrf-token": session["csrf"]}
            http.patch("/api/me", json=fields, headers=headers).raise_for_status()
            http.post("/api/sign-out", headers=headers).raise_for_status()

    @property
    def key(self) -> str:
        return self.house.key(person=self.email)

    def asked(self, text: str, *, title: str = "") -> str:
        """A thread in which `text` has been answered."""
        thread = self.asking(text)
        self.house.until_idle(thread, key=self.key)
        if title:
            self.house.request("PATCH", f"/api/threads/{thread}", json={"title": title}, key=self.key)
        return thread

    def asking(self, text: str) -> str:
        """A thread in which `text` is being answered."""
        body = {"client_id": f"e2e-{next(_numbers)}", "text": text}
        return self.house.post("/api/messages", body, key=self.key)["thread"]

    def answers(self, thread: str) -> list[dict[str, Any]]:
        """The payloads of all answers of a thread once it is idle."""
        log = self.house.until_idle(thread, key=self.key)
        return [event["payload"] for event in log if event["type"] == "message.assistant"]


@contextmanager
def desk(
    house: House, browser: Browser, role: InstallationRole = "member", name: str = "", email: str = ""
) -> Generator[Desk]:
    """A desk of somebody new; at the end nothing may have gone wrong in any of its windows."""
    email = email or f"reader{next(_numbers)}@example.org"
    house.add_person(email, role)
    made = Desk(house, browser, email, [])
    if name:
        made.change_me(name=name)
    try:
        yield made
        for window in made.windows:
            window.check()
    finally:
        for window in made.windows:
            window.context.close()


def write(page: Page, text: str) -> None:
    """Write into the composer and send."""
    page.get_by_label("Write to Mecum").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()


def answers(page: Page) -> Locator:
    return page.get_by_test_id("answer")


def finished(page: Page, number: int = -1) -> Locator:
    """The answer of that number, once it is whole."""
    answer = answers(page).nth(number)
    expect(answer).to_have_attribute("data-state", "done")
    return answer


def running(page: Page, words: str) -> Locator:
    """The newest answer, while it is being written and has `words` already."""
    answer = answers(page).last
    expect(answer).to_contain_text(words)
    expect(answer).to_have_attribute("data-state", "running")
    return answer


def thread_of(page: Page) -> str:
    """The id in the address of a conversation's page."""
    expect(page).to_have_url(re.compile(r"/t/thr_\w+"))
    return page.url.split("/t/")[1].split("#")[0].split("?")[0]


def numbered(count: int, word: str = "word") -> str:
    """Text in which a lost or doubled piece shows."""
    return " ".join(f"{word}{number}" for number in range(count)) + " end."


def data_file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path

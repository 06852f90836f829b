"""Driving the page in the terminal by its keys, and seeing what a person sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mecum.surfaces.terminal.client import Client
from mecum.surfaces.terminal.line import Message
from mecum.surfaces.terminal.tui.app import MecumApp
from mecum.surfaces.terminal.tui.turns import TurnView
from mecum.surfaces.terminal.words import Words


@dataclass
class Page:
    """The app under test, and what a person sees of it."""

    app: MecumApp
    pilot: Pilot[Any]

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not true():
                await self.pilot.pause()
        await self.pilot.pause()

    async def sees(self, *texts: str) -> None:
        try:
            await self.until(lambda: all(text in self.text for text in texts))
        except TimeoutError:
            pytest.fail(f"None of {texts!r} here:\n{self.text}")

    async def misses(self, text: str) -> None:
        await self.until(lambda: text not in self.text)

    async def say(self, text: str) -> None:
        self.app.composer.load_text(text)
        await self.pilot.press("enter")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    @property
    def text(self) -> str:
        """The screen as lines of text."""
        strips = self.app.screen._compositor.render_strips()  # pyright: ignore[reportPrivateUsage]
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    @property
    def turns(self) -> list[TurnView]:
        return list(self.app.query(TurnView))


@asynccontextmanager
async def page(
    client: Client, *, size: tuple[int, int] = (120, 40), locale: str = "en", dark: bool = True, **start: Any
) -> AsyncGenerator[Page]:
    app = MecumApp(client, Words(locale), Message("", **start), dark=dark)
    async with asyncio.timeout(45), app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield Page(app, pilot)


async def command(shown: Page, name: str) -> None:
    """Do a command of the palette."""
    await shown.press("ctrl+k")
    await shown.until(lambda: len(shown.app.screen_stack) == 2)
    shown.app.screen.query_one(Input).value = name
    await shown.sees(name)
    await shown.press("down", "enter")
    await shown.until(lambda: type(shown.app.screen).__name__ != "CommandPalette")

"""The page in the terminal: threads, streaming answers, questions, files."""

from __future__ import annotations

import asyncio

from mecum.surfaces.terminal.client import Client
from mecum.surfaces.terminal.line import Message
from mecum.surfaces.terminal.tui.app import MecumApp
from mecum.surfaces.terminal.words import Words, environment_locale

__all__ = ["MecumApp", "open_page"]


def open_page(server: str, key: str, message: Message, *, dark: bool) -> int:
    """Show the page until the person leaves it.

    Returns:
        The exit code.
    """

    async def work() -> int:
        async with Client(server, key) as client:
            app = MecumApp(client, Words(environment_locale()), message, dark=dark)
            return await app.run_async() or app.return_code or 0

    return asyncio.run(work())

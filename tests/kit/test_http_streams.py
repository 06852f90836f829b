"""Bodies that are streamed: they end when the client leaves, and when their time is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from mecum.kit.http import Stream

pytestmark = pytest.mark.anyio


async def test_a_body_that_is_not_taken_in_time_is_closed_and_the_answer_stays_unfinished() -> None:
    closed: list[bool] = []
    sent: list[Any] = []

    async def body() -> AsyncGenerator[bytes]:
        try:
            yield b"first"
            yield b"second"
        finally:
            closed.append(True)

    async def send(message: Any) -> None:
        sent.append(message)
        if message.get("body") == b"first":
            await asyncio.Event().wait()

    async def receive() -> Any:
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await Stream(body(), within_s=0.05)({"type": "http"}, receive, send)
    assert closed == [True]
    assert [message.get("body") for message in sent] == [None, b"first"]

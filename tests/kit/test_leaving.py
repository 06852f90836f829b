"""Work for a client ends when the client leaves, in order, and only then."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from mecum.kit.leaving import UntilLeft
from mecum.kit.presence import EXTENSION, Presence

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("edge", ["ours", "another server's"])]


class Client:
    """Someone at the other end, who leaves when told."""

    def __init__(self, edge: str) -> None:
        self._leaves = asyncio.Event()
        self._presence = Presence()
        self.scope: dict[str, Any] = {"extensions": {EXTENSION: self._presence}} if edge == "ours" else {}

    def leave(self) -> None:
        self._leaves.set()
        self._presence.leave()

    async def receive(self) -> Any:
        await self._leaves.wait()
        return {"type": "http.disconnect"}


async def test_who_leaves_ends_the_work_and_its_end_may_still_await(edge: str) -> None:
    client, told = Client(edge), list[str]()
    asyncio.get_running_loop().call_soon(client.leave)
    with pytest.raises(ClientDisconnect), UntilLeft(client.scope, client.receive):
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            told.append("put away")
    assert told == ["put away"]
    await asyncio.sleep(0)  # the task itself is not cancelled any more


async def test_who_has_left_before_the_work_began_ends_it(edge: str) -> None:
    client = Client(edge)
    client.leave()
    with pytest.raises(ClientDisconnect), UntilLeft(client.scope, client.receive):
        await asyncio.Event().wait()


async def test_work_that_is_done_is_done_although_the_client_leaves_right_then(edge: str) -> None:
    client = Client(edge)
    with UntilLeft(client.scope, client.receive):
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(client.leave)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_cancellation_from_elsewhere_stays_one(edge: str) -> None:
    client, begun = Client(edge), asyncio.Event()

    async def work() -> None:
        with UntilLeft(client.scope, client.receive):
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_work_is_told_as_it_is(edge: str) -> None:
    client = Client(edge)
    with pytest.raises(ValueError, match="its own"), UntilLeft(client.scope, client.receive):
        raise ValueError("its own")


async def test_work_that_is_done_leaves_nothing_to_the_collector(edge: str) -> None:
    async def ended() -> weakref.ref[Client]:
        client = Client(edge)
        with UntilLeft(client.scope, client.receive):
            await asyncio.sleep(0)
        return weakref.ref(client)

    gc.disable()
    try:
        known = await ended()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert known() is None
    finally:
        gc.enable()

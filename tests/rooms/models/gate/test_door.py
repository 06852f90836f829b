"""The gate for asyncio: turns come, are given back whatever happens, and are refused with a time to come again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mecum.kit.clock import SystemClock
from mecum.kit.errors import TooMany
from mecum.kit.types import Tokens
from mecum.rooms.models import Usage
from mecum.rooms.models.gate.door import Asked, Gate, Place
from mecum.rooms.models.gate.fair import Band
from mecum.rooms.models.settings import ModelsSettings

pytestmark = pytest.mark.anyio

ONE_AT_A_TIME: dict[str, Any] = {"gate_tokens_start": 1_000, "gate_tokens_min": 1_000, "gate_tokens_max": 1_000}


@asynccontextmanager
async def gate(**settings: Any) -> AsyncGenerator[Gate]:
    found = Gate(SystemClock(), ModelsSettings(**(ONE_AT_A_TIME | settings)))
    await found.start()
    try:
        yield found
    finally:
        await found.stop()


def asked(tenant: str = "ines", band: Band = "interactive", tokens: int = 600) -> Asked:
    return Asked((("server",),), "model", tenant, band, tokens, 10)


async def call(at: Gate, who: Asked, done: list[str], hold: asyncio.Event | None = None) -> None:
    async with at.enter(who) as place:
        await place.turn()
        if hold is not None:
            await hold.wait()
        place.first()
        done.append(who.tenant)
        place.over(Usage(Tokens(who.input_tokens), Tokens(10)))


async def standing(at: Gate, *who: Asked) -> tuple[asyncio.Event, list[str], list[asyncio.Task[None]]]:
    """One who is in and stays until the event is set, and the others behind."""
    hold, done = asyncio.Event(), list[str]()
    tasks = [
        asyncio.create_task(call(at, each, done, hold if number == 0 else None)) for number, each in enumerate(who)
    ]
    await asyncio.sleep(0)
    return hold, done, tasks


async def test_who_waits_at_a_screen_is_next() -> None:
    async with gate() as at:
        hold, done, tasks = await standing(at, asked("first"), asked("dump", "bulk"), asked("ines"))
        hold.set()
        await asyncio.gather(*tasks)
    assert done == ["first", "ines", "dump"]


async def test_who_leaves_while_waiting_or_breaks_gives_the_place_back() -> None:
    async with gate() as at:
        hold, done, tasks = await standing(at, asked("first"), asked("gone"), asked("last"))
        tasks[1].cancel()
        tasks[0].cancel()
        await asyncio.wait(tasks[:2])
        await tasks[2]
        with pytest.raises(ZeroDivisionError):
            async with at.enter(asked()) as place:
                await place.turn()
                raise ZeroDivisionError
        await call(at, asked("again"), done)
        assert not hold.is_set()
    assert done == ["last", "again"]


async def test_a_wait_that_is_too_long_is_refused_with_a_time_to_come_again() -> None:
    async with gate(gate_wait_max_s=0.01) as at:
        done: list[str] = []
        await call(at, asked("before"), done)
        _, _, tasks = await standing(at, asked("first"))
        with pytest.raises(TooMany) as refused:
            await call(at, asked("late"), done)
        tasks[0].cancel()
    assert refused.value.code == "models.busy"


async def test_who_loses_the_place_to_a_higher_band_is_told_at_once() -> None:
    async with gate(gate_queue_max=1) as at:
        hold, _, tasks = await standing(at, asked("first"), asked("dump", "bulk"), asked("ines"))
        (over,), _ = await asyncio.wait([tasks[1]])
        assert isinstance(over.exception(), TooMany)
        hold.set()
        await asyncio.gather(tasks[0], tasks[2])


async def test_nothing_is_sent_while_the_provider_refuses() -> None:
    async with gate() as at:
        at.refused("server", 0.05)
        began = asyncio.get_running_loop().time()
        await call(at, asked(), [])
        assert asyncio.get_running_loop().time() - began >= 0.05


async def test_places_do_not_leak_under_cancels_and_breaks() -> None:
    chance = random.Random(3)
    async with gate() as at:
        done: list[str] = []

        async def one(number: int) -> None:
            async with at.enter(asked(f"t{number % 5}", chance.choice(["interactive", "api", "bulk"]))) as place:
                await place.turn()
                for _ in range(chance.randrange(5)):
                    await asyncio.sleep(0)
                if chance.random() < 0.2:
                    raise ZeroDivisionError
                _over(place, chance)

        tasks = [asyncio.create_task(one(number)) for number in range(300)]
        for task in tasks:
            if chance.random() < 0.3:
                await asyncio.sleep(0)
                task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(each) for each in ended} >= {asyncio.CancelledError, ZeroDivisionError, type(None)}
        await asyncio.wait_for(call(at, asked("last", "bulk", tokens=600), done), 5)
    assert done == ["last"]


def _over(place: Place, chance: random.Random) -> None:
    if chance.random() < 0.5:
        place.over(Usage(Tokens(600), Tokens(chance.randrange(900))))

"""The gate for asyncio: turns come, are given back whatever happens, and are refused with a time to come again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from mecum.kit.clock import SystemClock
from mecum.kit.errors import TooMany
from mecum.kit.types import Tokens
from mecum.rooms.models import Usage
from mecum.rooms.models.gate.door import Asked, Gate, Place, Wanted
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


TIERS = ((("server",),), (("server", "other"),), (("server",), ("other",)))


async def test_places_do_not_leak_under_cancels_breaks_refusals_and_making_way() -> None:
    chance = random.Random(3)
    async with gate() as at:
        done: list[str] = []

        async def one(number: int) -> None:
            band: Band = chance.choice(["interactive", "api", "bulk"])
            who = replace(asked(f"t{number % 5}", band), tiers=chance.choice(TIERS))
            async with at.enter(replace(who, gives_way="before_first" if band == "bulk" else "never")) as place:
                await place.turn()
                for _ in range(chance.randrange(5)):
                    try:
                        await place.unless_wanted(lambda: asyncio.sleep(0))
                    except Wanted:
                        place.again()
                        await place.turn()
                if chance.random() < 0.1:
                    at.refused(place.pool, 0.01)
                    place.again()
                    await place.turn()
                if chance.random() < 0.2:
                    raise ZeroDivisionError
                place.first()
                _over(place, chance)

        tasks = [asyncio.create_task(one(number)) for number in range(300)]
        for task in tasks:
            if chance.random() < 0.3:
                await asyncio.sleep(0)
                task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(each) for each in ended} >= {asyncio.CancelledError, ZeroDivisionError, type(None)}
        await asyncio.wait_for(call(at, asked("last", "bulk", tokens=600), done), 5)
        left = [
            (pool.line.running, pool.line.waiting, len(pool.standings), len(pool.yielding)) for pool in at.pools.all()
        ]
    assert done == ["last"]
    assert left == [(0, 0, 0, 0)] * 2


async def test_work_is_stopped_when_the_place_is_wanted_and_done_again_in_the_next_turn() -> None:
    async with gate() as at, at.enter(replace(asked("dump", "bulk"), gives_way="before_first")) as place:
        stopped: list[bool] = []

        async def long() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                stopped.append(True)

        working = asyncio.create_task(place.unless_wanted(long))
        await asyncio.sleep(0)
        async with at.enter(asked()) as comes:
            with pytest.raises(Wanted):
                await working
            assert stopped == [True] and not comes.is_in
            place.again()
            assert comes.is_in and not place.is_in
        assert place.is_in and not place.wanted.is_set()
        assert await place.unless_wanted(lambda: asyncio.sleep(0, "done")) == "done"


async def test_what_came_of_it_is_let_go_when_the_caller_leaves_just_then() -> None:
    async with gate() as at, at.enter(replace(asked("dump", "bulk"), gives_way="before_first")) as place:
        came, let_go = asyncio.get_running_loop().create_future(), list[str]()

        async def work() -> str:
            return await came

        working = asyncio.create_task(place.unless_wanted(work, let_go.append))
        await asyncio.sleep(0)
        came.set_result("answer")
        await asyncio.sleep(0)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
    assert let_go == ["answer"]


def _over(place: Place, chance: random.Random) -> None:
    if chance.random() < 0.5:
        place.over(Usage(Tokens(600), Tokens(chance.randrange(900))))

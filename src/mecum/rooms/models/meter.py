"""The meter: usage records are collected in memory and written in batches, never in the way of a call.

What budgets are charged for a call, and the totals of its hour, are written in the transaction of its record: once,
however often it is tried.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections import deque
from collections.abc import Sequence

from mecum.kit.clock import Clock
from mecum.kit.db import Database, NotCopied
from mecum.kit.errors import MecumError
from mecum.kit.values import frozen
from mecum.rooms.models.budgets.keeper import Keeper
from mecum.rooms.models.budgets.reservation import Charge
from mecum.rooms.models.budgets.telling import BudgetTelling, Crossing
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import hourly, usage
from mecum.rooms.models.store.usage import UsageRecord

logger = logging.getLogger(__name__)

BATCH = 500
PAUSE_MAX_S = 30.0
STOP_WITHIN_S = 3.0
SWEEP_BATCH, SWEEP_BATCHES_MAX = 10_000, 100


@frozen
class _Entry:
    record: UsageRecord
    charges: Sequence[Charge]
    demand_tokens: int


class Meter:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: ModelsSettings,
        budgets: Keeper,
        telling: BudgetTelling | None = None,
    ) -> None:
        self._db = db
        self._budgets = budgets
        self._telling = telling
        self._clock = clock
        self._kept = dt.timedelta(days=settings.usage_days)
        self._flush_s = settings.usage_flush_ms / 1000
        self._waiting: deque[_Entry] = deque()
        self._owed: list[Charge] = []
        self._room = settings.usage_buffer_max
        self._lost = 0
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None

    def record(self, record: UsageRecord, charges: Sequence[Charge] = (), demand_tokens: int = 0) -> None:
        """Take a record and what budgets are charged for it; both are written soon.

        The oldest record is given up when too many wait for a database that is away; its charges never are.

        Args:
            demand_tokens: what a call that was turned away asked for, about.
        """
        if len(self._waiting) >= self._room:
            self._owed.extend(self._waiting.popleft().charges)
            self._lost += 1
        self._waiting.append(_Entry(record, charges, demand_tokens))
        self._wake.set()

    async def start(self) -> None:
        self._writer = asyncio.create_task(self._write(), name="models.meter")

    async def stop(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer})
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self.flush()
        except (MecumError, TimeoutError):
            logger.warning("%d usage records could not be written", len(self._waiting))

    async def flush(self) -> None:
        """Write all records that wait now. Those that come meanwhile wait for the next time: under load there would be
        no end, and a transaction for every few of them.

        Raises:
            Unavailable: the database is away; they go on waiting.
        """
        async with self._writing:
            left = len(self._waiting)
            while left > 0 or self._owed:
                batch = [self._waiting[place] for place in range(min(BATCH, left, len(self._waiting)))]
                left -= BATCH
                await self._write_batch(batch)
                # Only what was written leaves; the oldest of it may have been given up meanwhile.
                written = {entry.record.request_id for entry in batch}
                while self._waiting and self._waiting[0].record.request_id in written:
                    self._waiting.popleft()

    async def _write_batch(self, batch: list[_Entry]) -> None:
        owed, self._owed = self._owed, []
        charges = [charge for entry in batch for charge in entry.charges] + owed
        try:
            async with self._budgets.locked(purse for purse, _ in charges):
                try:
                    written, crossings = await self._write_once(batch, owed, anew=True)
                except NotCopied:
                    # Some of them are there: a commit that nobody heard of. Or a name has to be mended.
                    written, crossings = await self._write_once(batch, owed, anew=False)
                self._budgets.accounted(charges)
        except BaseException:
            self._owed = owed + self._owed
            raise
        await self._tell(crossings, written)

    async def _write_once(
        self, batch: list[_Entry], owed: list[Charge], *, anew: bool
    ) -> tuple[Sequence[_Entry], Sequence[Crossing]]:
        """Write those of `batch` that are not there yet; gives them, and how budgets moved.

        Args:
            anew: none of them is there, as it nearly always is.

        Raises:
            NotCopied: that was not so.
        """
        records, written = [entry.record for entry in batch], batch
        async with self._db.transaction() as connection:
            if anew:
                await usage.copy(connection, records)
            else:
                new = await usage.add(connection, records)
                written = [entry for entry in batch if entry.record.request_id in new]
            await hourly.add(connection, ((entry.record, entry.demand_tokens) for entry in written))
            fresh = [charge for entry in written for charge in entry.charges]
            crossings = await self._budgets.account(connection, fresh + owed)
        return written, crossings

    async def _tell(self, crossings: Sequence[Crossing], written: Sequence[_Entry]) -> None:
        """Tell whose calls brought a budget to its end, or near it."""
        calls = {purse: entry.record for entry in written for purse, _ in entry.charges}
        told = [(each, calls[each.purse]) for each in crossings if each.level is not None and each.purse in calls]
        if not told or self._telling is None:
            return
        try:
            async with self._db.transaction() as connection:
                for crossing, record in told:
                    await self._telling.tell(connection, crossing, record)
        except MecumError:
            logger.warning("Nobody could be told of %d budgets", len(told))

    async def sweep(self) -> None:
        """Remove records that were kept as long as the setting says."""
        before = self._clock.now() - self._kept
        for _ in range(SWEEP_BATCHES_MAX):
            async with self._db.transaction() as connection:
                if await usage.sweep(connection, before, SWEEP_BATCH) < SWEEP_BATCH:
                    return

    async def _write(self) -> None:
        pause_s = self._flush_s
        while True:
            await self._wake.wait()
            await asyncio.sleep(pause_s)
            self._wake.clear()
            try:
                await self.flush()
                pause_s = self._flush_s
            except MecumError:
                pause_s = min(pause_s * 2, PAUSE_MAX_S)
                self._wake.set()
                logger.warning("Usage records wait for the database")
            if self._lost:
                logger.error("%d usage records were given up: too many waited for the database", self._lost)
                self._lost = 0

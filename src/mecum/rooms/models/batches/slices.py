"""A slice of the work on a batch: some lines at once, for a while, until nothing is left, or something has to be waited
for. Whatever is answered is in the database before the next line begins.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from mecum.kit.clock import Clock
from mecum.kit.db import Database
from mecum.kit.errors import MecumError
from mecum.kit.http import internal_error
from mecum.rooms.models.batches.asking import SPENT, Answered, Asker, NoLonger, failed, is_held, not_asked
from mecum.rooms.models.batches.lines import Line, Request, understood
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import batches
from mecum.rooms.models.store.batches import Batch, Result

logger = logging.getLogger(__name__)

SLICE_S = 30.0
"""Then it is another batch's turn."""
GRACE_S = 10.0
"""So long a line that was asked may take to its end when the batch is cancelled or its window is over."""
HOLD_S, HOLD_MAX_S = 5.0, 60.0
LOOK_EVERY_S = 1.0
"""So often the clock is looked at while lines are under way."""
TOO_MUCH = "The answers of this batch have more than {limit:,} bytes. Send the rest in another batch."


@dataclass(frozen=True, slots=True)
class Ending:
    """How a slice ended.

    Args:
        line, byte: where the first line without a result begins; None: there is none.
        wait_s: before that a model can't be asked.
    """

    line: int | None
    byte: int
    wait_s: float | None


class Slice:
    def __init__(
        self, batch: Batch, asker: Asker, db: Database, clock: Clock, settings: ModelsSettings, stop: asyncio.Event
    ) -> None:
        """`stop` is set when the batch is cancelled, or nothing more may be asked for it."""
        self._batch = batch
        self._asker = asker
        self._db = db
        self._clock = clock
        self._settings = settings
        self._stop = stop
        self._until = clock.monotonic() + SLICE_S
        self._running: set[asyncio.Task[None]] = set()
        self._waits: dict[str, float] = {}
        self._spent: dict[str, MecumError] = {}
        self._left: list[tuple[int, int]] = []
        self._is_full = False

    async def run(self, lines: AsyncIterator[Line], answered: set[int]) -> Ending:
        """Work on `lines` but for those that are `answered`.

        Raises:
            Fenced: somebody else works on the batch by now. DatabaseUnavailable: an answer could not be kept.
        """
        try:
            async for line in lines:
                if line.number in answered:
                    continue
                await self._room()
                request = understood(line.raw, self._batch.endpoint)
                if self._is_over or (self._batch.model is not None and self._waits):
                    self._leave(line)
                    break
                if request.model in self._waits:
                    self._leave(line)
                    continue
                self._running.add(asyncio.create_task(self._one(line, request)))
            await self._ended()
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
        first = min(self._left, default=None)
        wait_s = min(self._waits.values(), default=None)
        return Ending(None, 0, None) if first is None else Ending(*first, wait_s)

    @property
    def _is_over(self) -> bool:
        return self._stop.is_set() or self._is_late or self._clock.monotonic() >= self._until

    @property
    def _is_late(self) -> bool:
        return self._clock.now() >= self._batch.expires_at

    def _leave(self, line: Line) -> None:
        """It is for another slice."""
        self._left.append((line.number, line.start))

    async def _room(self) -> None:
        """Wait until another line may begin."""
        while len(self._running) >= self._settings.batch_lines_at_once and not self._is_over:
            await self._some()

    async def _ended(self) -> None:
        """Wait until no line is under way; when the batch is cancelled or late, for a short time only."""
        while self._running and not (self._stop.is_set() or self._is_late):
            await self._some()
        if self._running:
            done, self._running = await asyncio.wait(self._running, timeout=GRACE_S)
            for task in done:
                task.result()

    async def _some(self) -> None:
        """Wait until a line has ended or the batch is cancelled, for a moment at most. Raises what a line raised."""
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({*self._running, stopping}, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        done = {task for task in self._running if task.done()}
        self._running -= done
        for task in done:
            task.result()

    async def _one(self, line: Line, request: Request) -> None:
        try:
            answered = await self._answered(request)
            if answered is None:
                self._leave(line)
            else:
                await self._keep(line, request, answered)
        except asyncio.CancelledError:
            self._leave(line)
            raise

    async def _answered(self, request: Request) -> Answered | None:
        """None: it can't be asked now."""
        if self._is_full:
            return self._too_much(request)
        if request.model in self._spent:
            return failed(request, self._spent[request.model])
        try:
            return await self._asker.ask(self._batch, request)
        except NoLonger:
            self._stop.set()
            return None
        except MecumError as error:
            if is_held(error):
                wait_s = min(HOLD_MAX_S, max(1.0, error.retry_after or HOLD_S))
                self._waits[request.model] = max(wait_s, self._waits.get(request.model, 0.0))
                return None
            if error.code == SPENT:
                self._spent[request.model] = error
            return failed(request, error)
        except Exception:
            logger.exception("A line of a batch failed")
            return failed(request, internal_error())

    def _too_much(self, request: Request) -> Answered:
        limit = self._settings.batch_output_limit_bytes
        return not_asked(request.custom_id, "output_too_large", TOO_MUCH.format(limit=limit))

    async def _keep(self, line: Line, request: Request, answered: Answered) -> None:
        """Raises Fenced, DatabaseUnavailable."""
        limit = self._settings.batch_output_limit_bytes
        async with self._db.transaction() as connection:
            if answered.ok and await batches.output_bytes(connection, self._batch) + len(answered.body) > limit:
                self._is_full = True  # This one was asked, and counts; the others are not.
                answered = replace(self._too_much(request), usage=answered.usage)
            result = Result(line.number, answered.ok, answered.body, answered.usage)
            if await batches.put(connection, self._batch, [result]) == "cancelling":
                self._stop.set()

"""The job of a batch: it goes on until the batch has ended, or it is another one's turn, or something is waited for;
then it defers the next one in the transaction of its last step.

Whoever takes a job up claims the batch: what an earlier worker may still write is refused (`batches.Fenced`).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from uuid import UUID

from mecum.kit.blobs import BlobRef, Blobs
from mecum.kit.bus import Bus, Lagged
from mecum.kit.clock import Clock
from mecum.kit.db import Database
from mecum.kit.errors import NotFound, TooLarge
from mecum.kit.http import internal_error
from mecum.kit.ids import new_id
from mecum.kit.jobs import Jobs
from mecum.kit.types import OrganisationId, SpaceId
from mecum.rooms.models.batches.asking import NOTHING, Asker, NoLonger, not_asked
from mecum.rooms.models.batches.files import MEDIA_TYPE, ROOM, UNFINISHED_FOR, unknown_file
from mecum.rooms.models.batches.lines import Line, lines, understood
from mecum.rooms.models.batches.ordering import WORK, cancel_channel, lane
from mecum.rooms.models.batches.shapes import batch_id, file_id
from mecum.rooms.models.batches.slices import Slice
from mecum.rooms.models.batches.validating import looked_through
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import batches, files
from mecum.rooms.models.store.batches import Batch, Fenced, Result, Status
from mecum.rooms.models.store.files import File

logger = logging.getLogger(__name__)

PAGE, PAGE_LARGE = 500, 16
"""How many results are read at once; of the output, whose lines may be long, fewer."""
NO_ROOM_WAIT = dt.timedelta(minutes=10)
EXPIRED = ("batch_expired", "This request could not be executed before the completion window expired.")
CANCELLED = ("batch_cancelled", "This request was not executed because the batch was cancelled.")


class BatchWork:
    def __init__(
        self, db: Database, jobs: Jobs, bus: Bus, blobs: Blobs, clock: Clock, asker: Asker, settings: ModelsSettings
    ) -> None:
        self._db = db
        self._jobs = jobs
        self._bus = bus
        self._blobs = blobs
        self._clock = clock
        self._asker = asker
        self._settings = settings

    async def work(self, batch: str) -> None:
        """The job: go on with the batch of that id, as far as is possible now. Again is harmless.

        Raises:
            MecumError: its file can't be read, or the database is away; the job is tried again.
        """
        try:
            while (claimed := await self._claimed(batch)) is not None and await self._go_on(claimed):
                pass
        except Fenced:
            logger.info("A batch is worked on elsewhere, or is gone")

    async def give_up(self, batch: str) -> None:
        """Instead of the job, when it fails for good: the batch has failed, and what is done of it is kept."""
        error = internal_error()
        said = {"code": error.code, "line": None, "message": error.detail, "param": None}
        while (claimed := await self._claimed(batch)) is not None:
            if not await self._finish(claimed, "failed", errors=[said]):
                return

    async def _claimed(self, batch: str) -> Batch | None:
        async with self._db.transaction() as connection:
            return await batches.claim(connection, UUID(hex=batch))

    async def _go_on(self, batch: Batch) -> bool:
        """One step. Whether the next one is to follow at once."""
        if batch.status == "finalizing":
            return await self._finish(batch, "completed")
        if batch.status == "cancelling":
            return await self._end_early(batch, "cancelled", _why(batch))
        try:
            await self._asker.allowed(batch)
        except NoLonger as ended:
            said = {"code": ended.code, "line": None, "message": ended.message, "param": None}
            return await self._change(batch, status="cancelling", cancelling_at=self._clock.now(), errors=[said])
        if self._clock.now() >= batch.expires_at:
            return await self._end_early(batch, "expired", EXPIRED)
        return await (self._validate(batch) if batch.status == "validating" else self._answer(batch))

    async def _validate(self, batch: Batch) -> bool:
        try:
            found = await looked_through(await self._input(batch), batch.endpoint, self._settings)
        except NotFound:
            gone = unknown_file(file_id(batch.input_file_id))
            said = {"code": gone.code, "line": None, "message": gone.detail, "param": "input_file_id"}
            return await self._change(batch, status="failed", failed_at=self._clock.now(), errors=[said])
        now = self._clock.now()
        if found.errors:
            return await self._change(batch, status="failed", failed_at=now, errors=found.errors)
        about = {"total": found.total, "model": found.model}
        return await self._change(batch, status="in_progress", in_progress_at=now, **about)

    async def _answer(self, batch: Batch) -> bool:
        """Ask for some lines; the rest is for the next job."""
        stop = asyncio.Event()
        listening = asyncio.create_task(self._cancelled(batch, stop))
        try:
            async with self._db.transaction() as connection:
                answered = await batches.answered(connection, batch)
            part = Slice(batch, self._asker, self._db, self._clock, self._settings, stop)
            async with aclosing(self._lines(batch)) as rest:
                ending = await part.run(rest, answered)
        finally:
            listening.cancel()
            await asyncio.wait({listening})
        if ending.line is None:
            return await self._change(batch, status="finalizing", finalizing_at=self._clock.now())
        wait = None if ending.wait_s is None else dt.timedelta(seconds=ending.wait_s)
        at = None if wait is None else min(self._clock.now() + wait, batch.expires_at)
        async with self._db.transaction() as connection:
            await batches.resume_at(connection, batch, ending.line, ending.byte)
            if not stop.is_set():
                await self._jobs.defer(connection, WORK, lock=lane(batch), at=at, batch=batch.id.hex)
        return stop.is_set()

    async def _end_early(self, batch: Batch, status: Status, why: tuple[str, str]) -> bool:
        """Say of every line that has no result why it has none, and end."""
        if batch.in_progress_at is not None:
            async with self._db.transaction() as connection:
                answered = await batches.answered(connection, batch)
            waiting: list[Result] = []
            async with aclosing(self._lines(batch)) as rest:
                async for line in rest:
                    if line.number not in answered:
                        custom_id = understood(line.raw, batch.endpoint).custom_id
                        waiting.append(Result(line.number, False, not_asked(custom_id, *why).body, NOTHING))
                    if len(waiting) >= PAGE:
                        await self._put(batch, waiting)
                        waiting = []
            if waiting:
                await self._put(batch, waiting)
        return await self._finish(batch, status)

    async def _put(self, batch: Batch, results: list[Result]) -> None:
        async with self._db.transaction() as connection:
            await batches.put(connection, batch, results)

    async def _finish(self, batch: Batch, status: Status, **more: object) -> bool:
        """Write the results into files, and end. True: it was cancelled meanwhile, and ends in another way.

        While the person's space has no room for them, the results wait for it.
        """
        try:
            output, errors = await self._written(batch, ok=True), await self._written(batch, ok=False)
        except TooLarge as error:
            logger.info("The results of a batch wait for room: %s", error.code)
            async with self._db.transaction() as connection:
                # In no lane: others need not wait with it.
                at = self._clock.now() + NO_ROOM_WAIT
                await self._jobs.defer(connection, WORK, at=at, batch=batch.id.hex)
            return False
        now = self._clock.now()
        made = {
            f"{name}_file_id": self._file(batch, f"{batch_id(batch.id)}_{name}.jsonl", ref, now)
            for name, ref in (("output", output), ("error", errors))
            if ref is not None
        }
        values = {"status": status, f"{status}_at": now, **{name: file.id for name, file in made.items()}, **more}
        async with self._db.transaction() as connection:
            if not await batches.change(connection, batch, **values):
                return True
            for file in made.values():
                await self._blobs.keep(connection, file.blob_id)
                await files.add(connection, file)
            await batches.clear(connection, batch.id)
        return False

    async def _written(self, batch: Batch, *, ok: bool) -> BlobRef | None:
        """A file of these results, which goes by itself unless it is kept; None: there are none."""
        results = self._results(batch, ok=ok)
        async with aclosing(results):
            first = await anext(results, None)
            if first is None:
                return None
            until = self._clock.now() + UNFINISHED_FOR
            space, organisation = SpaceId(batch.space_id), OrganisationId(batch.organisation_id)
            content = _chained(first, results)
            return await self._blobs.put(ROOM, space, organisation, content, MEDIA_TYPE, expires_at=until)

    async def _results(self, batch: Batch, *, ok: bool) -> AsyncGenerator[bytes, None]:
        after, most = 0, PAGE_LARGE if ok else PAGE
        while True:
            async with self._db.transaction() as connection:
                page = await batches.page(connection, batch.id, after, most, ok=ok)
            for number, body in page:
                yield body
                after = number
            if len(page) < most:
                return

    def _file(self, batch: Batch, name: str, ref: BlobRef, now: dt.datetime) -> File:
        days = dt.timedelta(days=self._settings.batch_days)
        kept = days if batch.output_expires_s is None else dt.timedelta(seconds=batch.output_expires_s)
        whose = (batch.person_id, batch.space_id, batch.organisation_id)
        return File(new_id(), *whose, "batch_output", name, ref.id, ref.size_bytes, now, now + kept)

    async def _change(self, batch: Batch, **values: object) -> bool:
        """Change it, unless it was cancelled meanwhile: either way there is a next step. Raises Fenced."""
        async with self._db.transaction() as connection:
            await batches.change(connection, batch, **values)
        return True

    async def _input(self, batch: Batch, start: int = 0) -> AsyncIterator[bytes]:
        """The bytes of its file, from `start` on. Raises NotFound."""
        async with self._db.transaction() as connection:
            file = await files.read_by(connection, batch.input_file_id)
        if file is None:
            raise unknown_file(file_id(batch.input_file_id))
        return await self._blobs.open(file.blob_id, ROOM, SpaceId(file.space_id), start)

    async def _lines(self, batch: Batch) -> AsyncGenerator[Line, None]:
        """The lines of its file that may have no result."""
        pieces = await self._input(batch, batch.resume_byte)
        limit, number, start = self._settings.batch_file_limit_bytes, batch.resume_line, batch.resume_byte
        async with aclosing(lines(pieces, limit, number=number, start=start)) as found:
            async for line in found:
                yield line

    async def _cancelled(self, batch: Batch, stop: asyncio.Event) -> None:
        """Set `stop` once somebody cancels it. Whatever the bus loses is seen with the next result."""
        while not stop.is_set():
            try:
                async with self._bus.subscribe(cancel_channel(batch)) as frames:
                    async for _ in frames:
                        stop.set()
                        break
            except Lagged:
                continue


def _why(batch: Batch) -> tuple[str, str]:
    """What is said of lines of a batch that was cancelled: by its owner, or by what its errors say."""
    return next(((each["code"], each["message"]) for each in batch.errors), CANCELLED)


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    yield first
    async for piece in rest:
        yield piece

"""One advance of a run, and its open transactions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from mecum.kit.db import AsyncConnection
from mecum.kit.types import Principal
from mecum.rooms.assistant import Event
from mecum.rooms.assistant.events import Draft
from mecum.rooms.assistant.store import log, runs
from mecum.rooms.assistant.store.runs import RunRow


@dataclass(slots=True)
class Turn:
    """One advance: the claimed run, whose it is, the time that it has worked, and the log as it was read last."""

    run: RunRow
    principal: Principal
    since: float
    events: tuple[Event, ...]
    is_fresh: bool = True
    retries: int = 0
    following: UUID | None = None


@dataclass(slots=True)
class Writing:
    """An open transaction of a run: its thread is locked, its epoch proved."""

    connection: AsyncConnection
    run: RunRow
    origin: str
    now: dt.datetime
    written: tuple[Event, ...] = ()

    async def append(
        self, drafts: Sequence[Draft], *, message: bool = True, state: str = "running"
    ) -> tuple[Event, ...]:
        run = self.run
        stamped = [replace(draft, run=run.id, message=run.answer_message if message else None) for draft in drafts]
        self.written = await log.append(self.connection, run.place, stamped, self.now, state=state)
        if message:
            await runs.drop_checkpoint(self.connection, run.id)
        return self.written

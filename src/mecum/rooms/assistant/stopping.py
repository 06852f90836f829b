"""Stopping runs that their person does not stop: of somebody who was disabled, and those that wait for too long."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from mecum.kit.outbox import OutboxEvent
from mecum.kit.room import Kit
from mecum.rooms.assistant.runner import ADVANCE, ask_to_stop
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.store import runs

STOPPED_AT_ONCE = 200


class Stopping:
    def __init__(self, kit: Kit, settings: AssistantSettings) -> None:
        self._kit = kit
        self._settings = settings

    async def of_person(self, event: OutboxEvent) -> None:
        """Stop what is going on for the person. What waits for them may wait on: they may come back."""
        await self._stop(runs.at_work_for(UUID(hex=event.payload["person"])))

    async def old_waits(self) -> None:
        """Stop what has waited longer than the settings allow."""
        await self._stop(runs.waiting_since(self._kit.clock.now() - dt.timedelta(days=self._settings.wait_days)))

    async def _stop(self, condition: runs.Condition) -> None:
        while True:
            async with self._kit.db.transaction() as connection:
                found = await runs.to_stop(connection, condition, STOPPED_AT_ONCE)
                for run, thread in found:
                    await runs.request_stop(connection, run)
                    await runs.resume(connection, run)
                    await self._kit.jobs.defer(connection, ADVANCE, lock=thread.hex, run=run.hex)
            for run, _ in found:
                await ask_to_stop(self._kit, run)
            if len(found) < STOPPED_AT_ONCE:
                return

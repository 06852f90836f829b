"""Whether providers work, as their last call showed: kept in memory, written down only when it changes."""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from mecum.kit.db import Database
from mecum.kit.errors import MecumError, Problem
from mecum.rooms.models.store import catalogue as store
from mecum.rooms.models.store.catalogue import ProviderRow, ProviderState

logger = logging.getLogger(__name__)

PROVIDERS_FAULT = frozenset(
    (
        "models.provider_unreachable",
        "models.provider_timeout",
        "models.provider_key",
        "models.provider_failed",
        "models.provider_closed",
        "models.provider_garbage",
    )
)


class Health:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._underway: dict[UUID, ProviderState] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def worked(self, provider: ProviderRow) -> None:
        self._mark(provider, "ok", None)

    def failed(self, provider: ProviderRow, error: MecumError) -> None:
        """Note a failure that is the provider's; a request that it rightly refused says nothing about it."""
        if error.code in PROVIDERS_FAULT:
            self._mark(provider, "failing", error.problem())

    def speaks_responses(self, provider: ProviderRow, value: bool) -> None:
        self._later(provider.id, speaks_responses=value)

    async def stop(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)

    def _mark(self, provider: ProviderRow, state: ProviderState, fault: Problem | None) -> None:
        if provider.state == state:
            self._underway.pop(provider.id, None)
        elif self._underway.get(provider.id) != state:
            self._underway[provider.id] = state
            self._later(provider.id, state=state, fault=fault)

    def _later(self, provider: UUID, **values: object) -> None:
        task = asyncio.create_task(self._write(provider, values))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, provider: UUID, values: dict[str, object]) -> None:
        try:
            async with self._db.transaction() as connection:
                await store.change_provider(connection, provider, **values)
        except MecumError:
            logger.warning("The state of a provider could not be written down")

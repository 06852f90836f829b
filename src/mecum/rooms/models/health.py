"""How accounts fare, as their last calls showed: kept in memory, written down when it changes and now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.errors import MecumError
from mecum.rooms.models.store import accounts, catalogue
from mecum.rooms.models.store.accounts import AccountRow, AccountState

logger = logging.getLogger(__name__)

NOTED_EVERY_S = 60.0
"""That an account was used again is written down so often."""
CAUGHT_UP_S = 5.0
"""By then the catalogue that calls see has what was written."""
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


@dataclass(slots=True)
class _Known:
    state: AccountState
    noted_at: float


class Health:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._known: dict[UUID, _Known] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def worked(self, account: AccountRow) -> None:
        if self._is_news(account, "ok"):
            now = self._clock.now()
            self._later(lambda on: accounts.change(on, account.id, state="ok", fault=None, used_at=now))

    def failed(self, account: AccountRow, error: MecumError) -> None:
        """Note a failure that is the provider's; a request that it rightly refused says nothing about it."""
        if error.code in PROVIDERS_FAULT and self._is_news(account, "failing"):
            now, fault = self._clock.now(), error.problem()
            values = {"state": "failing", "fault": fault, "used_at": now, "failed_at": now}
            self._later(lambda on: accounts.change(on, account.id, **values))

    def speaks_responses(self, provider: UUID, value: bool) -> None:
        self._later(lambda on: catalogue.change_provider(on, provider, speaks_responses=value))

    async def stop(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)

    def _is_news(self, account: AccountRow, state: AccountState) -> bool:
        """Whether that is to be written down: another state than before, or the same for a while."""
        now = self._clock.monotonic()
        known = self._known.get(account.id)
        if known is not None and known.state == state:
            # Somebody else, a trial or another process, may have written another state meanwhile.
            quiet_s = NOTED_EVERY_S if account.state == state else CAUGHT_UP_S
            if now - known.noted_at < quiet_s:
                return False
        self._known[account.id] = _Known(state, now)
        return True

    def _later(self, write: Callable[[AsyncConnection], Awaitable[None]]) -> None:
        task = asyncio.create_task(self._write(write))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, write: Callable[[AsyncConnection], Awaitable[None]]) -> None:
        try:
            async with self._db.transaction() as connection:
                await write(connection)
        except MecumError:
            logger.warning("The state of an account could not be written down")

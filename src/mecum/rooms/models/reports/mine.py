"""What a person used in a month."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from mecum.kit.clock import Clock
from mecum.kit.db import Database
from mecum.kit.errors import BadRequest
from mecum.kit.types import Principal
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import reports as store
from mecum.rooms.models.store.reports import Sum, Work, WorkUse
from mecum.rooms.models.store.usage import UsageRecord

MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
DEGRADED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Month:
    """`month`: like 2026-11, of the person's time zone, from `starts` until just before `ends`."""

    month: str
    timezone: str
    starts: dt.datetime
    ends: dt.datetime
    sums: Sequence[Sum]
    work: Work
    degraded: Sequence[UsageRecord]


@dataclass(frozen=True, slots=True)
class Works:
    """`month`: like 2026-11. `currency`: of all costs."""

    month: str
    currency: str
    items: tuple[WorkUse, ...]


class MyUsage:
    def __init__(self, db: Database, clock: Clock, settings: ModelsSettings) -> None:
        self._db = db
        self._clock = clock
        self.currency = settings.currency

    async def month(self, principal: Principal, month: str | None) -> Month:
        """A month, or the one of now. Raises BadRequest."""
        named, starts, ends = self._bounds(principal, month)
        async with self._db.transaction() as connection:
            sums = await store.sums(connection, principal.person, starts, ends, principal.timezone)
            work = await store.work(connection, principal.person, starts, ends)
            degraded = await store.degraded(connection, principal.person, starts, ends, DEGRADED_SHOWN)
        return Month(named, principal.timezone, starts, ends, sums, work, degraded)

    async def works(self, principal: Principal, month: str | None) -> Works:
        """What pieces of work took in a month, or in the one of now, the dearest first. Raises BadRequest."""
        named, starts, ends = self._bounds(principal, month)
        async with self._db.transaction() as connection:
            found = await store.works(connection, principal.person, starts, ends)
        return Works(named, self.currency, found)

    def _bounds(self, principal: Principal, month: str | None) -> tuple[str, dt.datetime, dt.datetime]:
        """A month by its name, and its first moment and that of the next one. Raises BadRequest."""
        zone = ZoneInfo(principal.timezone)
        named = month if month is not None else self._clock.now().astimezone(zone).strftime("%Y-%m")
        return (named, *bounds(named, zone))

    async def calls(self, principal: Principal, before: UUID | None, limit: int) -> tuple[UsageRecord, ...]:
        """The person's calls, newest first."""
        async with self._db.transaction() as connection:
            return await store.newest(connection, principal.person, before, limit)


def bounds(month: str, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """The first moments of a month like 2026-11 and of the one after. Raises BadRequest."""
    found = MONTH.fullmatch(month)
    if found is None or not 2000 <= int(found[1]) <= 9000:
        raise BadRequest(
            "models.month_malformed",
            f"{month[:20]} is not a month.",
            "Write it as 2026-11.",
            params={"given": month[:20]},
        )
    year, number = int(found[1]), int(found[2])
    first = dt.datetime(year, number, 1, tzinfo=zone)
    after = dt.datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    return first.astimezone(dt.UTC), after.astimezone(dt.UTC)

"""What was asked and served before now: the last hour from the gate's memory, longer spans from the totals of hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from mecum.kit.clock import Clock
from mecum.kit.db import Database
from mecum.rooms.models.gate.door import Gate
from mecum.rooms.models.gate.line import BANDS, Band
from mecum.rooms.models.gate.panorama import Panorama
from mecum.rooms.models.gate.watching import POINT_S, PoolHour
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import hourly
from mecum.rooms.models.store.hourly import HourRow, ModelRow

Span: TypeAlias = Literal["hour", "day", "week"]
HOURS: dict[Span, int] = {"day": 24, "week": 168}
HOUR_S = 3600.0
SWEEP_BATCH, SWEEP_BATCHES_MAX = 10_000, 100


@dataclass(frozen=True, slots=True)
class History:
    """A span in steps, oldest first; rates in tokens a second, times in seconds.

    Args:
        times: when each step began.
        unmet: what was asked and not let in, or turned away. degraded: what was served with something taken away.
        waits: by band. In the last hour what nineteen of twenty waited at most, else the longest; None: nobody came.
        first_words: the mean time to the first word, by band; only of days and weeks.
        refused: calls that were turned away. over_budget: of them, those that a budget refused; only of the last hour.
        pools: how full each was; only of the last hour. models: which were asked most; only of days and weeks.
    """

    span: Span
    step_s: float
    times: Sequence[float]
    served: dict[Band, Sequence[float]]
    unmet: Sequence[float]
    degraded: Sequence[float]
    waits: dict[Band, Sequence[float | None]]
    first_words: dict[Band, Sequence[float | None]]
    refused: int
    over_budget: int | None = None
    pools: Sequence[PoolHour] = ()
    models: Sequence[ModelRow] = ()


class Histories:
    def __init__(self, db: Database, gate: Gate, clock: Clock, settings: ModelsSettings) -> None:
        self._db = db
        self._panorama = Panorama(gate)
        self._clock = clock
        self._kept = dt.timedelta(days=settings.usage_hours_days)

    async def of(self, span: Span) -> History:
        """That much of the past, up to now."""
        return await self._last_hour() if span == "hour" else await self._longer(span)

    async def sweep(self) -> None:
        """Remove totals that were kept as long as the setting says."""
        before = self._clock.now() - self._kept
        for _ in range(SWEEP_BATCHES_MAX):
            async with self._db.transaction() as connection:
                if await hourly.sweep(connection, before, SWEEP_BATCH) < SWEEP_BATCH:
                    return

    async def _last_hour(self) -> History:
        hour = await self._panorama.hour()
        now = self._clock.now().timestamp()
        return History(
            span="hour",
            step_s=POINT_S,
            times=[now - age_s for age_s in hour.ages_s],
            served=dict(hour.served),
            unmet=hour.unmet,
            degraded=hour.degraded,
            waits=dict(hour.waits),
            first_words={},
            refused=hour.refused,
            over_budget=hour.over_budget,
            pools=hour.pools,
        )

    async def _longer(self, span: Span) -> History:
        this_hour = self._clock.now().astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
        hours = [this_hour - dt.timedelta(hours=ago) for ago in range(HOURS[span] - 1, -1, -1)]
        async with self._db.transaction() as connection:
            rows = await hourly.by_hour(connection, hours[0])
            models = await hourly.by_model(connection, hours[0])
        return _folded(span, hours, rows, models, self._clock.now())


def _folded(
    span: Span, hours: Sequence[dt.datetime], rows: Sequence[HourRow], models: Sequence[ModelRow], now: dt.datetime
) -> History:
    """Rows of hours as series. The hour that has not ended is shorter than the others."""
    found = {(row.hour, cast(Band, row.band)): row for row in rows}
    lasted_s = [max(1.0, min(HOUR_S, (now - hour).total_seconds())) for hour in hours]
    places = list(zip(hours, lasted_s, strict=True))

    def of_all(name: Literal["refused_tokens", "degraded_tokens"]) -> Sequence[float]:
        return [
            sum(getattr(row, name) for band in BANDS if (row := found.get((hour, band)))) / lasted
            for hour, lasted in places
        ]

    def of_band(band: Band) -> Sequence[HourRow | None]:
        return [found.get((hour, band)) for hour in hours]

    return History(
        span=span,
        step_s=HOUR_S,
        times=[hour.timestamp() for hour in hours],
        served={
            band: [row.tokens / lasted if row else 0.0 for row, lasted in zip(of_band(band), lasted_s, strict=True)]
            for band in BANDS
        },
        unmet=of_all("refused_tokens"),
        degraded=of_all("degraded_tokens"),
        waits={band: [row.queue_max_ms / 1000 if row else None for row in of_band(band)] for band in BANDS},
        first_words={
            band: [row.ttft_ms / row.ttft_calls / 1000 if row and row.ttft_calls else None for row in of_band(band)]
            for band in BANDS
        },
        refused=sum(row.refused for row in rows),
        models=models,
    )

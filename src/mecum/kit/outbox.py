"""Events between rooms, delivered at least once.

The sender writes the event and one delivery job per subscriber in its own transaction; a subscriber that fails is
tried again, alone. Payloads are ids: a subscriber asks the sender's face for what it needs. Handlers are idempotent
by the event's id.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Column, String, Table, bindparam, insert, select, text

from mecum.kit.clock import Clock
from mecum.kit.db import JSONB, TIMESTAMP, AsyncConnection, Database, room_metadata
from mecum.kit.db import UUID as PgUuid
from mecum.kit.ids import new_id
from mecum.kit.jobs import Jobs, JobSpec

KEPT_DAYS = 7

metadata = room_metadata("kit")
outbox_table = Table(
    "outbox",
    metadata,
    Column("id", PgUuid, primary_key=True),
    Column("topic", String(100), nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("at", TIMESTAMP(timezone=True), nullable=False),
)

_FORGET = text(
    """
    DELETE FROM kit.outbox WHERE at < :horizon AND NOT EXISTS (
        SELECT 1 FROM jobs.procrastinate_jobs job
        WHERE job.task_name = 'outbox.deliver' AND job.status IN ('todo', 'doing')
            AND job.args->>'event' = outbox.id::text
    )
    """
)
"""Old events whose deliveries are over: one that a subscriber still fails at stays until it is heard."""
_BY_ID = select(outbox_table).where(outbox_table.c.id == bindparam("of"))


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """Something that happened: `topic` is `room.PastTense`, `payload` ids only."""

    id: UUID
    topic: str
    payload: Mapping[str, str]
    at: dt.datetime


Handler = Callable[[OutboxEvent], Awaitable[None]]


def _everything(payload: Mapping[str, str]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who hears of what.

    Args:
        name: stable (`room.what_it_does`): waiting deliveries in the database name it.
        wants: asked in the sender's transaction with the payload, therefore pure; what is not wanted costs no job.
    """

    topic: str
    name: str
    handle: Handler
    wants: Callable[[Mapping[str, str]], bool] = _everything


class Outbox:
    def __init__(self, database: Database, jobs: Jobs, clock: Clock) -> None:
        self._database = database
        self._jobs = jobs
        self._clock = clock
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._by_name: dict[str, Subscription] = {}
        jobs.add(
            [
                JobSpec("outbox.deliver", self._deliver, attempts_max=None),
                JobSpec("outbox.sweep", self._sweep, cron="17 3 * * *"),
            ]
        )

    def subscribe(self, subscriptions: Sequence[Subscription]) -> None:
        for subscription in subscriptions:
            if subscription.name in self._by_name:
                raise ValueError(f"Two subscriptions are called {subscription.name}.")
            self._by_name[subscription.name] = subscription
            self._subscriptions.setdefault(subscription.topic, []).append(subscription)

    @property
    def topics(self) -> frozenset[str]:
        """Topics somebody listens to."""
        return frozenset(self._subscriptions)

    async def publish(self, connection: AsyncConnection, topic: str, **payload: str) -> UUID:
        """Write the event in the sender's transaction, if anybody wants it. Returns its id."""
        event_id = new_id()
        wanted = [known for known in self._subscriptions.get(topic, ()) if known.wants(payload)]
        if not wanted:
            return event_id
        values = {"id": event_id, "topic": topic, "payload": payload, "at": self._clock.now()}
        await connection.execute(insert(outbox_table), values)
        for subscription in wanted:
            await self._jobs.defer(connection, "outbox.deliver", event=str(event_id), subscription=subscription.name)
        return event_id

    async def _deliver(self, event: str, subscription: str) -> None:
        target = self._by_name.get(subscription)
        if target is None:
            return  # A later version has no such subscriber any more.
        async with self._database.transaction() as connection:
            row = (await connection.execute(_BY_ID, {"of": UUID(event)})).one_or_none()
        if row is not None:
            await target.handle(OutboxEvent(row.id, row.topic, row.payload, row.at))

    async def _sweep(self) -> None:
        async with self._database.transaction() as connection:
            horizon = self._clock.now() - dt.timedelta(days=KEPT_DAYS)
            await connection.execute(_FORGET, {"horizon": horizon})

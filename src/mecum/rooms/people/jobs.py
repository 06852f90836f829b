"""Durable jobs of the room."""

from __future__ import annotations

import datetime as dt

from mecum.kit.jobs import JobSpec
from mecum.rooms.people.parts import Parts
from mecum.rooms.people.refusals import WRITE
from mecum.rooms.people.resets import HANDLE
from mecum.rooms.people.sign_ups import SEND
from mecum.rooms.people.store import credentials, links, sessions


def job_specs(parts: Parts) -> tuple[JobSpec, ...]:
    """Reset requests, links to sign up, refusals, and the sweep of what is over."""
    settings = parts.settings

    async def sweep() -> None:
        now, kept = parts.kit.clock.now(), dt.timedelta(days=settings.link_kept_days)
        tries_kept = dt.timedelta(minutes=settings.throttle_forget_minutes, seconds=settings.throttle_max_seconds)
        async with parts.kit.db.transaction() as connection:
            await sessions.sweep(connection, now, kept)
            await credentials.sweep(connection, now)
            await links.sweep(connection, now, kept, max(tries_kept, dt.timedelta(hours=2)))

    return (
        JobSpec(HANDLE, parts.resets.handle, attempts_max=5),
        JobSpec(SEND, parts.sign_ups.handle, attempts_max=5),
        JobSpec(WRITE, parts.refusals.write),
        JobSpec("people.sweep", sweep, cron="*/10 * * * *"),
    )

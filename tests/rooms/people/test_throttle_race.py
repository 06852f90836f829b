"""A counter of tries that somebody takes away, because they succeeded, just as another try is counted."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from mecum.kit.db import Database
from mecum.rooms.people.store import links as store

pytestmark = pytest.mark.anyio

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
KEY = b"somebody"


async def test_tries_that_are_counted_while_others_succeed_all_find_their_counter(database: Database) -> None:
    async def tries() -> None:
        for _ in range(40):
            async with database.transaction() as connection:
                found = await store.throttle_of(connection, "account", KEY, NOW)
                await store.set_throttle(connection, "account", KEY, type(found)(found.attempts + 1, NOW, None))
            async with database.transaction() as connection:
                await store.clear_throttle(connection, "account", KEY)

    await asyncio.gather(*(tries() for _ in range(5)))

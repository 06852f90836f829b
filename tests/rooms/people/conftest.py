"""A house with one room: people behind a real HTTP app, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from tests.rooms.people.world import World


@pytest.fixture
async def world(database: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[World]:
    """A fresh installation without an owner, at http://localhost:8080."""
    made = World(database, clock, tmp_path)
    yield made
    await made.close()

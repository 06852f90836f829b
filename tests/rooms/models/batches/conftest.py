"""A world with a clock that is told to move, and a desk in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from tests.rooms.models.batches.desk import Desk
from tests.rooms.models.world import World, world
from tests.support.fake_provider import FakeProvider
from tests.support.jobs import HandJobs

SETTINGS: dict[str, Any] = {"batch_lines_at_once": 2, "batch_output_limit_bytes": 64 * 1024, "budget_wait_max_s": 0}


@pytest.fixture
async def here(
    database: Database, jobs: HandJobs, tmp_path: Path, clock: ManualClock, fake: FakeProvider
) -> AsyncIterator[World]:
    async with world(database, jobs, tmp_path, clock=clock, **SETTINGS) as built:
        await built.connect(fake, "fake", "other")
        yield built


@pytest.fixture
async def hurried(database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider) -> AsyncIterator[World]:
    """The same with a clock that goes."""
    async with world(database, jobs, tmp_path, **SETTINGS) as built:
        await built.connect(fake)
        yield built


@pytest.fixture
def desk(here: World) -> Desk:
    return Desk(here)

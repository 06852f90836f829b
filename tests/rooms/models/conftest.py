"""A world for the models room: settings that fail fast, and a fake provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from mecum.kit.clock import SystemClock
from mecum.kit.db import Database
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.upstream import Upstream
from mecum.rooms.models.wires.wires import Wires
from tests.rooms.models.routes import Api
from tests.rooms.models.world import World, world
from tests.support.fake_provider import FakeProvider
from tests.support.jobs import HandJobs


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as provider:
        yield provider


@pytest.fixture
def settings() -> ModelsSettings:
    """Nothing beyond loopback, short waits."""
    return ModelsSettings(
        allow_network=False,
        provider_connect_timeout_s=2,
        provider_first_byte_timeout_s=0.5,
        provider_chunk_timeout_s=0.3,
        provider_total_timeout_s=10,
        provider_retries_max=1,
        provider_retry_after_max_s=2,
    )


@pytest.fixture
async def upstream(settings: ModelsSettings) -> AsyncIterator[Upstream]:
    started = Upstream(settings, SystemClock())
    await started.start()
    yield started
    await started.close()


@pytest.fixture
def wire(upstream: Upstream, settings: ModelsSettings) -> Wires:
    """Every wire: a target is asked in the one that its provider speaks."""
    return Wires(upstream, settings)


@pytest.fixture
async def here(database: Database, jobs: HandJobs, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database, jobs, tmp_path) as built:
        yield built


@pytest.fixture
async def api(here: World) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(here.url, session)

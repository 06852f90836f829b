"""What the tests of this surface share: the fake server, a client of it, English words."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from mecum.surfaces.terminal.client import Client
from mecum.surfaces.terminal.words import Words
from tests.surfaces.terminal.fake_api import KEY, FakeApi


@pytest.fixture
async def api() -> AsyncGenerator[FakeApi]:
    async with FakeApi() as fake:
        yield fake


@pytest.fixture
async def client(api: FakeApi) -> AsyncGenerator[Client]:
    async with Client(api.url, KEY, retry_first_s=0.01) as made:
        yield made


@pytest.fixture
def words() -> Words:
    return Words("en")

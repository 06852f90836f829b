"""One house for the tests of `/v1`, and the official client at both of its doors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

import pytest
from openai import AsyncOpenAI, OpenAI

from tests.support.living_house import House, fresh_database, living_house

DOORS = ("mecum", "fake")
"""Model names: the entity, and the relay."""


@pytest.fixture(scope="package")
def house(pg_url: str, template: str) -> Generator[House]:
    with fresh_database(pg_url, template) as url, living_house(url) as running:
        yield running


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> str:
    """The model to ask: each test that takes it runs at both doors."""
    return request.param


@pytest.fixture
def client(house: House) -> Generator[OpenAI]:
    """The official client; it never tries again by itself."""
    key = house.key("chat", "models", "threads")
    with OpenAI(base_url=f"{house.url}/v1", api_key=key, max_retries=0, timeout=20) as made:
        yield made


@pytest.fixture
async def async_client(house: House) -> AsyncGenerator[AsyncOpenAI]:
    key = house.key("chat", "models", "threads")
    async with AsyncOpenAI(base_url=f"{house.url}/v1", api_key=key, max_retries=0, timeout=20) as made:
        yield made

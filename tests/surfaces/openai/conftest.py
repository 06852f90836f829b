"""One house for the tests of `/v1`."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.support.living_house import House, fresh_database, living_house


@pytest.fixture(scope="package")
def house(pg_url: str, template: str) -> Generator[House]:
    with fresh_database(pg_url, template) as url, living_house(url) as running:
        yield running

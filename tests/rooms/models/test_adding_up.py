"""The numbers add up: records, budgets, prices and the provider's own count, over calls that fail in every way."""

from __future__ import annotations

from pathlib import Path

import pytest

from mecum.kit.db import Database
from tests.rooms.models.adding import Crowd, priced, sums, told_by, used_by
from tests.rooms.models.budgets.keeping import limit
from tests.rooms.models.world import world
from tests.support.fake_provider import FakeProvider
from tests.support.jobs import HandJobs

PATIENT = {
    "provider_first_byte_timeout_s": 20,
    "provider_whole_timeout_s": 20,
    "provider_chunk_timeout_s": 20,
    "provider_retries_max": 1,
    "relay_store_default": False,
    "gate_tokens_start": 10_000_000,
    "budget_wait_max_s": 0.2,
}


@pytest.mark.parametrize("many", [2_000, pytest.param(100_000, marks=[pytest.mark.full, pytest.mark.timeout(3000)])])
async def test_records_budgets_and_the_providers_count_agree(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider, many: int
) -> None:
    async with world(database, jobs, tmp_path, **PATIENT) as here:
        await priced(here, fake)
        crowd = Crowd(here, seed=many)
        first, second, third, fourth, key, _ = crowd.callers
        ample = 100 * many
        rules = [
            await limit(database, ample, first, subject="person"),
            await limit(database, ample, second, subject="person", hard=False),
            await limit(database, ample * 15, third, subject="person", unit="money", period="month"),
            await limit(database, 20_000, fourth, subject="person"),
            await limit(database, ample, key, subject="key", period="week"),
            await limit(database, ample * 10, first, subject="organisation"),
        ]
        await crowd.call(many)
        await here.parts.meter.flush()
        await here.parts.keeper.stop()
        found = await sums(here)
        spent = [await used_by(here, rule) for rule in rules]
        refused = crowd.ledger.outcomes
    assert found["records"] == found["ids"] == crowd.ledger.calls == many
    assert found["told"] == told_by(fake)
    assert found["unpaid"] == 0
    assert [used for used, _ in spent] == [counted for _, counted in spent]
    assert all(used > 0 for used, _ in spent)
    assert spent[3][0] <= 20_000 < sum(used for used, _ in spent) and refused["answered"] > many / 4

"""Hard budgets hold, whatever processes do; calls wait for each other before one is refused."""

from __future__ import annotations

import asyncio
import dataclasses
from uuid import uuid4

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import TooMany, Unavailable
from mecum.kit.types import Actor
from mecum.rooms.models.budgets.reservation import Need
from mecum.rooms.models.budgets.rules import Amounts
from mecum.rooms.models.store import budgets as store
from tests.rooms.models.budgets.keeping import AT, Counted, Process, counted, limit, record, somebody

DAY_S = 86_400.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(AT)


async def test_nobody_gets_more_than_a_hard_budget_and_hears_when_it_begins_anew(
    database: Database, clock: ManualClock
) -> None:
    rule, caller, process = await limit(database, 1000), somebody(), Process(database, clock)
    await process.call(caller, 900)
    with pytest.raises(TooMany) as refused:
        await process.call(caller, 101)
    await process.call(caller, 100)
    await process.meter.flush()
    assert (await counted(database, rule)).spent == 1000
    assert refused.value.code == "models.budget_spent"
    assert refused.value.params["resets"] == "2026-03-05T00:00:00+00:00"
    assert refused.value.retry_after == 12 * 3600


async def test_each_person_has_a_budget_of_their_own(database: Database, clock: ManualClock) -> None:
    await limit(database, 1000)
    process = Process(database, clock)
    for caller in (somebody(), somebody()):
        await process.call(caller, 1000)


async def test_a_new_day_begins_anew_and_what_goes_on_counts_for_the_old_one(
    database: Database, clock: ManualClock
) -> None:
    rule, caller, process = await limit(database, 1000), somebody(), Process(database, clock)
    late = await process.reserve(caller, 1000)
    clock.advance(DAY_S / 2)
    await process.call(caller, 1000)
    process.ended(caller, late, 700)
    await process.meter.flush()
    async with database.transaction() as connection:
        today = await store.counts(connection, [(rule.id, caller.person)], clock.now())
    assert today[rule.id, caller.person].spent == 1000
    assert (await counted(database, rule)).spent == 1700


async def test_a_soft_budget_counts_and_refuses_nobody(database: Database, clock: ManualClock) -> None:
    rule, caller, process = await limit(database, 1000, hard=False), somebody(), Process(database, clock)
    for _ in range(3):
        await process.call(caller, 900)
    await process.meter.flush()
    assert await counted(database, rule) == Counted(2700, 0, 0)


async def test_tokens_of_an_organisation_and_money_of_a_key_hold_at_the_same_time(
    database: Database, clock: ManualClock
) -> None:
    caller = dataclasses.replace(somebody(), actor=Actor("key", uuid4()))
    tokens = await limit(database, 1000, caller, subject="organisation")
    money = await limit(database, 5000, caller, subject="key", unit="money", period="month")
    process = Process(database, clock)
    process.ended(caller, await process.reserve(caller, 400, price=10), 400, 4000)
    with pytest.raises(TooMany) as refused:
        await process.reserve(caller, 200, price=10)
    assert refused.value.params["unit"] == "money"
    process.ended(caller, await process.reserve(caller, 600), 600)
    await process.meter.flush()
    assert (await counted(database, tokens)).spent == 1000
    assert (await counted(database, money)).spent == 4000


async def test_work_that_a_key_asked_for_goes_to_its_budget(database: Database, clock: ManualClock) -> None:
    asking = dataclasses.replace(somebody(), actor=Actor("key", uuid4()))
    await limit(database, 100, asking, subject="key")
    job = dataclasses.replace(asking, actor=Actor("job", uuid4()), key=asking.actor.id)
    process = Process(database, clock)
    await process.call(job, 100)
    with pytest.raises(TooMany):
        await process.call(asking, 1)


async def test_what_costs_nothing_passes_a_budget_of_money_that_is_spent(
    database: Database, clock: ManualClock
) -> None:
    await limit(database, 100, unit="money")
    caller, process = somebody(), Process(database, clock)
    process.ended(caller, await process.reserve(caller, 100, price=1), 100, 500)
    await process.meter.flush()
    with pytest.raises(TooMany):
        await process.reserve(caller, 1, price=1)
    await process.reserve(caller, 10_000, price=0)


async def test_a_call_waits_for_another_one_that_may_need_less_than_it_holds(
    database: Database, clock: ManualClock
) -> None:
    await limit(database, 1000)
    caller, process = somebody(), Process(database, clock, budget_wait_max_s=5)
    first = await process.reserve(caller, 900)
    second = asyncio.create_task(process.reserve(caller, 500))
    await asyncio.sleep(0)
    process.ended(caller, first, 100)
    async with asyncio.timeout(5):
        assert (await second).held


async def test_an_answer_is_as_long_as_there_is_room_for(database: Database, clock: ManualClock) -> None:
    await limit(database, 1000)
    caller, process = somebody(), Process(database, clock)
    held = await process.reserve(caller, 100, 2000, least=50)
    assert held.output_tokens == 900
    assert held.shortened
    process.ended(caller, held, 940)
    with pytest.raises(TooMany):
        await process.reserve(caller, 20, 2000, least=50)


async def test_an_answer_without_a_limit_leaves_room_for_others(database: Database, clock: ManualClock) -> None:
    await limit(database, 10_000)
    caller, process = somebody(), Process(database, clock)
    first, second = [await process.reserve(caller, 0, None, least=50) for _ in range(2)]
    assert first.output_tokens == 2500
    assert second.output_tokens == 1875
    assert not first.shortened


async def test_two_processes_share_a_budget(database: Database, clock: ManualClock) -> None:
    rule, caller = await limit(database, 1000), somebody()
    processes = [Process(database, clock) for _ in range(2)]
    done = 0
    for _ in range(200):
        for process in processes:
            try:
                await process.call(caller, 7)
            except TooMany:
                continue
            done += 1
    for process in processes:
        await process.meter.flush()
        await process.keeper.stop()
    assert await counted(database, rule) == Counted(7 * done, 0, 0)
    assert 1000 - 7 - 10 <= 7 * done <= 1000


async def test_a_process_that_stops_gives_back_what_it_drew(database: Database, clock: ManualClock) -> None:
    rule, caller, process = await limit(database, 100_000), somebody(), Process(database, clock)
    await process.call(caller, 300)
    await process.meter.flush()
    assert await counted(database, rule) == Counted(300, 700, 0)
    await process.keeper.stop()
    assert await counted(database, rule) == Counted(300, 0, 0)


async def test_what_nobody_uses_for_some_seconds_goes_back(database: Database, clock: ManualClock) -> None:
    rule, caller, process = await limit(database, 100_000), somebody(), Process(database, clock)
    going_on = await process.reserve(caller, 300)
    clock.advance(60)
    await process.keeper.tend()
    assert (await counted(database, rule)).leased == 1000
    process.ended(caller, going_on, 200)
    await process.meter.flush()
    clock.advance(60)
    await process.keeper.tend()
    assert await counted(database, rule) == Counted(200, 0, 0)
    await process.call(caller, 100)


async def test_what_a_killed_process_may_have_spent_counts_as_spent(database: Database, clock: ManualClock) -> None:
    rule, caller, killed = await limit(database, 100_000), somebody(), Process(database, clock)
    await killed.call(caller, 300)
    await killed.meter.flush()
    await killed.call(caller, 200)
    await killed.reserve(caller, 400)
    other = Process(database, clock)
    clock.advance(30)
    await other.keeper.book_lapsed()
    assert await counted(database, rule) == Counted(300, 700, 0)
    clock.advance(31)
    await other.keeper.book_lapsed()
    assert await counted(database, rule) == Counted(1000, 0, 700)


async def test_a_process_that_stood_still_for_longer_than_its_lease_draws_anew(
    database: Database, clock: ManualClock
) -> None:
    rule, caller, slow = await limit(database, 10_000), somebody(), Process(database, clock)
    going_on = await slow.reserve(caller, 100)
    clock.advance(61)
    await Process(database, clock).keeper.book_lapsed()
    slow.ended(caller, going_on, 100)
    await slow.meter.flush()
    await slow.call(caller, 50)
    await slow.meter.flush()
    await slow.keeper.stop()
    found = await counted(database, rule)
    assert found.leased == 0
    assert found.spent == found.unattributed + 150


async def test_a_lease_is_renewed_while_calls_go_on(database: Database, clock: ManualClock) -> None:
    rule, caller, process = await limit(database, 10_000), somebody(), Process(database, clock)
    going_on = await process.reserve(caller, 100)
    for _ in range(10):
        clock.advance(30)
        await process.keeper.tend()
    process.ended(caller, going_on, 100)
    await process.meter.flush()
    assert await counted(database, rule) == Counted(100, 0, 0)


async def test_a_record_that_is_written_again_is_charged_once(database: Database, clock: ManualClock) -> None:
    rule, caller, process = await limit(database, 10_000), somebody(), Process(database, clock)
    once = record(caller, 100)
    for _ in range(2):
        held = await process.reserve(caller, 100)
        process.meter.record(once, held.settle(Amounts(100, 0), clock.monotonic()))
        await process.meter.flush()
    assert (await counted(database, rule)).spent == 100


async def test_a_budget_that_is_removed_limits_nobody(database: Database, clock: ManualClock) -> None:
    rule, caller, process = await limit(database, 100), somebody(), Process(database, clock)
    going_on = await process.reserve(caller, 100)
    async with database.transaction() as connection:
        await store.remove(connection, rule.id)
    process.keeper.forget()
    await process.call(caller, 10_000)
    process.ended(caller, going_on, 100)
    await process.meter.flush()


async def test_a_changed_budget_holds_after_some_seconds(database: Database, clock: ManualClock) -> None:
    rule, caller, process = await limit(database, 100), somebody(), Process(database, clock)
    await process.call(caller, 100)
    async with database.transaction() as connection:
        await store.change(connection, rule.id, amount=300)
    with pytest.raises(TooMany):
        await process.call(caller, 100_000)
    clock.advance(6)
    await process.call(caller, 200)
    await process.meter.flush()
    with pytest.raises(TooMany):
        await process.call(caller, 1)


async def test_without_the_database_a_hard_budget_lets_on_what_was_drawn_and_nothing_more(clock: ManualClock) -> None:
    away = Database("postgresql://mecum:x@127.0.0.1:1/none")
    process = Process(away, clock)
    with pytest.raises(Unavailable):
        await process.keeper.reserve(somebody(), Need(Amounts, 1, 1))
    await away.close()

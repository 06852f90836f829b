"""Operators see what each pool has, who waits and why, and what was asked and served before."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import TooMany
from mecum.kit.types import PersonId, Principal, Tokens
from mecum.rooms.models import Usage
from mecum.rooms.models.budgets.keeper import Keeper
from mecum.rooms.models.calls import Call
from mecum.rooms.models.capacity.looking import Looking
from mecum.rooms.models.gate.door import Asked, Gate, Place
from mecum.rooms.models.gate.line import CEILINGS, Band
from mecum.rooms.models.gate.viewing import Snapshot, view
from mecum.rooms.models.meter import Meter
from mecum.rooms.models.routes import BuiltIn
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import hourly, usage
from tests.rooms.models.routes import Api
from tests.rooms.models.test_meter import record
from tests.rooms.models.world import World, world
from tests.support.fake_provider import FakeProvider
from tests.support.jobs import HandJobs
from tests.support.principals import principal

pytestmark = pytest.mark.anyio

AT = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
INES, TOM = uuid4(), uuid4()
CORPUS = uuid4()


class KnownNames:
    """What the people room would say."""

    def __init__(self, known: Mapping[UUID, str]) -> None:
        self._known = known

    async def names(
        self, people: Collection[UUID], keys: Collection[UUID], organisations: Collection[UUID] = ()
    ) -> Mapping[UUID, str]:
        return {each: self._known[each] for each in (*people, *keys) if each in self._known}


def asked(
    who: UUID = INES, band: Band = "interactive", tokens: int = 600, pool: str = "rack", key: UUID | None = None
) -> Asked:
    return Asked(((pool,),), "model", f"{uuid4().hex}/{who.hex}", band, tokens, 10, key=key)


class Bench:
    """A gate whose time is given, and calls that stay at it."""

    def __init__(self, clock: ManualClock, **settings: Any) -> None:
        self.clock = clock
        limits: dict[str, Any] = {"gate_tokens_start": 1_000, "gate_tokens_min": 1_000, "gate_tokens_max": 1_000}
        self.gate = Gate(clock, ModelsSettings(**(limits | settings)))
        self.stack = AsyncExitStack()

    async def stand(self, who: Asked) -> Place:
        return await self.stack.enter_async_context(self.gate.enter(who))

    def look(self) -> Snapshot:
        return view(self.gate.pools, self.gate.watch, {"rack", "a", "b"}, self.gate.now())

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.gate.watch.tick(self.gate.pools.all(), self.gate.now())


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench(ManualClock(AT))
    async with made.stack:
        yield made


async def test_a_pool_says_what_it_has_by_band_and_when_its_first_words_come(bench: Bench) -> None:
    first = await bench.stand(asked(band="interactive", tokens=300))
    await bench.stand(asked(band="api", tokens=200))
    bench.clock.advance(2)
    first.first()
    (pool,) = bench.look().pools
    used = {band.band: (band.used, band.running) for band in pool.bands}
    assert used == {"interactive": (310, 1), "api": (210, 1), "background": (0, 0), "bulk": (0, 0)}
    assert (pool.limit, pool.used, pool.state, pool.first_word_s) == (1_000, 520, "free", 2.0)


async def test_who_waits_is_grouped_with_the_longest_wait_first(bench: Bench) -> None:
    await bench.stand(asked(tokens=700))
    await bench.stand(one := asked(TOM, "api", key=CORPUS))
    bench.clock.advance(5)
    await bench.stand(dataclasses.replace(one))
    await bench.stand(asked(INES))
    bench.clock.advance(1)
    seen = bench.look()
    told = [(wait.key, wait.band, wait.calls, wait.longest_s, wait.why) for wait in seen.waits]
    assert told == [(CORPUS, "api", 2, 6.0, "behind"), (None, "interactive", 1, 1.0, "full")]
    assert (seen.waiting, seen.longest_s) == (3, {"api": 6.0, "interactive": 1.0})
    assert seen.pools[0].state == "full"


async def test_a_band_at_its_ceiling_says_so_while_there_is_room_for_others(bench: Bench) -> None:
    await bench.stand(asked(tokens=600))
    await bench.stand(asked(band="bulk", tokens=200))
    (wait,) = bench.look().waits
    assert (wait.why, wait.ceiling) == ("ceiling", CEILINGS["bulk"])


async def test_a_provider_that_is_left_alone_is_the_reason_of_all_its_waits(bench: Bench) -> None:
    bench.gate.refused("rack", 20.0)
    await bench.stand(asked())
    bench.clock.advance(5)
    seen = bench.look()
    assert (seen.pools[0].state, seen.pools[0].held_s) == ("held", 15.0)
    assert (seen.waits[0].why, seen.waits[0].about_s) == ("held", 15.0)


async def test_who_has_most_of_a_pool_is_named_only_while_others_wait(bench: Bench) -> None:
    await bench.stand(asked(TOM, "api", tokens=700))
    await bench.stand(asked(INES, "api", tokens=50))
    assert bench.look().pools[0].largest is None
    await bench.stand(asked(INES))
    largest = bench.look().pools[0].largest
    assert largest is not None
    assert (largest.tenant.endswith(TOM.hex), largest.share) == (True, 0.71)


async def test_a_call_that_stands_in_two_lines_counts_once(bench: Bench) -> None:
    for pool in ("a", "b"):
        await bench.stand(asked(tokens=900, pool=pool))
    await bench.stand(dataclasses.replace(asked(TOM), tiers=(("a", "b"),)))
    seen = bench.look()
    assert (seen.waiting, len(seen.waits)) == (1, 1)
    assert [pool.waiting for pool in seen.pools] == [1, 1]


async def test_served_tokens_are_spread_over_the_time_of_the_call(bench: Bench) -> None:
    place = await bench.stand(asked(tokens=100))
    bench.pass_time(40)
    place.first()
    place.over(Usage(Tokens(100), Tokens(300)))
    bench.pass_time(10)
    hour = bench.gate.watch.hour(bench.gate.pools.all(), bench.gate.now())
    served = [rate for rate in hour.served["interactive"] if rate]
    assert sum(served) * 10 == pytest.approx(400)
    assert max(served) == pytest.approx(10)
    assert hour.unmet[-1] == 0


async def test_calls_that_run_are_counted_as_fast_as_those_before(bench: Bench) -> None:
    place = await bench.stand(asked(tokens=100))
    bench.pass_time(10)
    place.first()
    place.over(Usage(Tokens(100), Tokens(100)))
    await bench.stand(asked(tokens=390))
    bench.pass_time(10)
    hour = bench.gate.watch.hour(bench.gate.pools.all(), bench.gate.now())
    assert sum(hour.served["interactive"]) * 10 == pytest.approx(400)


async def test_what_was_asked_and_not_let_in_is_unmet(bench: Bench) -> None:
    await bench.stand(asked(tokens=900))
    waiting = await bench.stand(asked(TOM, tokens=490))
    bench.pass_time(10)
    hour = bench.gate.watch.hour(bench.gate.pools.all(), bench.gate.now())
    assert hour.unmet[-1] == pytest.approx(50)
    assert waiting.is_in is False


async def test_the_slowest_wait_of_a_band_is_that_of_nineteen_of_twenty(bench: Bench) -> None:
    place = await bench.stand(asked(tokens=900))
    await bench.stand(asked(TOM, tokens=100))
    bench.pass_time(8)
    place.over(Usage(Tokens(900), Tokens(10)))
    bench.pass_time(2)
    hour = bench.gate.watch.hour(bench.gate.pools.all(), bench.gate.now())
    known = [wait for wait in hour.waits["interactive"] if wait is not None]
    assert known == [pytest.approx(8, rel=0.15)]
    assert set(hour.waits["bulk"]) == {None}


async def test_what_was_served_with_something_taken_away_is_told(bench: Bench) -> None:
    await bench.stand(asked(tokens=100))
    bench.gate.watch.degraded("rack", 300, bench.gate.now())
    bench.pass_time(10)
    hour = bench.gate.watch.hour(bench.gate.pools.all(), bench.gate.now())
    assert [rate for rate in hour.degraded if rate] == [pytest.approx(30)]


async def test_a_point_older_than_an_hour_is_forgotten(bench: Bench) -> None:
    place = await bench.stand(asked())
    bench.pass_time(1)
    place.over(Usage(Tokens(600), Tokens(10)))
    bench.pass_time(3_700)
    hour = bench.gate.watch.hour(bench.gate.pools.all(), bench.gate.now())
    assert len(hour.ages_s) == 360
    assert not any(hour.served["interactive"])


async def test_who_was_turned_away_is_counted() -> None:
    bench = Bench(ManualClock(AT), gate_queue_max=1)
    async with bench.stack:
        await bench.stand(asked(tokens=900))
        await bench.stand(asked(TOM))
        with pytest.raises(TooMany):
            await bench.stand(asked(TOM))
        bench.pass_time(10)
        assert bench.gate.watch.hour(bench.gate.pools.all(), bench.gate.now()).refused == 1


async def test_who_was_over_a_budget_is_counted_and_was_never_let_in(bench: Bench) -> None:
    bench.gate.over_budget(asked(tokens=490))
    bench.pass_time(10)
    hour = bench.gate.watch.hour(bench.gate.pools.all(), bench.gate.now())
    assert (hour.refused, hour.over_budget) == (1, 1)
    assert hour.unmet[-1] == pytest.approx(50)


async def totals(database: Database) -> list[hourly.ModelRow]:
    async with database.transaction() as connection:
        return list(await hourly.by_model(connection, AT - dt.timedelta(days=1)))


async def test_a_record_is_added_to_the_totals_of_its_hour_once(database: Database) -> None:
    settings = ModelsSettings()
    meter = Meter(database, ManualClock(AT), settings, Keeper(database, ManualClock(AT), settings))
    once = dataclasses.replace(record(), cost_micros=5, queue_ms=700)
    async with database.transaction() as connection:
        await usage.add(connection, [written := record()])
    for each in (once, dataclasses.replace(record(), queue_ms=100, degraded="shorter"), written):
        meter.record(each)
    await meter.flush()
    meter.record(once)
    await meter.flush()
    (row,) = await totals(database)
    assert (row.calls, row.tokens, row.cost_micros, row.degraded, row.queue_max_ms) == (2, 6, 5, 1, 700)


async def test_the_demand_of_a_call_that_was_turned_away_is_in_the_totals(database: Database) -> None:
    settings = ModelsSettings()
    meter = Meter(database, ManualClock(AT), settings, Keeper(database, ManualClock(AT), settings))
    refused = dataclasses.replace(record(), outcome="models.busy", input_tokens=0, output_tokens=0)
    meter.record(refused, demand_tokens=900)
    await meter.flush()
    async with database.transaction() as connection:
        (row,) = await hourly.by_hour(connection, AT - dt.timedelta(hours=1))
    assert (row.refused, row.refused_tokens, row.tokens) == (1, 900, 0)


@pytest.fixture
async def operating(database: Database, jobs: HandJobs, tmp_path: Path) -> AsyncIterator[World]:
    clock = ManualClock(AT)
    async with world(database, jobs, tmp_path, clock=clock, usage_hours_days=8) as built:
        yield built


async def test_a_week_is_told_by_the_hour(operating: World) -> None:
    async with operating.kit.db.transaction() as connection:
        old = dataclasses.replace(record(), at=AT - dt.timedelta(hours=3), ttft_ms=500, queue_ms=2_000)
        await hourly.add(connection, [(old, 0), (dataclasses.replace(old, outcome="models.busy"), 3_600)])
    async with aiohttp.ClientSession() as session:
        api = Api(operating.url, session)
        status, week = await api("GET", "capacity/history?span=week")
        assert (status, len(week["times"])) == (200, 168)
        at = week["times"].index(int((AT - dt.timedelta(hours=3)).timestamp()))
        assert (week["unmet"][at], week["waits"]["interactive"][at], week["first_words"]["interactive"][at]) == (
            1,
            2,
            0.5,
        )
        assert (week["refused"], week["models"][0]["calls"]) == (1, 2)
        assert (await api("GET", "capacity/history?span=year"))[0] == 400


async def test_totals_are_swept_when_they_are_old(operating: World) -> None:
    async with operating.kit.db.transaction() as connection:
        await hourly.add(connection, [(dataclasses.replace(record(), at=AT - dt.timedelta(days=9)), 0), (record(), 0)])
    await operating.parts.histories.sweep()
    async with operating.kit.db.transaction() as connection:
        assert len(await hourly.by_hour(connection, AT - dt.timedelta(days=30))) == 1


async def test_an_installation_without_calls_has_an_empty_page(api: Api) -> None:
    status, now = await api("GET", "capacity")
    assert (status, now["waits"], now["waiting"]) == (200, [], 0)
    status, hour = await api("GET", "capacity/history")
    assert (status, hour["span"], any(hour["unmet"]), hour["over_budget"]) == (200, "hour", False, 0)


async def test_a_real_call_is_seen_while_it_runs_and_in_the_totals_afterwards(
    here: World, api: Api, fake: FakeProvider
) -> None:
    await here.connect(fake)
    call = Call.to(BuiltIn("x", "x", "Fake"), here.caller, "assistant.answer", Tokens(40))
    async with here.parts.face._answering._calls.open(call) as ongoing:
        _, now = await api("GET", "capacity")
        pool = next(each for each in now["pools"] if each["name"] == "Fake")
        assert (pool["running"], pool["bands"][0]["running"], pool["local"]) == (1, 1, False)
        ongoing.first()
    await here.parts.meter.flush()
    _, day = await api("GET", "capacity/history?span=day")
    assert [(row["provider"], row["calls"]) for row in day["models"]] == [("Fake", 1)]


async def test_who_waits_is_named_and_who_is_gone_is_not(here: World) -> None:
    gate = here.parts.gate
    looking = Looking(gate, here.parts.catalogue, KnownNames({TOM: "Tom", CORPUS: "corpus"}), here.kit.clock)
    async with AsyncExitStack() as stack:
        for who in (asked(tokens=10**7), asked(TOM, "api", key=CORPUS), asked(INES)):
            await stack.enter_async_context(gate.enter(who))
        look = await looking.look()
    found = {look.who(wait.tenant, wait.key) for wait in look.sight.snapshot.waits}
    assert found == {("Tom", "corpus"), (None, None)}


async def test_only_operators_look(database: Database, jobs: HandJobs, tmp_path: Path) -> None:
    member: Principal = principal(person=PersonId(INES))
    async with world(database, jobs, tmp_path, caller=member) as built, aiohttp.ClientSession() as session:
        api = Api(built.url, session)
        assert (await api("GET", "capacity"))[0] == 403
        assert (await api("GET", "capacity/history"))[0] == 403

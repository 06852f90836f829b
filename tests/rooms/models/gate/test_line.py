"""The line in front of a pool: who is next, who waits, and that nobody waits for ever."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mecum.rooms.models.gate.fair import BANDS, Band, Ticket, cost
from mecum.rooms.models.gate.line import ABOUT_S, CEILINGS, Line

STARVING_S = 30.0


def line(queue_max: int = 1_000, tenant_queue_max: int = 500) -> Line:
    return Line(queue_max=queue_max, tenant_queue_max=tenant_queue_max, starving_after_s=STARVING_S)


def ticket(
    tenant: str = "a", band: Band = "interactive", tokens: int = 100, at: float = 0.0, weight: float = 1.0
) -> Ticket:
    return Ticket(tenant, band, tokens // 2, tokens - tokens // 2, at, weight)


def finish(queue: Line, over: Ticket, now: float = 0.0) -> None:
    queue.finish(over, over.input_tokens, over.output_tokens, now)


def served(queue: Line, times: int, now: float = 0.0, limit: float = 100.0) -> list[Ticket]:
    """Who is served in turn by a server that takes one at a time."""
    found: list[Ticket] = []
    for _ in range(times):
        for each in queue.admit(limit, 1, now):
            found.append(each)
            finish(queue, each, now)
    return found


def test_somebody_at_a_screen_goes_before_bulk_that_came_first() -> None:
    queue = line()
    for _ in range(3):
        queue.join(ticket("dump", "bulk"))
    queue.join(ticket("ines", "interactive"))
    assert [each.tenant for each in served(queue, 4)] == ["ines", "dump", "dump", "dump"]


def test_one_who_asks_for_much_does_not_hold_up_one_who_asks_for_little() -> None:
    queue = line()
    for _ in range(50):
        queue.join(ticket("noisy"))
    queue.join(ticket("quiet"))
    assert "quiet" in [each.tenant for each in served(queue, 3)]


@pytest.mark.parametrize("weight", [2.0, 4.0])
def test_a_tenant_of_more_weight_gets_as_much_more(weight: float) -> None:
    queue = line()
    for _ in range(200):
        queue.join(ticket("plain"))
        queue.join(ticket("paid", weight=weight))
    shares = Counter(each.tenant for each in served(queue, 100))
    assert shares["paid"] / shares["plain"] == pytest.approx(weight, rel=0.1)


def test_who_was_away_has_no_claim_for_that_time() -> None:
    queue = line()
    queue.join(ticket("late"))
    served(queue, 1)
    for _ in range(100):
        queue.join(ticket("busy"))
    served(queue, 50)
    for _ in range(20):
        queue.join(ticket("late"))
    shares = Counter(each.tenant for each in served(queue, 20))
    assert shares["late"] == pytest.approx(10, abs=1)


def test_a_newcomer_does_not_stand_behind_what_others_were_only_expected_to_take() -> None:
    queue = line()
    for _ in range(10):
        queue.join(Ticket("noisy", "api", 10, 5_000, 0.0))
    (first,) = queue.admit(100_000, 1, 0.0)
    queue.join(Ticket("quiet", "api", 10, 5_000, 0.0))
    queue.finish(first, 10, 20, 1.0)
    assert [each.tenant for each in queue.admit(100_000, 1, 1.0)] == ["quiet"]


def test_a_longer_answer_than_expected_is_charged_at_its_end() -> None:
    queue = line()
    queue.join(ticket("a"))
    (first,) = queue.admit(1_000, 10, 0.0)
    queue.finish(first, 50, 5_000, 1.0)
    assert queue.counters("interactive")["a"] == cost(50, 5_000)


def test_a_lower_band_leaves_room_only_while_a_higher_one_is_about() -> None:
    queue = line()
    queue.join(ticket("ines", "interactive", tokens=10, at=0.0))
    served(queue, 1)
    for _ in range(30):
        queue.join(ticket("dump", "bulk", at=1.0))
    queue.admit(1_000, 1_000, 1.0)
    assert queue.running_tokens == CEILINGS["bulk"] * 1_000
    queue.admit(1_000, 1_000, 1.0 + ABOUT_S + 1)
    assert queue.running_tokens == 1_000


def test_who_is_larger_than_the_server_is_served_alone() -> None:
    queue = line()
    queue.join(ticket("big", tokens=5_000))
    queue.join(ticket("small"))
    assert [each.tenant for each in queue.admit(1_000, 10, 0.0)] == ["big"]


def test_bulk_comes_to_its_turn_although_people_never_stop() -> None:
    queue = line()
    queue.join(ticket("dump", "bulk", at=0.0))
    for number in range(100):
        queue.join(ticket("ines", "interactive", at=float(number)))
        if "dump" in [each.tenant for each in served(queue, 1, now=float(number))]:
            assert number >= STARVING_S
            return
    raise AssertionError("it was never served")


def test_a_full_line_gives_the_place_of_bulk_to_somebody_who_waits_at_a_screen() -> None:
    queue = line(queue_max=2)
    first, second = ticket("dump", "bulk"), ticket("dump", "bulk", at=1.0)
    assert queue.join(first) is None and queue.join(second) is None
    assert queue.join(ticket("ines", "interactive", at=2.0)) is second
    third = ticket("dump", "bulk", at=3.0)
    assert queue.join(third) is third and third.state == "gone"
    assert queue.waiting == 2


def test_one_tenant_has_only_so_many_places() -> None:
    queue = line(tenant_queue_max=1)
    queue.join(ticket("a"))
    assert queue.join(again := ticket("a")) is again
    assert queue.join(ticket("b")) is None


def test_bulk_of_one_tenant_may_fill_the_line_and_leaves_its_places_to_all_others() -> None:
    queue = line(queue_max=4, tenant_queue_max=1)
    dump = [ticket("dump", "bulk", at=float(number)) for number in range(4)]
    assert [queue.join(each) for each in dump] == [None] * 4
    assert queue.join(ticket("other", "bulk", at=5.0)) is dump[3]
    assert queue.join(ticket("other", "bulk", at=6.0)) is dump[2]
    last = ticket("other", "bulk", at=7.0)
    assert queue.join(last) is last
    assert queue.waiting == 4


class LineMachine(RuleBasedStateMachine):
    """Arrivals, ends and departures in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = line(queue_max=20, tenant_queue_max=8)
        self.now = 0.0
        self.waiting: list[Ticket] = []
        self.running: list[Ticket] = []
        self.chance = random.Random(1)
        self.limit = 1_000.0

    @initialize(limit=st.sampled_from([200.0, 1_000.0, 5_000.0]))
    def begin(self, limit: float) -> None:
        self.limit = limit

    @rule(
        tenant=st.sampled_from("abcde"),
        band=st.sampled_from(BANDS),
        tokens=st.integers(0, 3_000),
        weight=st.sampled_from([1.0, 4.0]),
    )
    def arrives(self, tenant: str, band: Band, tokens: int, weight: float) -> None:
        arriving = ticket(tenant, band, tokens, self.now, weight)
        gone = self.queue.join(arriving)
        if gone is not arriving:
            self.waiting.append(arriving)
        if gone is not None and gone is not arriving:
            assert BANDS.index(gone.band) > BANDS.index(band) or (gone.band == band == "bulk" and gone.tenant != tenant)
            self.waiting.remove(gone)
        self._admit()

    @rule(seconds=st.floats(0, 60))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self._admit()

    @precondition(lambda self: self.running)
    @rule(data=st.data(), output=st.integers(0, 10_000))
    def ends(self, data: st.DataObject, output: int) -> None:
        over = data.draw(st.sampled_from(self.running))
        self.running.remove(over)
        self.queue.finish(over, over.input_tokens, output, self.now)
        self.queue.finish(over, over.input_tokens, output, self.now)
        self._admit()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leaves(self, data: st.DataObject) -> None:
        leaving = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(leaving)
        self.queue.leave(leaving, self.now)
        self.queue.leave(leaving, self.now)
        self._admit()

    def _admit(self) -> None:
        for each in self.queue.admit(self.limit, 5, self.now):
            self.waiting.remove(each)
            self.running.append(each)

    @invariant()
    def nothing_leaks(self) -> None:
        assert self.queue.running == len(self.running)
        assert self.queue.running_tokens == sum(each.tokens for each in self.running)
        assert self.queue.waiting == len(self.waiting)
        for band in BANDS:
            assert self.queue.waiting_in(band) == sum(each.band == band for each in self.waiting)

    @invariant()
    def the_server_is_never_overfull(self) -> None:
        assert len(self.running) <= 5
        assert self.queue.running_tokens <= self.limit or len(self.running) == 1

    @invariant()
    def nobody_waits_before_an_idle_server(self) -> None:
        assert self.running or not self.waiting

    @invariant()
    def waits_are_estimated(self) -> None:
        assert all(self.queue.ahead(each) >= 0 for each in self.waiting)


TestLine = LineMachine.TestCase
TestLine.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


def test_two_who_always_wait_are_served_alike_up_to_two_requests() -> None:
    """VTC's bound: what two backlogged tenants were served differs by at most twice the largest request."""
    chance = random.Random(7)
    queue, largest = line(), 0.0
    waiting: Counter[str] = Counter()
    for number in range(1_000):
        for tenant, most in (("short", 200), ("long", 4_000)):
            while waiting[tenant] < 3:
                tokens = chance.randint(1, most)
                queue.join(Ticket(tenant, "api", tokens, tokens // 2, float(number)))
                waiting[tenant] += 1
        for each in queue.admit(10_000, 1, float(number)):
            largest = max(largest, each.cost)
            waiting[each.tenant] -= 1
            finish(queue, each, float(number))
        counters = queue.counters("api")
        assert abs(counters["short"] - counters["long"]) <= 2 * largest

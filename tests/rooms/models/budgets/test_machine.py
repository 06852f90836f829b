"""Whatever several processes do, be killed and stand still, a hard budget neither gives too much nor forgets."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import TooMany
from mecum.rooms.models.budgets.reservation import Reservation
from mecum.rooms.models.budgets.rules import Rule
from tests.rooms.models.budgets.keeping import AT, Process, counted, give_back, limit, recorded, somebody

T = TypeVar("T")
AMOUNT = 1000
PROCESSES = 3
which = st.integers(0, PROCESSES - 1)


@dataclass
class Alive:
    process: Process
    calls: list[tuple[int, Reservation]] = field(default_factory=list[tuple[int, Reservation]])


class BudgetMachine(RuleBasedStateMachine):
    """Several processes on one budget of one person.

    `taken`: what all calls took, those of killed processes at the most that they held. `given`: what somebody decided
    not to have been spent.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock(AT)
        self.database = Database(url, pool_size=3)
        self.caller = somebody()
        self.budget: Rule = self.run(limit(self.database, AMOUNT, self.caller, subject="person"))
        self.alive = [self.started() for _ in range(PROCESSES)]
        self.taken = 0
        self.given = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def started(self) -> Alive:
        return Alive(Process(self.database, self.clock))

    @rule(one=which, tokens=st.integers(1, 400))
    def begin(self, one: int, tokens: int) -> None:
        there = self.alive[one]
        try:
            held = self.run(there.process.reserve(self.caller, tokens))
        except TooMany:
            found = self.run(counted(self.database, self.budget))
            own = sum(purse.free for purse in there.process.keeper.purses)
            assert tokens > AMOUNT - found.spent - found.leased + own, "refused although there was room"
        else:
            there.calls.append((tokens, held))

    @rule(one=which, share=st.floats(0, 1))
    def end(self, one: int, share: float) -> None:
        there = self.alive[one]
        if there.calls:
            tokens, held = there.calls.pop(0)
            took = round(tokens * share)
            there.process.ended(self.caller, held, took)
            self.taken += took

    @rule(one=which)
    def flush(self, one: int) -> None:
        self.run(self.alive[one].process.meter.flush())

    @rule()
    def give_back(self) -> None:
        before = self.run(counted(self.database, self.budget))
        self.run(give_back(self.database, self.budget, self.clock.now()))
        after = self.run(counted(self.database, self.budget))
        assert (after.spent, after.unattributed) == (before.spent - before.unattributed, 0)
        self.given += before.unattributed

    @rule(one=which)
    def tend(self, one: int) -> None:
        self.run(self.alive[one].process.keeper.tend())

    @rule(seconds=st.sampled_from((1, 4, 20, 61)))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(one=which)
    def kill(self, one: int) -> None:
        self.taken += sum(tokens for tokens, _ in self.alive[one].calls)
        self.alive[one] = self.started()

    @invariant()
    def nothing_is_forgotten(self) -> None:
        found = self.run(counted(self.database, self.budget))
        assert found.spent + found.leased + self.given >= self.taken
        assert found.spent >= self.run(recorded(self.database, self.caller))

    @invariant()
    def nobody_got_more_than_there_was(self) -> None:
        under_way = sum(tokens for each in self.alive for tokens, _ in each.calls)
        assert self.taken + under_way <= AMOUNT + self.given

    def teardown(self) -> None:
        for each in self.alive:
            for tokens, held in each.calls:
                each.process.ended(self.caller, held, tokens)
                self.taken += tokens
            self.run(each.process.meter.stop())
            self.run(each.process.keeper.stop())
        self.clock.advance(61)
        self.run(self.alive[0].process.keeper.book_lapsed())
        found = self.run(counted(self.database, self.budget))
        self.run(self.database.close())
        self.runner.close()
        assert found.leased == 0
        assert found.spent - found.unattributed <= self.taken <= found.spent + self.given


def test_processes_that_die_and_stand_still_keep_to_a_budget(database_url: str) -> None:
    run_state_machine_as_test(  # pyright: ignore[reportUnknownMemberType]
        cast(Any, partial(BudgetMachine, database_url)),
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )

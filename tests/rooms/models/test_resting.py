"""Whatever fails and works in any order, a model that rests comes last, for a while, and nobody is lost."""

from __future__ import annotations

import datetime as dt
from itertools import chain
from uuid import uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mecum.kit.clock import ManualClock
from mecum.rooms.models.access import Access
from mecum.rooms.models.resting import REST_MAX_S, REST_S, Resting
from mecum.rooms.models.routes import Remote, Route
from mecum.rooms.models.store.accounts import AccountRow
from mecum.rooms.models.store.catalogue import ModelRow, ProviderRow
from mecum.rooms.models.upstream import Endpoint

AT = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


def remote(name: str) -> Remote:
    provider, account, model = uuid4(), uuid4(), uuid4()
    url = "http://127.0.0.1:1/v1"
    return Remote(
        ModelRow(model, provider, name, name, "chat", 8_192, False, True, True, False, "", False, Access(), AT),
        ProviderRow(provider, name, name, "openai", url, None, None, None, None, AT),
        AccountRow(account, provider, "", None, False, None, None, "unknown", None, None, None, AT),
        Endpoint(name, url, pool=name),
    )


ALL = [remote(name) for name in "abcde"]
ROUTE = Route("alias", ((ALL[0], ALL[1]), (ALL[2],), (ALL[3], ALL[4])))
ALONE = Route("a", ((ALL[0],),))
each = st.sampled_from(ALL)


class RestingMachine(RuleBasedStateMachine):
    """`until`: how long each rests, and how long this rest is, by our own reckoning."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(AT)
        self.resting = Resting(self.clock)
        self.until: dict[str, tuple[float, float]] = {}

    @rule(failing=each)
    def fails(self, failing: Remote) -> None:
        _, before_s = self.until.get(failing.model.name, (0.0, 0.0))
        rest_s = min(REST_MAX_S, 2 * before_s) if before_s else REST_S
        self.until[failing.model.name] = (self.clock.monotonic() + rest_s, rest_s)
        self.resting.failed(failing)

    @rule(working=each)
    def works(self, working: Remote) -> None:
        self.until.pop(working.model.name, None)
        self.resting.worked(working)

    @rule(seconds=st.floats(0.1, 2 * REST_MAX_S))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @invariant()
    def nobody_is_lost_and_nobody_is_asked_twice(self) -> None:
        found = [each.model.name for each in self.resting.last(ROUTE)]
        assert sorted(found) == sorted(each.model.name for each in ROUTE)

    @invariant()
    def who_rests_comes_behind_all_others_which_keep_their_places(self) -> None:
        asleep = {name for name, (until, _) in self.until.items() if until > self.clock.monotonic()}
        awake = [[each for each in tier if each.model.name not in asleep] for tier in ROUTE.tiers]
        found = self.resting.last(ROUTE)
        if not asleep or not any(awake):
            assert found == ROUTE
            return
        assert [list(tier) for tier in found.tiers[:-1]] == [tier for tier in awake if tier]
        assert {each.model.name for each in found.tiers[-1]} == asleep

    @invariant()
    def what_has_no_other_is_asked_all_the_same(self) -> None:
        assert self.resting.last(ALONE) == ALONE

    def teardown(self) -> None:
        """However often somebody failed, they are asked again."""
        for again in chain.from_iterable([one] * 10 for one in ALL):
            self.resting.failed(again)
        self.clock.advance(REST_MAX_S)
        assert self.resting.last(ROUTE) == ROUTE


TestResting = RestingMachine.TestCase
TestResting.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)

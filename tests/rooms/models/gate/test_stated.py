"""Limits that the operator states of an account."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mecum.rooms.models.gate.door import Gate
from mecum.rooms.models.gate.rate import Rate, Stated
from mecum.rooms.models.gate.standing import Asked
from mecum.rooms.models.settings import ModelsSettings


class Time:
    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at


def gate_at(time: Time, **limits: int) -> Gate:
    gate = Gate(time, ModelsSettings())  # type: ignore[arg-type]
    gate.state({"a": Stated(**limits)})
    return gate


def asked(tokens: int = 100) -> Asked:
    return Asked((("a",),), "m", "t", "api", tokens, 0)


def test_so_many_calls_are_let_in_at_once_as_was_stated() -> None:
    time = Time()
    gate = gate_at(time, calls_max=2)
    first, second, third = (gate.pools.enter(asked(), time.at) for _ in range(3))
    assert [each.state for each in (first, second, third)] == ["running", "running", "waiting"]
    gate.pools.over(first, 100, 0, time.at)
    assert third.state == "running"
    gate.state({})
    assert gate.pools.enter(asked(), time.at).state == "running"


def test_a_minute_has_so_many_tokens_as_was_stated() -> None:
    time = Time()
    gate = gate_at(time, tokens_per_minute=600)
    standings = [gate.pools.enter(asked(200), time.at) for _ in range(5)]
    assert [each.state for each in standings] == ["running"] * 3 + ["waiting"] * 2
    for each in standings[:3]:
        gate.pools.over(each, 200, 0, time.at)
    assert standings[3].state == "waiting", "their tokens are used, whether they are over or not"
    time.at = 20.5
    gate.pools.tick(time.at)
    assert [each.state for each in standings[3:]] == ["running", "waiting"]


def test_what_a_call_did_not_use_is_given_back() -> None:
    time = Time()
    gate = gate_at(time, tokens_per_minute=600)
    first, second = (gate.pools.enter(asked(500), time.at) for _ in range(2))
    assert second.state == "waiting"
    gate.pools.over(first, 50, 0, time.at)
    assert second.state == "running"


def test_a_call_that_is_larger_than_a_minute_is_let_in_when_nothing_else_is_asked() -> None:
    time = Time()
    gate = gate_at(time, tokens_per_minute=600)
    assert gate.pools.enter(asked(5000), time.at).state == "running"
    assert gate.pools.enter(asked(1), time.at).state == "waiting"


@given(st.lists(st.tuples(st.integers(1, 400), st.floats(0, 30)), max_size=60))
def test_never_more_than_a_minute_and_what_was_saved_up_is_let_through(calls: list[tuple[int, float]]) -> None:
    rate, now, used = Rate(600, 0.0), 0.0, 0
    for tokens, pause_s in calls:
        now += pause_s
        if rate.left(now) >= tokens:
            rate.take(tokens, now)
            used += tokens
    assert used <= 600 + now * 10 + 1e-6

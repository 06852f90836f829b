"""How fast a pool would be with nothing else to do, told while it is busy."""

from __future__ import annotations

import pytest

from mecum.rooms.models.gate.fair import Ticket
from mecum.rooms.models.gate.line import Line
from mecum.rooms.models.gate.speed import BESIDE_PEOPLE, PEOPLE_MAX, SAMPLES_MIN, STALE_S, Speed

IDLE_S, DOUBLES = 0.001, 50
"""Of a pool that is twice as slow with so many calls."""
TOLERANCE = 1.5


def speed(fast_s: float = 0.0) -> Speed:
    return Speed(fast_s, TOLERANCE)


def takes_s(calls: int) -> float:
    return IDLE_S * (1 + calls / DOUBLES)


def seconds(
    pool: Speed, calls: int, many: int = 1, *, at: float = 0.0, size: int = 1, people: int = 0, slower: float = 1.0
) -> float:
    """So many seconds with so many calls in flight; gives the slowdown of the last."""
    found = None
    for number in range(many):
        for _ in range(SAMPLES_MIN):
            pool.add(size, takes_s(calls) * slower, calls, people)
        found = pool.slowdown(at + number)
    assert found is not None
    return found


def true_slowdown(calls: int) -> float:
    return takes_s(calls) / IDLE_S / TOLERANCE


def test_too_few_samples_say_nothing_and_are_kept() -> None:
    pool = speed()
    for _ in range(SAMPLES_MIN - 1):
        pool.add(1, IDLE_S, 1, 0)
    assert pool.slowdown(0.0) is None
    pool.add(1, IDLE_S, 1, 0)
    assert pool.slowdown(1.0) == pytest.approx(1 / TOLERANCE)


def test_what_it_would_be_with_nothing_to_do_is_told_from_two_loads_of_which_none_is_small() -> None:
    pool = speed()
    seconds(pool, 20, 10)
    assert seconds(pool, 40, 10, at=10.0) == pytest.approx(true_slowdown(40), rel=0.05)


def test_a_load_that_stays_does_not_become_the_usual_one() -> None:
    pool = speed()
    for number in range(10):
        seconds(pool, 10 + 3 * number, 3, at=3.0 * number)
    assert seconds(pool, 60, 900, at=30.0) > 1.0


def test_a_size_that_was_only_seen_under_load_is_compared_by_the_curve_of_the_others() -> None:
    pool = speed()
    for calls in (10, 20, 40):
        seconds(pool, calls, 10, at=calls)
    found = [seconds(pool, 40, at=60.0 + number, size=2, slower=7.0) for number in range(5)]
    assert found[-1] == pytest.approx(true_slowdown(40), rel=0.1)


def test_a_server_that_has_become_slower_for_good_is_believed_once_it_had_little_to_do() -> None:
    pool = speed()
    seconds(pool, 10, 30)
    assert seconds(pool, 40, 30, at=30.0, slower=3.0) > 1.0
    seconds(pool, 10, 900, at=60.0, slower=3.0)
    assert seconds(pool, 10, at=960.0, slower=3.0) < 1.0


def test_what_was_not_seen_again_for_long_is_not_held_against_it() -> None:
    pool = speed()
    seconds(pool, 5, 30)
    soon = seconds(pool, 40, 30, at=30.0, slower=2.0)
    assert seconds(pool, 40, 30, at=30.0 + 2 * STALE_S, slower=2.0) < 0.7 * soon


def test_what_is_stale_does_not_make_what_is_seen_now_look_fast() -> None:
    pool = speed()
    seconds(pool, 5, 30)
    seconds(pool, 20, 30, at=3 * STALE_S)
    assert seconds(pool, 60, 5, at=3 * STALE_S + 30) == pytest.approx(true_slowdown(60), rel=0.15)


def test_a_pool_that_was_left_alone_for_years_is_measured_anew() -> None:
    pool = speed()
    seconds(pool, 5, 30)
    assert seconds(pool, 40, 30, at=1e9, slower=2.0) == pytest.approx(1 / TOLERANCE, rel=0.05)


def test_what_people_cost_each_other_is_no_pressure_and_the_rest_may_add_a_third() -> None:
    pool = speed()
    for calls in (5, 10, 20):
        seconds(pool, calls, 10, at=calls)
    alone = takes_s(40) / IDLE_S
    found = seconds(pool, 48, 3, at=40.0, people=40)
    assert found == pytest.approx(takes_s(48) / IDLE_S / (BESIDE_PEOPLE * alone), rel=0.05)
    assert found < true_slowdown(48)


def test_so_many_people_that_they_slow_each_other_down_too_much_are_pressure() -> None:
    pool = speed()
    for calls in (5, 10, 20):
        seconds(pool, calls, 10, at=calls)
    calls = 5 * DOUBLES
    assert seconds(pool, calls, 3, at=40.0, people=calls) > 6 / (BESIDE_PEOPLE * PEOPLE_MAX) * 0.9 > 1.0


def test_what_takes_no_time_under_load_is_no_slowdown() -> None:
    pool = speed(0.001)
    for calls in (5, 40):
        seconds(pool, calls, 5, slower=0.0 if calls > 5 else 1.0)
        assert seconds(pool, calls, slower=0.0) == 0.0


def test_a_line_knows_how_many_of_those_that_run_are_at_a_screen() -> None:
    line = Line(queue_max=10, tenant_queue_max=10, starving_after_s=60.0)
    person, program = (Ticket("a", band, 10, 10, 0.0) for band in ("interactive", "api"))
    for each in (person, program):
        line.join(each)
    line.admit(1_000, 10, 0.0)
    assert (line.running, line.at_a_screen) == (2, 1)
    line.give_back(person)
    assert (line.running, line.at_a_screen) == (1, 0)
    line.admit(1_000, 10, 0.0)
    for each in (person, program):
        line.finish(each, 10, 10, 1.0)
    assert (line.running, line.at_a_screen) == (0, 0)

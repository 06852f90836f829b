"""How much a pool takes: less when it slows down, more while it is used and does not."""

from __future__ import annotations

import pytest

from mecum.rooms.models.gate.pressure import REFUSED_FACTOR, SAMPLES_MIN, START_GROWTH, TOLERANCE, Pressure

START = 100_000.0


def pressure(start: float = START) -> Pressure:
    return Pressure(start=start, least=1_000, most=1_000_000)


def second(pool: Pressure, token_s: float, used: float | None = None, now: float = 0.0, *, waits: bool = False) -> None:
    """A second in which answers were written with `token_s` per token."""
    for _ in range(SAMPLES_MIN):
        pool.began("m", 0.0, 64, now)
        pool.ended("m", token_s * 100, 101, 151)
    pool.tick(pool.limit if used is None else used, SAMPLES_MIN, waits, now)


def test_a_pool_that_keeps_its_speed_gets_more_while_it_is_used() -> None:
    pool = pressure()
    for _ in range(30):
        second(pool, 0.02)
    assert pool.limit > START


def test_a_pool_whose_bounds_nobody_knows_grows_fast_until_it_slows_down_once() -> None:
    pool = pressure()
    for number in range(3):
        second(pool, 0.02, now=number * 1.0)
    assert pool.limit == pytest.approx(START * START_GROWTH**3)
    second(pool, 0.2, now=3.0)
    found = pool.limit
    for number in range(3):
        second(pool, 0.02, now=4.0 + number)
    assert found < pool.limit < found * 1.1


def test_it_grows_no_further_before_answers_have_begun_under_the_last_limit() -> None:
    pool = pressure()
    second(pool, 0.02, now=10.0)
    grown = pool.limit
    for _ in range(SAMPLES_MIN):
        pool.began("m", 5.0, 64_000, 11.0)
    pool.tick(pool.limit, SAMPLES_MIN, True, 11.0)
    assert pool.limit == grown
    second(pool, 0.02, now=12.0)
    assert pool.limit == pytest.approx(grown * START_GROWTH)


def test_one_long_prompt_that_fills_the_limit_shows_enough_for_the_next_two() -> None:
    pool = pressure()
    pool.began("m", 5.0, 100_000, 5.0)
    pool.tick(pool.limit, 1, True, 5.0)
    assert pool.limit == pytest.approx(START * START_GROWTH)


def test_without_anything_that_was_measured_the_limit_stays() -> None:
    pool = pressure()
    for number in range(10):
        pool.tick(pool.limit, 5, True, number * 1.0)
    assert pool.limit == START


def test_somebody_who_waits_shows_that_more_is_wanted_although_the_limit_is_not_quite_used() -> None:
    pool = pressure()
    second(pool, 0.02, used=0.8 * START, waits=True)
    assert pool.limit > START


def test_who_waits_for_another_limit_than_this_one_is_no_reason_to_grow() -> None:
    pool = pressure()
    for number in range(10):
        second(pool, 0.02, used=0.2 * START, now=float(number), waits=True)
    assert pool.limit == START


def test_one_step_down_comes_into_force_before_the_next() -> None:
    pool = pressure()
    for _ in range(20):
        second(pool, 0.02)
    before = pool.limit
    second(pool, 0.2)
    down = pool.limit
    for _ in range(5):
        second(pool, 0.2, used=before)
    assert pool.limit == down < before
    second(pool, 0.2, used=down)
    assert pool.limit < down


def test_the_first_word_may_be_less_late_than_the_rest() -> None:
    pool = pressure()
    for token_s in (0.001, 0.0017):
        for _ in range(20):
            for _ in range(SAMPLES_MIN):
                pool.began("m", token_s * 1_000, 1_000, 0.0)
            pool.tick(0, 0, False, 0.0)
    assert pool.slowdown > 1
    second(pool, 0.02 * 1.7)
    assert pool.slowdown <= 1


def test_a_pool_that_was_much_faster_once_and_is_fast_enough_now_is_not_pressed() -> None:
    pool = pressure()
    for token_s in (0.0001, 0.03):
        for _ in range(20):
            second(pool, token_s)
    assert pool.limit > START
    second(pool, 0.2)
    assert pool.slowdown == pytest.approx(10.0 / TOLERANCE["write"])


def test_a_pool_that_is_not_used_gets_no_more() -> None:
    pool = pressure()
    for _ in range(30):
        second(pool, 0.02, used=0)
    assert pool.limit == pytest.approx(START)


def test_a_pool_that_slows_down_gets_less_until_it_is_fast_again() -> None:
    pool = pressure()
    for _ in range(20):
        second(pool, 0.02)
    before = pool.limit
    for _ in range(10):
        second(pool, 0.2)
    pressed = pool.limit
    assert pressed < before / 2
    for _ in range(20):
        second(pool, 0.02)
    assert pool.limit > pressed


def test_slower_within_the_tolerance_is_what_batching_costs() -> None:
    pool = pressure()
    for _ in range(20):
        second(pool, 0.02)
    before = pool.limit
    second(pool, 0.035)
    assert pool.limit >= before


def test_a_long_prompt_alone_is_no_slowdown() -> None:
    pool = pressure()
    for tokens in (100, 10_000):
        for _ in range(20):
            for _ in range(SAMPLES_MIN):
                pool.began("m", tokens * 0.0005, tokens, 0.0)
            pool.tick(0, 0, False, 0.0)
    assert pool.slowdown == pytest.approx(1.0 / TOLERANCE["read"])


def test_an_answer_that_takes_no_time_at_all_is_no_slowdown() -> None:
    pool = pressure()
    second(pool, 0.0)
    assert pool.slowdown == 0.0 and pool.limit > START


def test_short_prompts_after_long_ones_are_no_slowdown_although_the_way_there_takes_as_long() -> None:
    pool = pressure()
    for tokens in (8_000, 100, 8_000, 100):
        for _ in range(20):
            for _ in range(SAMPLES_MIN):
                pool.began("m", 0.5 + tokens * 0.0001, tokens, 0.0)
            pool.tick(0, 0, False, 0.0)
        assert pool.slowdown <= 1.0


def test_a_refusal_holds_everything_until_the_time_that_was_named_and_counts_once() -> None:
    pool = pressure()
    for _ in range(10):
        pool.refused(100.0, 20.0)
    assert pool.limit == pytest.approx(START * REFUSED_FACTOR)
    assert pool.held_s(110.0) == pytest.approx(10.0)
    assert pool.held_s(120.0) == 0.0


def test_a_limit_stays_within_its_bounds() -> None:
    pool = pressure()
    for number in range(100):
        pool.refused(number * 100.0, 1.0)
    assert pool.limit == 1_000

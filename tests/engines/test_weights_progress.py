from __future__ import annotations

import datetime as dt

import pytest

from mecum.engines.weights.progress import Meter, Progress
from mecum.kit.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(dt.datetime(2026, 3, 2, tzinfo=dt.UTC))


def test_the_time_left_follows_the_rate_so_far(clock: ManualClock) -> None:
    seen: list[Progress] = []
    meter = Meter(1000, seen.append, clock)
    meter.at("hub", 0)
    clock.advance(2)
    meter.at("hub", 400)
    assert seen == [Progress("hub", 0, 1000), Progress("hub", 400, 1000, 3.0)]


def test_what_was_there_before_does_not_count_as_speed(clock: ManualClock) -> None:
    seen: list[Progress] = []
    meter = Meter(1000, seen.append, clock)
    meter.at("hub", 900)
    clock.advance(1)
    meter.at("hub", 910)
    assert seen[-1].seconds_left == pytest.approx(9.0)


def test_reports_come_a_few_times_a_second_and_always_at_the_end(clock: ManualClock) -> None:
    seen: list[Progress] = []
    meter = Meter(100, seen.append, clock)
    for done in range(101):
        meter.at("hub", done)
        clock.advance(0.01)
    assert len(seen) <= 6 and seen[-1].bytes_done == 100


def test_a_new_phase_is_reported_at_once(clock: ManualClock) -> None:
    seen: list[Progress] = []
    meter = Meter(100, seen.append, clock)
    meter.at("hub", 50)
    meter.at("verifying", 1)
    assert [each.phase for each in seen] == ["hub", "verifying"] and seen[-1].seconds_left is None

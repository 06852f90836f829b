"""The replay of the bench, small: what it promises of the gate holds on any machine, because its time is virtual."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.gate.engine import BATCH, TOKEN_S, Engine, most_within
from bench.gate.figures import Figures, figures, jain
from bench.gate.load import CODE, CONVERSATION, Request, Scene
from bench.gate.policies import POLICIES
from bench.gate.replay import Replay

SCENE, SHORT = Scene(), Scene(seconds=600.0, bulk=1_500)


def ran(policy: str, scene: Scene = SCENE, engines: int = 3) -> Figures:
    return figures(Replay(scene.requests(None), POLICIES[policy], (engines,)).run(scene))


@pytest.fixture(scope="module")
def gate() -> Figures:
    return ran("the gate")


@pytest.fixture(scope="module")
def calm() -> Figures:
    return ran("the gate", replace(SCENE, noisy=0.0))


@pytest.fixture(scope="module")
def plain() -> Figures:
    return ran("plain queue")


def test_nobody_well_behaved_is_rejected_where_a_plain_queue_and_caps_reject_many(
    gate: Figures, plain: Figures
) -> None:
    assert gate.rejected == 0
    assert plain.rejected > 500
    assert ran("rate caps").rejected > 1_000


def test_people_hardly_feel_a_neighbour_who_asks_for_far_too_much(gate: Figures, calm: Figures) -> None:
    assert gate.first_p95["people"] <= 1.5 * calm.first_p95["people"]
    assert gate.first_p95["beside"] <= 1.5 * calm.first_p95["beside"]


@pytest.mark.parametrize("engines", [1, 2])
def test_nor_do_they_before_engines_that_they_keep_busy_themselves(engines: int) -> None:
    noisy, calm = (ran("the gate", scene, engines) for scene in (SHORT, replace(SHORT, noisy=0.0)))
    assert noisy.rejected == calm.rejected == 0
    assert noisy.first_p95["beside"] <= 1.5 * calm.first_p95["beside"]


def test_nor_do_they_when_the_neighbour_is_at_a_screen_too(calm: Figures) -> None:
    noisy = ran("the gate", replace(SCENE, at_a_screen=True))
    assert noisy.rejected == 0
    assert noisy.first_p95["people"] <= 1.5 * calm.first_p95["people"]
    assert noisy.first_p95["beside"] <= 1.5 * calm.first_p95["beside"]


def test_bulk_uses_what_is_left(gate: Figures, plain: Figures) -> None:
    assert gate.work >= 0.95 * plain.work
    assert gate.bulk_done == SCENE.bulk


def test_tenants_are_served_alike_within_the_bound(gate: Figures, plain: Figures) -> None:
    assert gate.gap <= gate.bound < plain.gap


def test_an_engine_shares_its_speed_and_slows_down_with_what_it_has() -> None:
    engine = Engine(1)
    calls = [Request(0.0, "a", "paid", 60, 100) for _ in range(BATCH)]
    for each in calls:
        engine.add(each, 0.0)
    assert engine.slowdown == 2.0
    assert engine.next_at() == pytest.approx(2 * TOKEN_S)
    engine.take_back(calls[0], 0.0)
    firsts = [engine.pop(engine.next_at()) for _ in range(BATCH - 1)]
    assert {what for _, what in firsts} == {"first"} and calls[0] not in {request for request, _ in firsts}
    assert engine.pop(engine.next_at())[1] == "end"


def test_traces_are_read_as_they_were_published(tmp_path: Path) -> None:
    for name in (CONVERSATION, CODE):
        (tmp_path / name).write_text(
            "TIMESTAMP,ContextTokens,GeneratedTokens\n"
            "2023-11-16 18:15:46.6805900,374,44\n"
            "2023-11-16 18:15:50.9951690,396,109\n"
        )
    found = Scene(seconds=4.0, noisy=0.0, bulk=0).requests(tmp_path)
    assert [(each.at, each.input_tokens, each.output_tokens) for each in found] == [(0.0, 374, 44)] * 2
    assert {each.kind for each in found} >= {"program"}


def test_jains_index_is_one_where_all_have_the_same_and_small_where_one_has_all() -> None:
    assert jain([0.5] * 4) == pytest.approx(1.0)
    assert jain([1.0, 0.0, 0.0, 0.0]) == pytest.approx(0.25)


def test_a_window_of_the_traces_begins_where_it_is_said_to(tmp_path: Path) -> None:
    for name in (CONVERSATION, CODE):
        (tmp_path / name).write_text(
            "TIMESTAMP,ContextTokens,GeneratedTokens\n"
            "2023-11-16 18:15:46.6805900,374,44\n"
            "2023-11-16 18:15:50.9951690,396,109\n"
        )
    found = Scene(seconds=4.0, noisy=0.0, bulk=0, begins=3.0).requests(tmp_path)
    assert [(round(each.at, 1), each.input_tokens) for each in found] == [(1.3, 396)] * 2


def test_a_small_engine_that_people_keep_busy_loses_nothing_by_staying_within_the_bound_and_a_large_one_some() -> None:
    shares = [most_within(1.5, replicas, 1_400.0, 2_850) for replicas in (1, 2, 3)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == pytest.approx(1.0) and 0.8 < shares[2] < 0.95
    assert most_within(1e6, 3, 1_400.0, 2_850) == pytest.approx(1.0)

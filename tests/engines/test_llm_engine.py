"""The engine around a child that can't load its model, and around a hub that fails: no weights are needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mecum.engines.backoff import Backoff
from mecum.engines.llm import EngineState, LlmEngine, Phase
from mecum.engines.llm.settings import LlmSettings
from mecum.engines.weights import Model, Sources
from mecum.kit.errors import EngineUnavailable
from tests.engines.hub import MODEL, SteppingClock, running_hub


@asynccontextmanager
async def engine_of(directory: Path, sources: Sources | None = None, **settings: object) -> AsyncGenerator[LlmEngine]:
    engine = LlmEngine(LlmSettings(**settings), directory, sources=sources, restart_first_s=60)  # type: ignore[arg-type]
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def until(engine: LlmEngine, *phases: Phase) -> EngineState:
    state = engine.state
    while state.phase not in phases:
        state = await engine.changed(state)
    return state


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Model:
    """The engine chooses a tiny model that no server can load."""
    monkeypatch.setattr("mecum.engines.llm.engine.choose", lambda *_, **__: MODEL)
    return MODEL


async def test_switched_off_it_says_so_and_starts_nothing(tmp_path: Path) -> None:
    async with engine_of(tmp_path, local_model="none") as engine:
        assert engine.state.phase == "off" and engine.card is None and engine.pid is None
        with pytest.raises(EngineUnavailable) as caught:
            await engine.ready()
        assert caught.value.code == "engine_off" and not caught.value.retryable


async def test_a_file_that_is_no_model_is_a_clear_failure(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF" + b"?" * 1000)
    async with engine_of(tmp_path, local_model=str(path)) as engine:
        with pytest.raises(EngineUnavailable, match="mine can't be loaded") as caught:
            await engine.ready()
        assert caught.value.code == "engine_start_failed" and caught.value.hint
        assert engine.state.phase == "failed" and engine.state.retry_in_s
        assert engine.base_url is None and engine.pid is None


async def test_a_failure_can_be_tried_again_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    async with engine_of(tmp_path, local_model=str(path)) as engine:
        failed = await until(engine, "failed")
        assert failed.problem is not None and failed.problem.code == "model_file_unusable"
        path.write_bytes(b"GGUF" + b"?" * 1000)
        engine.resume()
        again = await engine.changed(failed)
        while again.problem is None:
            again = await engine.changed(again)
        assert again.problem.code == "engine_start_failed"


async def test_while_the_weights_arrive_questions_wait_and_progress_is_seen(tmp_path: Path, tiny: Model) -> None:
    async with running_hub() as hub:
        hub.stall_after = 1_500_000
        async with engine_of(tmp_path, hub.sources(clock=SteppingClock())) as engine:
            assert engine.card is not None and engine.card.name == tiny.name
            state = await until(engine, "fetching")
            while state.progress is None or not state.progress.bytes_done:
                state = await engine.changed(state)
            assert state.phase == "fetching" and state.progress.bytes_total == tiny.file_bytes
            with pytest.raises(EngineUnavailable) as caught:
                await engine.ready(timeout_s=0.01)
            assert caught.value.code == "engine_loading" and caught.value.retryable


async def test_a_pause_keeps_what_has_arrived_and_going_on_completes_it(tmp_path: Path, tiny: Model) -> None:
    async with running_hub() as hub:
        hub.stall_after = 1_500_000
        async with engine_of(tmp_path, hub.sources(clock=SteppingClock())) as engine:
            state = engine.state
            while state.progress is None or not state.progress.bytes_done:
                state = await engine.changed(state)
            engine.pause()
            await until(engine, "paused")
            with pytest.raises(EngineUnavailable) as caught:
                await engine.ready()
            assert caught.value.code == "model_paused"
            hub.stall_after = None
            engine.resume()
            await until(engine, "loading")
            assert hub.ranges[-1] is not None
            assert (tmp_path / tiny.file_name).stat().st_size == tiny.file_bytes


async def test_a_hub_that_fails_is_asked_again_later_or_when_told(tmp_path: Path, tiny: Model) -> None:
    async with running_hub() as hub:
        hub.status = 503
        async with engine_of(tmp_path, hub.sources()) as engine:
            failed = await until(engine, "failed")
            assert failed.problem is not None and failed.problem.code == "model_unreachable"
            assert failed.retry_in_s is not None and failed.retry_in_s > 1
            hub.status = None
            engine.resume()
            await until(engine, "loading")
            assert (tmp_path / tiny.file_name).stat().st_size == tiny.file_bytes


async def test_stopping_while_the_weights_arrive_waits_for_nothing(tmp_path: Path, tiny: Model) -> None:
    async with running_hub() as hub:
        hub.stall_after = 1000
        async with engine_of(tmp_path, hub.sources()) as engine:
            waiting = asyncio.create_task(engine.ready())
            await until(engine, "fetching")
            await engine.stop()
            with pytest.raises(EngineUnavailable) as caught:
                await waiting
            assert caught.value.code == "engine_off"


def test_pauses_double_up_to_a_bound_and_start_over() -> None:
    pauses = Backoff(0.5, 3.0)
    assert [pauses.next_s() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    pauses.reset()
    assert pauses.next_s() == 0.5
    assert [Backoff(1.0, 9.0).next_s() for _ in range(3)] == [1.0, 1.0, 1.0]


async def test_a_mistake_of_its_own_is_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF" + b"?" * 1000)
    mistakes = [OSError("nobody thought of this")]

    def limit(*_: int) -> int:
        if mistakes:
            raise mistakes.pop()
        return 2**30

    monkeypatch.setattr("mecum.engines.llm.engine.memory_limit", limit)
    async with engine_of(tmp_path, local_model=str(path)) as engine:
        failed = await until(engine, "failed")
        assert failed.problem is not None and failed.problem.code == "engine_crashed" and failed.retry_in_s
        engine.resume()
        again = await engine.changed(failed)
        while again.problem is None:
            again = await engine.changed(again)
        assert again.problem.code == "engine_start_failed"

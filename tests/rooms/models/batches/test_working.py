"""Batches from their file to the files of their results."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.errors import Forbidden, NotFound
from mecum.kit.types import Actor, PersonId, Principal, SpaceId, Surface
from mecum.rooms.models.budgets.managing import NewRule
from mecum.rooms.models.providers import NewModel
from tests.rooms.models.batches.desk import CHAT, EMBEDDINGS, RESPONSES, Desk, line, pause
from tests.rooms.models.world import World
from tests.support.fake_provider import FakeProvider, Reply


async def test_each_line_is_answered_in_the_tier_of_batches_by_the_relays_own_door(
    here: World, desk: Desk, fake: FakeProvider
) -> None:
    fake.script(Reply(text="one two"), Reply(text="one two"), Reply(text="one two"))
    batch = await desk.hand_in([line(str(n)) for n in range(3)], metadata={"night": "1"})
    assert (await desk.batch(batch))["status"] == "validating"
    await desk.work()
    ended = await desk.ended(batch)
    assert ended.batch["status"] == "completed"
    assert ended.batch["metadata"] == {"night": "1"}
    assert ended.batch["model"] == "fake"
    assert ended.batch["usage"]["output_tokens"] == 6
    assert [ended.output[str(n)]["response"]["body"]["choices"][0]["message"]["content"] for n in range(3)] == [
        "one two"
    ] * 3
    assert ended.output["0"]["response"]["status_code"] == 200
    assert ended.output["0"]["error"] is None
    records = await here.usage()
    assert [(each["tier"], each["band"], each["surface"], each["outcome"]) for each in records] == [
        ("batch", "bulk", "web", "ok")
    ] * 3


@pytest.mark.parametrize("endpoint", [CHAT, RESPONSES, EMBEDDINGS])
async def test_every_endpoint_is_served(here: World, desk: Desk, fake: FakeProvider, endpoint: str) -> None:
    await here.connect(fake, NewModel("vectors", kind="embedding"), name="Vectors")
    model = "vectors" if endpoint == EMBEDDINGS else "fake"
    batch = await desk.hand_in([line("a", url=endpoint, model=model)], endpoint)
    await desk.work()
    ended = await desk.ended(batch)
    assert ended.output["a"]["response"]["status_code"] == 200
    assert ended.batch["usage"]["input_tokens"] > 0


async def test_answers_of_a_batch_are_not_stored_unless_a_line_asks_for_it(here: World, desk: Desk) -> None:
    lines = [line("no", url=RESPONSES), line("yes", url=RESPONSES, store=True)]
    batch = await desk.hand_in(lines, RESPONSES)
    await desk.work()
    ended = await desk.ended(batch)
    await here.parts.shelf.flush()
    kept = ended.output["yes"]["response"]["body"]["id"]
    assert (await here.parts.shelf.get(here.caller, kept)).id == kept
    with pytest.raises(NotFound):
        await here.parts.shelf.get(here.caller, ended.output["no"]["response"]["body"]["id"])


async def test_lines_that_fail_stand_in_the_error_file_and_the_others_in_the_output(
    desk: Desk, fake: FakeProvider
) -> None:
    lines = [line("good"), line("missing", model="nobody"), line("refused", said="fake?status=400")]
    batch = await desk.hand_in(lines)
    await desk.work()
    ended = await desk.ended(batch)
    assert ended.batch["status"] == "completed"
    assert ended.batch["request_counts"] == {"total": 3, "completed": 1, "failed": 2}
    assert ended.batch["model"] is None
    assert set(ended.output) == {"good"}
    assert ended.errors["missing"]["response"]["status_code"] == 404
    assert ended.errors["missing"]["response"]["body"]["error"]["code"] == "model_not_found"
    assert ended.errors["refused"]["response"]["status_code"] == 400


async def test_who_may_use_a_model_is_asked_for_each_line_when_it_is_asked(
    here: World, desk: Desk, fake: FakeProvider
) -> None:
    class Leaving(type(here.people)):
        """Their account is locked after two answers."""

        async def principal_for_job(
            self, person: PersonId, space: SpaceId, job: Any, surface: Surface = "none"
        ) -> Principal:
            if len(fake.requests) >= 2:
                raise Forbidden("people.disabled", "Locked.")
            return here.caller

    here.people.__class__ = Leaving
    batch = await desk.hand_in([line(str(n)) for n in range(6)])
    await desk.work()
    ended = await desk.ended(batch)
    assert ended.batch["status"] == "cancelled"
    (why,) = ended.batch["errors"]["data"]
    assert why["code"] == "models.batch_person"
    assert 1 <= len(ended.output) <= len(fake.requests) < 6
    assert {each["error"]["code"] for each in ended.errors.values()} == {"models.batch_person"}


async def test_a_revoked_key_stops_its_batches_and_no_others(here: World, desk: Desk, fake: FakeProvider) -> None:
    session = here.caller
    here.caller = replace(session, actor=Actor("key", here.people.key))
    with_key = await desk.hand_in([line(str(n)) for n in range(3)])
    here.caller = session
    without = await desk.hand_in([line("a")])
    here.people.revoked.add(here.people.key)
    await desk.work()
    ended = await desk.ended(with_key)
    assert (ended.batch["status"], ended.output, ended.errors) == ("cancelled", {}, {})
    (why,) = ended.batch["errors"]["data"]
    assert why["code"] == "models.batch_key" and "revoked" in why["message"]
    assert (await desk.ended(without)).batch["status"] == "completed"
    assert len(fake.requests) == 1


async def test_a_key_that_is_revoked_in_the_middle_leaves_what_is_answered(
    here: World, desk: Desk, fake: FakeProvider
) -> None:
    class Revoking(type(here.people)):
        async def key_stands(self, key: UUID) -> bool:
            return len(fake.requests) < 2

    here.people.__class__ = Revoking
    here.caller = replace(here.caller, actor=Actor("key", here.people.key))
    batch = await desk.hand_in([line(str(n)) for n in range(6)])
    await desk.work()
    ended = await desk.ended(batch)
    assert ended.batch["status"] == "cancelled"
    assert 1 <= len(ended.output) <= len(fake.requests) < 6
    assert {each["error"]["code"] for each in ended.errors.values()} == {"models.batch_key"}


@pytest.mark.parametrize("status", [429, 503])
async def test_a_provider_that_holds_is_waited_for_and_no_line_fails(
    hurried: World, fake: FakeProvider, status: int
) -> None:
    desk = Desk(hurried)
    fake.script(Reply(text="first"), *[Reply(status=status, retry_after="1")] * 2)
    batch = await desk.hand_in([line(str(n)) for n in range(5)])
    await desk.work(ahead_s=300)
    ended = await desk.ended(batch)
    assert (ended.batch["status"], len(ended.output), len(ended.errors)) == ("completed", 5, 0)
    assert len(fake.requests) > 5


async def test_a_model_that_cant_be_asked_is_waited_for_and_does_not_hold_the_others(
    here: World, desk: Desk, fake: FakeProvider, clock: ManualClock
) -> None:
    await here.connect(fake, "held", name="Held")
    await pause(here, "Held", paused=True)
    batch = await desk.hand_in([line("h", model="held"), *[line(str(n)) for n in range(6)]])
    await desk.work()
    assert (await desk.batch(batch))["request_counts"] == {"total": 7, "completed": 6, "failed": 0}
    await pause(here, "Held", paused=False)
    clock.advance(61)
    await desk.work()
    ended = await desk.ended(batch)
    assert (ended.batch["status"], len(ended.output), len(fake.requests)) == ("completed", 7, 7)


async def test_a_batch_whose_window_is_over_gives_what_is_done(
    here: World, desk: Desk, fake: FakeProvider, clock: ManualClock
) -> None:
    await here.connect(fake, "held", name="Held")
    await pause(here, "Held", paused=True)
    batch = await desk.hand_in([line("0"), line("1"), line("2", model="held"), line("3", model="held")])
    await desk.work()
    clock.advance(86_400)
    await desk.work()
    ended = await desk.ended(batch)
    assert ended.batch["status"] == "expired"
    assert ended.batch["expired_at"] == ended.batch["expires_at"]
    assert set(ended.output) == {"0", "1"}
    assert {each["error"]["code"] for each in ended.errors.values()} == {"batch_expired"}
    assert ended.errors["3"]["response"] is None


async def test_a_batch_is_cancelled_before_it_begins(desk: Desk, fake: FakeProvider) -> None:
    batch = await desk.hand_in([line("a")])
    assert (await desk.cancel(batch))["status"] == "cancelling"
    assert (await desk.cancel(batch))["status"] == "cancelling"
    await desk.work()
    assert (await desk.ended(batch)).batch["status"] == "cancelled"
    assert fake.requests == []


async def test_a_cancelled_batch_begins_no_line_and_keeps_what_is_done(
    here: World, desk: Desk, fake: FakeProvider
) -> None:
    fake.script(Reply(text="done"), *[Reply(text="slow", first_byte_ms=1_500)] * 2)
    batch = await desk.hand_in([line(str(n)) for n in range(9)])
    working = asyncio.create_task(desk.work())
    await fake.seen(2)
    await desk.cancel(batch)
    await working
    ended = await desk.ended(batch)
    assert ended.batch["status"] == "cancelled"
    assert len(fake.requests) == 3
    assert set(ended.output) == {"0", "1", "2"}
    assert {each["error"]["code"] for each in ended.errors.values()} == {"batch_cancelled"}


async def test_a_batch_whose_budget_is_spent_ends_with_errors_that_say_so(
    here: World, desk: Desk, fake: FakeProvider
) -> None:
    await here.parts.budgets.set(here.caller, NewRule("person", here.caller.person, "tokens", 700, "day"))
    fake.script(*[Reply(text="word " * 300)] * 9)
    batch = await desk.hand_in([line(str(n), max_tokens=300) for n in range(9)])
    await desk.work()
    ended = await desk.ended(batch)
    assert ended.batch["status"] == "completed"
    assert ended.output
    codes = {each["response"]["body"]["error"]["code"] for each in ended.errors.values()}
    assert codes == {"insufficient_quota"}
    assert len(fake.requests) == len(ended.output)


async def test_answers_beyond_the_size_of_an_output_file_are_not_asked_for(
    here: World, desk: Desk, fake: FakeProvider
) -> None:
    fake.script(*[Reply(text="x" * 30_000)] * 9)
    batch = await desk.hand_in([line(str(n)) for n in range(9)])
    await desk.work()
    ended = await desk.ended(batch)
    assert len(ended.output) < 9
    assert {each["error"]["code"] for each in ended.errors.values()} == {"output_too_large"}
    assert len(fake.requests) < 9

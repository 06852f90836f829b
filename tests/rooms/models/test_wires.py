"""What holds in every wire, against a server that speaks it, answers and breaks over loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from mecum.kit.errors import NotFound, TooMany
from mecum.rooms.models import TextDelta, Waiting
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.upstream import Upstream
from mecum.rooms.models.wires.wires import Wires
from tests.rooms.models.asking import asking, events_of, failing, fails_clearly, finish_of, target, text_of
from tests.support.fake_anthropic import FakeAnthropic
from tests.support.fake_gemini import FakeGemini
from tests.support.fake_provider import FakeProvider, Reply
from tests.support.fake_responses import FakeResponses


@dataclass(frozen=True)
class Spoken:
    """A wire: after `before` pieces nothing of an answer was told, after `within` some of it."""

    fake: type[FakeProvider]
    before: int
    within: int


WIRES = {
    "openai": Spoken(FakeProvider, before=0, within=3),
    "responses": Spoken(FakeResponses, before=4, within=6),
    "anthropic": Spoken(FakeAnthropic, before=2, within=6),
    "gemini": Spoken(FakeGemini, before=0, within=2),
}


@pytest.fixture(params=WIRES.values(), ids=list(WIRES))
def spoken(request: pytest.FixtureRequest) -> Spoken:
    return request.param


@pytest.fixture
async def fake(spoken: Spoken) -> AsyncIterator[FakeProvider]:
    async with spoken.fake() as provider:
        yield provider


@pytest.mark.parametrize("usage", ["missing", "wrong"])
async def test_missing_or_wrong_usage_is_estimated_and_marked(wire: Wires, fake: FakeProvider, usage: str) -> None:
    fake.script(Reply(text="some words " * 10, usage=usage))
    found = finish_of(await events_of(wire, target(fake))).usage
    assert found.estimated
    assert 20 < found.output < 80
    assert found.input > 0


@pytest.mark.parametrize(
    ("reply", "code", "retryable"),
    [
        (Reply(hang=True), "models.provider_timeout", True),
        (Reply(close_after=0), "models.provider_closed", True),
        (Reply(garbage=True), "models.provider_garbage", False),
        (Reply(garbage=True, as_json=True), "models.provider_garbage", False),
        (Reply(line_bytes=5 * 2**20), "models.provider_too_long", False),
        (Reply(status=500), "models.provider_failed", True),
        (Reply(status=400), "models.provider_refused", False),
        (Reply(body="<html>Welcome</html>", content_type="text/html"), "models.provider_garbage", False),
        (Reply(body="{}"), "models.provider_garbage", False),
        (Reply(body="[1, 2]"), "models.provider_garbage", False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_every_failure_of_a_provider_ends_in_one_clear_error(
    wire: Wires, fake: FakeProvider, reply: Reply, code: str, retryable: bool
) -> None:
    await fails_clearly(wire, fake, reply, code, retryable=retryable)


async def test_a_short_retry_after_is_waited_for_and_said_and_a_long_one_is_an_error(
    wire: Wires, fake: FakeProvider
) -> None:
    fake.script(Reply(status=429, retry_after="0.1"), Reply(text="at last"))
    events = await events_of(wire, target(fake))
    assert events[0] == Waiting("provider_busy", about_seconds=0.1)
    assert text_of(events) == "at last"
    fake.script(Reply(status=429, retry_after="3600"))
    error = await failing(wire, target(fake))
    assert isinstance(error, TooMany)
    assert error.retry_after == 3600
    assert len(fake.requests) == 3


async def test_a_call_is_repeated_before_the_first_event_but_never_after_it(
    wire: Wires, fake: FakeProvider, spoken: Spoken
) -> None:
    fake.script(Reply(close_after=spoken.before), Reply(text="second try"))
    assert text_of(await events_of(wire, target(fake))) == "second try"
    assert len(fake.requests) == 2
    fake.script(Reply(close_after=spoken.within))
    assert (await failing(wire, target(fake))).code == "models.provider_closed"
    assert len(fake.requests) == 3


async def test_a_missing_model_is_not_found(wire: Wires, fake: FakeProvider) -> None:
    fake.script(Reply(status=404))
    assert isinstance(await failing(wire, target(fake)), NotFound)


async def test_closing_the_stream_closes_the_connection_to_the_provider_at_once(
    wire: Wires, fake: FakeProvider
) -> None:
    fake.script(Reply(text="word " * 1000, interval_ms=20))
    async with aclosing(wire.stream(target(fake), asking())) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    async with asyncio.timeout(2):
        await fake.requests[0].ended.wait()
    assert fake.requests[0].gone


async def test_an_answer_without_end_is_cut_at_the_size_limit(fake: FakeProvider, upstream: Upstream) -> None:
    settings = ModelsSettings(allow_network=False, provider_answer_limit_bytes=2**20)
    upstream._settings = settings
    fake.script(Reply(text="word " * 400_000, chunks=500))
    assert (await failing(Wires(upstream, settings), target(fake))).code == "models.provider_too_long"

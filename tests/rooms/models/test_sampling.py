"""How words are chosen and where they end: what each wire says of it, and what is done for those that can't."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import BadRequestError

from mecum.kit.db import Database
from mecum.rooms.models.providers import NewModel
from mecum.rooms.models.wires.stopping import Stops
from mecum.rooms.models.wires.wires import Wires
from tests.rooms.models.asking import asking, events_of, finish_of, target, text_of
from tests.rooms.models.world import world
from tests.support.fake_anthropic import FakeAnthropic
from tests.support.fake_gemini import FakeGemini
from tests.support.fake_provider import FakeProvider, Reply
from tests.support.fake_responses import FakeResponses
from tests.support.jobs import HandJobs

FAKES = (FakeProvider, FakeResponses, FakeAnthropic, FakeGemini)
ASKED: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.9,
    "seed": 7,
    "frequency_penalty": 0.25,
    "presence_penalty": -0.25,
    "stop": ("END", "\n"),
}
SAID: dict[str, dict[str, Any]] = {
    "openai": {**ASKED, "stop": ["END", "\n"]},
    "responses": {"temperature": 0.5, "top_p": 0.9},
    "anthropic": {"temperature": 0.5, "top_p": 0.9, "stop_sequences": ["END"]},
    "gemini": {
        "temperature": 0.5,
        "topP": 0.9,
        "seed": 7,
        "frequencyPenalty": 0.25,
        "presencePenalty": -0.25,
        "stopSequences": ["END", "\n"],
    },
}
NAMES = {name for said in SAID.values() for name in said}
LEFT_OUT = "seed, frequency_penalty, presence_penalty"
UNSAID = {"responses": LEFT_OUT, "anthropic": LEFT_OUT, "gemini": ""}


@pytest.fixture(params=FAKES, ids=[fake.kind for fake in FAKES])
async def fake(request: pytest.FixtureRequest) -> AsyncIterator[FakeProvider]:
    async with request.param() as provider:
        yield provider


def sampling_of(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**body, **body.get("generationConfig", {})}.items() if name in NAMES}


async def test_each_wire_says_what_it_can(wire: Wires, fake: FakeProvider) -> None:
    await events_of(wire, target(fake), asking(**ASKED))
    assert sampling_of(fake.requests[0].body) == SAID[fake.kind]


async def test_nothing_is_said_where_nothing_was_asked(wire: Wires, fake: FakeProvider) -> None:
    await events_of(wire, target(fake))
    assert sampling_of(fake.requests[0].body) == {}


async def test_an_answer_ends_where_it_was_asked_to_whether_the_provider_looks_or_not(
    wire: Wires, fake: FakeProvider
) -> None:
    fake.script(Reply(text="one two END three four", chunks=9, interval_ms=5, reasoning="hm"))
    events = await events_of(wire, target(fake), asking(stop=("never", "END")))
    assert text_of(events) == "one two "
    finish = finish_of(events)
    assert (finish.reason, finish.usage.estimated) == ("stop", True)
    assert 0 < finish.usage.reasoning < finish.usage.output
    async with asyncio.timeout(2):
        await fake.requests[0].ended.wait()
    assert fake.requests[0].gone


async def test_what_only_began_like_an_end_is_told(wire: Wires, fake: FakeProvider) -> None:
    fake.script(Reply(text="the EN", chunks=6))
    events = await events_of(wire, target(fake), asking(stop=("END",)))
    assert text_of(events) == "the EN"
    assert not finish_of(events).usage.estimated


@given(st.text("ab", max_size=30), st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3), st.data())
def test_an_end_is_found_wherever_the_text_is_cut(text: str, stops: list[str], data: st.DataObject) -> None:
    looking, told, rest = Stops(stops), "", text
    while rest and not looking.found:
        size = data.draw(st.integers(1, len(rest)))
        told += looking.feed(rest[:size])
        rest = rest[size:]
    if not looking.found:
        told += looking.rest()
    # The first end to be complete counts, as it does for somebody who reads letter by letter.
    whole = Stops(stops)
    letters = ""
    for letter in text:
        letters += whole.feed(letter)
        if whole.found:
            break
    else:
        letters += whole.rest()
    assert looking.found == any(stop in text for stop in stops) == whole.found
    assert not any(stop in told for stop in stops)
    assert text.startswith(told)
    assert told.startswith(letters) or letters.startswith(told)


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        ("`temperature` and `top_p` cannot both be specified for this model. Please use only one.", {"top_p"}),
        ("top_p is not supported for this model", {"top_p"}),
        ("temperature is not supported for this model", {"temperature"}),
    ],
)
async def test_a_model_that_takes_one_way_of_choosing_alone_gets_one(wire: Wires, said: str, gone: set[str]) -> None:
    async with FakeAnthropic() as fake:
        fake.script(Reply(status=400, text=said))
        for _ in range(2):
            await events_of(wire, target(fake), asking(temperature=0.5, top_p=0.9))
        sent = [set(sampling_of(request.body)) for request in fake.requests]
    assert sent == [{"temperature", "top_p"}, {"temperature", "top_p"} - gone, {"temperature", "top_p"} - gone]


async def test_who_thinks_chooses_among_nearly_all_words(wire: Wires) -> None:
    async with FakeAnthropic() as fake:
        await events_of(wire, target(fake), asking(temperature=0.5, top_p=0.2, effort="think"))
        assert sampling_of(fake.requests[0].body) == {"top_p": 0.95}


@pytest.mark.parametrize(
    ("kind", "said", "gone"),
    [
        (FakeGemini, "Penalty is not enabled for this model", {"frequencyPenalty", "presencePenalty"}),
        (FakeProvider, "Unsupported parameter: 'stop' is not supported with this model.", {"stop"}),
        (FakeProvider, "Unsupported parameter: 'seed' is not supported with this model.", {"seed"}),
        (FakeResponses, "Unsupported parameter: 'top_p' is not supported with this model.", {"top_p"}),
    ],
)
async def test_what_a_model_refuses_is_not_asked_of_it_again(
    wire: Wires, kind: type[FakeProvider], said: str, gone: set[str]
) -> None:
    async with kind() as fake:
        fake.script(Reply(status=400, text=said), Reply(text="a END b"))
        assert text_of(await events_of(wire, target(fake), asking(**ASKED))) == "a "
        await events_of(wire, target(fake), asking(**ASKED))
        sent = [set(sampling_of(request.body)) for request in fake.requests]
    assert sent[0] - sent[1] == sent[0] - sent[2] == gone


@pytest.fixture(params=[FakeAnthropic, FakeGemini, FakeResponses])
async def translated(request: pytest.FixtureRequest) -> AsyncIterator[FakeProvider]:
    async with request.param() as provider:
        yield provider


async def test_the_relay_tells_what_a_protocol_has_no_words_for(
    database: Database, jobs: HandJobs, tmp_path: Path, translated: FakeProvider
) -> None:
    hi: Any = [{"role": "user", "content": "Hi"}]
    asked: Any = {**ASKED, "stop": ["END"], "logprobs": True}
    async with world(database, jobs, tmp_path) as here:
        await here.connect(translated, NewModel("theirs", "nice"))
        if translated.kind == "responses":
            translated.script(Reply(status=404, body="{}"))
        translated.script(Reply(text="a END b"))
        raw = here.openai.chat.completions.with_raw_response
        told = await raw.create(model="nice", messages=hi, **asked)
        plain = await raw.create(model="nice", messages=hi, stop="never")
        for wrong in (["a"] * 5, [1]):
            with pytest.raises(BadRequestError):
                await here.openai.chat.completions.create(model="nice", messages=hi, stop=wrong)  # type: ignore[arg-type]
    assert told.parse().choices[0].message.content == "a "
    left_out = ", ".join(filter(None, ("logprobs", UNSAID[translated.kind])))
    assert told.headers["x-mecum-left-out"] == left_out
    assert "x-mecum-left-out" not in plain.headers

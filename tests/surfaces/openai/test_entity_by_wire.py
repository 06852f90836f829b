"""The entity thinks on after a tool, whichever wire its model is asked in."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest

from tests.support.fake_anthropic import FakeAnthropic
from tests.support.fake_gemini import SIGNATURE, FakeGemini
from tests.support.fake_provider import FakeProvider, Reply, running
from tests.support.fake_responses import FakeResponses
from tests.support.fake_wires import SEALED
from tests.support.living_house import House

LOOKS = Reply(reasoning="That is a sum.", tools=(("calculate", '{"expression": "6*7"}'),))
GOES_BACK = {
    "openai": '"reasoning_content":"That is a sum."',
    "responses": SEALED,
    "anthropic": '"signature":"c2ln"',
    "gemini": SIGNATURE,
}
FAKES = (FakeProvider, FakeResponses, FakeAnthropic, FakeGemini)


@pytest.fixture(params=FAKES, ids=[fake.kind for fake in FAKES])
def thinker(request: pytest.FixtureRequest) -> Generator[FakeProvider]:
    with running(request.param) as fake:
        yield fake


def connected(house: House, fake: FakeProvider) -> str:
    """The name of a model of `fake`."""
    name = f"thinker-{fake.kind}"
    models: Any = [{"upstream_model": "thinker", "name": name, "kind": "chat"}]
    provider = {"name": name, "base_url": fake.base_url, "kind": fake.kind, "models": models}
    house.post("/api/providers", provider)
    return name


def test_what_a_model_thought_goes_back_to_it_with_the_result_of_its_tool_and_to_nobody_else(
    house: House, thinker: FakeProvider
) -> None:
    thinker.script(LOOKS, Reply(text="It is 42."))
    model = connected(house, thinker)
    said = {"client_id": f"by-{model}", "text": "How much is 6 times 7?", "model": model, "effort": "think"}
    thread = house.post("/api/messages", said)["thread"]
    log = house.until_idle(thread)
    answers = [event["payload"]["text"] for event in log if event["type"] == "message.assistant"]
    assert answers == ["It is 42."]
    first, second = (sent.raw.decode() for sent in thinker.requests[:2])
    mark = GOES_BACK[thinker.kind]
    assert (mark in first, mark in second, "42" in second) == (False, True, True)
    assert mark not in json.dumps(log, separators=(",", ":")), "nobody is shown what nobody can read"
    house.post(f"/api/threads/{thread}/messages", {"client_id": f"on-{model}", "text": "Thanks", "model": "fake"})
    house.until_idle(thread)
    asked = [sent.raw.decode() for sent in house.fake.requests if b"Thanks" in sent.raw]
    assert asked and all(mark not in each for each in asked)

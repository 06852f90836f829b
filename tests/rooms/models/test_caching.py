"""What providers keep of a conversation for its next turn: where it pays, and under a name that tells nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mecum.kit.db import Database
from mecum.kit.types import Principal
from mecum.rooms.models import ImagePart, Message, ModelRequest, TextPart, ToolSpec, ToolUse
from mecum.rooms.models.call import named
from mecum.rooms.models.upstream import is_openais
from mecum.rooms.models.wires import chat_request
from mecum.rooms.models.wires.wires import Wires
from tests.rooms.models.asking import WEATHER, asking, events_of, target
from tests.rooms.models.world import World, answer, world
from tests.support.fake_anthropic import FakeAnthropic
from tests.support.fake_provider import Reply
from tests.support.fake_responses import FakeResponses
from tests.support.jobs import HandJobs
from tests.support.principals import principal

LONG = "Be kind and say much. " * 250
SYSTEM = Message("system", (TextPart(LONG),))
TOOLS = [WEATHER, ToolSpec("now", LONG, {})]
THREAD = "0193a7c2"


@pytest.fixture
async def fake() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic() as provider:
        yield provider


def user(text: str) -> Message:
    return Message("user", (TextPart(text),))


def talk(*messages: Message, **more: Any) -> ModelRequest:
    return ModelRequest(messages, conversation=more.pop("conversation", "c"), **more)


def marks(body: dict[str, Any]) -> list[str]:
    """Where the body is marked, in the order in which it is read."""
    found = [f"tools[{at}]" for at, tool in enumerate(body.get("tools", ())) if "cache_control" in tool]
    system = body.get("system", "")
    found += ["system"] if isinstance(system, list) and "cache_control" in system[-1] else []
    return found + [
        f"messages[{at}][{place}]"
        for at, message in enumerate(body["messages"])
        for place, block in enumerate(message["content"])
        if "cache_control" in block
    ]


async def test_tools_instructions_and_the_last_two_turns_of_a_long_conversation_are_kept(
    wire: Wires, fake: FakeAnthropic
) -> None:
    called = Message("assistant", (), (ToolUse("a", "weather", "{}"),))
    result = Message("tool", (TextPart("Rain."), ImagePart("image/png", b"\x89PNG")), tool_use_id="a")
    turns = [user("One?"), Message("assistant", (TextPart("Yes."),)), user("Two?"), called, result]
    await events_of(wire, target(fake), talk(SYSTEM, *turns, tools=TOOLS))
    body = fake.requests[0].body
    assert marks(body) == ["tools[1]", "system", "messages[2][0]", "messages[4][0]"]
    assert body["system"][0] == {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    ("request_", "kept"),
    [
        (talk(user("Hi"), tools=[WEATHER]), []),
        (talk(user(LONG)), []),
        (talk(user(LONG), tools=[WEATHER]), ["messages[0][0]"]),
        (talk(SYSTEM, user("Hi")), ["system"]),
        (talk(SYSTEM, user("Hi"), conversation=None), []),
        (talk(user("Hi"), Message("assistant", (TextPart(LONG),)), user("Go on")), ["messages[2][0]"]),
        (talk(Message("user", (ImagePart("image/png", b"\x00" * 90_000),)), tools=[WEATHER]), []),
    ],
    ids=["short", "alone", "with tools", "instructions", "title", "long answer", "picture"],
)
async def test_only_what_is_long_enough_and_comes_again_is_kept(
    wire: Wires, fake: FakeAnthropic, request_: ModelRequest, kept: list[str]
) -> None:
    await events_of(wire, target(fake), request_)
    assert marks(fake.requests[0].body) == kept


async def test_a_server_that_knows_no_marks_is_asked_without(wire: Wires, fake: FakeAnthropic) -> None:
    fake.script(Reply(status=400, text="system.0.cache_control: Extra inputs are not permitted"))
    for _ in range(2):
        await events_of(wire, target(fake), talk(SYSTEM, user("Hi")))
    assert [marks(sent.body) for sent in fake.requests] == [["system"], [], []]


async def test_a_conversation_is_named_in_the_wires_that_can_say_it(wire: Wires) -> None:
    async with FakeResponses() as fake:
        fake.script(Reply(status=400, text="Unknown parameter: 'prompt_cache_key'."))
        for _ in range(2):
            await events_of(wire, target(fake), asking(conversation="abc"))
        await events_of(wire, target(fake))
        assert [sent.body.get("prompt_cache_key") for sent in fake.requests] == ["abc", None, None, None]
    for keyed, name in ((True, "abc"), (False, None)):
        body = chat_request.build(asking(conversation="abc"), "m", keyed=keyed)
        assert body.get("prompt_cache_key") == name


@pytest.mark.parametrize(
    ("address", "is_theirs"),
    [
        ("https://api.openai.com/v1", True),
        ("https://house.openai.azure.com/openai/v1", True),
        ("http://localhost:11434/v1", False),
        ("https://openai.example.com/v1", False),
        ("nonsense", False),
    ],
)
def test_openais_own_addresses_are_known(address: str, is_theirs: bool) -> None:
    assert is_openais(address) is is_theirs


def test_a_name_is_that_of_one_conversation_of_one_person_and_tells_nothing() -> None:
    me = principal()
    others = [principal(organisation=me.organisation), replace(me, organisation=principal().organisation)]
    request = talk(user("My secret"), conversation=THREAD)
    name = named(me, request)
    assert name and len(name) <= 64
    assert named(me, replace(request, messages=[user("Another turn")])) == name
    assert not {name} & {named(other, request) for other in others}
    assert named(me, replace(request, conversation="another")) != name
    for told in (THREAD, me.person.hex, me.organisation.hex, "secret"):
        assert told not in name
    assert named(me, replace(request, conversation=None)) is None


def test_a_conversation_without_a_name_is_told_by_how_it_begins() -> None:
    me = principal()
    first = talk(SYSTEM, user("One?"), conversation="")
    later = talk(SYSTEM, user("One?"), Message("assistant", (TextPart("Yes."),)), user("Two?"), conversation="")
    assert named(me, first) == named(me, later) != named(me, talk(SYSTEM, user("Other?"), conversation=""))


async def test_no_name_of_ours_leaves_the_house(database: Database, jobs: HandJobs, tmp_path: Path) -> None:
    async with FakeResponses() as fake, world(database, jobs, tmp_path) as here:
        await here.connect(fake, "theirs")
        for _ in range(2):
            await answer(here, talk(user("Hi"), model="theirs", conversation=THREAD))
        first, second = (sent.body["prompt_cache_key"] for sent in fake.requests)
        assert first == second
        assert THREAD not in json.dumps(fake.requests[0].body)
        assert _ids(here.caller).isdisjoint({first})


async def test_a_chat_completion_that_is_translated_is_kept_too(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeAnthropic
) -> None:
    said: Any = [{"role": "system", "content": LONG}, {"role": "user", "content": "Hi"}]
    async with world(database, jobs, tmp_path) as here:
        await here.connect(fake, "theirs")
        await _chat(here, said)
        assert marks(fake.requests[0].body) == ["system"]


async def _chat(here: World, said: Any) -> None:
    await here.openai.chat.completions.create(model="theirs", messages=said, prompt_cache_key="mine")


def _ids(caller: Principal) -> set[str]:
    return {caller.person.hex, caller.organisation.hex, caller.space.hex}

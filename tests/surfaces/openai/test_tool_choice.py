"""Whoever asks for a call of a tool gets one, at every door that can't pass the wish on."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.support.fake_replies import command
from tests.support.living_house import House

TOWN: Any = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}
NAMES = ("weather", "distance")
CHAT_TOOLS: list[Any] = [{"type": "function", "function": {"name": n, "parameters": TOWN}} for n in NAMES]
RESPONSE_TOOLS: list[Any] = [{"type": "function", "name": n, "parameters": TOWN, "strict": False} for n in NAMES]
WRONG: list[Any] = [
    {"type": "function", "function": {"name": "nobody"}},
    {"type": "function", "name": "nobody"},
    {"type": "web_search_preview"},
    "sometimes",
    7,
]


def chat(client: OpenAI, tool_choice: Any, told: str, **more: Any) -> Any:
    asked: Any = [{"role": "user", "content": f"Hi {told}"}]
    more = {"tools": CHAT_TOOLS, **more}
    return client.chat.completions.create(model="mecum", messages=asked, tool_choice=tool_choice, **more)


def respond(client: OpenAI, tool_choice: Any, told: str, **more: Any) -> Any:
    more = {"tools": RESPONSE_TOOLS, **more}
    return client.responses.create(model="mecum", input=f"Hi {told}", tool_choice=tool_choice, **more)


def sent(house: House) -> tuple[list[str], Any]:
    """The names of the tools that the model was shown last, and which of them it had to call."""
    body = house.fake.requests[-1].body
    return [tool["function"]["name"] for tool in body.get("tools", [])], body.get("tool_choice")


def test_a_chat_that_names_a_tool_is_answered_with_a_call_of_it(client: OpenAI, house: House) -> None:
    told = command(tools=[("distance", '{"town":"Graz"}')], text="No.")
    answer = chat(client, {"type": "function", "function": {"name": "distance"}}, told)
    (call,) = answer.choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("distance", {"town": "Graz"})
    assert sent(house) == (["distance"], {"type": "function", "function": {"name": "distance"}})


def test_a_response_that_names_a_tool_is_answered_with_a_call_of_it(client: OpenAI, house: House) -> None:
    told = command(tools=[("distance", '{"town":"Graz"}')], text="No.")
    answer = respond(client, {"type": "function", "name": "distance"}, told)
    assert [(item.type, item.name) for item in answer.output] == [("function_call", "distance")]
    assert sent(house) == (["distance"], {"type": "function", "function": {"name": "distance"}})
    assert answer.tool_choice.model_dump() == {"type": "function", "name": "distance"}


@pytest.mark.parametrize("ask", [chat, respond])
def test_required_leaves_the_choice_among_the_callers_tools_alone(client: OpenAI, house: House, ask: Any) -> None:
    ask(client, "required", command(tools=[("weather", '{"town":"Graz"}')]))
    assert sent(house) == (["weather", "distance"], "required")


def test_of_allowed_tools_only_those_are_offered(client: OpenAI, house: House) -> None:
    allowed: Any = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "weather"}]}
    respond(client, allowed, command(tools=[("weather", "{}")]))
    assert sent(house) == (["weather"], {"type": "function", "function": {"name": "weather"}})


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_without_a_wish_the_entity_keeps_its_own_tools(client: OpenAI, house: House, choice: str) -> None:
    chat(client, choice, command(text="Yes."))
    names, wished = sent(house)
    assert "calculate" in names and wished is None
    assert ("weather" in names) == (choice == "auto")


@pytest.mark.parametrize("ask", [chat, respond])
@pytest.mark.parametrize("choice", WRONG)
def test_a_wish_that_can_not_be_met_is_refused_by_its_name(client: OpenAI, ask: Any, choice: Any) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        ask(client, choice, "")
    assert raised.value.param == "tool_choice"


def test_a_call_can_not_be_required_without_tools(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        chat(client, "required", "", tools=[])
    assert raised.value.param == "tool_choice"


def test_a_response_says_how_it_was_asked_for(client: OpenAI) -> None:
    asked = respond(client, "none", command(text="Yes."), reasoning={"effort": "high"})
    again = client.responses.retrieve(asked.id)
    for response in (asked, again):
        assert response.tool_choice == "none"
        assert response.reasoning is not None and response.reasoning.effort == "high"
    plain = client.responses.create(model="mecum", input="Hi")
    assert plain.tool_choice == "auto"
    assert plain.reasoning is not None and plain.reasoning.effort is None

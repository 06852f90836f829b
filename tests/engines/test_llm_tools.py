from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecum.engines.llm.tools import (
    TOOLS_MAX,
    Answer,
    ToolCall,
    ToolSpec,
    answering,
    deciding,
    parse,
    plan_tools,
)

WEATHER = ToolSpec(
    "get_weather",
    "Weather forecast for a place. It knows ten days.",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "day": {"type": "string", "format": "date"}},
        "required": ["city"],
    },
)
TRIP = ToolSpec(
    "plan_trip",
    "Plans a trip",
    {
        "type": "object",
        "properties": {
            "stops": {
                "type": "array",
                "items": {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}},
            }
        },
        "required": ["stops"],
    },
)
PLAN = plan_tools([WEATHER, TRIP])


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def call(name: str, arguments: dict[str, Any], number: str = "c1") -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": number, "type": "function", "function": function}],
    }


def result(text: str, number: str = "c1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": number, "content": text}


def decision(name: str, arguments: dict[str, Any]) -> str:
    return json.dumps({"tool": name, "arguments": arguments})


@pytest.mark.parametrize(
    "text",
    [
        '{"tool": "none"}',
        decision("get_weather", {"city": "Oslo"}),
        decision("get_weather", {"city": "Oslo", "day": "next Friday"}),
        decision("plan_trip", {"stops": [{"at": "tomorrow at 8"}]}),
    ],
)
def test_the_schema_allows_a_call_of_each_tool_and_none(text: str) -> None:
    jsonschema_rs.validate(PLAN.response_format["json_schema"]["schema"], json.loads(text))


@pytest.mark.parametrize(
    "text",
    [
        '{"tool": "none", "arguments": {}}',
        '{"tool": "get_weather"}',
        decision("get_weather", {}),
        decision("get_weather", {"city": "O" * 501}),
        decision("get_weather", {"city": "Oslo", "invented": "x"}),
        decision("book_table", {"people": "two"}),
    ],
)
def test_the_schema_allows_nothing_else_not_even_the_tool_of_the_examples(text: str) -> None:
    assert not jsonschema_rs.is_valid(PLAN.response_format["json_schema"]["schema"], json.loads(text))


def test_the_prompt_names_every_tool_with_its_arguments_and_one_sentence() -> None:
    assert "- get_weather(city, day? as said): Weather forecast for a place.\n" in PLAN.system
    assert "It knows ten days" not in PLAN.system
    assert PLAN.options["temperature"] == 0 and PLAN.options["max_tokens"] > 0


def test_a_percent_sign_in_a_description_is_just_a_percent_sign() -> None:
    tool = ToolSpec("vat", "Adds 25% (%s of the price)", {"type": "object"})
    assert "- vat(): Adds 25% (%s of the price)\n" in plan_tools([tool]).system


def test_tools_beyond_the_limit_are_named_as_left_out() -> None:
    many = [ToolSpec(f"tool_{n}", "Does it.", {"type": "object"}) for n in range(TOOLS_MAX + 2)]
    plan = plan_tools(many)
    assert plan.left_out == (f"tool_{TOOLS_MAX}", f"tool_{TOOLS_MAX + 1}")
    assert "tool_16" not in json.dumps(plan.response_format) + plan.system


def test_a_call_comes_with_the_places_of_its_dates() -> None:
    decided = parse(decision("get_weather", {"city": "Oslo", "day": "next Friday"}), PLAN)
    assert decided == ToolCall("get_weather", {"city": "Oslo", "day": "next Friday"}, (("day",),))
    decided = parse(decision("plan_trip", {"stops": [{"at": "Monday"}, {}, {"at": "Tuesday"}]}), PLAN)
    assert isinstance(decided, ToolCall)
    assert decided.phrases == (("stops", 0, "at"), ("stops", 2, "at"))


def test_a_date_that_the_model_computed_gives_way_to_the_persons_words() -> None:
    said = "How is the weather in Oslo on Friday?"
    decided = parse(decision("get_weather", {"city": "Oslo", "day": "2023-04-15"}), PLAN, said=said)
    assert isinstance(decided, ToolCall) and decided.arguments == {"city": "Oslo", "day": said}


def test_a_date_that_the_person_wrote_that_way_stays() -> None:
    said = "Weather in Oslo on 2027-04-15?"
    decided = parse(decision("get_weather", {"city": "Oslo", "day": "2027-04-15"}), PLAN, said=said)
    assert isinstance(decided, ToolCall) and decided.arguments["day"] == "2027-04-15"


@pytest.mark.parametrize(
    "text",
    [
        '{"tool": "none"}',
        '{"tool": "get_weather", "arguments": {"city": "Os',
        '{"tool": "unknown", "arguments": {}}',
        '{"tool": "get_weather", "arguments": "Oslo"}',
        '{"tool": ["get_weather"], "arguments": {}}',
        "[]",
        "null",
        "",
    ],
)
def test_what_is_no_call_means_just_to_reply(text: str) -> None:
    assert parse(text, PLAN) == Answer()


def test_prose_instead_of_a_decision_is_the_answer() -> None:
    assert parse(" It is sunny in Oslo. ", PLAN) == Answer("It is sunny in Oslo.")


@given(
    st.text()
    | st.recursive(st.none() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)).map(json.dumps)
)
def test_whatever_a_model_writes_is_a_call_or_an_answer(text: str) -> None:
    assert isinstance(parse(text, PLAN, said="Hi"), ToolCall | Answer)


def test_the_decision_starts_the_same_for_every_conversation() -> None:
    one = deciding([user("Weather in Oslo?")], PLAN)
    other = deciding([{"role": "system", "content": "You are Mecum. It is 10:31."}, user("Hello")], PLAN)
    assert one[:-1] == other[:-1] and one[0] == {"role": "system", "content": PLAN.system}
    assert one[-1] == user("Weather in Oslo?")


def test_earlier_turns_are_shown_as_what_was_decided_then() -> None:
    messages = [
        user("Weather in Oslo?"),
        call("get_weather", {"city": "Oslo"}),
        result("3 °C, rain"),
        assistant("It rains, at 3 °C."),
        user("And in Bergen?"),
    ]
    assert deciding(messages, PLAN)[-5:] == [
        user("Weather in Oslo?"),
        assistant('{"tool": "get_weather", "arguments": {"city": "Oslo"}}'),
        user("Result of get_weather: 3 °C, rain"),
        assistant('{"tool": "none"}'),
        user("And in Bergen?"),
    ]


def test_a_short_answer_comes_with_the_question_that_it_answers() -> None:
    messages = [user("What's the weather?"), assistant("Happy to look.\nWhich city?"), user("Lisbon")]
    assert deciding(messages, PLAN)[-1] == user("(You asked: Which city?) Lisbon")


def test_only_the_last_turns_are_shown_and_earlier_ones_shortened() -> None:
    messages = [message for n in range(9) for message in (user(f"{n} " + "x" * 5000), assistant("ok"))]
    shown = deciding([*messages, user("y" * 9000)], PLAN)
    asked = [each["content"] for each in shown if each["content"][:1] in "678y"]
    assert [each[0] for each in asked] == ["7", "8", "y"]
    assert [len(each) for each in asked] == [600, 600, 4000]


def test_pictures_do_not_reach_the_decision() -> None:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:..."}}]
    assert deciding([{"role": "user", "content": parts}], PLAN)[-1] == user("What is this?")


def test_the_answer_reads_results_as_plain_text() -> None:
    messages = [
        {"role": "system", "content": "You are Mecum."},
        user("Weather in Oslo and Bergen?"),
        call("get_weather", {"city": "Oslo"}, "c1"),
        result("3 °C", "c1"),
        call("get_weather", {"city": "Bergen"}, "c2"),
        result("5 °C", "c2"),
    ]
    assert answering(messages) == [
        {"role": "system", "content": "You are Mecum."},
        user("Weather in Oslo and Bergen?\n\nResult of get_weather: 3 °C\n\nResult of get_weather: 5 °C"),
    ]
    assert messages[1] == user("Weather in Oslo and Bergen?")


def test_a_long_result_is_cut_before_it_fills_the_context() -> None:
    found = answering([user("Read it"), call("read_page", {}), result("z" * 50_000)])
    assert 5000 < len(found[0]["content"]) < 7000

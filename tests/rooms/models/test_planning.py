"""Tool calls for models that have none: what they are asked, and what their decision means."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecum.kit.errors import Unprocessable
from mecum.rooms.models import ImagePart, Message, ModelRequest, TextPart, ToolSpec, ToolUse
from mecum.rooms.models.planning.decision import TOOLS_MAX, Decision, plan_for
from mecum.rooms.models.planning.phrases import dated
from mecum.rooms.models.planning.turns import calls_made, without_calls

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
PLAN = plan_for([WEATHER, TRIP])
OSLO = dt.timezone(dt.timedelta(hours=1))


def user(said: str) -> Message:
    return Message("user", (TextPart(said),))


def assistant(said: str) -> Message:
    return Message("assistant", (TextPart(said),))


def call(name: str, arguments: dict[str, Any], number: str = "c1") -> Message:
    return Message("assistant", (), (ToolUse(number, name, json.dumps(arguments, ensure_ascii=False)),))


def result(found: str, number: str = "c1") -> Message:
    return Message("tool", (TextPart(found),), tool_use_id=number)


def decision(name: str, arguments: dict[str, Any]) -> str:
    return json.dumps({"tool": name, "arguments": arguments})


def question(*messages: Message) -> list[tuple[str, str]]:
    """Who says what in the question for a decision."""
    return told(PLAN.question(ModelRequest(messages)).messages)


def told(messages: Any) -> list[tuple[str, str]]:
    return [(each.role, "".join(part.text for part in each.content)) for each in messages]


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
    jsonschema_rs.validate(PLAN.schema, json.loads(text))


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
    assert not jsonschema_rs.is_valid(PLAN.schema, json.loads(text))


def test_the_question_names_every_tool_with_its_arguments_and_one_sentence() -> None:
    assert "- get_weather(city, day? as said): Weather forecast for a place.\n" in PLAN.system
    assert "It knows ten days" not in PLAN.system


def test_the_question_is_short_and_leaves_nothing_to_chance() -> None:
    asked = PLAN.question(ModelRequest([user("Hi")], tools=[WEATHER], model="m", purpose="assistant.answer"))
    assert (asked.temperature, asked.max_tokens, asked.tools) == (0.0, 400, ())
    assert (asked.model, asked.purpose, asked.json_schema) == ("m", "assistant.answer", PLAN.schema)


def test_a_percent_sign_in_a_description_is_just_a_percent_sign() -> None:
    tool = ToolSpec("vat", "Adds 25% (%s of the price)", {"type": "object"})
    assert "- vat(): Adds 25% (%s of the price)\n" in plan_for([tool]).system


def test_tools_beyond_the_limit_are_not_offered() -> None:
    plan = plan_for([ToolSpec(f"tool_{n}", "Does it.", {"type": "object"}) for n in range(TOOLS_MAX + 2)])
    assert len(plan.dates) == TOOLS_MAX
    assert "tool_15" in plan.system and "tool_16" not in json.dumps(plan.schema) + plan.system


def test_a_decision_comes_with_the_places_of_its_dates() -> None:
    decided = PLAN.read(decision("get_weather", {"city": "Oslo", "day": "next Friday"}), said="")
    assert decided == Decision("get_weather", {"city": "Oslo", "day": "next Friday"}, {("day",): "date"})
    decided = PLAN.read(decision("plan_trip", {"stops": [{"at": "Monday"}, {}, {"at": "Tuesday"}]}), said="")
    assert decided is not None
    assert decided.dates == {("stops", 0, "at"): "date-time", ("stops", 2, "at"): "date-time"}


def test_a_date_that_the_model_computed_gives_way_to_the_persons_words() -> None:
    said = "How is the weather in Oslo on Friday?"
    decided = PLAN.read(decision("get_weather", {"city": "Oslo", "day": "2023-04-15"}), said=said)
    assert decided is not None and decided.arguments == {"city": "Oslo", "day": said}


def test_a_date_that_the_person_wrote_that_way_stays() -> None:
    said = "Weather in Oslo on 2027-04-15?"
    decided = PLAN.read(decision("get_weather", {"city": "Oslo", "day": "2027-04-15"}), said=said)
    assert decided is not None and decided.arguments["day"] == "2027-04-15"


@pytest.mark.parametrize(
    ("form", "words", "written"),
    [
        ("date", "next Friday", "2026-11-27"),
        ("date-time", "next Friday", "2026-11-27T15:30:00+01:00"),
        ("time", "next Friday", "15:30:00+01:00"),
        ("duration", "next Friday", "next Friday"),
        ("date", "purple elephants", "purple elephants"),
        ("date-time", "2027-04-15T10:00:00Z", "2027-04-15T10:00:00Z"),
    ],
)
def test_the_words_of_a_date_become_the_date_and_what_is_none_stays(form: str, words: str, written: str) -> None:
    def read(phrase: str) -> dt.datetime:
        if phrase != "next Friday":
            raise Unprocessable("date_unread", "Not a date.")
        return dt.datetime(2026, 11, 27, 15, 30, tzinfo=OSLO)

    given = {"stops": [{"at": words}], "note": "next Friday"}
    assert dated(given, {("stops", 0, "at"): form}, read) == {"stops": [{"at": written}], "note": "next Friday"}
    assert given["stops"] == [{"at": words}]


@pytest.mark.parametrize(
    "text",
    [
        '{"tool": "none"}',
        '{"tool": "get_weather", "arguments": {"city": "Os',
        '{"tool": "unknown", "arguments": {}}',
        '{"tool": "get_weather", "arguments": "Oslo"}',
        '{"tool": ["get_weather"], "arguments": {}}',
        "It is sunny in Oslo.",
        "[]",
        "null",
        "",
    ],
)
def test_what_is_no_call_means_just_to_reply(text: str) -> None:
    assert PLAN.read(text, said="Hi") is None


@given(
    st.text()
    | st.recursive(st.none() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)).map(json.dumps)
)
def test_whatever_a_model_writes_is_a_call_of_an_offered_tool_or_none(text: str) -> None:
    decided = PLAN.read(text, said="Hi")
    assert decided is None or decided.tool in ("get_weather", "plan_trip")


def test_the_question_starts_the_same_for_every_conversation() -> None:
    one = question(user("Weather in Oslo?"))
    other = question(Message("system", (TextPart("You are Mecum. It is 10:31."),)), user("Hello"))
    assert one[:-1] == other[:-1] and one[0] == ("system", PLAN.system)
    assert one[-1] == ("user", "Weather in Oslo?")


def test_earlier_turns_are_shown_as_what_was_decided_then() -> None:
    asked = question(
        user("Weather in Oslo?"),
        call("get_weather", {"city": "Oslo"}),
        result("3 °C, rain"),
        assistant("It rains, at 3 °C."),
        user("And in Bergen?"),
    )
    assert asked[-5:] == [
        ("user", "Weather in Oslo?"),
        ("assistant", '{"tool": "get_weather", "arguments": {"city": "Oslo"}}'),
        ("user", "Result of get_weather: 3 °C, rain"),
        ("assistant", '{"tool": "none"}'),
        ("user", "And in Bergen?"),
    ]


def test_a_short_answer_comes_with_the_question_that_it_answers() -> None:
    asked = question(user("What's the weather?"), assistant("Happy to look.\nWhich city?"), user("Lisbon"))
    assert asked[-1] == ("user", "(You asked: Which city?) Lisbon")


def test_only_the_last_turns_are_shown_and_earlier_ones_shortened() -> None:
    messages = [message for n in range(9) for message in (user(f"{n} " + "x" * 5000), assistant("ok"))]
    asked = [text for _, text in question(*messages, user("y" * 9000)) if text[:1] in "678y"]
    assert [each[0] for each in asked] == ["7", "8", "y"]
    assert [len(each) for each in asked] == [600, 600, 4000]


def test_pictures_do_not_reach_the_decision() -> None:
    shown = Message("user", (TextPart("What is this?"), ImagePart("image/png", b"x")))
    assert question(shown)[-1] == ("user", "What is this?")


def test_the_answer_reads_results_beside_their_question() -> None:
    messages = [
        Message("system", (TextPart("You are Mecum."),)),
        user("Weather in Oslo and Bergen?"),
        call("get_weather", {"city": "Oslo"}, "c1"),
        result("3 °C", "c1"),
        call("get_weather", {"city": "Bergen"}, "c2"),
        result("5 °C", "c2"),
    ]
    assert told(without_calls(messages)) == [
        ("system", "You are Mecum."),
        ("user", "Weather in Oslo and Bergen?\n\nResult of get_weather: 3 °C\n\nResult of get_weather: 5 °C"),
    ]
    assert messages[1] == user("Weather in Oslo and Bergen?")


def test_what_was_said_before_a_call_stays_and_the_result_follows_it() -> None:
    said = Message("assistant", (TextPart("Let me look."),), (ToolUse("c1", "get_weather", "{}"),))
    assert told(without_calls([user("Weather?"), said, result("3 °C")])) == [
        ("user", "Weather?"),
        ("assistant", "Let me look."),
        ("user", "Result of get_weather: 3 °C"),
    ]


def test_only_calls_since_the_person_spoke_last_count_as_made() -> None:
    messages = [
        user("Oslo?"),
        call("get_weather", {"city": "Oslo"}),
        result("3 °C"),
        user("Again?"),
        call("get_weather", {"city": "Bergen"}),
    ]
    assert calls_made(messages) == [("get_weather", {"city": "Bergen"})]
    assert calls_made([user("Hi"), Message("assistant", (), (ToolUse("c", "x", "{broken"),))]) == [("x", {})]

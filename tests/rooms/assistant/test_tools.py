"""The entity's own tools."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecum.kit.clock import SystemClock
from mecum.kit.dates import read_date
from mecum.kit.errors import MecumError, Unprocessable
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.tools.ask import ASK_PERSON
from mecum.rooms.assistant.tools.calculator import CALCULATOR, calculate, written
from mecum.rooms.assistant.tools.dates import between, date_tool, describe
from mecum.rooms.assistant.tools.page import page_tool
from mecum.rooms.assistant.tools.tasks import schedule_tool

NOW = dt.datetime(2026, 11, 23, 18, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", "7"),
        ("2^3^2", "512"),
        ("-2^2", "-4"),
        ("(1,290 + 141) × 12", "17172"),
        ("200 + 10%", "220"),
        ("200 * 10%", "20"),
        ("0.1 + 0.2", "0.3"),
        ("10 % 3", "1"),
        ("7 // 2", "3"),
        ("sqrt(2)", "1.414213562373095048801688724209698"),
        ("round(2.345, 2)", "2.35"),
        ("mean(1, 2, 6)", "3"),
        ("sin(pi / 6)", "0.5"),
        ("factorial(20)", "2432902008176640000"),
    ],
)
def test_the_calculator_computes_exactly(expression: str, value: str) -> None:
    assert written(calculate(expression)) == value


@pytest.mark.parametrize(
    "expression",
    ["", "1/0", "2^99999", "(1", "foo(1)", "__import__('os')", "(" * 500, "9" * 2000, "1 2", "sqrt(-1)", "1e9999999"],
)
def test_what_has_no_value_is_a_clear_error(expression: str) -> None:
    with pytest.raises(Unprocessable):
        calculate(expression)


@given(st.text(alphabet="0123456789+-*/%^().,e piqrstmaxln", max_size=60))
def test_the_calculator_never_breaks(expression: str) -> None:
    with suppress(MecumError):
        assert isinstance(calculate(expression), Decimal)


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9), st.sampled_from("+-*"))
def test_whole_numbers_agree_with_python(a: int, b: int, operator: str) -> None:
    expected = {"+": a + b, "-": a - b, "*": a * b}[operator]
    assert calculate(f"({a}) {operator} ({b})") == expected


def test_a_date_is_described_with_its_distance() -> None:
    moment = read_date("2026-12-24", NOW, "Europe/Brussels")
    assert describe(moment, NOW) == "Thursday, 2026-12-24 00:00 (CET), in 31 days, ISO week 2026-W52"
    assert between(moment, moment + dt.timedelta(days=14)) == "14 days (2.0 weeks), or 336.0 hours"


@pytest.mark.parametrize(
    ("said", "offered"),
    [
        ("Hi! Who are you?", set[str]()),
        ("What is 1290 + 141 * 12?", {"calculate"}),
        ("What date is next Friday?", {"date_time"}),
        ("Remind me every Monday at 9 to water the plants.", {"date_time", "schedule_task"}),
        ("Read https://example.org/news for me", {"read_page"}),
        ("用一句话解释光合作用。", set[str]()),
        ("每天早上提醒我喝水", {"schedule_task"}),
        ("Make this letter shorter and friendlier", set[str]()),
    ],
)
def test_small_models_are_offered_a_tool_only_on_a_cue(said: str, offered: set[str]) -> None:
    nothing: Any = None
    tools = [
        CALCULATOR,
        date_tool(SystemClock()),
        page_tool(nothing, nothing, AssistantSettings()),
        ASK_PERSON,
        schedule_tool(nothing, SystemClock(), 8_000),
    ]
    assert {tool.name for tool in tools if re.search(tool.cues, said, re.IGNORECASE)} == offered

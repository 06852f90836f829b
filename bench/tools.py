"""How well the built-in models choose tools: cases written before any output was seen, one greedy run each.

    python -m bench.tools                        both models
    python -m bench.tools large                  one of them
    MECUM_MODELS_DIR=... python -m bench.tools   weights that are there already, or are kept there

The wording of the models room's planner was tuned on TUNED; HELD was looked at afterwards only. Not part of
`make bench`: it takes minutes, and 1.6 GB of weights.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report import Row, write
from mecum.engines.llm import LlmEngine
from mecum.engines.llm.settings import LlmSettings
from mecum.kit.clock import SystemClock
from mecum.rooms.models import Message, ModelRequest, TextDelta, TextPart, ToolSpec
from mecum.rooms.models.planning.decision import Decision, Plan, plan_for
from mecum.rooms.models.retries import Quirks
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.upstream import Endpoint, Target, Upstream
from mecum.rooms.models.wires.openai_chat import OpenAiChat

MODELS = ("large", "small")
WEIGHTS = Path.home() / ".cache" / "mecum-bench-models"


def _tool(name: str, description: str, required: str, **properties: Mapping[str, Any]) -> ToolSpec:
    schema = {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}
    return ToolSpec(name, description, schema)


TEXT = {"type": "string", "maxLength": 200}
FIELD = {"type": "object", "properties": {"label": TEXT, "type": {"enum": ["text", "date"]}}, "required": ["label"]}
TOOLS = (
    _tool("date_time", "Finds the date, weekday and time that a phrase means.", "phrase", phrase=TEXT, until=TEXT),
    _tool("calculate", "Computes a formula exactly. Use it for every sum.", "expression", expression=TEXT),
    _tool("read_page", "Reads a web page and gives its main text.", "url", url=TEXT),
    _tool(
        "ask_person",
        "Asks the person a short form and waits for the answer.",
        "title fields",
        title=TEXT,
        fields={"type": "array", "items": FIELD},
    ),
    _tool("get_weather", "Weather forecast for a place.", "city", city=TEXT, day={"type": "string", "format": "date"}),
    _tool(
        "create_reminder",
        "Reminds the person of something at a time.",
        "text when",
        text=TEXT,
        when={"type": "string", "format": "date-time"},
    ),
    _tool("search_threads", "Searches the person's own earlier conversations.", "query", query=TEXT),
    _tool("send_mail", "Sends an e-mail for the person.", "to subject body", to=TEXT, subject=TEXT, body=TEXT),
)


@dataclass(frozen=True, slots=True)
class Case:
    """What is said, the tool that should be called, and words that one of its arguments must hold."""

    said: str
    tool: str = "none"
    words: tuple[str, ...] = ()


TUNED = (
    Case("What's the weather in Oslo?", "get_weather", ("oslo",)),
    Case("Remind me to call mum on Friday at 10:30.", "create_reminder", ("mum", "friday", "10:30")),
    Case("How much is 17.5% of 2380?", "calculate", ("2380",)),
    Case("What weekday is 3 May 2027?", "date_time", ("3 may 2027",)),
    Case("Please summarise https://example.org/news/today.html for me", "read_page", ("https://example.org/news/",)),
    Case("What did I tell you about my dog last month?", "search_threads", ("dog",)),
    Case("Tell me a joke about penguins."),
    Case("Thanks, that was very helpful!"),
    Case("Translate 'good morning' into Chinese."),
    Case("Why is the sky blue?"),
    Case("Send Anna (anna@example.com) an e-mail that I will be 10 minutes late.", "send_mail", ("anna@", "late")),
    Case("How many days are there from today until Christmas?", "date_time", ("christmas",)),
    Case("明天北京天气怎么样？", "get_weather", ("北京",)),
    Case("提醒我明天早上八点吃药", "create_reminder", ("明天", "八点")),
    Case("写一首关于秋天的短诗"),
    Case("1234乘以5678等于多少？", "calculate", ("1234", "5678")),
    Case("I split a bill of 87.60 among 4 people, how much does each pay?", "calculate", ("87.6", "4")),
    Case("Write a Python function that reverses a string."),
    Case("Will it rain in Lisbon tomorrow?", "get_weather", ("lisbon",)),
    Case("What time is it now in Tokyo?", "date_time", ("now",)),
    Case("Hi! How are you?"),
    Case("My name is Lena and I live in Graz."),
    Case("Wake me in 20 minutes to take the cake out of the oven", "create_reminder", ("20 minutes",)),
    Case("What is the capital of Australia?"),
)
HELD = (
    Case("Is it going to be sunny in Madrid this weekend?", "get_weather", ("madrid",)),
    Case("What's 45 + 19 * 3?", "calculate", ("45", "19", "3")),
    Case("Set a reminder to water the plants next Tuesday at 6pm", "create_reminder", ("plants", "next tuesday")),
    Case("How long is it until 1 March?", "date_time", ("1 march",)),
    Case("Look at https://docs.python.org/3/whatsnew and tell me what is new", "read_page", ("docs.python.org/3/",)),
    Case("In which conversation did we talk about the tax form?", "search_threads", ("tax",)),
    Case("Mail bob@corp.example that the meeting moved to 3 pm", "send_mail", ("bob@corp.example",)),
    Case("Give me three ideas for a birthday present."),
    Case("Who was Marie Curie?"),
    Case("Explain recursion in one paragraph."),
    Case("Okay, good night!"),
    Case("I am vegetarian."),
    Case("Fix the grammar: he go to school yesterday"),
    Case("上海今天下雨吗？", "get_weather", ("上海",)),
    Case("350的15%是多少？", "calculate", ("350", "15")),
    Case("下周三下午三点提醒我开会", "create_reminder", ("周三",)),
    Case("把“我爱你”翻译成英文"),
    Case("你好，你是谁？"),
    Case("What's the difference between a virus and a bacterium?"),
    Case("Remind me in two hours to phone the bank", "create_reminder", ("two hours",)),
)


def main() -> int:
    names = sys.argv[1:] or MODELS
    if not set(names) <= set(MODELS):
        print(__doc__, file=sys.stderr)
        return 2
    rows = [row for name in names for row in asyncio.run(_measure(name))]
    write("tools", "Choosing tools", rows)
    return 0


async def _measure(model: str) -> list[Row]:
    engine, settings = LlmEngine(LlmSettings(local_model=model), WEIGHTS), ModelsSettings()
    upstream = Upstream(settings, SystemClock())
    await upstream.start()
    await engine.start()
    plan, rows = plan_for(TOOLS), list[Row]()
    try:
        async with engine.use() as here:
            chat = OpenAiChat(upstream, Quirks(), settings)
            target = Target(Endpoint("built-in", here.base_url, here.api_key), here.model, here.model)
            for name, cases in (("wording tuned on them", TUNED), ("held out", HELD)):
                chosen = [(case, await _decide(chat, target, plan, case)) for case in cases]
                wrong = [(case, got) for case, got in chosen if not _right(case, got)]
                what, right = f"right tool and arguments, {here.model}", len(cases) - len(wrong)
                rows.append(Row(what, right, f"of {len(cases)}", note=f"messages, {name}"))
                for case, got in wrong:
                    print(f"  {case.said} -> {got}")
    finally:
        await engine.stop()
        await upstream.close()
    return rows


async def _decide(chat: OpenAiChat, target: Target, plan: Plan, case: Case) -> Decision | None:
    question = plan.question(ModelRequest([Message("user", (TextPart(case.said),))]))
    async with aclosing(chat.stream(target, question)) as events:
        said = [event.text async for event in events if isinstance(event, TextDelta)]
    return plan.read("".join(said), said=case.said)


def _right(case: Case, got: Decision | None) -> bool:
    if got is None:
        return case.tool == "none"
    return got.tool == case.tool and all(word in str(got.arguments).lower() for word in case.words)


if __name__ == "__main__":
    sys.exit(main())

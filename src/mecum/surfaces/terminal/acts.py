"""What was done for an answer, as one would say it. Tools of others bring words of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mecum.surfaces.terminal.nodes import Act
from mecum.surfaces.terminal.plain import plain
from mecum.surfaces.terminal.words import Words

BUILT_IN: Mapping[str, Callable[[Words], str]] = {
    "ask_person": lambda words: words("terminal.act_asked"),
    "calculate": lambda words: words("terminal.act_calculated"),
    "date_time": lambda words: words("terminal.act_calendar"),
    "read_file": lambda words: words("terminal.act_file"),
    "read_page": lambda words: words("terminal.act_page"),
    "schedule_task": lambda words: words("terminal.act_schedule"),
}
"""The words for each tool that comes with Mecum."""


def act_words(act: Act, words: Words) -> str:
    """Its own words where it has any, else those for a built-in tool, else the tool's name."""
    if act.label and act.label != act.tool:
        return plain(act.label)
    built_in = BUILT_IN.get(act.tool)
    return built_in(words) if built_in else tool_words(act.tool)


def tool_words(tool: str) -> str:
    """The name of a tool, to be read by people."""
    return plain(tool.replace("_", " "))

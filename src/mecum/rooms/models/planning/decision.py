"""Which tool to use, if any: the question to a model, and what its answer means.

The answer is JSON of a schema that ends everywhere (`schema.py`). The question is short and has a beginning of its own,
which is the same for a set of tools, so that a server has read it already.

A date is a phrase in the person's own words: small models make dates up. Where a tool's schema asks for a date, the
decision names the place in `dates`, and code turns the words into a date.

The wording was chosen by trying it: see `bench/tools.py`. Pure: no I/O.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mecum.rooms.models import Message, ModelRequest, TextPart, ToolSpec
from mecum.rooms.models.planning.phrases import Place, places, say_again
from mecum.rooms.models.planning.schema import Bounds, KeyPath, bounded
from mecum.rooms.models.planning.turns import NONE, last_turns
from mecum.rooms.models.wires.jsons import JsonObject, arr, obj, text

TOOLS_MAX = 16
DECISION_TOKENS = 400
DESCRIPTION_CHARS = 80

_SYSTEM = """\
You choose tools for an assistant. Read the message and write JSON: {"tool": NAME, "arguments": {...}}.

Tools:
- book_table(people, when as said): Books a table in a restaurant.
%s
- none(): no tool, just reply

Copy dates and times in the person's own words; do not compute them. Use a tool only when the message asks for exactly \
what it does."""

# Turns that show the form. They matter more than any rule: without them the larger model chose right 15 times of 24,
# with them 23 times. The tool in them is not on offer, so it can't be called.
_SHOWN: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("Hello there", {"tool": NONE}),
    (
        "A table for two on Saturday at 7, please",
        {"tool": "book_table", "arguments": {"people": "two", "when": "Saturday at 7"}},
    ),
    ("Result of book_table: Booked.", {"tool": NONE}),
    ("Who wrote Hamlet?", {"tool": NONE}),
    ("谢谢你", {"tool": NONE}),
    ("Write a function that sorts a list.", {"tool": NONE}),
)
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s*")


@dataclass(frozen=True, slots=True)
class Decision:
    """What the model wants to call. Its `arguments` are to be checked against the tool's own schema.

    Args:
        dates: where in `arguments` the schema asks for a date of which format, and the person's words stand instead.
    """

    tool: str
    arguments: JsonObject
    dates: Mapping[Place, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to let a model choose among tools.

    Args:
        system: the system text of the question.
        schema: of the answer.
        dates: by tool, the paths of dates in its arguments, and their formats.
    """

    system: str
    schema: JsonObject
    dates: Mapping[str, Mapping[KeyPath, str]]
    phrase_chars: int

    def question(self, request: ModelRequest) -> ModelRequest:
        """The request for a decision about the last message of `request`."""
        messages = [_message("system", self.system)]
        for said, decision in _SHOWN:
            messages += [_message("user", said), _message("assistant", _json(decision))]
        turns = last_turns(request.messages)
        for turn in turns:
            messages += [_message("user", turn.text), _message("assistant", _json(turn.decision))]
        return dataclasses.replace(
            request,
            messages=messages[:-1] if turns else messages,
            tools=(),
            json_schema=self.schema,
            max_tokens=DECISION_TOKENS,
            temperature=0.0,
            top_p=None,
            frequency_penalty=None,
            presence_penalty=None,
            stop=(),
        )

    def read(self, decision: str, *, said: str) -> Decision | None:
        """What the model decided.

        Args:
            decision: what it wrote.
            said: the person's last words. A date that the model computed against the rule is replaced by them.

        Returns:
            None for no tool, and where the decision was cut off or names no tool of the plan: then it is best to just
            reply.
        """
        try:
            found = obj(json.loads(decision))
        except (ValueError, RecursionError):
            return None
        name = text(found.get("tool"))
        if name not in self.dates or not isinstance(found.get("arguments"), dict):
            return None
        given = obj(found.get("arguments"))
        dates = {place: form for path, form in self.dates[name].items() for place in places(given, path)}
        for place in dates:
            say_again(given, place, said, self.phrase_chars)
        return Decision(name, given, dates)


def plan_for(tools: Sequence[ToolSpec], bounds: Bounds | None = None, *, must_call: bool = False) -> Plan:
    """How to let a model choose among `tools`; the first 16 of them, a small model can't tell more apart.

    With `must_call` it can't choose to do without.
    """
    bounds = bounds or Bounds()
    arguments = {tool.name: bounded(tool.parameters, bounds) for tool in tools[:TOOLS_MAX]}
    options = [_option(name, dict(finite.schema)) for name, finite in arguments.items()]
    return Plan(
        system=_SYSTEM % "\n".join(_line(tool, arguments[tool.name].dates) for tool in tools[:TOOLS_MAX]),
        schema={"anyOf": options if must_call else [*options, _option(NONE, None)]},
        dates={name: finite.dates for name, finite in arguments.items()},
        phrase_chars=bounds.phrase_chars,
    )


def _option(name: str, arguments: JsonObject | None) -> JsonObject:
    properties: JsonObject = {"tool": {"const": name}} | ({"arguments": arguments} if arguments is not None else {})
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _line(tool: ToolSpec, dates: Mapping[KeyPath, str]) -> str:
    required = arr(tool.parameters.get("required"))
    arguments = ", ".join(
        f"{name}{'' if name in required else '?'}{' as said' if (name,) in dates else ''}"
        for name in obj(tool.parameters.get("properties"))
    )
    return f"- {tool.name}({arguments}): {_short(tool.description)}"


def _short(description: str) -> str:
    """Its first sentence: with long descriptions small models chose worse."""
    sentence = _SENTENCE_END.split(" ".join(description.split()), maxsplit=1)[0]
    if len(sentence) <= DESCRIPTION_CHARS:
        return sentence
    cut = sentence[:DESCRIPTION_CHARS]
    return cut.rsplit(" ", 1)[0] if " " in cut else cut


def _message(role: str, said: str) -> Message:
    return Message(role, (TextPart(said),))  # pyright: ignore[reportArgumentType]


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)

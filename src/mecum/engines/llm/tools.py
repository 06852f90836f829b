"""Tool calls for models that have none of their own: a small constrained decision, then either a call or an answer.

    plan = plan_tools(specs)
    decision = parse(await ask(deciding(messages, plan), **plan.options), plan, said=last_words)   # ToolCall or Answer
    text = await ask(answering(messages))                                                          # streamed, free text

The decision is JSON of a schema that ends everywhere (`mecum.engines.llm.schema`). The answer is a second request and
free text, because small models write worse inside JSON and JSON can't be streamed to people. The decision has a short
prompt of its own, whose beginning is the same for a set of tools, so that the server has read it already.

A date is a phrase in the person's own words: small models make dates up. Where a tool's schema asks for a date, the
call names the place in `phrases`, and code turns the words into a date.

The wording was chosen by trying it: see `bench/tools.py`. Pure: no I/O; messages are those of the chat wire.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from mecum.engines.llm.schema import ANY_ITEM, Bounds, KeyPath, Schema, bounded

NONE = "none"
TOOLS_MAX = 16
DECISION_TOKENS = 400
DESCRIPTION_CHARS = 80
TURNS = 3
EARLIER_CHARS = 600
LAST_CHARS = 4000
RESULT_CHARS = 6000

Message: TypeAlias = Mapping[str, Any]
Place: TypeAlias = tuple[str | int, ...]

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
_COMPUTED = re.compile(r"\d{4}-\d{2}-\d{2}")
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s*")


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool on offer: `parameters` is the JSON Schema of an object."""

    name: str
    description: str
    parameters: Schema


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What the model wants to call. Its `arguments` are to be checked against the tool's own schema.

    Args:
        phrases: where in `arguments` the schema asks for a date and the person's words stand instead.
    """

    name: str
    arguments: Mapping[str, Any]
    phrases: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """No tool is needed. `text` is empty unless the model wrote one instead of a decision."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class ToolPlan:
    """How to let a model choose among tools.

    Args:
        system: the system text of the decision.
        response_format: of the decision's request.
        left_out: names of tools that were too many to offer.
        dates: by tool, the paths of dates in its arguments.
    """

    system: str
    response_format: Mapping[str, Any]
    left_out: tuple[str, ...]
    dates: Mapping[str, frozenset[KeyPath]]
    phrase_chars: int

    @property
    def options(self) -> dict[str, Any]:
        """Fields for the request of the decision, beside model and messages."""
        return {"temperature": 0, "max_tokens": DECISION_TOKENS, "response_format": dict(self.response_format)}


def plan_tools(tools: Sequence[ToolSpec], bounds: Bounds | None = None) -> ToolPlan:
    """How to let a model choose among `tools`; the first 16 of them, a small model can't tell more apart."""
    bounds = bounds or Bounds()
    offered = tools[:TOOLS_MAX]
    arguments = {tool.name: bounded(tool.parameters, bounds) for tool in offered}
    options = [_option(name, dict(finite.schema)) for name, finite in arguments.items()]
    schema = {"anyOf": [*options, _option(NONE, None)]}
    return ToolPlan(
        system=_SYSTEM % "\n".join(_line(tool, arguments[tool.name].phrases) for tool in offered),
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "decision", "strict": True, "schema": schema},
        },
        left_out=tuple(tool.name for tool in tools[TOOLS_MAX:]),
        dates={name: finite.phrases for name, finite in arguments.items()},
        phrase_chars=bounds.phrase_chars,
    )


def parse(text: str, plan: ToolPlan, *, said: str = "") -> ToolCall | Answer:
    """What the model decided.

    Args:
        text: what it wrote.
        said: the person's last words. A date that the model computed against the rule is replaced by them.

    Returns:
        Answer also where the decision was cut off or names no tool of the plan: then it is best to just reply. Where
        the model wrote prose instead of JSON, that is the answer.
    """
    try:
        decision = json.loads(text)
    except ValueError:
        return Answer("" if text.lstrip().startswith("{") else text.strip())
    found: Mapping[str, Any] = cast(Mapping[str, Any], decision) if isinstance(decision, dict) else {}
    name, arguments = found.get("tool"), found.get("arguments")
    if not isinstance(name, str) or name not in plan.dates or not isinstance(arguments, dict):
        return Answer()
    given = cast(dict[str, Any], arguments)
    places = tuple(place for path in sorted(plan.dates[name]) for place in _places(given, path))
    for place in places:
        _say_again(given, place, said, plan.phrase_chars)
    return ToolCall(name, given, places)


def deciding(messages: Sequence[Message], plan: ToolPlan) -> list[dict[str, Any]]:
    """The messages of the decision: the plan's own system text, examples, and the last turns of the conversation."""
    turns = list(_turns(messages))
    start = max((index for index, turn in enumerate(turns) if turn.asked), default=0)
    asked = [index for index, turn in enumerate(turns) if turn.asked]
    first = asked[-TURNS] if len(asked) >= TURNS else 0
    found = [{"role": "system", "content": plan.system}]
    for said, decision in _SHOWN:
        found += [{"role": "user", "content": said}, {"role": "assistant", "content": _json(decision)}]
    for index, turn in enumerate(turns[first:], first):
        found.append({"role": "user", "content": turn.text[: LAST_CHARS if index >= start else EARLIER_CHARS]})
        if index < len(turns) - 1:
            found.append({"role": "assistant", "content": _json(turn.decision)})
    return found


def answering(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The messages of the answer: tool calls and their results as plain text, which every model's template knows."""
    found: list[dict[str, Any]] = []
    for message in messages:
        if message.get("role") == "tool":
            text = f"Result of {_tool_of(messages, message)}: {_text(message)[:RESULT_CHARS]}"
            if found and found[-1]["role"] == "user" and isinstance(found[-1]["content"], str):
                found[-1]["content"] += f"\n\n{text}"
            else:
                found.append({"role": "user", "content": text})
        elif not message.get("tool_calls"):
            found.append({"role": message.get("role"), "content": message.get("content")})
        elif text := _text(message):
            found.append({"role": "assistant", "content": text})
    return found


def _option(name: str, arguments: dict[str, Any] | None) -> dict[str, Any]:
    properties: dict[str, Any] = {"tool": {"const": name}} | ({"arguments": arguments} if arguments is not None else {})
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _line(tool: ToolSpec, dates: frozenset[KeyPath]) -> str:
    properties = cast(Mapping[str, Any], tool.parameters.get("properties") or {})
    required = cast(Sequence[str], tool.parameters.get("required") or ())
    arguments = ", ".join(
        f"{name}{'' if name in required else '?'}{' as said' if (name,) in dates else ''}" for name in properties
    )
    return f"- {tool.name}({arguments}): {_short(tool.description)}"


def _short(description: str) -> str:
    """Its first sentence: with long descriptions small models chose worse."""
    sentence = _SENTENCE_END.split(" ".join(description.split()), maxsplit=1)[0]
    if len(sentence) <= DESCRIPTION_CHARS:
        return sentence
    cut = sentence[:DESCRIPTION_CHARS]
    return cut.rsplit(" ", 1)[0] if " " in cut else cut


@dataclass(frozen=True, slots=True)
class _Turn:
    """Something to decide about, and what was decided. `asked`: a person's words, not a tool's result."""

    text: str
    asked: bool
    decision: Mapping[str, Any]


def _turns(messages: Sequence[Message]) -> Iterator[_Turn]:
    pending: tuple[str, bool] | None = None
    reply = ""
    for message in messages:
        role = message.get("role")
        if role == "assistant":
            if pending is not None:
                yield _Turn(*pending, _decision(message))
                pending = None
            reply = _text(message)
        elif role in ("user", "tool"):
            if pending is not None:
                yield _Turn(*pending, {"tool": NONE})
            pending = (_worded(messages, message, reply), role == "user")
            reply = ""
    if pending is not None:
        yield _Turn(*pending, {"tool": NONE})


def _worded(messages: Sequence[Message], message: Message, reply: str) -> str:
    """A message for the decision. A person's words come with the question that they answer, if it was one."""
    if message.get("role") == "tool":
        return f"Result of {_tool_of(messages, message)}: {_text(message)}"
    question = reply.strip().splitlines()[-1][-EARLIER_CHARS:] if reply.strip().endswith(("?", "？")) else ""
    return f"(You asked: {question}) {_text(message)}" if question else _text(message)


def _decision(message: Message) -> Mapping[str, Any]:
    for call in cast(Sequence[Mapping[str, Any]], message.get("tool_calls") or ()):
        function = cast(Mapping[str, Any], call.get("function") or {})
        try:
            arguments = json.loads(function.get("arguments") or "{}")
        except ValueError:
            arguments = {}
        return {"tool": function.get("name"), "arguments": arguments}
    return {"tool": NONE}


def _tool_of(messages: Sequence[Message], result: Message) -> str:
    """The name of the tool whose result this is."""
    for message in messages:
        for call in cast(Sequence[Mapping[str, Any]], message.get("tool_calls") or ()):
            if call.get("id") == result.get("tool_call_id"):
                return str(cast(Mapping[str, Any], call.get("function") or {}).get("name"))
    return "the tool"


def _text(message: Message) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = cast(Sequence[Mapping[str, Any]], content or ())
    return "\n".join(str(part["text"]) for part in parts if part.get("type") == "text" and "text" in part)


def _places(value: object, path: KeyPath) -> Iterator[Place]:
    """Where in `value` the strings at `path` stand."""
    if not path:
        if isinstance(value, str):
            yield ()
    elif path[0] == ANY_ITEM and isinstance(value, list):
        for index, item in enumerate(cast(list[object], value)):
            yield from ((index, *rest) for rest in _places(item, path[1:]))
    elif isinstance(value, dict) and path[0] in value:
        yield from ((path[0], *rest) for rest in _places(cast(dict[str, object], value)[path[0]], path[1:]))


def _say_again(arguments: dict[str, Any], place: Place, said: str, chars: int) -> None:
    """Put the person's words in `place` where the model computed a date of its own."""
    *way, last = place
    holder: Any = arguments
    for step in way:
        holder = holder[step]
    computed = _COMPUTED.search(holder[last])
    if said and computed and computed[0] not in said:
        holder[last] = said.strip()[:chars]


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)

"""A conversation without tool calls: as turns to decide about, and as text that every chat template can write."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mecum.rooms.models import Message, TextPart
from mecum.rooms.models.wires.jsons import JsonObject, obj

NONE = "none"
TURNS = 3
EARLIER_CHARS = 600
LAST_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Turn:
    """Something to decide about, and what was decided. `asked`: a person's words, not a tool's result."""

    text: str
    asked: bool
    decision: Mapping[str, Any]


def last_turns(messages: Sequence[Message]) -> list[Turn]:
    """What was said and found lately, shortened; the last one is still to be decided about."""
    turns = list(_turns(messages))
    asked = [index for index, turn in enumerate(turns) if turn.asked]
    first = asked[-TURNS] if len(asked) >= TURNS else 0
    start = asked[-1] if asked else 0
    return [
        dataclasses.replace(turn, text=turn.text[: LAST_CHARS if index >= start else EARLIER_CHARS])
        for index, turn in enumerate(turns[first:], first)
    ]


def _turns(messages: Sequence[Message]) -> Iterator[Turn]:
    pending: tuple[str, bool] | None = None
    names = _names(messages)
    reply = ""
    for message in messages:
        if message.role == "assistant":
            if pending is not None:
                yield Turn(*pending, _decision(message))
                pending = None
            reply = words(message)
        elif message.role in ("user", "tool"):
            if pending is not None:
                yield Turn(*pending, {"tool": NONE})
            result = message.role == "tool"
            pending = (_result(names, message) if result else _asked(message, reply), not result)
            reply = ""
    if pending is not None:
        yield Turn(*pending, {"tool": NONE})


def _asked(message: Message, reply: str) -> str:
    """A person's words, with the question that they answer, if it was one."""
    question = reply.strip().splitlines()[-1][-EARLIER_CHARS:] if reply.strip().endswith(("?", "？")) else ""
    return f"(You asked: {question}) {words(message)}" if question else words(message)


def _decision(message: Message) -> Mapping[str, Any]:
    for use in message.tool_uses:
        return {"tool": use.name, "arguments": _arguments(use.arguments)}
    return {"tool": NONE}


def without_calls(messages: Sequence[Message]) -> list[Message]:
    """`messages` with the results of tools as text, beside the question that they were wanted for.

    Apart from their question a small model thanks for them instead of using them.
    """
    names = _names(messages)
    found: list[Message] = []
    for message in messages:
        if message.role == "tool":
            result = _result(names, message)
            if found and found[-1].role == "user":
                found[-1] = dataclasses.replace(found[-1], content=(*found[-1].content, TextPart(f"\n\n{result}")))
            else:
                found.append(Message("user", (TextPart(result),)))
        elif not message.tool_uses:
            found.append(message)
        elif words(message):
            found.append(dataclasses.replace(message, tool_uses=()))
    return found


def calls_made(messages: Sequence[Message]) -> list[tuple[str, JsonObject]]:
    """The calls made since the person spoke last."""
    made: list[tuple[str, JsonObject]] = []
    for message in messages:
        if message.role == "user":
            made.clear()
        made += [(use.name, _arguments(use.arguments)) for use in message.tool_uses]
    return made


def last_words(messages: Sequence[Message]) -> str:
    """What the person said last; "" where nobody said anything."""
    said = next((words(message) for message in reversed(messages) if message.role == "user"), "")
    return said[:LAST_CHARS]


def words(message: Message) -> str:
    """The text of a message, without its images."""
    return "\n".join(part.text for part in message.content if isinstance(part, TextPart))


def _result(names: Mapping[str, str], message: Message) -> str:
    return f"Result of {names.get(message.tool_use_id or '', 'the tool')}: {words(message)}"


def _names(messages: Sequence[Message]) -> Mapping[str, str]:
    """The tools that were called, by the ids of the calls."""
    return {use.id: use.name for message in messages for use in message.tool_uses}


def _arguments(given: str) -> JsonObject:
    try:
        return obj(json.loads(given or "{}"))
    except (ValueError, RecursionError):
        return {}

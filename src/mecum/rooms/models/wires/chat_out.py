"""Model events as an answer in the chat completions wire, streamed or whole."""

from __future__ import annotations

from dataclasses import dataclass

from mecum.rooms.models import Finish, ModelEvent, ReasoningDelta, TextDelta, ToolCallDelta, ToolUse, Usage
from mecum.rooms.models.wires.jsons import JsonObject


def usage_out(usage: Usage) -> JsonObject:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


@dataclass(frozen=True, slots=True)
class Head:
    """What every part of an answer repeats. `created`: Unix seconds. `tier`: None leaves it out."""

    id: str
    model: str
    created: int
    tier: str | None = None

    def part(self, kind: str, choices: list[JsonObject]) -> JsonObject:
        tier = {} if self.tier is None else {"service_tier": self.tier}
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": choices,
            **tier,
        }


class ChatWriter:
    """Chunks for the events of one answer."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._calls = 0
        self._begun = False

    def chunks(self, event: ModelEvent) -> list[JsonObject]:
        """The chunks that tell `event`; the last one of the answer carries its usage and no choices."""
        if isinstance(event, TextDelta):
            return [self._chunk({"content": event.text})]
        if isinstance(event, ReasoningDelta):
            return [self._chunk({"reasoning_content": event.text})]
        if isinstance(event, ToolCallDelta):
            self._calls += 1
            return [self._chunk({"tool_calls": [{"index": self._calls - 1, **_call(event.use)}]})]
        if isinstance(event, Finish):
            closing = self._chunk({}, event.reason)
            usage = self._head.part("chat.completion.chunk", []) | {"usage": usage_out(event.usage)}
            return [closing, usage]
        return []

    def _chunk(self, delta: JsonObject, finish: str | None = None) -> JsonObject:
        if not self._begun:
            self._begun, delta = True, {"role": "assistant", "content": "", **delta}
        choice: JsonObject = {"index": 0, "delta": delta, "finish_reason": finish}
        return self._head.part("chat.completion.chunk", [choice])


class ChatBody:
    """Collects the events of one answer into one body."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._uses: list[ToolUse] = []

    def add(self, event: ModelEvent) -> JsonObject | None:
        """The body, once `event` is the last one."""
        if isinstance(event, TextDelta):
            self._text.append(event.text)
        elif isinstance(event, ReasoningDelta):
            self._reasoning.append(event.text)
        elif isinstance(event, ToolCallDelta):
            self._uses.append(event.use)
        elif isinstance(event, Finish):
            return self._body(event)
        return None

    def _body(self, finish: Finish) -> JsonObject:
        said = "".join(self._text)
        message: JsonObject = {"role": "assistant", "content": said if said or not self._uses else None}
        message["refusal"] = None
        if self._reasoning:
            message["reasoning_content"] = "".join(self._reasoning)
        if self._uses:
            message["tool_calls"] = [_call(use) for use in self._uses]
        choice: JsonObject = {"index": 0, "message": message, "finish_reason": finish.reason, "logprobs": None}
        return self._head.part("chat.completion", [choice]) | {"usage": usage_out(finish.usage)}


def _call(use: ToolUse) -> JsonObject:
    return {"id": use.id, "type": "function", "function": {"name": use.name, "arguments": use.arguments}}

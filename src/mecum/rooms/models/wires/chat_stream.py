"""Answers in the chat completions wire, streamed or whole, as model events."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from mecum.kit.types import Tokens
from mecum.rooms.models import (
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolUse,
    Usage,
    failures,
)
from mecum.rooms.models.tokens import estimate
from mecum.rooms.models.wires.folding import Part
from mecum.rooms.models.wires.jsons import JsonObject, arr, count, dumps, obj, text
from mecum.rooms.models.wires.keeping import Keeping

DONE = b"[DONE]"
THOUGHTS = ("reasoning_content", "reasoning")
"""What servers call a thought, which the wire's reference has no name for. Some want it back with the calls that came
of it, by the same name."""
FINISHES: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


@dataclass(slots=True)
class _OpenCall:
    """A tool call whose arguments are still coming."""

    id: str
    name: str
    arguments: list[str] = field(default_factory=list[str])

    def use(self) -> ToolUse:
        return ToolUse(self.id, self.name, "".join(self.arguments))


class ChatReader:
    """Folds the chunks of one answer.

    Args:
        provider: its name, for errors.
        call_prefix: for ids of tool calls that come without one; unique per answer.
    """

    def __init__(self, provider: str, call_prefix: str) -> None:
        self.finish: FinishReason | None = None
        self._usage: Usage | None = None
        self.done = False
        self._chunks = 0
        self._choices = 0
        self._provider = provider
        self._call_prefix = call_prefix
        self._calls: dict[int, _OpenCall] = {}
        self._called = 0
        self._thoughts: dict[str, list[str]] = {}
        self._output_tokens = 0
        self._reasoning_tokens = 0

    def feed(self, data: bytes) -> list[Part]:
        """The events in one chunk (the data of one server-sent event).

        Raises:
            ProviderError: it is not JSON, or the provider says in it that it failed.
        """
        if data.strip() == DONE:
            self.done = True
            return self._close_calls()
        try:
            value: object = json.loads(data.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            raise failures.garbage(self._provider, "a line that is not JSON") from None
        return self.feed_object(obj(value))

    def feed_object(self, chunk: JsonObject) -> list[Part]:
        """The events in one parsed chunk. Raises as `feed` does."""
        if chunk.get("error"):
            raise failures.said_in_stream(self._provider, chunk["error"])
        self._usage = read_usage(chunk.get("usage")) or self._usage
        choices = arr(chunk.get("choices"))
        self._chunks += 1
        self._choices += len(choices)
        if not choices:
            return []
        choice = obj(choices[0])
        events = self._delta(obj(choice.get("delta") or choice.get("message")))
        finish = text(choice.get("finish_reason"))
        if finish:
            events += self._close_calls()
            self.finish = "tool_calls" if self._called else FINISHES.get(finish, "stop")
        return events

    def _delta(self, delta: JsonObject) -> list[Part]:
        events: list[Part] = []
        thought = next((name for name in THOUGHTS if text(delta.get(name))), None)
        if thought is not None:
            reasoning = text(delta.get(thought))
            self._thoughts.setdefault(thought, []).append(reasoning)
            tokens = estimate(reasoning)
            self._output_tokens += tokens
            self._reasoning_tokens += tokens
            events.append(ReasoningDelta(reasoning))
        said = content_text(delta.get("content")) or text(delta.get("refusal"))
        if said:
            self._output_tokens += estimate(said)
            events.append(TextDelta(said))
        for position, call in enumerate(arr(delta.get("tool_calls"))):
            self._call(obj(call), position)
        return events

    def _call(self, call: JsonObject, position: int) -> None:
        """Add a piece of a tool call."""
        function, said_id = obj(call.get("function")), text(call.get("id"))
        index = count(call.get("index"))
        if index is None:
            # Some providers send whole calls without an index: a new id is a new call.
            last = max(self._calls, default=-1)
            index = last if last >= 0 and self._calls[last].id == said_id else max(last + 1, position)
        call_id = said_id or f"{self._call_prefix}_{index}"
        here = self._calls.setdefault(index, _OpenCall(call_id, ""))
        here.name = here.name or text(function.get("name"))
        arguments = function.get("arguments")
        # A few send the arguments as an object instead of its text.
        here.arguments.append(text(arguments) or (dumps(obj(arguments)).decode() if obj(arguments) else ""))

    def _close_calls(self) -> list[Part]:
        uses = [call.use() for _, call in sorted(self._calls.items())]
        self._calls.clear()
        self._called += len(uses)
        self._output_tokens += sum(estimate(use.name + use.arguments) for use in uses)
        return [ToolCallDelta(use) for use in uses]

    def end(self) -> list[Part]:
        """The events that the end of the stream completes.

        Raises:
            ProviderError: it ended neither with a finish reason nor with `[DONE]`: it was cut.
        """
        if self._chunks and not self._choices:
            raise failures.garbage(self._provider, "an answer without choices")
        if self.finish is None and not self.done:
            raise failures.closed(self._provider)
        events = self._close_calls()
        if self.finish is None:
            self.finish = "tool_calls" if self._called else "stop"
        return events

    @property
    def kept(self) -> Keeping:
        """What the model may want back with its calls."""
        keeping = Keeping()
        if self._called:
            for name, pieces in self._thoughts.items():
                keeping.own({name: "".join(pieces)})
        return keeping

    def usage(self, input_tokens: Tokens) -> Usage:
        """What the call took; by the length of the answer, with `input_tokens` for the request, where nobody said."""
        if self._usage is not None:
            return self._usage
        made, thought = Tokens(self._output_tokens), Tokens(self._reasoning_tokens)
        return Usage(input_tokens, made, reasoning=thought, estimated=True)


def content_text(content: object) -> str:
    """The text of `content`: a string, or parts as some providers send them."""
    return text(content) or "".join(text(obj(part).get("text")) for part in arr(content))


def read_usage(value: object) -> Usage | None:
    """A `usage` object; None where it is missing or not counts."""
    usage = obj(value)
    given, made = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    if given is None or made is None:
        return None
    details = obj(usage.get("prompt_tokens_details"))
    cached = min(count(details.get("cached_tokens")) or 0, given)
    kept = min(count(details.get("cache_write_tokens")) or 0, given - cached)
    reasoning = count(obj(usage.get("completion_tokens_details")).get("reasoning_tokens")) or 0
    return Usage(Tokens(given), Tokens(made), Tokens(cached), Tokens(min(reasoning, made)), cache_write=Tokens(kept))

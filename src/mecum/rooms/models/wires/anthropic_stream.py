"""Answers in Anthropic's wire, streamed or whole, as model events."""

from __future__ import annotations

from dataclasses import dataclass, field

from mecum.kit.errors import MecumError
from mecum.kit.types import Tokens
from mecum.rooms.models import FinishReason, ReasoningDelta, TextDelta, ToolCallDelta, ToolUse, Usage, failures
from mecum.rooms.models.tokens import estimate
from mecum.rooms.models.wires.answer_tool import AnswerTool
from mecum.rooms.models.wires.folding import Part
from mecum.rooms.models.wires.jsons import JsonObject, arr, count, dumps, loads, obj, text
from mecum.rooms.models.wires.keeping import Keeping

FINISHES: dict[str, FinishReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
"""Every other reason is a plain end."""
STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "overloaded_error": 529,
}
"""The status that an error would have had before the stream began."""
THOUGHTS = frozenset(("thinking", "redacted_thinking"))
"""Blocks that the model wants back as they were; the second kind can be read by nobody else."""
USAGE_FIELDS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")


@dataclass(slots=True)
class _Call:
    """A tool call whose input is still coming.

    Args:
        given: the input that stood in its beginning. streamed: its input has been passed on as the answer.
    """

    id: str
    name: str
    given: JsonObject
    pieces: list[str] = field(default_factory=list[str])
    streamed: bool = False

    def arguments(self) -> str:
        return "".join(self.pieces) or dumps(self.given).decode()


class AnthropicReader:
    """Folds the events of one answer.

    Args:
        provider: its name, for errors.
        answering: the tool whose input is the answer, under a schema.
        call_prefix: for ids of tool calls that come without one; unique per answer.
    """

    def __init__(self, provider: str, answering: AnswerTool | None, call_prefix: str) -> None:
        self.finish: FinishReason | None = None
        self.done = False
        self._provider = provider
        self._answering = answering
        self._call_prefix = call_prefix
        self._begun = False
        self._calls: dict[int, _Call] = {}
        self._thoughts: dict[int, JsonObject] = {}
        self.kept = Keeping()
        self._called = 0
        self._counts: dict[str, int] = {}
        self._thought: int | None = None
        self._written_tokens = 0
        self._reasoning_tokens = 0

    def feed(self, data: bytes) -> list[Part]:
        """The events in one message (the data of one server-sent event).

        Raises:
            MecumError: it is not JSON, or the provider says in it that it failed.
        """
        event = loads(data)
        if event is None:
            raise failures.garbage(self._provider, "a line that is not JSON")
        return self._event(obj(event))

    def _event(self, event: JsonObject) -> list[Part]:
        kind, index = text(event.get("type")), count(event.get("index")) or 0
        if kind == "error" or event.get("error"):
            raise self._error(obj(event.get("error")))
        if kind == "message_start":
            self._begun = True
            self._read_usage(obj(obj(event.get("message")).get("usage")))
        elif kind == "content_block_start":
            return self._started(index, obj(event.get("content_block")))
        elif kind == "content_block_delta":
            return self._delta(index, obj(event.get("delta")))
        elif kind == "content_block_stop":
            return self._close(index)
        elif kind == "message_delta":
            self._read_usage(obj(event.get("usage")))
            self._stopped(text(obj(event.get("delta")).get("stop_reason")))
        elif kind == "message_stop":
            self.done = True
        elif kind == "message":
            return self._whole(event)
        return []  # A ping, or a kind that came later: the wire wants those ignored.

    def end(self) -> list[Part]:
        """The events that the end of the stream completes.

        Raises:
            ProviderError: no answer, or one that was cut.
        """
        if not self._begun:
            raise failures.garbage(self._provider, "an answer without a message")
        if self.finish is None and not self.done:
            raise failures.closed(self._provider)
        events = [event for index in sorted(self._calls) for event in self._close(index)]
        self.finish = "tool_calls" if self._called else self.finish or "stop"
        return events

    def usage(self, input_tokens: Tokens) -> Usage:
        """What the call took; by the length of the answer, with `input_tokens` for the request, where nobody says."""
        made, thought = self._counts.get("output_tokens"), self._thought
        if made is None or "input_tokens" not in self._counts:
            written, reasoning = Tokens(self._written_tokens), Tokens(self._reasoning_tokens)
            return Usage(input_tokens, written, reasoning=reasoning, estimated=True)
        cached = self._counts.get("cache_read_input_tokens", 0)
        kept = self._counts.get("cache_creation_input_tokens", 0)
        given = self._counts["input_tokens"] + kept + cached
        reasoning = min(self._reasoning_tokens if thought is None else thought, made)
        return Usage(Tokens(given), Tokens(made), Tokens(cached), Tokens(reasoning), cache_write=Tokens(kept))

    def _started(self, index: int, block: JsonObject) -> list[Part]:
        if block.get("type") == "tool_use":
            call_id = text(block.get("id")) or f"{self._call_prefix}_{index}"
            self._calls[index] = _Call(call_id, text(block.get("name")), obj(block.get("input")))
            return []
        if block.get("type") in THOUGHTS:
            self._thoughts[index] = dict(block)
        return self._said(text(block.get("text"))) + self._reasoned(text(block.get("thinking")))

    def _delta(self, index: int, delta: JsonObject) -> list[Part]:
        call = self._calls.get(index)
        if call is None:
            if (thought := self._thoughts.get(index)) is not None:
                for name in ("thinking", "signature"):
                    thought[name] = text(thought.get(name)) + text(delta.get(name))
            return self._said(text(delta.get("text"))) + self._reasoned(text(delta.get("thinking")))
        piece = text(delta.get("partial_json"))
        if self._answers(call) and self._answering is not None and not self._answering.wrapped:
            call.streamed = True
            return self._said(piece)
        call.pieces.append(piece)
        return []

    def _close(self, index: int) -> list[Part]:
        thought, call = self._thoughts.pop(index, None), self._calls.pop(index, None)
        if thought is not None and (thought.get("signature") or thought.get("data")):
            self.kept.own(thought)
        if call is None:
            return []
        if self._answering is not None and self._answers(call):
            given = obj(loads(call.arguments().encode("utf-8", "replace")))
            return [] if call.streamed else self._said(self._answering.answer(given))
        self._called += 1
        self.kept.call()
        self._written_tokens += estimate(call.name + call.arguments())
        return [ToolCallDelta(ToolUse(call.id, call.name, call.arguments()))]

    def _answers(self, call: _Call) -> bool:
        """Whether what `call` is given is the answer itself."""
        return self._answering is not None and call.name == self._answering.spec.name

    def _said(self, said: str) -> list[Part]:
        if not said:
            return []
        self._written_tokens += estimate(said)
        self.kept.text(said)
        return [TextDelta(said)]

    def _reasoned(self, reasoning: str) -> list[Part]:
        self._written_tokens += estimate(reasoning)
        self._reasoning_tokens += estimate(reasoning)
        return [ReasoningDelta(reasoning)] if reasoning else []

    def _stopped(self, reason: str) -> None:
        if reason:
            self.finish = FINISHES.get(reason, "stop")

    def _whole(self, message: JsonObject) -> list[Part]:
        """A message that did not come as a stream."""
        self._begun = True
        self._read_usage(obj(message.get("usage")))
        events: list[Part] = []
        for index, block in enumerate(arr(message.get("content"))):
            events += self._started(index, obj(block)) + self._close(index)
        self._stopped(text(message.get("stop_reason")))
        return events

    def _read_usage(self, usage: JsonObject) -> None:
        """Counts are sums so far: the later one holds."""
        self._counts |= {name: said for name in USAGE_FIELDS if (said := count(usage.get(name))) is not None}
        thought = count(obj(usage.get("output_tokens_details")).get("thinking_tokens"))
        self._thought = self._thought if thought is None else thought

    def _error(self, error: JsonObject) -> MecumError:
        status = STATUSES.get(text(error.get("type")))
        if status is None:
            return failures.said_in_stream(self._provider, error)
        return failures.refused(self._provider, status, None, dumps({"error": error}))

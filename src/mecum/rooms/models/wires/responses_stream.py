"""Answers in the responses wire, streamed or whole, as model events (OpenAI API reference, streaming events)."""

from __future__ import annotations

from mecum.kit.errors import MecumError
from mecum.kit.types import Tokens
from mecum.rooms.models import FinishReason, ReasoningDelta, TextDelta, ToolCallDelta, ToolUse, Usage, failures
from mecum.rooms.models.tokens import estimate
from mecum.rooms.models.wires.folding import Part
from mecum.rooms.models.wires.jsons import JsonObject, arr, count, dumps, loads, obj, text
from mecum.rooms.models.wires.keeping import Keeping

DONE = b"[DONE]"
ENDS = frozenset(("response.completed", "response.incomplete", "response.failed"))
INCOMPLETE: dict[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}
SAID = frozenset(("response.output_text.delta", "response.refusal.delta"))
THOUGHT = frozenset(("response.reasoning_summary_text.delta", "response.reasoning_text.delta"))
NEXT_THOUGHT = frozenset(("response.reasoning_summary_part.added", "response.content_part.added"))
BREAK = "\n\n"
STATUSES = {"rate_limit_exceeded": 429, "insufficient_quota": 429, "server_is_overloaded": 503}
"""The status that an error would have had before the stream began."""
FAILED = frozenset(("", "server_error", "vector_store_timeout"))
"""Codes of errors that the next try may not have; all others say something of the request."""


class ResponseReader:
    """Folds the events of one answer. An item that came without its pieces is read when it is done, or at the end.

    Args:
        provider: its name, for errors.
        call_prefix: for ids of calls that come without one; unique per answer.
    """

    def __init__(self, provider: str, call_prefix: str) -> None:
        self.finish: FinishReason | None = None
        self.done = False
        self.kept = Keeping()
        self._provider = provider
        self._call_prefix = call_prefix
        self._begun = False
        self._read: set[int] = set()
        self._streamed: set[int] = set()
        self._called = 0
        self._refused = False
        self._thinking = False
        self._usage: Usage | None = None
        self._written_tokens = 0
        self._reasoning_tokens = 0

    def feed(self, data: bytes) -> list[Part]:
        """The events in one message (the data of one server-sent event), or in a whole response.

        Raises:
            MecumError: it is not JSON, or the provider says in it that it failed.
        """
        if data.strip() == DONE:
            return []
        event = loads(data)
        if event is None:
            raise failures.garbage(self._provider, "a line that is not JSON")
        return self._event(obj(event))

    def _event(self, event: JsonObject) -> list[Part]:
        kind, place = text(event.get("type")), count(event.get("output_index")) or 0
        if kind == "error" or (event.get("error") and not event.get("object")):
            raise self._error(obj(event.get("error")) or event)
        if event.get("object") == "response":
            return self._ended(event)
        if kind in ENDS:
            return self._ended(obj(event.get("response")))
        if kind.startswith("response."):
            self._begun = True
        if kind in SAID:
            self._streamed.add(place)
            return self._say(text(event.get("delta")), refused=kind == "response.refusal.delta")
        if kind in THOUGHT:
            self._streamed.add(place)
            return self._think(text(event.get("delta")))
        if kind == "response.output_item.added" or kind in NEXT_THOUGHT:
            self._thinking = False
        elif kind == "response.output_item.done":
            return self._item(place, obj(event.get("item")))
        return []  # What is told twice, or a kind that came later.

    def end(self) -> list[Part]:
        """The stream has ended: nothing is left to say.

        Raises:
            ProviderError: without an answer, or in the middle of one.
        """
        if not self._begun:
            raise failures.garbage(self._provider, "an answer without a response")
        if not self.done:
            raise failures.closed(self._provider)
        return []

    def usage(self, input_tokens: Tokens) -> Usage:
        """What the call took; by the length of the answer, with `input_tokens` for the request, where nobody says."""
        written, thought = Tokens(self._written_tokens), Tokens(self._reasoning_tokens)
        return self._usage or Usage(input_tokens, written, reasoning=thought, estimated=True)

    def _item(self, place: int, item: JsonObject) -> list[Part]:
        """An item that is whole. What of it came in pieces is not told again."""
        if place in self._read:
            return []
        self._read.add(place)
        kind, is_new = text(item.get("type")), place not in self._streamed
        if kind == "function_call":
            return self._call(item, place)
        if kind == "reasoning":
            return self._reasoned(item, is_new=is_new)
        if kind != "message":
            return []
        parts = [obj(part) for part in arr(item.get("content"))]
        said = [(text(part.get("text")), text(part.get("refusal"))) for part in parts]
        self._refused = self._refused or any(refusal for _, refusal in said)
        self.kept.text("".join(words or refusal for words, refusal in said))
        return [event for words, refusal in said for event in self._say(words or refusal)] if is_new else []

    def _call(self, item: JsonObject, place: int) -> list[Part]:
        use = ToolUse(
            text(item.get("call_id")) or f"{self._call_prefix}_{place}",
            text(item.get("name")),
            text(item.get("arguments")) or "{}",
        )
        self._called += 1
        self._written_tokens += estimate(use.name + use.arguments)
        self.kept.call()
        return [ToolCallDelta(use)]

    def _reasoned(self, item: JsonObject, *, is_new: bool) -> list[Part]:
        if text(item.get("encrypted_content")):
            names = ("id", "type", "summary", "encrypted_content")
            self.kept.own({name: item[name] for name in names if name in item})
        if not is_new:
            return []
        events: list[Part] = []
        for part in arr(item.get("summary")) or arr(item.get("content")):
            self._thinking = False
            events += self._think(text(obj(part).get("text")))
        return events

    def _say(self, said: str, *, refused: bool = False) -> list[Part]:
        self._refused = self._refused or (refused and bool(said))
        self._written_tokens += estimate(said)
        return [TextDelta(said)] if said else []

    def _think(self, thought: str) -> list[Part]:
        """A piece of a thought; each thought is a paragraph."""
        if not thought:
            return []
        begins = self._reasoning_tokens and not self._thinking
        self._thinking = True
        self._written_tokens += estimate(thought)
        self._reasoning_tokens += estimate(thought)
        return [ReasoningDelta(BREAK + thought if begins else thought)]

    def _ended(self, response: JsonObject) -> list[Part]:
        self._begun = True
        self._usage = read_usage(response.get("usage")) or self._usage
        status = text(response.get("status"))
        if status in ("failed", "cancelled"):
            raise self._error(obj(response.get("error")))
        events = [
            event for place, item in enumerate(arr(response.get("output"))) for event in self._item(place, obj(item))
        ]
        reason = text(obj(response.get("incomplete_details")).get("reason"))
        self.finish = "content_filter" if self._refused else "tool_calls" if self._called else "stop"
        if status == "incomplete":
            self.finish = INCOMPLETE.get(reason, "length")
        self.done = True
        return events

    def _error(self, error: JsonObject) -> MecumError:
        code = text(error.get("code")) or ""
        if code in FAILED:
            return failures.said_in_stream(self._provider, error)
        return failures.refused(self._provider, STATUSES.get(code, 400), None, dumps({"error": error}))


def read_usage(value: object) -> Usage | None:
    """A `usage` object of this wire; None where it is missing or not counts."""
    usage = obj(value)
    given, made = count(usage.get("input_tokens")), count(usage.get("output_tokens"))
    if given is None or made is None:
        return None
    details = obj(usage.get("input_tokens_details"))
    cached = min(count(details.get("cached_tokens")) or 0, given)
    kept = min(count(details.get("cache_write_tokens")) or 0, given - cached)
    thought = count(obj(usage.get("output_tokens_details")).get("reasoning_tokens")) or 0
    return Usage(Tokens(given), Tokens(made), Tokens(cached), Tokens(min(thought, made)), cache_write=Tokens(kept))

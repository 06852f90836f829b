"""Answers in Gemini's wire, streamed or whole, as model events."""

from __future__ import annotations

from mecum.kit.errors import MecumError
from mecum.kit.types import Tokens
from mecum.rooms.models import FinishReason, ReasoningDelta, TextDelta, ToolCallDelta, ToolUse, Usage, failures
from mecum.rooms.models.tokens import estimate
from mecum.rooms.models.wires.answer_tool import AnswerTool
from mecum.rooms.models.wires.folding import Part
from mecum.rooms.models.wires.jsons import JsonObject, arr, count, dumps, loads, obj, text
from mecum.rooms.models.wires.keeping import Keeping

FILTERED = frozenset(
    ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR")
)
BROKEN = frozenset(("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"))
"""The model lost its way: there is no answer, and the next try may well have one."""
SIGNATURE = "thoughtSignature"
UNSIGNED = "MISSING_THOUGHT_SIGNATURE"


class GeminiReader:
    """Folds the chunks of one answer.

    Args:
        provider: its name, for errors.
        answering: the tool whose input is the answer, under a schema.
        call_prefix: for ids of calls that come without one; unique per answer.
    """

    done = False
    """The end of the stream is the end of the answer."""

    def __init__(self, provider: str, answering: AnswerTool | None, call_prefix: str) -> None:
        self.finish: FinishReason | None = None
        self.signatures: dict[str, str] = {}
        self.kept = Keeping()
        self._provider = provider
        self._answering = answering
        self._call_prefix = call_prefix
        self._begun = False
        self._called = 0
        self._usage: Usage | None = None
        self._written_tokens = 0
        self._reasoning_tokens = 0

    def feed(self, data: bytes) -> list[Part]:
        """The events in one message: a chunk, or all of them in a list where there is no stream.

        Raises:
            MecumError: it is not JSON, or the provider says in it that it failed.
        """
        value = loads(data)
        if value is None:
            raise failures.garbage(self._provider, "a line that is not JSON")
        return [event for chunk in arr(value) or [value] for event in self._chunk(obj(chunk))]

    def _chunk(self, chunk: JsonObject) -> list[Part]:
        if chunk.get("error"):
            raise self._error(obj(chunk["error"]))
        self._usage = _read_usage(obj(chunk.get("usageMetadata"))) or self._usage
        if obj(chunk.get("promptFeedback")).get("blockReason"):
            self._begun, self.finish = True, "content_filter"
        candidates = arr(chunk.get("candidates"))
        if not candidates:
            return []
        self._begun = True
        candidate = obj(candidates[0])
        parts = arr(obj(candidate.get("content")).get("parts"))
        events = [event for part in parts for event in self._part(obj(part))]
        self._stopped(candidate)
        return events

    def end(self) -> list[Part]:
        """The stream has ended: nothing is left to say.

        Raises:
            ProviderError: without an answer, or in the middle of one.
        """
        if not self._begun:
            raise failures.garbage(self._provider, "an answer without candidates")
        if self.finish is None:
            raise failures.closed(self._provider)
        if self._called:
            self.finish = "tool_calls"
        return []

    def usage(self, input_tokens: Tokens) -> Usage:
        """What the call took; by the length of the answer, with `input_tokens` for the request, where nobody says."""
        written, thought = Tokens(self._written_tokens), Tokens(self._reasoning_tokens)
        return self._usage or Usage(input_tokens, written, reasoning=thought, estimated=True)

    def _part(self, part: JsonObject) -> list[Part]:
        call, said = obj(part.get("functionCall")), text(part.get("text"))
        signature = text(part.get(SIGNATURE))
        if call:
            return self._call(call, signature)
        self._written_tokens += estimate(said)
        if part.get("thought") is True:
            self._reasoning_tokens += estimate(said)
            return [ReasoningDelta(said)] if said else []
        if said or signature:
            # The signature of a text may come at its end, with a part that has none.
            self.kept.text(said, signed(signature))
        return [TextDelta(said)] if said else []

    def _call(self, call: JsonObject, signature: str) -> list[Part]:
        name, given = text(call.get("name")), obj(call.get("args"))
        arguments = dumps(given).decode()
        self._written_tokens += estimate(name + arguments)
        if self._answering is not None and name == self._answering.spec.name:
            answer = self._answering.answer(given)
            self.kept.text(answer)
            return [TextDelta(answer)]
        call_id = text(call.get("id")) or f"{self._call_prefix}_{self._called}"
        self._called += 1
        self.kept.call(signed(signature))
        if signature:
            self.signatures[call_id] = signature
        return [ToolCallDelta(ToolUse(call_id, name, arguments))]

    def _stopped(self, candidate: JsonObject) -> None:
        reason = text(candidate.get("finishReason"))
        message = f"{reason} {text(candidate.get('finishMessage'))}".strip()
        if reason in BROKEN:
            raise failures.said_in_stream(self._provider, {"message": message})
        if reason == UNSIGNED:
            # A refusal of the request, only later: it is understood as one.
            raise failures.refused(self._provider, 400, None, dumps({"message": message}))
        if reason:
            self.finish = "length" if reason == "MAX_TOKENS" else "content_filter" if reason in FILTERED else "stop"

    def _error(self, error: JsonObject) -> MecumError:
        status = count(error.get("code"))
        if status is None or not 400 <= status < 600:
            return failures.said_in_stream(self._provider, error)
        return failures.refused(self._provider, status, None, dumps({"error": error}))


def signed(signature: str) -> JsonObject:
    """What stands at a part that has a signature."""
    return {SIGNATURE: signature} if signature else {}


def _read_usage(usage: JsonObject) -> Usage | None:
    """A `usageMetadata` object, whose counts are sums so far; None where it is missing or not counts."""
    given = count(usage.get("promptTokenCount"))
    if given is None:
        return None
    given += count(usage.get("toolUsePromptTokenCount")) or 0
    thought = count(usage.get("thoughtsTokenCount")) or 0
    made = (count(usage.get("candidatesTokenCount")) or 0) + thought
    cached = min(count(usage.get("cachedContentTokenCount")) or 0, given)
    return Usage(Tokens(given), Tokens(made), Tokens(cached), Tokens(thought))

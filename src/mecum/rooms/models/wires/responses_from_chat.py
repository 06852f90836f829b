"""Chunks of the chat completions wire as events of the responses wire (OpenAI API reference, streaming events)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from mecum.kit.errors import MecumError
from mecum.rooms.models.wires.chat_stream import content_text
from mecum.rooms.models.wires.jsons import JsonObject, arr, count, obj, text

ItemKind: TypeAlias = Literal["message", "refusal", "reasoning", "function_call"]
STOPPED_EARLY = {"length": "max_output_tokens", "content_filter": "content_filter"}
PART_TYPES: dict[ItemKind, str] = {"message": "output_text", "refusal": "refusal", "reasoning": "reasoning_text"}
DELTA_EVENTS: dict[ItemKind, str] = {
    "message": "response.output_text",
    "refusal": "response.refusal",
    "reasoning": "response.reasoning_text",
    "function_call": "response.function_call_arguments",
}
ID_PREFIXES: dict[ItemKind, str] = {"message": "msg", "refusal": "msg", "reasoning": "rs", "function_call": "fc"}
WHOLE_FIELDS = {"message": "text", "refusal": "refusal", "reasoning": "text", "function_call": "arguments"}


def skeleton(body: Mapping[str, Any], response_id: str, created_at: int, *, store: bool) -> JsonObject:
    """The response object for a request, before anything was said.

    Args:
        body: the request as it came.
        created_at: Unix seconds.
        store: whether it will be kept.
    """
    reasoning = obj(body.get("reasoning"))
    return {
        "id": response_id,
        "object": "response",
        "created_at": created_at,
        "status": "in_progress",
        "background": body.get("background") is True,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": obj(body.get("metadata")),
        "model": text(body.get("model")),
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "service_tier": "default",
        "store": store,
        "temperature": body.get("temperature", 1.0),
        "text": obj(body.get("text")) or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": arr(body.get("tools")),
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation") or "disabled",
        "usage": None,
        "user": body.get("user"),
    }


@dataclass(slots=True)
class _Item:
    """An output item that is being written."""

    kind: ItemKind
    id: str
    index: int
    pieces: list[str] = field(default_factory=list[str])
    call_id: str = ""
    name: str = ""

    @property
    def whole(self) -> str:
        return "".join(self.pieces)

    def part(self, whole: str) -> JsonObject:
        part: JsonObject = {"type": PART_TYPES[self.kind], WHOLE_FIELDS[self.kind]: whole}
        return part | ({"annotations": [], "logprobs": []} if self.kind == "message" else {})

    def value(self, status: str) -> JsonObject:
        done = status != "in_progress"
        if self.kind == "function_call":
            arguments = self.whole if done else ""
            call = {"call_id": self.call_id, "name": self.name, "arguments": arguments}
            return {"id": self.id, "type": "function_call", "status": status, **call}
        content = [self.part(self.whole)] if done else []
        if self.kind == "reasoning":
            return {"id": self.id, "type": "reasoning", "status": status, "summary": [], "content": content}
        return {"id": self.id, "type": "message", "status": status, "role": "assistant", "content": content}


class ResponseWriter:
    """Folds the chunks of one answer into events; each event has its type and the next sequence number.

    Args:
        response: from `skeleton`; it grows with the answer.
    """

    def __init__(self, response: JsonObject) -> None:
        self.response = response
        self._number = 0
        self._items: list[_Item] = []
        self._open: _Item | None = None
        self._calls: dict[int, _Item] = {}
        self._finish = ""
        self._usage: JsonObject = {}

    def begin(self) -> list[JsonObject]:
        return [self._whole_event("response.created"), self._whole_event("response.in_progress")]

    def feed(self, chunk: JsonObject) -> list[JsonObject]:
        """The events in one chunk, streamed (`delta`) or whole (`message`)."""
        self._usage = obj(chunk.get("usage")) or self._usage
        choices = arr(chunk.get("choices"))
        if not choices:
            return []
        choice = obj(choices[0])
        delta = obj(choice.get("delta") or choice.get("message"))
        events = self._say("reasoning", text(delta.get("reasoning_content")) or text(delta.get("reasoning")))
        events += self._say("message", content_text(delta.get("content")))
        events += self._say("refusal", text(delta.get("refusal")))
        for place, call in enumerate(arr(delta.get("tool_calls"))):
            events += self._call(obj(call), place)
        self._finish = text(choice.get("finish_reason")) or self._finish
        return events

    def end(self) -> list[JsonObject]:
        """The events that complete the answer."""
        events = self._close_open()
        for item in self._calls.values():
            events += self._close(item)
        reason = STOPPED_EARLY.get(self._finish)
        self.response["status"] = "completed" if reason is None else "incomplete"
        self.response["incomplete_details"] = None if reason is None else {"reason": reason}
        self.response["usage"] = usage_of(self._usage)
        return [*events, self._whole_event(f"response.{self.response['status']}")]

    def fail(self, error: MecumError) -> list[JsonObject]:
        """The event that says that the answer failed; what was said until then stays in it, as incomplete."""
        for item in [*self._calls.values(), *([self._open] if self._open is not None else [])]:
            self.response["output"][item.index] = item.value("incomplete")
        self.response |= {"status": "failed", "error": error_of(error)}
        self.response["usage"] = usage_of(self._usage)
        return [self._whole_event("response.failed")]

    def _say(self, kind: ItemKind, piece: str) -> list[JsonObject]:
        if not piece:
            return []
        events: list[JsonObject] = []
        if self._open is None or self._open.kind != kind:
            events += self._close_open()
            self._open = self._new(kind)
            events.append(self._added(self._open))
            where = self._where(self._open)
            events.append(self._event("response.content_part.added", **where, part=self._open.part("")))
        self._open.pieces.append(piece)
        return [*events, self._delta(self._open, piece)]

    def _call(self, call: JsonObject, place: int) -> list[JsonObject]:
        function, events = obj(call.get("function")), list[JsonObject]()
        index = count(call.get("index"))
        index = place + len(self._calls) if index is None else index
        item = self._calls.get(index)
        if item is None:
            events += self._close_open()
            item = self._calls[index] = self._new("function_call")
            item.call_id = text(call.get("id")) or f"call_{item.id.removeprefix('fc_')}"
            item.name = text(function.get("name"))
            events.append(self._added(item))
        piece = text(function.get("arguments"))
        if piece:
            item.pieces.append(piece)
            events.append(self._delta(item, piece))
        return events

    def _new(self, kind: ItemKind) -> _Item:
        index = len(self._items)
        item = _Item(kind, f"{ID_PREFIXES[kind]}_{text(self.response['id']).partition('_')[2]}{index:02x}", index)
        self._items.append(item)
        self.response["output"].append(item.value("in_progress"))
        return item

    def _close_open(self) -> list[JsonObject]:
        item, self._open = self._open, None
        return [] if item is None else self._close(item)

    def _close(self, item: _Item) -> list[JsonObject]:
        where, whole = self._where(item), JsonObject({WHOLE_FIELDS[item.kind]: item.whole})
        if item.kind == "message":
            whole["logprobs"] = []
        elif item.kind == "function_call":
            whole["name"] = item.name
        events = [self._event(f"{DELTA_EVENTS[item.kind]}.done", **where, **whole)]
        if item.kind != "function_call":
            events.append(self._event("response.content_part.done", **where, part=item.part(item.whole)))
        value = self.response["output"][item.index] = item.value("completed")
        return [*events, self._event("response.output_item.done", output_index=item.index, item=value)]

    def _added(self, item: _Item) -> JsonObject:
        return self._event("response.output_item.added", output_index=item.index, item=item.value("in_progress"))

    def _delta(self, item: _Item, piece: str) -> JsonObject:
        more: JsonObject = {"logprobs": []} if item.kind == "message" else {}
        return self._event(f"{DELTA_EVENTS[item.kind]}.delta", **self._where(item), delta=piece, **more)

    def _where(self, item: _Item) -> JsonObject:
        where: JsonObject = {"item_id": item.id, "output_index": item.index}
        return where if item.kind == "function_call" else {**where, "content_index": 0}

    def _whole_event(self, kind: str) -> JsonObject:
        return self._event(kind, response={**self.response, "output": list(self.response["output"])})

    def _event(self, kind: str, **fields: Any) -> JsonObject:
        self._number += 1
        return {"type": kind, "sequence_number": self._number - 1, **fields}


def error_of(error: MecumError) -> JsonObject:
    """`error` inside a response object. Its code is one of a closed list, so our own stands in the message."""
    code = "rate_limit_exceeded" if error.status == 429 else "server_error"
    return {"code": code, "message": f"{error.detail} {error.hint} ({error.code})".strip()}


def usage_of(usage: Mapping[str, Any]) -> JsonObject | None:
    """A `usage` of the chat wire in the words of this one; None where it is missing."""
    given, made = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    if given is None or made is None:
        return None
    details = obj(usage.get("prompt_tokens_details"))
    cached, kept = count(details.get("cached_tokens")) or 0, count(details.get("cache_write_tokens")) or 0
    reasoning = count(obj(usage.get("completion_tokens_details")).get("reasoning_tokens")) or 0
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": kept},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": given + made,
    }

"""A model provider for tests that speaks Anthropic's messages; it answers and breaks as `FakeProvider` does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mecum.rooms.models.store.catalogue import ProviderKind
from tests.support.fake_provider import FakeProvider, Recorded
from tests.support.fake_replies import count_tokens, pieces
from tests.support.fake_wires import Answer, sse

STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
KINDS = {
    401: "authentication_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
CACHED, CACHE_MADE, CONTEXT = 7, 5, 200_000


class FakeAnthropic(FakeProvider):
    kind: ProviderKind = "anthropic"

    def key_in(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-api-key", "")

    def listed(self) -> dict[str, Any]:
        data = [
            {"type": "model", "id": name, "display_name": name, "max_input_tokens": CONTEXT, "max_tokens": 64_000}
            for name in self.models
        ]
        return {"data": data, "has_more": False, "first_id": self.models[0], "last_id": self.models[-1]}

    def frames(self, record: Recorded, answer: Answer) -> Iterator[bytes]:
        begun = {**self.whole(record, answer), "content": [], "stop_reason": None}
        if usage := begun.get("usage"):
            begun["usage"] = {**usage, "output_tokens": 1}
        yield _event("message_start", message=begun)
        for index, block in enumerate(_blocks(answer)):
            yield from _block_events(index, block, answer)
        stop = {"stop_reason": STOPS.get(answer.finish, answer.finish), "stop_sequence": None}
        usage = _usage(answer)
        yield _event("message_delta", delta=stop, **({} if usage is None else {"usage": usage}))
        yield _event("message_stop")

    def whole(self, record: Recorded, answer: Answer) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": f"msg_fake_{answer.number}",
            "type": "message",
            "role": "assistant",
            "model": answer.model,
            "content": _blocks(answer),
            "stop_reason": STOPS.get(answer.finish, answer.finish),
            "stop_sequence": None,
        }
        usage = _usage(answer)
        return body if usage is None else {**body, "usage": usage}

    def error_body(self, status: int, message: str) -> dict[str, Any]:
        kind = KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"}


def _usage(answer: Answer) -> dict[str, Any] | None:
    if answer.reply.usage == "missing":
        return None
    if answer.reply.usage == "wrong":
        return {"input_tokens": "many", "output_tokens": -5}
    return {
        "input_tokens": answer.prompt_tokens,
        "cache_creation_input_tokens": CACHE_MADE,
        "cache_read_input_tokens": CACHED,
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"thinking_tokens": count_tokens(answer.reasoning)},
    }


def _blocks(answer: Answer) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if answer.reasoning:
        blocks.append({"type": "thinking", "thinking": answer.reasoning, "signature": "c2ln"})
    if answer.text:
        blocks.append({"type": "text", "text": answer.text})
    for index, (name, arguments) in enumerate(answer.calls):
        # Arguments may be broken on purpose; only a stream can carry those.
        given = json.loads(arguments) if arguments.endswith("}") else {}
        blocks.append({"type": "tool_use", "id": f"toolu_{answer.number}_{index}", "name": name, "input": given})
    return blocks


def _block_events(index: int, block: dict[str, Any], answer: Answer) -> Iterator[bytes]:
    kind = block["type"]
    empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}[kind]
    yield _event("content_block_start", index=index, content_block={**block, **empty})
    yield _event("ping")
    if kind == "text":
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"], answer.reply.chunks)]
    elif kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"], 0)]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    else:
        arguments = answer.calls[int(block["id"].rpartition("_")[2])][1]
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces(arguments, 3)]]
        deltas = [delta for delta in deltas if delta["partial_json"] != "·"]
    for delta in deltas:
        yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _event(kind: str, **fields: Any) -> bytes:
    return sse({"type": kind, **fields}, kind)

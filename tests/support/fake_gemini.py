"""A model provider for tests that speaks Gemini's `generateContent`; it answers and breaks as `FakeProvider` does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from mecum.rooms.models.store.catalogue import ProviderKind
from tests.support.fake_provider import FakeProvider, Recorded
from tests.support.fake_replies import count_tokens, pieces
from tests.support.fake_wires import Answer, sse

STOPS = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
STATUSES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
ROLES = {"model": "assistant", "user": "user"}
CACHED, CONTEXT = 7, 1_048_576
SIGNATURE = "c2lnbmVk"


class FakeGemini(FakeProvider):
    kind: ProviderKind = "gemini"

    def asked(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        model, _, operation = unquote(path).partition("/models/")[2].partition(":")
        messages = [
            {"role": ROLES[content["role"]], "content": [part for part in content["parts"] if "text" in part]}
            for content in body["contents"]
        ]
        return {**body, "model": model, "stream": operation == "streamGenerateContent", "messages": messages}

    def key_in(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-goog-api-key", "")

    def listed(self) -> dict[str, Any]:
        listed = [
            {
                "name": f"models/{name}",
                "displayName": name,
                "inputTokenLimit": CONTEXT,
                "supportedGenerationMethods": ["embedContent" if "embed" in name else "generateContent"],
            }
            for name in self.models
        ]
        return {"models": listed}

    def frames(self, record: Recorded, answer: Answer) -> Iterator[bytes]:
        *first, last = _parts(answer) or [{"text": ""}]
        for part in first:
            yield sse(_chunk(answer, [part]))
        yield sse(_chunk(answer, [last], STOPS.get(answer.finish, answer.finish)))

    def whole(self, record: Recorded, answer: Answer) -> dict[str, Any]:
        return _chunk(answer, _parts(answer), STOPS.get(answer.finish, answer.finish))

    def error_body(self, status: int, message: str) -> dict[str, Any]:
        if status == 401:
            details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
            return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT", "details": details}}
        return {"error": {"code": status, "message": message, "status": STATUSES.get(status, "INTERNAL")}}


def _parts(answer: Answer) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"text": piece, "thought": True} for piece in pieces(answer.reasoning, 0)]
    parts += [{"text": piece} for piece in pieces(answer.text, answer.reply.chunks)]
    if answer.reasoning and not answer.calls:
        parts.append({"text": "", "thoughtSignature": SIGNATURE})
    for index, (name, arguments) in enumerate(answer.calls):
        part: dict[str, Any] = {"functionCall": {"name": name, "args": json.loads(arguments)}}
        parts.append(part | ({"thoughtSignature": SIGNATURE} if index == 0 else {}))
    return parts


def _chunk(answer: Answer, parts: list[dict[str, Any]], finish: str = "") -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    chunk = {"candidates": [candidate], "modelVersion": answer.model, "responseId": f"fake-{answer.number}"}
    if answer.reply.usage == "missing":
        return chunk
    if answer.reply.usage == "wrong":
        return {**chunk, "usageMetadata": {"promptTokenCount": "many", "candidatesTokenCount": -5}}
    thought = count_tokens(answer.reasoning)
    usage = {
        "promptTokenCount": answer.prompt_tokens + CACHED,
        "cachedContentTokenCount": CACHED,
        "candidatesTokenCount": answer.output_tokens - thought,
        "thoughtsTokenCount": thought,
    }
    return {**chunk, "usageMetadata": usage}

"""The fake provider's answers in OpenAI's two wires: chat completions and responses, streamed or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.support.fake_replies import Reply, count_tokens, pieces

CREATED = 1790000000
SEALED = "gAAAA_sealed_"
INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


@dataclass(frozen=True)
class Answer:
    """What is said in this round: the reply's text, or the tools it asks for."""

    number: int
    model: str
    text: str
    reasoning: str
    calls: Sequence[tuple[str, str]]
    finish: str
    prompt_tokens: int
    reply: Reply

    @cached_property
    def output_tokens(self) -> int:
        asked = [arguments for _, arguments in self.calls]
        return count_tokens([self.text, self.reasoning, *asked])

    def call_id(self, index: int) -> str:
        return f"call_{self.number}_{index}"


def dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def sse(value: Any, event: str = "") -> bytes:
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + dump(value) + b"\n\n"


def chat_usage(answer: Answer) -> dict[str, Any] | None:
    if answer.reply.usage == "missing":
        return None
    if answer.reply.usage == "wrong":
        return {"prompt_tokens": "many", "completion_tokens": -5, "total_tokens": None}
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.prompt_tokens + answer.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": count_tokens(answer.reasoning)},
    }


def chat_body(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.calls:
        message["tool_calls"] = [
            {"id": answer.call_id(index), "type": "function", "function": {"name": name, "arguments": arguments}}
            for index, (name, arguments) in enumerate(answer.calls)
        ]
    body: dict[str, Any] = {
        "id": f"chatcmpl-fake-{answer.number}",
        "object": "chat.completion",
        "created": CREATED,
        "model": answer.model,
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish, "logprobs": None}],
    }
    usage = chat_usage(answer)
    return body if usage is None else {**body, "usage": usage}


def chat_stream(answer: Answer, *, include_usage: bool) -> Iterator[bytes]:
    identity = f"chatcmpl-fake-{answer.number}"
    head = {"id": identity, "object": "chat.completion.chunk", "created": CREATED, "model": answer.model}

    def chunk(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        return sse({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    yield chunk({"role": "assistant", "content": ""})
    for piece in pieces(answer.reasoning, 0):
        yield chunk({"reasoning_content": piece})
    for piece in pieces(answer.text, answer.reply.chunks):
        yield chunk({"content": piece})
    for index, (name, arguments) in enumerate(answer.calls):
        call = {"index": index, "id": answer.call_id(index), "type": "function"}
        yield chunk({"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]})
        for piece in pieces(arguments, 3):
            if piece != "·":
                yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, answer.finish)
    usage = chat_usage(answer)
    if include_usage and usage is not None:
        yield sse({**head, "choices": [], "usage": usage})
    if answer.reply.done:
        yield b"data: [DONE]\n\n"


def response_usage(answer: Answer) -> dict[str, Any] | None:
    if answer.reply.usage == "missing":
        return None
    if answer.reply.usage == "wrong":
        return {"input_tokens": "many", "output_tokens": -5, "total_tokens": None}
    return {
        "input_tokens": answer.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"reasoning_tokens": count_tokens(answer.reasoning)},
        "total_tokens": answer.prompt_tokens + answer.output_tokens,
    }


def response_body(answer: Answer, status: str = "") -> dict[str, Any]:
    """A response object; output and usage only once it is over."""
    reason = INCOMPLETE.get(answer.finish)
    status = status or ("incomplete" if reason else "completed")
    is_over = status != "in_progress"
    return {
        "id": f"resp_fake_{answer.number}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "model": answer.model,
        "output": _output(answer) if is_over else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": {"reason": reason} if reason and is_over else None,
        "instructions": None,
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "usage": response_usage(answer) if is_over else None,
    }


def _output(answer: Answer) -> list[dict[str, Any]]:
    """The items of an answer, each whole."""
    items = [_reasoning_item(answer)] if answer.reasoning else []
    if answer.calls:
        return items + [_function_item(answer, index, "completed") for index in range(len(answer.calls))]
    return [*items, _message_item(answer, "completed", [_text_part(answer)])]


def response_stream(answer: Answer) -> Iterator[bytes]:
    number = 0

    def event(kind: str, **fields: Any) -> bytes:
        nonlocal number
        number += 1
        return sse({"type": kind, "sequence_number": number - 1, **fields}, kind)

    yield event("response.created", response=response_body(answer, "in_progress"))
    yield event("response.in_progress", response=response_body(answer, "in_progress"))
    for index, item in enumerate(_output(answer)):
        where = {"item_id": item["id"], "output_index": index}
        bare = {**item, "status": "in_progress"} | {name: "" for name in ("arguments",) if name in item}
        bare |= {name: [] for name in ("content", "summary") if name in item}
        yield event("response.output_item.added", output_index=index, item=bare)
        if item["type"] == "reasoning":
            at = {**where, "summary_index": 0}
            yield event("response.reasoning_summary_part.added", **at, part={"type": "summary_text", "text": ""})
            for piece in pieces(answer.reasoning, 0):
                yield event("response.reasoning_summary_text.delta", **at, delta=piece)
            yield event("response.reasoning_summary_text.done", **at, text=answer.reasoning)
        elif item["type"] == "function_call":
            arguments = item["arguments"]
            yield event("response.function_call_arguments.delta", **where, delta=arguments)
            yield event("response.function_call_arguments.done", **where, name=item["name"], arguments=arguments)
        else:
            yield from _said(answer, {**where, "content_index": 0}, event)
        yield event("response.output_item.done", output_index=index, item=item)
    whole = response_body(answer)
    yield event(f"response.{whole['status']}", response=whole)


def _said(answer: Answer, where: dict[str, Any], event: Callable[..., bytes]) -> Iterator[bytes]:
    """The pieces of a text, or of a refusal."""
    part = _text_part(answer)
    name, more = ("refusal", {}) if answer.finish == "refusal" else ("text", {"logprobs": []})
    kind = "response.refusal" if name == "refusal" else "response.output_text"
    yield event("response.content_part.added", **where, part={**part, name: ""})
    for piece in pieces(answer.text, answer.reply.chunks):
        yield event(f"{kind}.delta", **where, delta=piece, **more)
    yield event(f"{kind}.done", **where, **{name: answer.text}, **more)
    yield event("response.content_part.done", **where, part=part)


def _reasoning_item(answer: Answer) -> dict[str, Any]:
    """A thought, which comes sealed as well."""
    summary = [{"type": "summary_text", "text": answer.reasoning}]
    sealed = f"{SEALED}{answer.number}"
    return {"id": f"rs_fake_{answer.number}", "type": "reasoning", "summary": summary, "encrypted_content": sealed}


def _text_part(answer: Answer) -> dict[str, Any]:
    if answer.finish == "refusal":
        return {"type": "refusal", "refusal": answer.text}
    return {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}


def _message_item(answer: Answer, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    identity = f"msg_fake_{answer.number}"
    return {"id": identity, "type": "message", "status": status, "role": "assistant", "content": content}


def _function_item(answer: Answer, index: int, status: str) -> dict[str, Any]:
    name, arguments = answer.calls[index]
    return {
        "id": f"fc_fake_{answer.number}_{index}",
        "type": "function_call",
        "status": status,
        "call_id": answer.call_id(index),
        "name": name,
        "arguments": arguments,
    }


def told(path: str, body: Mapping[str, Any], said: Answer) -> tuple[int, int] | None:
    """The tokens that an answer to `body` named, if it did, and was one."""
    reply = said.reply
    if reply.garbage or (reply.line_bytes and body.get("stream")):
        return None
    is_told = bool((body.get("stream_options") or {}).get("include_usage")) or not body.get("stream")
    if reply.usage != "right" or not (is_told or path.endswith("/responses")):
        return None
    return said.prompt_tokens, said.output_tokens

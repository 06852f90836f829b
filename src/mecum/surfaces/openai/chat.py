"""`POST /v1/chat/completions` with model `mecum`: the entity in the shape of chat completions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any
from uuid import UUID

from mecum.kit.errors import MecumError
from mecum.kit.ids import created_s, new_id
from mecum.kit.types import Principal
from mecum.rooms.assistant import Assistant, Post, Posted
from mecum.surfaces.openai.following import Ended, Ping, Reasoning, Text, failure_of, follow
from mecum.surfaces.openai.requests import (
    EFFORTS,
    ChatRequest,
    Conversation,
    Image,
    conversation_of,
    json_schema_of,
    parse,
    refused,
)
from mecum.surfaces.openai.wire import error_body, sse

FINISH = {"stop": "stop", "length": "length", "tool_calls": "tool_calls", "limit": "length", "stopped": "stop"}


class EntityChat:
    def __init__(self, assistant: Assistant, model: str) -> None:
        self._assistant = assistant
        self._model = model

    async def start(self, caller: Principal, body: object, idempotency_key: str | None) -> tuple[ChatRequest, Posted]:
        """Take the request in: durable when it returns. Raises BadRequest, TooLarge, Unprocessable."""
        request = parse(ChatRequest, body)
        if request.n not in (None, 1):
            raise refused("n", "The entity gives one answer: n must be 1.")
        conversation = conversation_of(request.messages)
        post = await post_of(self._assistant, caller, conversation, idempotency_key, request)
        posted = await self._assistant.post_new(caller, post, origin="api", temporary=not request.store)
        return request, posted

    async def whole(self, caller: Principal, posted: Posted, request: ChatRequest) -> Mapping[str, Any]:
        """The completion object, once the answer is there. Raises what the run failed with."""
        result = await ended(self._assistant, caller, posted, stored=request.store)
        message: dict[str, Any] = {"role": "assistant", "content": result["text"] or None, "refusal": None}
        calls = tool_calls(result)
        if calls:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_of(result)}
        return {**self._head(posted, "chat.completion"), "choices": [choice], "usage": usage_of(result)}

    async def chunks(self, caller: Principal, posted: Posted, request: ChatRequest) -> AsyncGenerator[bytes, None]:
        """The stream. A caller that leaves before the end of a run that is not stored stops it."""
        finished = False
        try:
            yield self._chunk(posted, {"role": "assistant", "content": ""})
            async with aclosing(follow(self._assistant, caller, posted)) as followed:
                async for step in followed:
                    match step:
                        case Text(text):
                            yield self._chunk(posted, {"content": text})
                        case Reasoning(text):
                            yield self._chunk(posted, {"reasoning_content": text})
                        case Ping():
                            yield b": waiting\n\n"
                        case Ended(result):
                            finished = True
                            for part in self._end(posted, result, request.stream_options.include_usage):
                                yield part
        except MecumError as error:
            finished = True
            yield sse(error_body(error))
        finally:
            if not finished and not request.store:
                await self._assistant.stop(caller, posted.thread, posted.run)

    def _end(self, posted: Posted, result: Mapping[str, Any], with_usage: bool) -> list[bytes]:
        if (error := failure_of(result)) is not None:
            return [sse(error_body(error))]
        parts: list[bytes] = []
        calls = tool_calls(result)
        if calls:
            indexed = [{"index": i, **call} for i, call in enumerate(calls)]
            parts.append(self._chunk(posted, {"tool_calls": indexed}))
        parts.append(self._chunk(posted, {}, finish_of(result)))
        if with_usage:
            head = self._head(posted, "chat.completion.chunk")
            parts.append(sse({**head, "choices": [], "usage": usage_of(result)}))
        return [*parts, b"data: [DONE]\n\n"]

    def _chunk(self, posted: Posted, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return sse({**self._head(posted, "chat.completion.chunk"), "choices": [choice]})

    def _head(self, posted: Posted, kind: str) -> dict[str, Any]:
        run = posted.run
        return {"id": f"chatcmpl-{run.hex}", "object": kind, "created": created_s(run), "model": self._model}


async def post_of(
    assistant: Assistant,
    caller: Principal,
    conversation: Conversation,
    idempotency_key: str | None,
    request: ChatRequest,
) -> Post:
    """The post of a chat request; its pictures are taken in as files first."""
    files, history = await taken_in(assistant, caller, conversation)
    lent = [] if request.tool_choice == "none" else [tool.function.model_dump() for tool in request.tools]
    return Post(
        client_id=f"api:{idempotency_key or new_id().hex}",
        text=conversation.text,
        attachments=files,
        effort=EFFORTS.get(request.reasoning_effort or "", "auto"),
        instructions="\n\n".join(filter(None, conversation.instructions)),
        lent_tools=lent,
        tool_results=conversation.tool_results,
        history=history,
        unattended=True,
        max_tokens=request.max_completion_tokens or request.max_tokens,
        temperature=request.temperature,
        json_schema=json_schema_of(request.response_format),
        caller={"metadata": request.metadata or {}},
    )


async def taken_in(
    assistant: Assistant, caller: Principal, conversation: Conversation
) -> tuple[list[UUID], list[dict[str, Any]]]:
    """The pictures of a conversation, kept as files: those of what is to be answered, and the history with its own.

    Raises:
        TooLarge, TooMany: over a limit.
    """

    async def kept(images: Sequence[Image]) -> list[UUID]:
        return [(await assistant.add_file(caller, "image", data)).id for _, data in images]

    files = await kept(conversation.images)
    history: list[dict[str, Any]] = []
    for turn in conversation.history:
        item: dict[str, Any] = {"role": turn.role, "text": turn.text, "tool_uses": turn.tool_uses}
        if turn.tool_use_id:
            item["tool_use_id"] = turn.tool_use_id
        if turn.images:
            item["attachments"] = await kept(turn.images)
        history.append(item)
    return files, history


async def ended(assistant: Assistant, caller: Principal, posted: Posted, *, stored: bool) -> Mapping[str, Any]:
    """The run's result, once it is over. Raises what it failed with. Cancelled, it stops a run that is not stored."""
    try:
        async with aclosing(follow(assistant, caller, posted)) as followed:
            async for step in followed:
                if isinstance(step, Ended):
                    if (error := failure_of(step.result)) is not None:
                        raise error
                    return step.result
    except asyncio.CancelledError:
        if not stored:
            await assistant.stop(caller, posted.thread, posted.run)
        raise
    raise AssertionError("follow ends with Ended")


def finish_of(result: Mapping[str, Any]) -> str:
    return FINISH.get(str(result["finish"]), "stop")


def tool_calls(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Calls of the caller's own tools."""
    return [
        {"id": c["call"], "type": "function", "function": {"name": c["tool"], "arguments": c["arguments"]}}
        for c in result["tool_calls"]
    ]


def usage_of(result: Mapping[str, Any]) -> dict[str, Any]:
    usage = result["usage"]
    given, written = int(usage.get("input", 0)), int(usage.get("output", 0))
    return {
        "prompt_tokens": given,
        "completion_tokens": written,
        "total_tokens": given + written,
        "prompt_tokens_details": {"cached_tokens": int(usage.get("cached", 0))},
        "completion_tokens_details": {"reasoning_tokens": int(usage.get("reasoning", 0))},
    }

"""`POST /v1/chat/completions` with model `mecum`: the entity in the shape of chat completions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from mecum.kit.errors import MecumError
from mecum.kit.ids import created_s
from mecum.kit.types import Principal
from mecum.rooms.assistant import Assistant, Post, Posted
from mecum.surfaces.openai.choosing import chosen
from mecum.surfaces.openai.following import Ended, Ping, Reasoning, Text, failure_of, follow
from mecum.surfaces.openai.making import Answered, made
from mecum.surfaces.openai.repeating import Attempt, check_same
from mecum.surfaces.openai.requests import (
    EFFORTS,
    ChatRequest,
    Conversation,
    conversation_of,
    files,
    json_schema_of,
    parse,
    refused,
)
from mecum.surfaces.openai.wire import error_body, sse

FINISH = {"stop": "stop", "length": "length", "tool_calls": "tool_calls", "limit": "length", "stopped": "stop"}


class EntityChat:
    def __init__(self, assistant: Assistant, model: str, images_max: int) -> None:
        self._assistant = assistant
        self._model = model
        self._images_max = images_max

    async def start(self, caller: Principal, body: object, attempt: Attempt) -> tuple[ChatRequest, Posted]:
        """Take the request in: durable when it returns.

        Raises:
            BadRequest, TooLarge, Unprocessable: of the request. Conflict: the key was used for another one.
        """
        request = parse(ChatRequest, body)
        if request.n not in (None, 1):
            raise refused("n", "The entity gives one answer: n must be 1.")
        post = post_of(conversation_of(request.messages, self._images_max), attempt, request)
        posted = await self._assistant.post_new(caller, post, origin="api", temporary=not request.store)
        await check_same(self._assistant, caller, posted, attempt)
        return request, posted

    async def whole(self, caller: Principal, posted: Posted, request: ChatRequest) -> Answered:
        """The completion object, once the answer is there. Raises what the run failed with."""
        result = await ended(self._assistant, caller, posted, stored=request.store)
        message: dict[str, Any] = {"role": "assistant", "content": result["text"] or None, "refusal": None}
        calls = tool_calls(result)
        if calls:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_of(result)}
        whole = {**self._head(posted, "chat.completion"), "choices": [choice], "usage": usage_of(result)}
        return Answered(whole, made(result))

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


def post_of(conversation: Conversation, attempt: Attempt, request: ChatRequest) -> Post:
    """The post of a chat request. Raises BadRequest for a `tool_choice` that makes no sense."""
    choice = chosen(request.tool_choice, [tool.function.name for tool in request.tools])
    lent = [tool.function.model_dump() for tool in request.tools if tool.function.name in choice.offered]
    return Post(
        client_id=attempt.client_id,
        text=conversation.text,
        new_files=files(conversation.images),
        effort=EFFORTS.get(request.reasoning_effort or "", "auto"),
        instructions="\n\n".join(filter(None, conversation.instructions)),
        lent_tools=lent,
        must_call=choice.must_call,
        tool_results=conversation.tool_results,
        history=[turn.posted() for turn in conversation.history],
        unattended=True,
        max_tokens=request.max_completion_tokens or request.max_tokens,
        temperature=request.temperature,
        json_schema=json_schema_of(request.response_format),
        caller={"metadata": request.metadata or {}, **attempt.noted},
    )


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

"""`/v1/responses` with model `mecum`: the entity in the shape of responses. A stored one is a thread everywhere."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from mecum.kit.errors import BadRequest, MecumError, NotFound
from mecum.kit.http import require
from mecum.kit.ids import decode, encode
from mecum.kit.types import Principal
from mecum.rooms.assistant import Assistant, Post, Posted
from mecum.surfaces.openai.chat import ended, finish_of
from mecum.surfaces.openai.choosing import chosen
from mecum.surfaces.openai.following import Ended, Ping, Reasoning, Text, failure_of, follow
from mecum.surfaces.openai.items import asked_items, conversation_of_input, items_page
from mecum.surfaces.openai.making import Answered, made
from mecum.surfaces.openai.repeating import Attempt, check_same
from mecum.surfaces.openai.requests import (
    EFFORTS,
    Conversation,
    ResponsesRequest,
    ResponsesTool,
    files,
    json_schema_of,
    parse,
    refused,
)
from mecum.surfaces.openai.wire import error_object, event

ECHOED = ("instructions", "metadata", "temperature", "max_output_tokens", "previous_response_id", "background", "store")


@dataclass(frozen=True, slots=True)
class Found:
    """A stored response: its run, and what `Assistant.run_result` says of it."""

    run: UUID
    result: Mapping[str, Any]

    @property
    def posted(self) -> Posted:
        """The run from the beginning of its thread."""
        return Posted(self.result["thread"], self.result["parent"], self.run, 0, repeated=True)


class EntityResponses:
    def __init__(self, assistant: Assistant, model: str, images_max: int) -> None:
        self._assistant = assistant
        self._model = model
        self._images_max = images_max

    async def start(self, caller: Principal, body: object, attempt: Attempt) -> tuple[ResponsesRequest, Posted]:
        """Take the request in: durable when it returns.

        Raises:
            BadRequest, TooLarge, Unprocessable: of the request. NotFound: no such previous response.
            Conflict: the key was used for another request.
        """
        request = parse(ResponsesRequest, body)
        if request.background and not request.store:
            raise refused("background", "A background response must be stored: it could not be fetched otherwise.")
        if request.previous_response_id is not None and not request.store:
            raise refused("store", "What follows a stored response is stored with it.")
        post = post_of(conversation_of_input(request.input, self._images_max), attempt, request)
        if request.previous_response_id is None:
            posted = await self._assistant.post_new(caller, post, origin="api", temporary=not request.store)
        else:
            before = await self._before(caller, request.previous_response_id)
            posted = await self._assistant.post(caller, before["thread"], replace(post, parent=before["message"]))
        await check_same(self._assistant, caller, posted, attempt)
        return request, posted

    async def _before(self, caller: Principal, response_id: str) -> Mapping[str, Any]:
        found = await self.find(caller, response_id)
        if found is None:
            raise unknown_response(response_id, "previous_response_id")
        if found.result["state"] != "finished":
            raise refused("previous_response_id", "The previous response is not finished.")
        return found.result

    async def whole(self, caller: Principal, posted: Posted, request: ResponsesRequest) -> Answered:
        """The response object, once the answer is there. Raises what the run failed with."""
        result = await ended(self._assistant, caller, posted, stored=request.store)
        return Answered(self.render(posted.run, result), made(result))

    async def now(self, caller: Principal, run: UUID) -> Mapping[str, Any]:
        """The response object as it stands. Raises NotFound."""
        return self.render(run, await self._assistant.run_result(caller, run))

    async def find(self, caller: Principal, response_id: str) -> Found | None:
        """A stored response of the entity; None when there is none of that id, or it is not the caller's.

        What the person asked on another surface is no response, also where one knows the id of its run.
        """
        try:
            run = decode("resp", response_id)
            result = await self._assistant.run_result(caller, run)
        except (NotFound, BadRequest):
            return None
        return None if result["temporary"] or not result["caller"] else Found(run, result)

    async def cancel(self, caller: Principal, found: Found) -> Mapping[str, Any]:
        """Stop it where it is going on. The response object as it is then."""
        if await self._assistant.stop(caller, found.posted.thread, found.run):
            async with aclosing(follow(self._assistant, caller, found.posted)) as followed:
                async for _ in followed:
                    continue
        return await self.now(caller, found.run)

    async def delete(self, caller: Principal, found: Found) -> Mapping[str, Any]:
        """Delete the thread of a response.

        Raises:
            Forbidden: the person has gone on in it on another surface, and the key has not the scope `threads`.
        """
        if not await self._assistant.all_called(caller, found.posted.thread):
            require(caller, "threads")
        await self._assistant.delete_thread(caller, found.posted.thread)
        return {"id": f"resp_{found.run.hex}", "object": "response", "deleted": True}

    async def input_items(
        self, caller: Principal, found: Found, after: str | None, limit: int, order: str
    ) -> Mapping[str, Any]:
        """What was asked, newest first unless `order` is `asc`."""
        asked = await asked_items(self._assistant, caller, found.posted)
        return items_page(f"item_{found.run.hex}", asked, after, limit, order)

    def render(self, run: UUID, result: Mapping[str, Any]) -> dict[str, Any]:
        """The response object of a run in any state."""
        caller = dict(result["caller"])
        error = failure_of(result)
        status = status_of(result)
        usage = result["usage"]
        given, written = int(usage.get("input", 0)), int(usage.get("output", 0))
        return {
            "id": f"resp_{run.hex}",
            "object": "response",
            "created_at": int(result["created_at"].timestamp()),
            "status": status,
            "background": bool(caller.get("background")),
            "error": None if error is None else {"code": "server_error", "message": error_object(error)["message"]},
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "instructions": caller.get("instructions"),
            "max_output_tokens": caller.get("max_output_tokens"),
            "metadata": caller.get("metadata") or {},
            "model": self._model,
            "output": output_of(result) if status in ("completed", "incomplete", "cancelled") else [],
            "parallel_tool_calls": True,
            "previous_response_id": caller.get("previous_response_id"),
            "reasoning": {"effort": caller.get("effort"), "summary": None},
            "store": not result["temporary"],
            "temperature": caller.get("temperature"),
            "text": caller.get("text") or {"format": {"type": "text"}},
            "tool_choice": caller.get("tool_choice") or "auto",
            "tools": caller.get("tools") or [],
            "top_p": None,
            "truncation": "disabled",
            "usage": None
            if result["state"] != "finished"
            else {
                "input_tokens": given,
                "input_tokens_details": {"cached_tokens": int(usage.get("cached", 0))},
                "output_tokens": written,
                "output_tokens_details": {"reasoning_tokens": int(usage.get("reasoning", 0))},
                "total_tokens": given + written,
            },
        }

    async def events(
        self, caller: Principal, posted: Posted, *, stored: bool, after: int = -1
    ) -> AsyncGenerator[bytes, None]:
        """The stream, from the event after the number `after`.

        A caller that leaves a stored response loses nothing; one that is not stored is stopped.
        """
        writer = _Writer(self, posted, after)
        finished = False
        try:
            result = await self._assistant.run_result(caller, posted.run)
            for part in writer.begin(result):
                yield part
            async with aclosing(follow(self._assistant, caller, posted)) as followed:
                async for step in followed:
                    match step:
                        case Text(text):
                            for part in writer.text(text):
                                yield part
                        case Reasoning():
                            continue
                        case Ping():
                            yield b": waiting\n\n"
                        case Ended(result):
                            finished = True
                            for part in writer.end(result):
                                yield part
        except MecumError as error:
            finished = True
            for part in writer.error(error):
                yield part
        finally:
            if not finished and not stored:
                await self._assistant.stop(caller, posted.thread, posted.run)


def post_of(conversation: Conversation, attempt: Attempt, request: ResponsesRequest) -> Post:
    """The post of a request. Raises BadRequest for a `tool_choice` that makes no sense."""
    choice = chosen(request.tool_choice, [tool.name for tool in request.tools])
    lent = [tool for tool in request.tools if tool.name in choice.offered]
    effort = str((request.reasoning or {}).get("effort") or "")
    shown = {
        **request.model_dump(include=set(ECHOED)),
        "tools": [tool.model_dump() for tool in request.tools],
        "tool_choice": choice.shown,
        "effort": effort if effort in EFFORTS else None,
        "text": request.text,
    }
    return Post(
        client_id=attempt.client_id,
        text=conversation.text,
        new_files=files(conversation.images),
        effort=EFFORTS.get(effort, "auto"),
        instructions="\n\n".join(filter(None, [request.instructions or "", *conversation.instructions])),
        lent_tools=[_lent(tool) for tool in lent],
        must_call=choice.must_call,
        tool_results=conversation.tool_results,
        history=[turn.posted() for turn in conversation.history],
        unattended=True,
        keeps_questions=True,
        max_tokens=request.max_output_tokens,
        temperature=request.temperature,
        json_schema=json_schema_of((request.text or {}).get("format")),
        caller={**shown, **attempt.noted},
    )


class _Writer:
    """The events of a response stream, those after the number `after`.

    A piece of text has the number of its last character, so that the same event has the same number in every stream of
    a response, however its text comes in pieces.
    """

    def __init__(self, responses: EntityResponses, posted: Posted, after: int) -> None:
        self._responses = responses
        self._run = posted.run
        self._after = after
        self._number = -1
        self._message = ""
        self._text = ""

    def _event(self, type_: str, **fields: Any) -> list[bytes]:
        self._number += 1
        if self._number <= self._after:
            return []
        return [event({"type": type_, "sequence_number": self._number, **fields})]

    def begin(self, result: Mapping[str, Any]) -> list[bytes]:
        self._message = encode("msg", result["message"])
        rendered: dict[str, Any] = {
            **self._responses.render(self._run, result),
            "status": "in_progress",
            "output": [],
            "usage": None,
        }
        created = self._event("response.created", response=rendered)
        return created + self._event("response.in_progress", response=rendered)

    def _place(self) -> dict[str, Any]:
        return {"item_id": self._message, "output_index": 0, "content_index": 0}

    def text(self, text: str) -> list[bytes]:
        parts: list[bytes] = []
        if not self._text:
            item: dict[str, Any] = {
                "id": self._message,
                "type": "message",
                "status": "in_progress",
                "role": "assistant",
                "content": [],
            }
            parts += self._event("response.output_item.added", output_index=0, item=item)
            empty: dict[str, Any] = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            parts += self._event("response.content_part.added", **self._place(), part=empty)
        self._text += text
        self._number += len(text) - 1
        new = text[-max(1, self._number + 1 - self._after) :]
        return parts + self._event("response.output_text.delta", **self._place(), delta=new, logprobs=[])

    def end(self, result: Mapping[str, Any]) -> list[bytes]:
        rendered = self._responses.render(self._run, result)
        if rendered["status"] == "failed":
            return self._event("response.failed", response=rendered)
        parts: list[bytes] = []
        for index, item in enumerate(rendered["output"]):
            if item["type"] == "message":
                item["id"] = self._message
                content = item["content"][0]
                done: dict[str, Any] = {**self._place(), "text": content["text"], "logprobs": []}
                parts += self._event("response.output_text.done", **done)
                parts += self._event("response.content_part.done", **self._place(), part=content)
            else:
                parts += self._function_call(index, item)
            parts += self._event("response.output_item.done", output_index=index, item=item)
        kind = "incomplete" if rendered["status"] == "incomplete" else "completed"
        return parts + self._event(f"response.{kind}", response=rendered)

    def _function_call(self, index: int, item: Mapping[str, Any]) -> list[bytes]:
        begun = {**item, "arguments": "", "status": "in_progress"}
        where = {"item_id": item["id"], "output_index": index}
        arguments = item["arguments"]
        return [
            *self._event("response.output_item.added", output_index=index, item=begun),
            *self._event("response.function_call_arguments.delta", **where, delta=arguments),
            *self._event("response.function_call_arguments.done", **where, name=item["name"], arguments=arguments),
        ]

    def error(self, error: MecumError) -> list[bytes]:
        found = error_object(error)
        return self._event("error", code=found["code"], message=found["message"], param=found["param"])


def _lent(tool: ResponsesTool) -> Mapping[str, Any]:
    return {"name": tool.name, "description": tool.description or "", "parameters": tool.parameters or {}}


def unknown_response(response_id: str, param: str | None = None) -> NotFound:
    return NotFound("openai.response_unknown", f"There is no response {response_id[:80]}.", params={"param": param})


def status_of(result: Mapping[str, Any]) -> str:
    if result["state"] != "finished":
        return "queued" if result["state"] == "queued" else "in_progress"
    match result["reason"]:
        case "stopped":
            return "cancelled"
        case "failed":
            return "failed"
        case "limit":
            return "incomplete"
        case _:
            return "incomplete" if finish_of(result) == "length" else "completed"


def output_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if result["text"]:
        content: dict[str, Any] = {"type": "output_text", "text": result["text"], "annotations": [], "logprobs": []}
        items.append(
            {
                "id": encode("msg", result["message"]),
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [content],
            }
        )
    return items + [_function_call(call) for call in result["tool_calls"]]


def _function_call(call: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": f"fc_{call['call'].removeprefix('call_')}",
        "type": "function_call",
        "status": "completed",
        "call_id": call["call"],
        "name": call["tool"],
        "arguments": call["arguments"],
    }

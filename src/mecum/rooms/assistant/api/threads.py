"""Threads, messages, runs, events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from mecum.kit.http import PAGE_SIZE, PAGE_SIZE_MAX, ChatCaller, TalkingCaller, ThreadsCaller
from mecum.kit.ids import decode
from mecum.kit.sse import encode_frame
from mecum.kit.streams import Streams
from mecum.kit.types import Principal
from mecum.rooms.assistant import Frame, Origin, Post
from mecum.rooms.assistant.face import AssistantRoom
from mecum.rooms.assistant.wire import render_event, render_posted, render_thread

SEQ_MAX = 2**53
"""Numbers beyond it are not exact in JavaScript."""
Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)]
Cursor = Annotated[str | None, Query(max_length=500)]
Effort = Literal["auto", "fast", "think"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewThreadBody(Strict):
    title: str = Field("", max_length=200)
    temporary: bool = False


class ChangeThreadBody(Strict):
    title: str | None = Field(None, max_length=200)
    pinned: bool | None = None
    archived: bool | None = None


class MessageBody(Strict):
    client_id: str = Field(min_length=1, max_length=100)
    text: str = ""
    attachments: list[str] = Field(default_factory=list, max_length=100)
    parent: str | None = None
    effort: Effort = "auto"
    model: str | None = Field(None, max_length=200)
    interrupt: bool = False


class NewMessageBody(MessageBody):
    temporary: bool = False


class RegenerateBody(Strict):
    client_id: str = Field(min_length=1, max_length=100)
    effort: Effort = "auto"
    model: str | None = Field(None, max_length=200)


class BranchBody(Strict):
    message: str


class StopBody(Strict):
    run: str | None = None


class AnswerBody(Strict):
    answer: dict[str, Any]


class FeedbackBody(Strict):
    value: Literal["up", "down", "none"]
    reason: str = Field("", max_length=2_000)


class BackgroundBody(Strict):
    client_id: str | None = Field(None, min_length=1, max_length=100)
    text: str = Field(min_length=1)


def thread_id(text: str) -> UUID:
    return decode("thr", text)


def _post(body: MessageBody) -> Post:
    return Post(
        client_id=body.client_id,
        text=body.text,
        attachments=[decode("att", item) for item in body.attachments],
        parent=None if body.parent is None else decode("msg", body.parent),
        from_start="parent" in body.model_fields_set and body.parent is None,
        model=body.model,
        effort=body.effort,
        interrupt=body.interrupt,
    )


def build_router(room: AssistantRoom, streams: Streams) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["threads"])
    _list_routes(router, room)
    _thread_routes(router, room)
    _message_routes(router, room)
    _event_routes(router, room, streams)
    return router


def _list_routes(router: APIRouter, room: AssistantRoom) -> None:
    @router.get("/threads")
    async def list_threads(
        caller: ThreadsCaller,
        cursor: Cursor = None,
        limit: Limit = PAGE_SIZE,
        origin: Origin | None = None,
        archived: bool = False,
        deleted: bool = False,
    ) -> JSONResponse:
        """Your threads in this space, pinned ones first, then newest first. `origin=api` lists those of API callers,
        `deleted=true` those of all kinds that can still be restored.
        """
        page = await room.threads(caller, cursor=cursor, limit=limit, origin=origin, archived=archived, deleted=deleted)
        return JSONResponse({"items": [render_thread(item) for item in page.items], "next": page.next})

    @router.post("/threads", status_code=201)
    async def create_thread(caller: ThreadsCaller, body: NewThreadBody) -> JSONResponse:
        """Make an empty thread. A temporary one is listed nowhere and erased some hours after its last answer."""
        made = await room.create_thread(caller, title=body.title, temporary=body.temporary)
        return JSONResponse(render_thread(made), 201)


def _thread_routes(router: APIRouter, room: AssistantRoom) -> None:
    @router.get("/threads/{thread}")
    async def get_thread(caller: ThreadsCaller, thread: str) -> JSONResponse:
        """One thread."""
        return JSONResponse(render_thread(await room.thread(caller, thread_id(thread))))

    @router.patch("/threads/{thread}")
    async def change_thread(caller: ThreadsCaller, thread: str, body: ChangeThreadBody) -> JSONResponse:
        """Rename, pin or archive a thread."""
        changed = await room.change_thread(
            caller, thread_id(thread), title=body.title, pinned=body.pinned, archived=body.archived
        )
        return JSONResponse(render_thread(changed))

    @router.delete("/threads/{thread}", status_code=204)
    async def delete_thread(caller: ThreadsCaller, thread: str) -> Response:
        """Delete a thread. It can be restored for some days, then it is erased for good."""
        await room.delete_thread(caller, thread_id(thread))
        return Response(status_code=204)

    @router.post("/threads/{thread}/restore")
    async def restore_thread(caller: ThreadsCaller, thread: str) -> JSONResponse:
        """Undo a deletion."""
        return JSONResponse(render_thread(await room.restore_thread(caller, thread_id(thread))))

    @router.post("/threads/{thread}/read", status_code=204)
    async def mark_read(caller: ThreadsCaller, thread: str) -> Response:
        """Say that you have seen everything in a thread."""
        await room.mark_read(caller, thread_id(thread))
        return Response(status_code=204)

    @router.post("/threads/{thread}/branch", status_code=204)
    async def select_branch(caller: ThreadsCaller, thread: str, body: BranchBody) -> Response:
        """Show the branch that a message is in, on every surface."""
        await room.select_branch(caller, thread_id(thread), decode("msg", body.message))
        return Response(status_code=204)


def _message_routes(router: APIRouter, room: AssistantRoom) -> None:
    @router.post("/messages", status_code=202)
    async def post_first_message(caller: ChatCaller, body: NewMessageBody) -> JSONResponse:
        """Write the first message of a new thread. The same `client_id` again is the same message."""
        origin: Origin = "terminal" if caller.surface == "terminal" else "chat"
        posted = await room.post_new(caller, _post(body), origin=origin, temporary=body.temporary)
        return JSONResponse(render_posted(posted), 202)

    @router.post("/threads/{thread}/messages", status_code=202)
    async def post_message(caller: TalkingCaller, thread: str, body: MessageBody) -> JSONResponse:
        """Write a message; it is durable when this answers. The same `client_id` again is the same message.

        Without `parent` it follows the newest message of the selected branch; with `null` it begins a new branch.
        """
        return JSONResponse(render_posted(await room.post(caller, thread_id(thread), _post(body))), 202)

    @router.post("/threads/{thread}/messages/{message}/regenerate", status_code=202)
    async def regenerate(caller: TalkingCaller, thread: str, message: str, body: RegenerateBody) -> JSONResponse:
        """Answer again what an answer answered, as a sibling branch."""
        post = Post(client_id=body.client_id, text="", effort=body.effort, model=body.model)
        posted = await room.regenerate(caller, thread_id(thread), decode("msg", message), post)
        return JSONResponse(render_posted(posted), 202)

    @router.post("/threads/{thread}/stop")
    async def stop_run(caller: TalkingCaller, thread: str, body: StopBody) -> JSONResponse:
        """Stop the answer that is being written. Its text so far is kept."""
        run = None if body.run is None else decode("run", body.run)
        return JSONResponse({"stopped": await room.stop(caller, thread_id(thread), run)})

    @router.post("/threads/{thread}/waits/{wait}", status_code=204)
    async def answer_wait(caller: TalkingCaller, thread: str, wait: str, body: AnswerBody) -> Response:
        """Answer a question that a run waits with; see `run.waiting` in the description of events."""
        await room.answer(caller, thread_id(thread), decode("wai", wait), body.answer)
        return Response(status_code=204)

    @router.put("/threads/{thread}/messages/{message}/feedback", status_code=204)
    async def give_feedback(caller: TalkingCaller, thread: str, message: str, body: FeedbackBody) -> Response:
        """Say whether an answer was good, and why."""
        await room.feedback(caller, thread_id(thread), decode("msg", message), body.value, body.reason)
        return Response(status_code=204)

    @router.post("/background", status_code=202)
    async def start_background(caller: ChatCaller, body: BackgroundBody) -> JSONResponse:
        """Have something done without waiting for it; the bell tells when it is done.

        The same `client_id` again is the same work; without one, each call is new work.
        """
        return JSONResponse(render_posted(await room.background(caller, body.text, body.client_id)), 202)


class _Follows(Protocol):
    def follow(self, principal: Principal, thread: UUID, *, position: str = "0") -> AsyncGenerator[Frame, None]: ...


def _event_routes(router: APIRouter, room: AssistantRoom, streams: Streams) -> None:
    @router.get(
        "/threads/{thread}/events",
        response_model=None,
        responses={200: {"content": {"text/event-stream": {}}, "description": "The events."}},
    )
    async def read_events(
        request: Request,
        caller: ThreadsCaller,
        thread: str,
        after: Annotated[int, Query(ge=0, le=SEQ_MAX)] = 0,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
        stream: bool = False,
        position: Annotated[str | None, Query(max_length=60)] = None,
        last_event_id: Annotated[str | None, Header(max_length=60)] = None,
    ) -> Response:
        """The log of a thread after a number; with `stream=true` or `Accept: text/event-stream` also what comes, live.

        A client that reconnects with `Last-Event-ID` or `position` gets exactly what it lacks.
        """
        place = thread_id(thread)
        if stream or "text/event-stream" in request.headers.get("accept", ""):
            await room.thread_exists(caller, place)
            start = last_event_id or position or str(after)
            return streams.response(caller, "thread", _frames(room, caller, place, start))
        page = await room.events(caller, place, after=after, limit=limit)
        return JSONResponse({"items": [render_event(event) for event in page.items], "next": page.next})


async def _frames(room: _Follows, caller: Principal, thread: UUID, position: str) -> AsyncGenerator[bytes, None]:
    async with aclosing(room.follow(caller, thread, position=position)) as frames:
        async for frame in frames:
            yield encode_frame(frame.kind, frame.json, frame.position)

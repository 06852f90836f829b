"""assistant: threads (logs of events), durable runs, the loop, background and scheduled work.

This file is the room's face: what others may know and call. The events of a thread are described in `events.py` of
this room and in `docs/events.md`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

from mecum.kit.types import Page, Principal

__all__ = [
    "Assistant",
    "Event",
    "Frame",
    "NewFile",
    "NoRecall",
    "NoReview",
    "Origin",
    "Post",
    "Posted",
    "Recall",
    "Recalled",
    "Review",
    "Thread",
    "Verdict",
]

Origin: TypeAlias = Literal["chat", "api", "terminal", "background", "schedule"]


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread as listed. `state` says whether something is going on in it."""

    id: UUID
    title: str
    origin: Origin
    state: Literal["idle", "running", "waiting"]
    head_seq: int
    pinned: bool
    archived: bool
    temporary: bool
    unread: bool
    created_at: dt.datetime
    updated_at: dt.datetime
    deleted_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a thread's log. `payload` is None once it was erased."""

    seq: int
    id: UUID
    type: str
    v: int
    at: dt.datetime
    actor: str
    run: UUID | None
    message: UUID | None
    parent: UUID | None
    payload: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Frame:
    """What a reader of a thread gets.

    `position` goes into the SSE `id:`, "" where there is none; `json` is the encoded data.
    """

    kind: Literal["event", "delta", "checkpoint", "reset", "waiting", "ping"]
    position: str
    json: bytes


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that comes with a message: it is kept with the message, or not at all."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Post:
    """A message of the person.

    Args:
        client_id: chosen by the client; the same one again is the same message.
        attachments: ids of uploaded files. new_files: files that come with the message.
        parent: the message it follows, or None for the newest of the selected branch; an earlier one makes a branch.
        from_start: it follows nothing: a new branch from the beginning of the thread.
        interrupt: stop a run that is going on instead of joining it.
        instructions: an extra system text for this run only (API callers).
        lent_tools: function tools that the caller executes itself (`name`, `description`, `parameters`); a call of
            one ends the run with finish `tool_calls`, and the caller posts `tool_results`.
        must_call: names of lent tools, one of which is to be called; () leaves it to the model.
        tool_results: `call` and `text` of each lent call; then `text` may be empty.
        history: messages that were said before this one (`role`, `text`, `tool_uses`, `tool_use_id`, `attachments`,
            `new_files`).
        unattended: nobody is there to fill in a form: tools that ask the person are not offered.
        keeps_questions: raise Conflict where the thread waits for the person, instead of putting the question aside:
            for callers that do not show questions.
        caller: what a surface wants to find again with the run, e.g. the metadata of an API request.
    """

    client_id: str
    text: str
    attachments: Sequence[UUID] = ()
    new_files: Sequence[NewFile] = ()
    parent: UUID | None = None
    from_start: bool = False
    model: str | None = None
    effort: Literal["auto", "fast", "think"] = "auto"
    interrupt: bool = False
    instructions: str = ""
    lent_tools: Sequence[Mapping[str, Any]] = ()
    must_call: Sequence[str] = ()
    tool_results: Sequence[Mapping[str, str]] = ()
    history: Sequence[Mapping[str, Any]] = ()
    unattended: bool = False
    keeps_questions: bool = False
    caller: Mapping[str, Any] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    json_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """Where the message stands now: durable. `run` is the run that answers it (a new one, or the one it joined)."""

    thread: UUID
    message: UUID
    run: UUID
    seq: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class Recalled:
    """What memory gives to an answer: ready-made lines with their sources."""

    lines: tuple[str, ...]
    sources: tuple[str, ...]


class Recall(Protocol):
    """What the loop needs from memory; bound by the memory room."""

    async def recall(self, principal: Principal, text: str, token_budget: int) -> Recalled: ...


class NoRecall:
    async def recall(self, principal: Principal, text: str, token_budget: int) -> Recalled:
        return Recalled((), ())


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a call may leave: `allow`, `ask` (the person, by `question`) or `deny` (`reason` is for the model)."""

    decision: Literal["allow", "ask", "deny"]
    arguments: Mapping[str, Any]
    reason: str = ""
    question: Mapping[str, Any] | None = None


class Review(Protocol):
    """What the loop needs from discretion; bound by the discretion room."""

    async def review(
        self, principal: Principal, receiver: str, arguments: Mapping[str, Any], purpose: str
    ) -> Verdict: ...


class NoReview:
    """Allows all: for an installation without the discretion room."""

    async def review(self, principal: Principal, receiver: str, arguments: Mapping[str, Any], purpose: str) -> Verdict:
        return Verdict("allow", arguments)


class Assistant(Protocol):
    async def create_thread(
        self, principal: Principal, *, title: str = "", origin: Origin = "chat", temporary: bool = False
    ) -> Thread: ...

    async def threads(
        self,
        principal: Principal,
        *,
        cursor: str | None = None,
        limit: int = 50,
        origin: Origin | None = None,
        archived: bool = False,
        deleted: bool = False,
    ) -> Page[Thread]:
        """The caller's threads in this space, newest first, pinned before all; `deleted`: those to be restored."""
        ...

    async def thread(self, principal: Principal, thread: UUID) -> Thread:
        """Raises NotFound when it is not there, or not the caller's."""
        ...

    async def render(self, principal: Principal, thread: UUID) -> Mapping[str, Any]:
        """The thread as `/api` shows it, deleted ones with `deleted`. Raises NotFound."""
        ...

    async def post(self, principal: Principal, thread: UUID, post: Post) -> Posted:
        """Make the message durable and see that it is answered.

        Raises:
            NotFound: no such thread, parent or attachment. Gone: the thread was deleted. TooLarge: over a limit.
            TooMany: too many unfinished answers. Conflict: see `Post.keeps_questions`.
        """
        ...

    async def post_new(
        self, principal: Principal, post: Post, *, origin: Origin = "chat", temporary: bool = False, title: str = ""
    ) -> Posted:
        """The first message of a new thread: both are made together, once per client id."""
        ...

    async def delete_thread(self, principal: Principal, thread: UUID) -> None:
        """Put it away; it is erased after some days. Raises NotFound."""
        ...

    async def stop(self, principal: Principal, thread: UUID, run: UUID | None = None) -> bool:
        """Stop the run that is going on. False when none is."""
        ...

    async def answer(self, principal: Principal, thread: UUID, wait: UUID, answer: Mapping[str, Any]) -> None:
        """Answer a `run.waiting` question. Raises Conflict when it was answered already."""
        ...

    async def events(self, principal: Principal, thread: UUID, *, after: int = 0, limit: int = 200) -> Page[Event]: ...

    def follow(self, principal: Principal, thread: UUID, *, position: str = "0") -> AsyncGenerator[Frame, None]:
        """Log after `position`, then the checkpoint of a running answer, then live deltas; goes on until it is closed.

        `position` is `seq` or `seq:attempt:offset` as given in `Frame.position`. A `reset` frame tells the reader to
        drop the partial text that it holds: a checkpoint with the whole partial text follows.

        Raises:
            NotFound: no such thread. Unauthenticated, Forbidden: the caller's session or key has ended meanwhile, or
            the person is disabled.
        """
        ...

    async def run_result(self, principal: Principal, run: UUID) -> Mapping[str, Any]:
        """State and output of a run: keys `thread`, `message`, `state`, `reason`, `text`, `finish`, `tool_calls`,
        `usage`, `model`, `error`, `caller` (what was asked through `/v1`, empty for other surfaces), `created_at`,
        `finished_at`. Raises NotFound."""
        ...

    async def all_called(self, principal: Principal, thread: UUID) -> bool:
        """Whether all that was asked in a thread came through `/v1`. Raises NotFound."""
        ...

    async def background(self, principal: Principal, text: str, client_id: str | None = None) -> Posted:
        """Do this without a surface and tell the person when it is done.

        The same `client_id` again is the same work.
        """
        ...

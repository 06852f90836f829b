"""Taking a message in: durable, once, and answered by a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

from mecum.kit.db import AsyncConnection
from mecum.kit.errors import Conflict, Gone, NotFound, TooLarge, TooMany, Unprocessable
from mecum.kit.ids import new_id
from mecum.kit.room import Kit
from mecum.kit.text import searchable
from mecum.kit.types import Principal
from mecum.rooms.assistant import Origin, Post, Posted, Thread
from mecum.rooms.assistant.events import (
    HISTORY_GIVEN,
    MESSAGE_TOOL,
    MESSAGE_USER,
    RUN_ANSWERED,
    THREAD_CREATED,
    THREAD_TITLED,
    Draft,
)
from mecum.rooms.assistant.live import wake
from mecum.rooms.assistant.runner import ADVANCE, ask_to_stop
from mecum.rooms.assistant.service import first_title, fold_run
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.store import log, runs, threads
from mecum.rooms.assistant.store.log import Place
from mecum.rooms.assistant.store.runs import RunRow

WISHES = ("model", "effort", "instructions", "max_tokens", "temperature", "json_schema", "lent_tools", "must_call")
"""Options of a run by which two messages can't be answered together when they differ."""


class _Raced(Exception):
    """The same client id was posted by a parallel request, which won."""


@dataclass(frozen=True, slots=True)
class NewThread:
    """A thread to be made together with its first message."""

    origin: Origin = "chat"
    temporary: bool = False
    title: str = ""


class Attachments(Protocol):
    """Ties uploaded files to a message."""

    async def attach(
        self,
        connection: AsyncConnection,
        principal: Principal,
        place: Place,
        attachments: Sequence[UUID],
        message: UUID | None,
    ) -> list[dict[str, Any]]:
        """What the payload of `message` (None: of what was said before the thread) says about its files.

        Raises:
            NotFound: one is not the caller's.
        """
        ...


class Posting:
    def __init__(self, kit: Kit, settings: AssistantSettings, attachments: Attachments | None = None) -> None:
        self._kit = kit
        self._settings = settings
        self._attachments = attachments

    async def post(self, principal: Principal, where: UUID | NewThread, post: Post) -> Posted:
        """See `Assistant.post`. Durable when it returns."""
        check(post, self._settings)
        terms = await searchable(post.text)
        try:
            async with self._kit.db.transaction() as connection:
                before, open_runs = await threads.before_posting(connection, principal, post.client_id)
                if before is not None:
                    return before
                self._check_open(open_runs)
                done, place, stop = await self._write(connection, principal, where, post, terms)
        except _Raced:
            async with self._kit.db.transaction() as connection:
                before, _ = await threads.before_posting(connection, principal, post.client_id)
            if before is None:
                raise Conflict(
                    "assistant.post_raced", "The message was posted twice at the same moment.", retryable=True
                ) from None
            return before
        await wake(self._kit.bus, place.thread, place.person, done.seq)
        if stop is not None:
            await ask_to_stop(self._kit, stop)
        return done

    async def _write(
        self, connection: AsyncConnection, principal: Principal, where: UUID | NewThread, post: Post, terms: str
    ) -> tuple[Posted, Place, UUID | None]:
        now = self._kit.clock.now()
        drafts: list[Draft] = []
        answer = new_id()
        if isinstance(where, NewThread):
            place, thread = await self._create(connection, principal, where, post, answer, drafts), None
        else:
            thread = await threads.get(connection, principal, where, lock=True)
            place = Place(where, principal.person, principal.space, principal.organisation)
            _check_thread(thread)
        said_before = [await self._with_files(connection, principal, place, item) for item in post.history]
        if said_before and thread is None:
            drafts.append(Draft(HISTORY_GIVEN, {"messages": said_before}, "person"))
            said_before = []
        changes: dict[str, Any] = {}
        if thread is not None and post.text and not thread.title:
            changes["title"] = first_title(post.text)
            drafts.append(_titled(changes["title"]))
        active = await runs.open_run(connection, place.thread) if thread else None
        parent = await self._parent(connection, place.thread, post, active) if thread else None
        message = new_id()
        files = await self._attach(connection, principal, place, post.attachments, message)
        options = run_options(post, temporary=thread.temporary if thread else _is_temporary(where))
        joins = active is not None and await self._joins(connection, place.thread, active, parent, options)
        run = active.id if joins and active else new_id()
        draft = replace(_message(principal, post, message, parent, files, said_before), terms=terms)
        drafts.append(draft if joins else replace(draft, run=run))
        events = await log.append(connection, place, drafts, now)
        done = Posted(place.thread, message, run, events[-1].seq, repeated=False)
        if not await threads.remember_posted(connection, place, post.client_id, done, now):
            raise _Raced
        if not joins:
            await runs.create(
                connection, place, run_id=run, answer_message=answer, answer_parent=message,
                surface=principal.surface, key=principal.paying_key, options=options, now=now,
            )  # fmt: skip
        if thread is not None:
            changes |= {"selected_message": message if joins else answer, "archived": False}
            if active is None or active.state != "waiting":
                changes["state"] = "running"
            await threads.change(connection, place.thread, **changes)
        stop = await self._disturb(connection, place, post, active, joins) if active else None
        await self._kit.jobs.defer(connection, ADVANCE, lock=place.thread.hex, run=run.hex)
        return done, place, stop

    async def _create(
        self,
        connection: AsyncConnection,
        principal: Principal,
        new: NewThread,
        post: Post,
        answer: UUID,
        drafts: list[Draft],
    ) -> Place:
        """The thread's row as it will stand: titled, running, its answer to come selected."""
        place = await threads.create(
            connection,
            principal,
            new_id(),
            title=new.title or first_title(post.text),
            title_by="person" if new.title else "words",
            origin=new.origin,
            temporary=new.temporary,
            state="running",
            selected_message=answer,
            now=self._kit.clock.now(),
        )
        body = {"title": new.title, "origin": new.origin, "temporary": new.temporary}
        drafts.append(Draft(THREAD_CREATED, body, "person"))
        if post.text and not new.title:
            drafts.append(_titled(first_title(post.text)))
        return place

    async def _attach(
        self,
        connection: AsyncConnection,
        principal: Principal,
        place: Place,
        files: Sequence[UUID],
        message: UUID | None = None,
    ) -> list[dict[str, Any]]:
        if not files:
            return []
        if self._attachments is None:
            raise NotFound("assistant.attachment_unknown", "No such file.")
        return await self._attachments.attach(connection, principal, place, files, message)

    async def _with_files(
        self, connection: AsyncConnection, principal: Principal, place: Place, item: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A message of the history as it is written down."""
        files = await self._attach(connection, principal, place, item.get("attachments", ()))
        return {**item, "attachments": files} if files else dict(item)

    async def _parent(
        self, connection: AsyncConnection, thread: UUID, post: Post, active: RunRow | None
    ) -> UUID | None:
        if post.from_start:
            return None
        if post.parent is None:
            return await threads.selected(connection, thread)
        known = (active is not None and post.parent == active.answer_message) or await threads.message_exists(
            connection, thread, post.parent
        )
        if not known:
            raise NotFound("assistant.parent_unknown", "The message to follow is not in this thread.")
        return post.parent

    def _check_open(self, open_runs: int) -> None:
        if open_runs >= self._settings.open_runs_max:
            raise TooMany(
                "assistant.too_many_runs",
                f"{open_runs} answers of yours are not finished yet.",
                "Wait for one, or stop one.",
            )

    async def _joins(
        self,
        connection: AsyncConnection,
        thread: UUID,
        active: RunRow,
        parent: UUID | None,
        options: Mapping[str, Any],
    ) -> bool:
        """Whether a message after `parent` belongs to what `active` is answering, in the way that it asks for."""
        wishes = {name: value for name, value in options.items() if (name, value) != ("effort", "auto")}
        if any(active.options.get(name) != value for name, value in wishes.items() if name in WISHES):
            return False
        events = await log.read_children(connection, thread, active.answer_message)
        pending = fold_run(events, active.id, active.answer_message).pending
        if len(pending) >= self._settings.pending_messages_max:
            raise TooMany(
                "assistant.too_many_pending",
                f"{len(pending)} messages already wait for this answer.",
                "Wait for it, or stop it.",
            )
        return parent == active.answer_message or parent in pending

    async def _disturb(
        self, connection: AsyncConnection, place: Place, post: Post, active: RunRow, joins: bool
    ) -> UUID | None:
        """What the message does to the run that is open. Returns it when it is to be stopped."""
        if active.state == "waiting" and post.keeps_questions and not post.interrupt:
            raise Conflict(
                "assistant.waits_for_person",
                "The conversation waits for an answer of the person.",
                "Answer the question where it is shown, or interrupt it.",
            )
        stop = post.interrupt or (not joins and active.state == "waiting")
        if stop:
            await runs.request_stop(connection, active.id)
        if active.state == "waiting":
            await self._dismiss_questions(connection, place, active)
            await self._kit.jobs.defer(connection, ADVANCE, lock=place.thread.hex, run=active.id.hex)
        return active.id if stop else None

    async def _dismiss_questions(self, connection: AsyncConnection, place: Place, active: RunRow) -> None:
        """A message instead of an answer: the open questions are answered with `dismissed`."""
        now = self._kit.clock.now()
        for wait in await runs.open_waits(connection, active.id):
            if await runs.answer_wait(connection, place.thread, wait, now):
                body = {"wait": wait.hex, "answer": {"dismissed": True}}
                await log.append(
                    connection, place, [Draft(RUN_ANSWERED, body, "person", active.id, active.answer_message)], now
                )
        await runs.resume(connection, active.id)
        await runs.set_state(connection, place.thread, "running")


def check(post: Post, settings: AssistantSettings) -> None:
    """Raises TooLarge or Unprocessable for what is over a limit or empty."""
    if not post.client_id or len(post.client_id) > 100:
        raise Unprocessable("assistant.client_id", "client_id must have 1 to 100 characters.")
    if not post.text.strip() and not post.attachments and not post.tool_results:
        raise Unprocessable("assistant.message_empty", "The message is empty.", "Write something, or attach a file.")
    limits: Mapping[str, tuple[int, int]] = {
        "message_chars": (len(post.text), settings.message_chars_max),
        "attachments": (len(post.attachments), settings.attachments_per_message_max),
        "history_messages": (len(post.history), settings.history_messages_max),
        "lent_tools": (len(post.lent_tools), settings.lent_tools_max),
    }
    for name, (given, most) in limits.items():
        if given > most:
            raise TooLarge(
                "assistant.over_limit", f"{name}: {given:,} is more than {most:,}.", params={"limit": name, "max": most}
            )


def _check_thread(thread: Thread | None) -> None:
    if thread is None:
        raise NotFound("assistant.thread_unknown", "There is no such thread.")
    if thread.deleted_at is not None:
        raise Gone("assistant.thread_deleted", "The thread was deleted.", "Restore it first.")


def _is_temporary(where: UUID | NewThread) -> bool:
    return isinstance(where, NewThread) and where.temporary


def run_options(post: Post, *, temporary: bool) -> dict[str, Any]:
    """What the run must remember of the request: only what was given."""
    options: dict[str, Any] = {
        "model": post.model,
        "effort": post.effort,
        "instructions": post.instructions,
        "max_tokens": post.max_tokens,
        "temperature": post.temperature,
        "json_schema": post.json_schema,
        "lent_tools": [dict(tool) for tool in post.lent_tools],
        "must_call": list(post.must_call),
        "unattended": post.unattended or None,
        "temporary": temporary or None,
        "caller": None if post.caller is None else dict(post.caller),
    }
    return {name: value for name, value in options.items() if value not in (None, "", [])}


def _titled(title: str) -> Draft:
    return Draft(THREAD_TITLED, {"title": title, "by": "mecum"}, "mecum")


def _message(
    principal: Principal,
    post: Post,
    message: UUID,
    parent: UUID | None,
    files: list[dict[str, Any]],
    said_before: list[dict[str, Any]],
) -> Draft:
    before = {"before": said_before} if said_before else {}
    if post.tool_results and not post.text:
        results = [{"call": str(r["call"]), "text": str(r["text"])} for r in post.tool_results]
        return Draft(MESSAGE_TOOL, {"results": results, **before}, "person", None, message, parent)
    body = {
        "text": post.text,
        "attachments": files,
        "effort": post.effort,
        "model": post.model,
        "client_id": post.client_id,
        "surface": principal.surface,
        **before,
    }
    return Draft(MESSAGE_USER, body, "person", None, message, parent)

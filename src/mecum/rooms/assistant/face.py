"""The room's face, implemented."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from mecum.kit.db import AsyncConnection
from mecum.kit.errors import Conflict, Gone, NotFound, Unprocessable
from mecum.kit.ids import new_id
from mecum.kit.room import Kit
from mecum.kit.types import Page, Principal
from mecum.rooms.assistant import Event, Frame, Origin, Post, Posted, Thread
from mecum.rooms.assistant.events import (
    ACT_INTENDED,
    BRANCH_SELECTED,
    FEEDBACK_GIVEN,
    MESSAGE_ASSISTANT,
    POSTED_TYPES,
    RUN_ANSWERED,
    RUN_FINISHED,
    THREAD_CREATED,
    THREAD_TITLED,
    Draft,
)
from mecum.rooms.assistant.exporting import Exporting
from mecum.rooms.assistant.files.arriving import Arriving
from mecum.rooms.assistant.live import Follower, wake
from mecum.rooms.assistant.posting import NewThread, Posting, run_options
from mecum.rooms.assistant.runner import ADVANCE, ask_to_stop
from mecum.rooms.assistant.service import leaf_under
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.store import log, runs, threads
from mecum.rooms.assistant.store.log import Place
from mecum.rooms.assistant.wire import render_thread
from mecum.rooms.models import ANSWER_JUDGED
from mecum.rooms.people import People

TITLE_MAX = 200
EVENTS_PAGE_MAX = 1_000
REASON_MAX = 2_000
AGAIN = {"auto": "regenerated", "think": "think_longer", "fast": "answer_fast"}
"""What it says of an answer that it is asked for again, by the effort that is wished now."""


class AssistantRoom:
    """Implements `mecum.rooms.assistant.Assistant`."""

    def __init__(
        self,
        kit: Kit,
        people: People,
        posting: Posting,
        arriving: Arriving,
        exporting: Exporting,
        settings: AssistantSettings,
    ) -> None:
        self.exporting = exporting
        self._kit = kit
        self._people = people
        self._arriving = arriving
        self._posting = posting
        self._settings = settings

    async def create_thread(
        self, principal: Principal, *, title: str = "", origin: Origin = "chat", temporary: bool = False
    ) -> Thread:
        now = self._kit.clock.now()
        async with self._kit.db.transaction() as connection:
            place = await threads.create(
                connection, principal, new_id(), title=_title(title), origin=origin, temporary=temporary, now=now
            )
            body = {"title": title, "origin": origin, "temporary": temporary}
            await log.append(connection, place, [Draft(THREAD_CREATED, body, "person")], now)
            await threads.keep_read(connection, place.thread, 0)
            made = await threads.get(connection, principal, place.thread)
        assert made is not None
        await wake(self._kit.bus, place.thread, place.person, made.head_seq)
        return made

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
        async with self._kit.db.transaction() as connection:
            return await threads.listed(
                connection, principal, cursor=cursor, limit=limit, origin=origin, archived=archived, deleted=deleted
            )

    async def thread(self, principal: Principal, thread: UUID) -> Thread:
        async with self._kit.db.transaction() as connection:
            found = await threads.get(connection, principal, thread)
        return _present(found)

    async def render(self, principal: Principal, thread: UUID) -> Mapping[str, Any]:
        async with self._kit.db.transaction() as connection:
            found = await threads.get(connection, principal, thread)
        if found is None:
            raise _unknown()
        return render_thread(found)

    async def change_thread(
        self,
        principal: Principal,
        thread: UUID,
        *,
        title: str | None = None,
        pinned: bool | None = None,
        archived: bool | None = None,
    ) -> Thread:
        async with self._kit.db.transaction() as connection:
            found = _present(await threads.get(connection, principal, thread, lock=True))
            values = {name: value for name, value in (("pinned", pinned), ("archived", archived)) if value is not None}
            if values:
                await threads.change(connection, thread, **values)
            if title is not None and title != found.title:
                await threads.change(connection, thread, title=_title(title), title_by="person")
                titled = Draft(THREAD_TITLED, {"title": title, "by": "person"}, "person")
                await self._note(connection, principal, found, titled)
            changed = _present(await threads.get(connection, principal, thread))
        await wake(self._kit.bus, thread, principal.person, changed.head_seq)
        return changed

    async def delete_thread(self, principal: Principal, thread: UUID) -> None:
        """Put it away; `restore_thread` brings it back within the setting's days. A run that goes on is stopped."""
        async with self._kit.db.transaction() as connection:
            found = _present(await threads.get(connection, principal, thread, lock=True))
            await threads.change(connection, thread, deleted_at=self._kit.clock.now())
        await self.stop(principal, thread)
        await wake(self._kit.bus, thread, principal.person, found.head_seq)

    async def restore_thread(self, principal: Principal, thread: UUID) -> Thread:
        async with self._kit.db.transaction() as connection:
            if await threads.get(connection, principal, thread, lock=True) is None:
                raise _unknown()
            await threads.change(connection, thread, deleted_at=None)
            restored = _present(await threads.get(connection, principal, thread))
        await wake(self._kit.bus, thread, principal.person, restored.head_seq)
        return restored

    async def mark_read(self, principal: Principal, thread: UUID) -> None:
        async with self._kit.db.transaction() as connection:
            found = _present(await threads.get(connection, principal, thread, lock=True))
            await threads.change(connection, thread, read_seq=found.head_seq)
        await wake(self._kit.bus, thread, principal.person, found.head_seq)

    async def post(self, principal: Principal, thread: UUID, post: Post) -> Posted:
        return await self._arriving.post(principal, post, lambda whole: self._posting.post(principal, thread, whole))

    async def post_new(
        self, principal: Principal, post: Post, *, origin: Origin = "chat", temporary: bool = False, title: str = ""
    ) -> Posted:
        new = NewThread(origin, temporary, _title(title))
        return await self._arriving.post(principal, post, lambda whole: self._posting.post(principal, new, whole))

    async def regenerate(self, principal: Principal, thread: UUID, message: UUID, post: Post) -> Posted:
        """Answer again what `message` (an answer) answered: a sibling branch.

        Of `post` only client id, model and effort count.
        """
        now = self._kit.clock.now()
        async with self._kit.db.transaction() as connection:
            found = _present(await threads.get(connection, principal, thread, lock=True))
            before, _ = await threads.before_posting(connection, principal, post.client_id)
            if before is not None:
                return before
            if await runs.open_run(connection, thread) is not None:
                raise Conflict(
                    "assistant.busy",
                    "An answer is being written in this thread.",
                    "Stop it first, or wait.",
                    retryable=True,
                )
            asked = await log.parent_of_answer(connection, thread, message)
            if asked is None:
                raise NotFound("assistant.answer_unknown", "There is no such answer in this thread.")
            await self._judged(connection, thread, message, AGAIN[post.effort] if post.model is None else "")
            run, answer = new_id(), new_id()
            place = _place(principal, thread)
            await runs.create(
                connection, place, run_id=run, answer_message=answer, answer_parent=asked,
                surface=principal.surface, key=principal.paying_key,
                options=run_options(post, temporary=found.temporary), now=now,
            )  # fmt: skip
            await threads.change(connection, thread, selected_message=answer, state="running", updated_at=now)
            done = Posted(thread, asked, run, found.head_seq, repeated=False)
            await threads.remember_posted(connection, place, post.client_id, done, now)
            await self._kit.jobs.defer(connection, ADVANCE, lock=thread.hex, run=run.hex)
        await wake(self._kit.bus, thread, principal.person, found.head_seq)
        return done

    async def select_branch(self, principal: Principal, thread: UUID, message: UUID) -> None:
        async with self._kit.db.transaction() as connection:
            found = _present(await threads.get(connection, principal, thread, lock=True))
            events = await log.read_all(connection, thread, events_max=self._settings.history_events_max)
            if not any(e.message == message and e.type in (*POSTED_TYPES, MESSAGE_ASSISTANT) for e in events):
                raise NotFound("assistant.message_unknown", "There is no such message in this thread.")
            leaf = leaf_under(events, message)
            await threads.change(connection, thread, selected_message=leaf)
            selected = Draft(BRANCH_SELECTED, {"message": leaf.hex}, "person")
            event = await self._note(connection, principal, found, selected)
        await wake(self._kit.bus, thread, principal.person, event.seq)

    async def feedback(self, principal: Principal, thread: UUID, message: UUID, value: str, reason: str) -> None:
        if len(reason) > REASON_MAX:
            raise Unprocessable("assistant.reason_too_long", f"The reason has more than {REASON_MAX:,} characters.")
        async with self._kit.db.transaction() as connection:
            found = _present(await threads.get(connection, principal, thread, lock=True))
            if await log.parent_of_answer(connection, thread, message) is None:
                raise NotFound("assistant.answer_unknown", "There is no such answer in this thread.")
            body = {"message": message.hex, "value": value, "reason": reason}
            event = await self._note(connection, principal, found, Draft(FEEDBACK_GIVEN, body, "person"))
            await self._judged(connection, thread, message, value)
        await wake(self._kit.bus, thread, principal.person, event.seq)

    async def _judged(self, connection: AsyncConnection, thread: UUID, message: UUID, what: str) -> None:
        """Tell whoever chose how the answer was made what became of it. Another model says nothing of that."""
        run = await log.run_of_answer(connection, thread, message)
        if run is not None and what:
            await self._kit.outbox.publish(connection, ANSWER_JUDGED, work=run.hex, what=what)

    async def _note(self, connection: AsyncConnection, principal: Principal, found: Thread, draft: Draft) -> Event:
        """Write down what the person does to a thread: it is no news to them."""
        (event,) = await log.append(connection, _place(principal, found.id), [draft], self._kit.clock.now())
        await threads.keep_read(connection, found.id, found.head_seq)
        return event

    async def stop(self, principal: Principal, thread: UUID, run: UUID | None = None) -> bool:
        async with self._kit.db.transaction() as connection:
            if await threads.get(connection, principal, thread) is None:
                raise _unknown()
            active = await runs.open_run(connection, thread)
            if active is None or (run is not None and active.id != run):
                return False
            await runs.request_stop(connection, active.id)
            await runs.resume(connection, active.id)
            await self._kit.jobs.defer(connection, ADVANCE, lock=thread.hex, run=active.id.hex)
            await self._kit.outbox.publish(connection, ANSWER_JUDGED, work=active.id.hex, what="stopped")
        await ask_to_stop(self._kit, active.id)
        return True

    async def answer(self, principal: Principal, thread: UUID, wait: UUID, answer: Mapping[str, Any]) -> None:
        now = self._kit.clock.now()
        async with self._kit.db.transaction() as connection:
            _present(await threads.get(connection, principal, thread, lock=True))
            answered = await runs.answer_wait(connection, thread, wait, now)
            if answered is None:
                if await runs.has_wait(connection, thread, wait):
                    raise Conflict("assistant.answered_already", "This question was answered already.")
                raise NotFound("assistant.wait_unknown", "There is no such question.")
            run = await runs.get(connection, answered[0])
            assert run is not None
            body = {"wait": wait.hex, "answer": dict(answer)}
            draft = Draft(RUN_ANSWERED, body, "person", run.id, run.answer_message)
            (event,) = await log.append(connection, run.place, [draft], now)
            await runs.resume(connection, run.id)
            await runs.set_state(connection, thread, "running")
            await self._kit.jobs.defer(connection, ADVANCE, lock=thread.hex, run=run.id.hex)
        await wake(self._kit.bus, thread, principal.person, event.seq)

    async def events(self, principal: Principal, thread: UUID, *, after: int = 0, limit: int = 200) -> Page[Event]:
        limit = min(limit, EVENTS_PAGE_MAX)
        async with self._kit.db.transaction() as connection:
            if await threads.get(connection, principal, thread) is None:
                raise _unknown()
            items = await log.read(connection, thread, after=after, limit=limit)
        return Page(items, str(items[-1].seq) if len(items) == limit else None)

    async def thread_exists(self, principal: Principal, thread: UUID) -> None:
        """Raises NotFound when the thread is not there or not the caller's; a deleted one is there."""
        async with self._kit.db.transaction() as connection:
            if await threads.get(connection, principal, thread) is None:
                raise _unknown()

    async def follow(self, principal: Principal, thread: UUID, *, position: str = "0") -> AsyncGenerator[Frame, None]:
        await self.thread_exists(principal, thread)
        follower = Follower(
            self._kit.db, self._kit.bus, thread, principal.person, partial(self._people.recheck, principal)
        )
        async for frame in follower.follow(position):
            yield frame

    async def run_result(self, principal: Principal, run: UUID) -> Mapping[str, Any]:
        async with self._kit.db.transaction() as connection:
            row = await runs.get(connection, run)
            if row is None or row.place.person != principal.person or row.place.space != principal.space:
                raise NotFound("assistant.run_unknown", "There is no such run.")
            thread = await threads.get(connection, principal, row.place.thread)
            if thread is None or thread.deleted_at is not None:
                raise _unknown()
            events = await log.read(connection, row.place.thread, run=run, limit=self._settings.history_events_max)
        answers = [e for e in events if e.type == MESSAGE_ASSISTANT and e.payload]
        ends = [e.payload for e in events if e.type == RUN_FINISHED and e.payload]
        last: Mapping[str, Any] = (answers[-1].payload or {}) if answers else {}
        end: Mapping[str, Any] = ends[-1] if ends else {}
        return {
            "thread": row.place.thread,
            "message": answers[-1].message if answers else row.answer_message,
            "parent": row.answer_parent,
            "state": row.state,
            "reason": row.reason,
            "text": last.get("text", ""),
            "reasoning": last.get("reasoning", ""),
            "finish": last.get("finish"),
            "tool_calls": list(last.get("calls", ())),
            "acts": sum(1 for e in events if e.type == ACT_INTENDED),
            "usage": end.get("usage", {}),
            "model": end.get("model", ""),
            "routed": end.get("routed"),
            "error": end.get("error"),
            "caller": row.options.get("caller") or {},
            "temporary": thread.temporary,
            "created_at": row.created_at,
            "finished_at": row.finished_at,
        }

    async def all_called(self, principal: Principal, thread: UUID) -> bool:
        async with self._kit.db.transaction() as connection:
            _present(await threads.get(connection, principal, thread))
            return await runs.all_called(connection, thread)

    async def background(self, principal: Principal, text: str, client_id: str | None = None) -> Posted:
        return await self.post_new(principal, Post(client_id or new_id().hex, text), origin="background")


def _title(title: str) -> str:
    clean = " ".join(title.split())
    if len(clean) > TITLE_MAX:
        raise Unprocessable("assistant.title_too_long", f"A title has at most {TITLE_MAX} characters.")
    return clean


def _place(principal: Principal, thread: UUID) -> Place:
    return Place(thread, principal.person, principal.space, principal.organisation)


def _unknown() -> NotFound:
    return NotFound("assistant.thread_unknown", "There is no such thread.")


def _present(thread: Thread | None) -> Thread:
    if thread is None:
        raise _unknown()
    if thread.deleted_at is not None:
        raise Gone("assistant.thread_deleted", "The thread was deleted.", "Restore it first.")
    return thread

"""Titles by a model: after the first answer, at low priority, never in the way of an answer, once for each thread."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from uuid import UUID

from mecum.kit.db import AsyncConnection
from mecum.kit.errors import MecumError
from mecum.kit.outbox import OutboxEvent, Subscription
from mecum.kit.room import Kit
from mecum.kit.types import Principal
from mecum.rooms.assistant.events import MESSAGE_ASSISTANT, MESSAGE_USER, THREAD_TITLED, Draft
from mecum.rooms.assistant.finishing import RUN_ENDED
from mecum.rooms.assistant.live import wake
from mecum.rooms.assistant.service import path_to
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.store import log, runs, threads
from mecum.rooms.assistant.store.runs import RunRow
from mecum.rooms.assistant.title_words import SCHEMA, read_title, title_messages
from mecum.rooms.models import ModelRequest, Models, TextDelta
from mecum.rooms.people import People

logger = logging.getLogger(__name__)

TITLE = "assistant.title"
PURPOSE = "assistant.title"
PRIORITY = -10
TOKENS_MAX = 400
"""A reasoning model thinks about a title too."""
SECONDS_MAX = 120
TRIES_MAX = 6
AGAIN_S = 30.0
"""The wait before the second try; it doubles."""


def _wants_title(payload: Mapping[str, str]) -> bool:
    return payload["untitled"] == "yes" and payload["origin"] != "api" and payload["reason"] == "done"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the title of a thread is made from."""

    run: RunRow
    said: str


class Titling:
    def __init__(self, kit: Kit, people: People, models: Models, settings: AssistantSettings) -> None:
        self._kit = kit
        self._people = people
        self._models = models
        self._on = settings.thread_titles
        self._events_max = settings.history_events_max

    @property
    def subscriptions(self) -> list[Subscription]:
        return [Subscription(RUN_ENDED, "assistant.ask_for_title", self._ended, wants=_wants_title)] if self._on else []

    async def _ended(self, event: OutboxEvent) -> None:
        async with self._kit.db.transaction() as connection:
            await self._defer(connection, UUID(hex=event.payload["thread"]), UUID(hex=event.payload["run"]), 1, None)

    async def title(self, thread: str, run: str, tries: int) -> None:
        """The job: ask the model of `run`, and write the title down. A model that is busy or fails is asked later."""
        place = UUID(hex=thread)
        async with self._kit.db.transaction() as connection:
            asked = await self._asked(connection, place, UUID(hex=run))
        if asked is None:
            return
        try:
            principal = await self._people.principal_for_job(
                asked.run.place.person, asked.run.place.space, asked.run.id, asked.run.surface
            )
            written = await self._ask(replace(principal, key=asked.run.key), asked)
        except TimeoutError:
            await self._failed(asked.run, tries, "no answer in time", AGAIN_S)
            return
        except MecumError as error:
            tries = tries if error.retryable else TRIES_MAX
            await self._failed(asked.run, tries, error.code, error.retry_after or AGAIN_S)
            return
        title = read_title(written, asked.said)
        if not title:
            logger.info("the title that a model wrote for thread %s will not do", place)
        await self._write(asked.run, title)

    async def _asked(self, connection: AsyncConnection, thread: UUID, run: UUID) -> _Asked | None:
        """None: it has a title, is gone, or a run goes on in it, whose end asks again."""
        untitled = (await runs.lock_thread(connection, thread)).untitled
        row, found = await runs.get(connection, run), await threads.known(connection, thread)
        if not self._on or not untitled or row is None or found is None:
            return None
        if found.state != "idle" or found.deleted_at is not None:
            return None
        path = path_to(await log.read_all(connection, thread, events_max=self._events_max), row.answer_message)
        texts = {event.type: str((event.payload or {}).get("text", "")).strip() for event in reversed(path)}
        # A message may be files alone: then the answer says what it is about.
        return _Asked(row, texts.get(MESSAGE_USER) or texts.get(MESSAGE_ASSISTANT, ""))

    async def _ask(self, principal: Principal, asked: _Asked) -> str:
        request = ModelRequest(
            messages=title_messages(asked.said),
            model=asked.run.options.get("model"),
            effort="fast",
            max_tokens=TOKENS_MAX,
            temperature=0.0,
            json_schema=SCHEMA,
            purpose=PURPOSE,
            gives_way=True,
        )
        async with asyncio.timeout(SECONDS_MAX), aclosing(self._models.stream(principal, request)) as events:
            return "".join([event.text async for event in events if isinstance(event, TextDelta)])

    async def _failed(self, run: RunRow, tries: int, why: str, wait_s: float) -> None:
        thread = run.place.thread
        if tries < TRIES_MAX:
            wait = dt.timedelta(seconds=max(wait_s, AGAIN_S * 2 ** (tries - 1)))
            async with self._kit.db.transaction() as connection:
                await self._defer(connection, thread, run.id, tries + 1, wait)
            return
        logger.warning("thread %s keeps its first words as its title: %s", thread, why)
        await self._write(run, "")

    async def _write(self, run: RunRow, title: str) -> None:
        """Give the thread its title, unless the person was quicker; with "" it keeps its first words for good."""
        place = run.place
        async with self._kit.db.transaction() as connection:
            locked = await runs.lock_thread(connection, place.thread)
            if not locked.untitled:
                return
            await threads.change(connection, place.thread, title_by="mecum", title=title or locked.title)
            if title in ("", locked.title):
                return
            draft = Draft(THREAD_TITLED, {"title": title, "by": "mecum"}, "mecum")
            (event,) = await log.append(connection, place, [draft], self._kit.clock.now(), quiet=True)
        await wake(self._kit.bus, place.thread, place.person, event.seq)

    async def _defer(
        self, connection: AsyncConnection, thread: UUID, run: UUID, tries: int, wait: dt.timedelta | None
    ) -> None:
        # Not the lock of the thread's runs: an answer never waits for a title.
        await self._kit.jobs.defer(
            connection,
            TITLE,
            queueing_lock=f"{TITLE}:{thread.hex}",
            at=self._kit.clock.now() + wait if wait else None,
            priority=PRIORITY,
            thread=thread.hex,
            run=run.hex,
            tries=tries,
        )

"""Scheduled tasks: kept, fired once per due time, told when they are done."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace
from uuid import UUID

from mecum.kit.errors import MecumError, NotFound, TooLarge, TooMany, Unprocessable
from mecum.kit.ids import encode, new_id
from mecum.kit.room import Kit
from mecum.kit.types import Page, Principal
from mecum.rooms.assistant import Post
from mecum.rooms.assistant.posting import NewThread, Posting
from mecum.rooms.assistant.schedule_words import When, check_cron, next_time
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.store import schedules, threads
from mecum.rooms.assistant.store.schedules import Schedule
from mecum.rooms.people import People

logger = logging.getLogger(__name__)

TEXT_MAX = 8_000
TITLE_MAX = 200
DUE_AT_ONCE = 200
LATE_MAX = dt.timedelta(hours=12)
"""A repeated task that was missed for longer (the machine slept) waits for its next time instead of firing late."""


class Scheduling:
    def __init__(self, kit: Kit, people: People, posting: Posting, settings: AssistantSettings) -> None:
        self._kit = kit
        self._people = people
        self._posting = posting
        self._settings = settings

    async def add(self, principal: Principal, *, title: str, text: str, when: When, timezone: str) -> Schedule:
        """Raises Unprocessable for a schedule that can't be, TooMany over the limit."""
        check_cron(when.cron, timezone)
        _check_words(title, text)
        now = self._kit.clock.now()
        new = Schedule(
            id=new_id(),
            person=principal.person,
            space=principal.space,
            organisation=principal.organisation,
            title=title.strip() or text.strip()[:60],
            text=text,
            cron=when.cron,
            once=when.once,
            timezone=timezone,
            enabled=True,
            thread=None,
            next_at=next_time(when.cron, timezone, now),
            last_at=None,
        )
        async with self._kit.db.transaction() as connection:
            if await schedules.count(connection, principal) >= self._settings.schedules_max:
                raise TooMany(
                    "assistant.too_many_schedules", "You have as many scheduled tasks as you may.", "Remove one."
                )
            await schedules.add(connection, new, now)
        return new

    async def listed(self, principal: Principal, *, cursor: UUID | None, limit: int) -> Page[Schedule]:
        async with self._kit.db.transaction() as connection:
            found = await schedules.listed(connection, principal, after=cursor, limit=limit + 1)
        more = len(found) > limit
        return Page(tuple(found[:limit]), encode("sch", found[limit - 1].id) if more else None)

    async def change(
        self,
        principal: Principal,
        schedule: UUID,
        *,
        title: str | None,
        text: str | None,
        cron: str | None,
        timezone: str | None,
        enabled: bool | None,
    ) -> Schedule:
        async with self._kit.db.transaction() as connection:
            found = await schedules.get(connection, principal, schedule)
            if found is None:
                raise _unknown()
            changed = replace(
                found,
                title=found.title if title is None else title,
                text=found.text if text is None else text,
                cron=found.cron if cron is None else cron,
                once=found.once and cron is None,
                timezone=found.timezone if timezone is None else timezone,
                enabled=found.enabled if enabled is None else enabled,
            )
            _check_words(changed.title, changed.text)
            check_cron(changed.cron, changed.timezone)
            changed = replace(changed, next_at=next_time(changed.cron, changed.timezone, self._kit.clock.now()))
            await schedules.change(
                connection, schedule, title=changed.title, text=changed.text, cron=changed.cron, once=changed.once,
                timezone=changed.timezone, enabled=changed.enabled, next_at=changed.next_at,
            )  # fmt: skip
        return changed

    async def remove(self, principal: Principal, schedule: UUID) -> None:
        async with self._kit.db.transaction() as connection:
            if not await schedules.remove(connection, principal, schedule):
                raise _unknown()

    async def tick(self) -> None:
        """The job of every minute: fire what is due."""
        now = self._kit.clock.now()
        async with self._kit.db.transaction() as connection:
            due = await schedules.due(connection, now, DUE_AT_ONCE)
        for schedule in due:
            try:
                await self._fire(schedule, now)
            except MecumError as error:
                logger.warning("schedule %s could not fire: %s", schedule, error.code)
                await self._disable(schedule)

    async def _fire(self, schedule: UUID, now: dt.datetime) -> None:
        async with self._kit.db.transaction() as connection:
            taken = await schedules.take_due(connection, schedule, now)
            if taken is None or taken.next_at is None:
                return
            following = None if taken.once else next_time(taken.cron, taken.timezone, now)
            await schedules.change(connection, schedule, last_at=now, next_at=following, enabled=following is not None)
        if not taken.once and now - taken.next_at > LATE_MAX:
            return
        # The client id names schedule and due time: firing twice for one due time is one message.
        post = Post(client_id=f"schedule:{schedule.hex}:{taken.next_at.isoformat()}", text=taken.text)
        principal = await self._people.principal_for_job(taken.person, taken.space, schedule)
        where = await self._where(principal, taken)
        posted = await self._posting.post(principal, where, post)
        async with self._kit.db.transaction() as connection:
            await schedules.fired(connection, schedule, taken.next_at, posted.run)
            await schedules.change(connection, schedule, thread_id=posted.thread)

    async def _where(self, principal: Principal, taken: Schedule) -> UUID | NewThread:
        """The schedule's own thread, a new one the first time or after the person deleted it."""
        if taken.thread is not None:
            async with self._kit.db.transaction() as connection:
                found = await threads.get(connection, principal, taken.thread)
            if found is not None and found.deleted_at is None:
                return taken.thread
        return NewThread(origin="schedule", title=taken.title)

    async def _disable(self, schedule: UUID) -> None:
        async with self._kit.db.transaction() as connection:
            await schedules.change(connection, schedule, enabled=False)


def _check_words(title: str, text: str) -> None:
    if not text.strip():
        raise Unprocessable("assistant.schedule_empty", "The task has no text.", "Say what is to be done.")
    if len(text) > TEXT_MAX or len(title) > TITLE_MAX:
        raise TooLarge("assistant.schedule_long", f"A task has at most {TEXT_MAX:,} characters, its title {TITLE_MAX}.")


def _unknown() -> NotFound:
    return NotFound("assistant.schedule_unknown", "There is no such scheduled task.")

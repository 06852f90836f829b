"""Scheduled tasks: kept, fired once per due time, told when they are done."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace
from typing import Any
from uuid import UUID

from mecum.kit.errors import Gone, MecumError, NotFound, TooLarge, TooMany, Unavailable, Unprocessable
from mecum.kit.ids import encode, new_id
from mecum.kit.notify import NotificationKind
from mecum.kit.room import Kit
from mecum.kit.types import Page, Principal
from mecum.rooms.assistant import Post, Posted
from mecum.rooms.assistant.posting import NewThread, Posting
from mecum.rooms.assistant.schedule_words import When, check_when, next_time
from mecum.rooms.assistant.service import first_title
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.store import schedules, threads
from mecum.rooms.assistant.store.schedules import Schedule
from mecum.rooms.people import People

logger = logging.getLogger(__name__)

SWITCHED_OFF = NotificationKind("assistant.schedule_off")
TITLE_MAX = 200
DUE_AT_ONCE = 200
LATE_MAX = dt.timedelta(hours=12)
"""A repeated task that was missed for longer (the machine slept) is left for its next time."""
RETRY_MIN, RETRY_MAX = dt.timedelta(minutes=1), dt.timedelta(hours=1)
"""What could not be done when it was due is tried again after as long as it waits already, within these bounds."""


class Scheduling:
    def __init__(self, kit: Kit, people: People, posting: Posting, settings: AssistantSettings) -> None:
        self._kit = kit
        self._people = people
        self._posting = posting
        self._settings = settings

    async def add(self, principal: Principal, *, title: str, text: str, when: When, timezone: str) -> Schedule:
        """Raises Unprocessable for a schedule that can't be, TooMany over the limit."""
        now = self._kit.clock.now()
        check_when(when, timezone)
        _check_words(title, text, self._settings.schedule_chars_max)
        new = Schedule(
            id=new_id(),
            person=principal.person,
            space=principal.space,
            organisation=principal.organisation,
            title=title.strip() or first_title(text),
            text=text,
            cron=when.cron,
            at=when.at,
            timezone=timezone,
            enabled=True,
            next_at=_first(when, timezone, now),
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
        title: str | None = None,
        text: str | None = None,
        when: When | None = None,
        timezone: str | None = None,
        enabled: bool | None = None,
    ) -> Schedule:
        """Change what is given. Raises NotFound; Unprocessable, also for switching on what is over."""
        async with self._kit.db.transaction() as connection:
            found = await schedules.get(connection, principal, schedule)
            if found is None:
                raise _unknown()
            changed = replace(
                found,
                title=found.title if title is None else title,
                text=found.text if text is None else text,
                cron=found.cron if when is None else when.cron,
                at=found.at if when is None else when.at,
                timezone=found.timezone if timezone is None else timezone,
                enabled=found.enabled if enabled is None else enabled,
            )
            _check_words(changed.title, changed.text, self._settings.schedule_chars_max)
            check_when(_when(changed), changed.timezone)
            changed = _planned(found, changed, self._kit.clock.now())
            await schedules.change(
                connection, schedule, title=changed.title, text=changed.text, cron=changed.cron, at=changed.at,
                timezone=changed.timezone, enabled=changed.enabled, next_at=changed.next_at,
                missed_at=changed.missed_at,
            )  # fmt: skip
        return changed

    async def remove(self, principal: Principal, schedule: UUID) -> None:
        async with self._kit.db.transaction() as connection:
            if not await schedules.remove(connection, principal, schedule):
                raise _unknown()

    async def tick(self) -> None:
        """The job of every minute: fire what is due. Whatever stops it in between, all that was not posted stays
        due."""
        now = self._kit.clock.now()
        while due := await self._due(now):
            for schedule in due:
                await self._serve(schedule, now)

    async def _due(self, now: dt.datetime) -> list[Schedule]:
        async with self._kit.db.transaction() as connection:
            return await schedules.due(connection, now, DUE_AT_ONCE)

    async def _serve(self, due: Schedule, now: dt.datetime) -> None:
        try:
            if due.once or now - _due_at(due) <= LATE_MAX:
                await self._fire(due, now)
            else:
                await self._move(due, _following(due, now - LATE_MAX))
        except Unavailable:
            raise  # The database is away: all of them stay due.
        except (NotFound, TooLarge, Unprocessable) as error:
            # The person has left the space, or the task is over a limit that was lowered: waiting mends neither.
            logger.warning("schedule %s is switched off: %s", due.id, error.code)
            await self._switch_off(due, told=not isinstance(error, NotFound))
        except MecumError as error:
            # The person is disabled for a while, or their thread is full: the next try may do.
            logger.warning("schedule %s is tried again later: %s", due.id, error.code)
            await self._move(due, _again(due, now))
        except Exception:
            logger.exception("schedule %s is tried again later", due.id)
            await self._move(due, _again(due, now))

    async def _fire(self, due: Schedule, now: dt.datetime) -> None:
        """Post first, then note that it was done: if this process ends in between, the next tick posts the same client
        id, which is the same message."""
        posted = await self._post(due)
        async with self._kit.db.transaction() as connection:
            await schedules.change(connection, due.id, last_at=now, thread_id=posted.thread)
            await schedules.move(connection, due, **_following(due, now))

    async def _post(self, due: Schedule) -> Posted:
        post = Post(client_id=f"schedule:{due.id.hex}:{_due_at(due).isoformat()}", text=due.text)
        principal = await self._people.principal_for_job(due.person, due.space, due.id)
        own_thread = NewThread(origin="schedule", title=due.title)
        where = due.thread if await self._is_there(principal, due.thread) else None
        try:
            return await self._posting.post(principal, where or own_thread, post)
        except (NotFound, Gone):
            if where is None:
                raise
            return await self._posting.post(principal, own_thread, post)  # It was deleted at this moment.

    async def _is_there(self, principal: Principal, thread: UUID | None) -> bool:
        if thread is None:
            return False
        async with self._kit.db.transaction() as connection:
            found = await threads.get(connection, principal, thread)
        return found is not None and found.deleted_at is None

    async def _move(self, due: Schedule, values: dict[str, Any]) -> None:
        async with self._kit.db.transaction() as connection:
            await schedules.move(connection, due, **values)

    async def _switch_off(self, due: Schedule, *, told: bool) -> None:
        async with self._kit.db.transaction() as connection:
            off = await schedules.move(connection, due, enabled=False, next_at=None, missed_at=None)
            if off and told:
                await self._kit.notify.notify(
                    connection, due.person, due.space, due.organisation, SWITCHED_OFF.name, {"title": due.title},
                    "/?panel=schedules", f"{due.id.hex}:{_due_at(due).isoformat()}",
                )  # fmt: skip


def _due_at(schedule: Schedule) -> dt.datetime:
    """The time for which it is to be done now."""
    due = schedule.missed_at or schedule.next_at
    assert due is not None
    return due


def _when(schedule: Schedule) -> When:
    return When(schedule.cron, schedule.at)


def _first(when: When, timezone: str, now: dt.datetime) -> dt.datetime | None:
    """When it is due for the first time after `now`. Raises Unprocessable for a moment that is over."""
    if when.cron is not None:
        return next_time(when.cron, timezone, now)
    if when.at is None or when.at <= now:
        raise Unprocessable("assistant.schedule_past", "This moment is over already.", "Name a time to come.")
    return when.at


def _planned(before: Schedule, changed: Schedule, now: dt.datetime) -> Schedule:
    """`changed` with its next time. What goes on at the same times keeps it, also one that is tried again."""
    if not changed.enabled:
        return replace(changed, next_at=None, missed_at=None)
    same = before.enabled and (before.cron, before.at, before.timezone) == (changed.cron, changed.at, changed.timezone)
    return changed if same else replace(changed, next_at=_first(_when(changed), changed.timezone, now), missed_at=None)


def _following(done: Schedule, after: dt.datetime) -> dict[str, Any]:
    """What changes once its times until `after` are behind it."""
    following = None if done.cron is None else next_time(done.cron, done.timezone, after)
    return {"next_at": following, "enabled": following is not None, "missed_at": None}


def _again(due: Schedule, now: dt.datetime) -> dict[str, Any]:
    """What changes when a due time could not be served: tried again, or left for the next one that comes sooner."""
    at = now + min(max(now - _due_at(due), RETRY_MIN), RETRY_MAX)
    following = _following(due, now)
    sooner = following["next_at"] is not None and following["next_at"] <= at
    return following if sooner else {"next_at": at, "missed_at": _due_at(due)}


def _check_words(title: str, text: str, chars_max: int) -> None:
    if not text.strip():
        raise Unprocessable("assistant.schedule_empty", "The task has no text.", "Say what is to be done.")
    if len(text) > chars_max or len(title) > TITLE_MAX:
        raise TooLarge(
            "assistant.schedule_long",
            f"A task has at most {chars_max:,} characters, its title {TITLE_MAX}.",
            params={"chars": chars_max, "title_chars": TITLE_MAX},
        )


def _unknown() -> NotFound:
    return NotFound("assistant.schedule_unknown", "There is no such scheduled task.")

"""Scheduled tasks."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from mecum.kit.clock import Clock
from mecum.kit.dates import in_worker
from mecum.kit.errors import BadRequest
from mecum.kit.http import PAGE_SIZE, PAGE_SIZE_MAX, ChatCaller, TalkingCaller
from mecum.kit.ids import decode, encode
from mecum.rooms.assistant.schedule_words import CRON_MAX, WORDS_MAX, When, next_time, read_when
from mecum.rooms.assistant.scheduling import TITLE_MAX, Scheduling
from mecum.rooms.assistant.settings import SCHEDULE_CHARS_MOST
from mecum.rooms.assistant.store.schedules import Schedule


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewScheduleBody(Strict):
    """When: by `words` ("every Monday at 9"), by `cron`, or once `at` a moment. One of them."""

    title: str = Field("", max_length=TITLE_MAX)
    text: str = Field(min_length=1, max_length=SCHEDULE_CHARS_MOST)
    words: str | None = Field(None, min_length=1, max_length=WORDS_MAX)
    cron: str | None = Field(None, max_length=CRON_MAX)
    at: AwareDatetime | None = None
    timezone: str | None = Field(None, max_length=60)

    @model_validator(mode="after")
    def _says_when(self) -> NewScheduleBody:
        if sum(given is not None for given in (self.words, self.cron, self.at)) != 1:
            raise ValueError("give one of words, cron and at")
        return self


class ChangeScheduleBody(Strict):
    title: str | None = Field(None, max_length=TITLE_MAX)
    text: str | None = Field(None, min_length=1, max_length=SCHEDULE_CHARS_MOST)
    cron: str | None = Field(None, max_length=CRON_MAX)
    at: AwareDatetime | None = None
    timezone: str | None = Field(None, max_length=60)
    enabled: bool | None = None

    @model_validator(mode="after")
    def _says_one_time(self) -> ChangeScheduleBody:
        if self.cron is not None and self.at is not None:
            raise ValueError("give cron or at")
        return self


class ReadBody(Strict):
    text: str = Field(min_length=1, max_length=WORDS_MAX)
    timezone: str | None = Field(None, max_length=60)


def _at(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _given(cron: str | None, at: dt.datetime | None) -> When:
    try:
        return When(cron, None if at is None else at.astimezone(dt.UTC))
    except OverflowError:  # The last hours of the year 9999, west of here.
        raise BadRequest("invalid_request", "at: not a time that can be.") from None


def rendered(schedule: Schedule) -> dict[str, Any]:
    return {
        "id": encode("sch", schedule.id),
        "title": schedule.title,
        "text": schedule.text,
        "cron": schedule.cron,
        "at": _at(schedule.at),
        "once": schedule.once,
        "timezone": schedule.timezone,
        "enabled": schedule.enabled,
        "thread": None if schedule.thread is None else encode("thr", schedule.thread),
        "next_at": _at(schedule.next_at),
        "last_at": _at(schedule.last_at),
    }


def build_router(scheduling: Scheduling, clock: Clock) -> APIRouter:
    router = APIRouter(prefix="/api/schedules", tags=["schedules"])

    @router.get("")
    async def list_schedules(
        caller: TalkingCaller,
        cursor: Annotated[str | None, Query(max_length=60)] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
    ) -> JSONResponse:
        """Your scheduled tasks, newest first."""
        after = None if cursor is None else decode("sch", cursor)
        page = await scheduling.listed(caller, cursor=after, limit=limit)
        return JSONResponse({"items": [rendered(item) for item in page.items], "next": page.next})

    @router.post("", status_code=201)
    async def add_schedule(caller: TalkingCaller, body: NewScheduleBody) -> JSONResponse:
        """Have something done later, once or again and again."""
        timezone = body.timezone or caller.timezone
        if body.words is None:
            when = _given(body.cron, body.at)
        else:
            when = await in_worker(read_when, body.words, clock.now(), timezone)
        made = await scheduling.add(caller, title=body.title, text=body.text, when=when, timezone=timezone)
        return JSONResponse(rendered(made), 201)

    @router.post("/read")
    async def read_schedule_words(caller: ChatCaller, body: ReadBody) -> JSONResponse:
        """What words like "every Monday at 9" mean, without keeping anything."""
        timezone = body.timezone or caller.timezone
        when = await in_worker(read_when, body.text, clock.now(), timezone)
        first = when.at if when.cron is None else next_time(when.cron, timezone, clock.now())
        found = {"cron": when.cron, "at": _at(when.at), "once": when.once}
        return JSONResponse({**found, "next_at": _at(first), "timezone": timezone})

    @router.patch("/{schedule}")
    async def change_schedule(caller: TalkingCaller, schedule: str, body: ChangeScheduleBody) -> JSONResponse:
        """Change, pause or resume a scheduled task; `cron` makes it repeat, `at` has it done once."""
        timed = body.cron is not None or body.at is not None
        changed = await scheduling.change(
            caller,
            decode("sch", schedule),
            title=body.title,
            text=body.text,
            when=_given(body.cron, body.at) if timed else None,
            timezone=body.timezone,
            enabled=body.enabled,
        )
        return JSONResponse(rendered(changed))

    @router.delete("/{schedule}", status_code=204)
    async def remove_schedule(caller: TalkingCaller, schedule: str) -> Response:
        """Remove a scheduled task."""
        await scheduling.remove(caller, decode("sch", schedule))
        return Response(status_code=204)

    return router

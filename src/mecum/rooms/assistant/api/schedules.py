"""Scheduled tasks."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from mecum.kit.clock import Clock
from mecum.kit.http import PAGE_SIZE, PAGE_SIZE_MAX, ChatCaller
from mecum.kit.ids import decode, encode
from mecum.rooms.assistant.schedule_words import WORDS_MAX, When, next_time, read_when
from mecum.rooms.assistant.scheduling import TEXT_MAX, TITLE_MAX, Scheduling
from mecum.rooms.assistant.store.schedules import Schedule


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewScheduleBody(Strict):
    """Either `words` ("every Monday at 9") or `cron`."""

    title: str = Field("", max_length=TITLE_MAX)
    text: str = Field(min_length=1, max_length=TEXT_MAX)
    words: str | None = Field(None, min_length=1, max_length=WORDS_MAX)
    cron: str | None = Field(None, max_length=100)
    timezone: str | None = Field(None, max_length=60)


class ChangeScheduleBody(Strict):
    title: str | None = Field(None, max_length=TITLE_MAX)
    text: str | None = Field(None, min_length=1, max_length=TEXT_MAX)
    cron: str | None = Field(None, max_length=100)
    timezone: str | None = Field(None, max_length=60)
    enabled: bool | None = None


class ReadBody(Strict):
    text: str = Field(min_length=1, max_length=WORDS_MAX)
    timezone: str | None = Field(None, max_length=60)


def _at(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def rendered(schedule: Schedule) -> dict[str, Any]:
    return {
        "id": encode("sch", schedule.id),
        "title": schedule.title,
        "text": schedule.text,
        "cron": schedule.cron,
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
        caller: ChatCaller,
        cursor: Annotated[str | None, Query(max_length=60)] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
    ) -> JSONResponse:
        """Your scheduled tasks, newest first."""
        after = None if cursor is None else decode("sch", cursor)
        page = await scheduling.listed(caller, cursor=after, limit=limit)
        return JSONResponse({"items": [rendered(item) for item in page.items], "next": page.next})

    @router.post("", status_code=201)
    async def add_schedule(caller: ChatCaller, body: NewScheduleBody) -> JSONResponse:
        """Have something done later, once or again and again; `words` such as "every Monday at 9", or `cron`."""
        timezone = body.timezone or caller.timezone
        if body.cron is not None:
            when = When(body.cron, once=False)
        else:
            when = read_when(body.words or body.text, clock.now(), timezone)
        made = await scheduling.add(caller, title=body.title, text=body.text, when=when, timezone=timezone)
        return JSONResponse(rendered(made), 201)

    @router.post("/read")
    async def read_schedule_words(caller: ChatCaller, body: ReadBody) -> JSONResponse:
        """What words like "every Monday at 9" mean, without keeping anything."""
        timezone = body.timezone or caller.timezone
        when = read_when(body.text, clock.now(), timezone)
        first = next_time(when.cron, timezone, clock.now())
        return JSONResponse({"cron": when.cron, "once": when.once, "next_at": _at(first), "timezone": timezone})

    @router.patch("/{schedule}")
    async def change_schedule(caller: ChatCaller, schedule: str, body: ChangeScheduleBody) -> JSONResponse:
        """Change, pause or resume a scheduled task."""
        changed = await scheduling.change(
            caller,
            decode("sch", schedule),
            title=body.title,
            text=body.text,
            cron=body.cron,
            timezone=body.timezone,
            enabled=body.enabled,
        )
        return JSONResponse(rendered(changed))

    @router.delete("/{schedule}", status_code=204)
    async def remove_schedule(caller: ChatCaller, schedule: str) -> Response:
        """Remove a scheduled task."""
        await scheduling.remove(caller, decode("sch", schedule))
        return Response(status_code=204)

    return router

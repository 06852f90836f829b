"""`/api/notifications`: the bell and what a person wants to hear. The client words kinds and params itself."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mecum.kit.errors import Param
from mecum.kit.http import PAGE_SIZE, PAGE_SIZE_MAX, AccountCaller
from mecum.kit.ids import decode, encode
from mecum.kit.notify import Notification, Notify, Preferences, QuietHours
from mecum.kit.notify.service import MARKED_MAX

PREFIX = "ntf"
Id = Annotated[str, Field(max_length=40)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="Hours and minutes, e.g. 22:00")]


class NotificationBody(BaseModel):
    id: str
    space_id: UUID
    kind: str
    params: dict[str, Param]
    link: str
    created_at: dt.datetime
    read_at: dt.datetime | None


class NotificationPage(BaseModel):
    """`unread` counts this space, `unread_elsewhere` the person's other spaces together."""

    items: list[NotificationBody]
    next: str | None
    unread: int
    unread_elsewhere: int


class ReadBody(BaseModel):
    """Either `ids` or `all`."""

    model_config = ConfigDict(extra="forbid")

    ids: list[Id] = Field(default=[], max_length=MARKED_MAX)
    all: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> ReadBody:
        if bool(self.ids) == self.all:
            raise ValueError("give either ids or all")
        return self


class ReadAnswer(BaseModel):
    marked: int
    unread: int


class KindBody(BaseModel):
    """A kind, what holds for this person, and what would hold if nothing was chosen."""

    kind: str
    bell: bool
    mail: bool
    default_bell: bool
    default_mail: bool


class QuietBody(BaseModel):
    """No mail from `start` to `end`, local time in `timezone`."""

    model_config = ConfigDict(extra="forbid")

    start: TimeOfDay
    end: TimeOfDay
    timezone: str = Field(max_length=64, description="IANA name, e.g. Europe/Vienna")


class PreferencesAnswer(BaseModel):
    """`mail_available` is False where the installation sends no mail at all."""

    kinds: list[KindBody]
    quiet: QuietBody | None
    mail_available: bool


class ChoiceBody(BaseModel):
    """What is left out is as the kind has it."""

    model_config = ConfigDict(extra="forbid")

    bell: bool | None = None
    mail: bool | None = None


class PreferencesBody(BaseModel):
    """Replaces all choices. `kinds` by name; `*` stands for all that are not named."""

    model_config = ConfigDict(extra="forbid")

    kinds: dict[str, ChoiceBody] = Field(default={}, max_length=200)
    quiet: QuietBody | None = None


def router(notify: Notify) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/api/notifications", tags=["notifications"])

    @routes.get("")
    async def list_notifications(
        caller: AccountCaller,
        cursor: Annotated[str | None, Query(max_length=40)] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        unread: bool = False,
    ) -> NotificationPage:
        """The bell in the caller's space, newest first; `next` is the cursor of the following page."""
        before = decode(PREFIX, cursor) if cursor is not None else None
        page = await notify.page(caller, cursor=before, unread=unread, limit=limit)
        here, elsewhere = await notify.unread_count(caller)
        return NotificationPage(
            items=[_body(each) for each in page.items],
            next=encode(PREFIX, UUID(page.next)) if page.next else None,
            unread=here,
            unread_elsewhere=elsewhere,
        )

    @routes.post("/read")
    async def mark_read(caller: AccountCaller, body: ReadBody) -> ReadAnswer:
        """Mark notifications of the caller's space as read: some by id, or all."""
        ids = None if body.all else [decode(PREFIX, each) for each in body.ids]
        marked = await notify.mark_read(caller, ids)
        return ReadAnswer(marked=marked, unread=(await notify.unread_count(caller))[0])

    @routes.get("/preferences")
    async def get_preferences(caller: AccountCaller) -> PreferencesAnswer:
        """Which kinds of notifications reach the caller in the bell and by mail, and the quiet hours."""
        return _answer(notify, await notify.preferences(caller))

    @routes.put("/preferences")
    async def put_preferences(caller: AccountCaller, body: PreferencesBody) -> PreferencesAnswer:
        """Replace all choices; kinds that are left out are as they come."""
        await notify.set_preferences(caller, _chosen(body))
        return _answer(notify, await notify.preferences(caller))

    return routes


def _body(told: Notification) -> NotificationBody:
    return NotificationBody(
        id=encode(PREFIX, told.id),
        space_id=told.space,
        kind=told.kind,
        params=dict(told.params),
        link=told.link,
        created_at=told.created_at,
        read_at=told.read_at,
    )


def _chosen(body: PreferencesBody) -> Preferences:
    return Preferences(
        bell={kind: choice.bell for kind, choice in body.kinds.items() if choice.bell is not None},
        mail={kind: choice.mail for kind, choice in body.kinds.items() if choice.mail is not None},
        quiet=QuietHours(_minute(body.quiet.start), _minute(body.quiet.end), body.quiet.timezone)
        if body.quiet
        else None,
    )


def _answer(notify: Notify, chosen: Preferences) -> PreferencesAnswer:
    quiet = chosen.quiet
    return PreferencesAnswer(
        kinds=[
            KindBody(
                kind=kind.name,
                bell=chosen.wants_bell(kind),
                mail=chosen.wants_mail(kind),
                default_bell=kind.bell,
                default_mail=kind.mail,
            )
            for kind in notify.kinds
        ],
        quiet=QuietBody(start=_clock(quiet.from_minute), end=_clock(quiet.to_minute), timezone=quiet.timezone)
        if quiet
        else None,
        mail_available=notify.mails,
    )


def _minute(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"

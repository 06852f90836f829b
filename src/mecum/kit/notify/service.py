"""Notifying: one row and the jobs that tell the surfaces and send the mail, all in the sender's transaction."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from mecum.kit.bus import Bus, person_channel
from mecum.kit.clock import Clock
from mecum.kit.dates import is_zone
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.errors import BadRequest, Param, Unprocessable
from mecum.kit.i18n import I18n
from mecum.kit.ids import new_id
from mecum.kit.jobs import Jobs, JobSpec
from mecum.kit.mail import Mail, Message
from mecum.kit.notify import store
from mecum.kit.notify.quiet import due_at
from mecum.kit.notify.types import (
    NewNotification,
    Notification,
    NotificationKind,
    Preferences,
    Recipients,
    nobody,
)
from mecum.kit.types import OrganisationId, Page, PersonId, Principal, SpaceId

PARAMS_BYTES_MAX = 4096
LINK_CHARS_MAX = 500
PAGE_MAX = 200
MARKED_MAX = 500
PREFERENCES_PATH = "/?panel=notifications"
FRAME = json.dumps({"type": "notification"}).encode()


class Notify:
    """Tells people.

    Args:
        public_url: before links in mail; without a trailing slash.
        kept_days: how long the bell remembers.
    """

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        bus: Bus,
        mail: Mail,
        i18n: I18n,
        clock: Clock,
        *,
        public_url: str,
        kept_days: int = 90,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._bus = bus
        self._mail = mail
        self._i18n = i18n
        self._clock = clock
        self._public_url = public_url
        self._kept = dt.timedelta(days=kept_days)
        self._kinds: dict[str, NotificationKind] = {}
        self._recipients: Recipients = nobody
        jobs.add(
            [
                JobSpec("notify.announce", self._announce),
                JobSpec("notify.mail", self._send_mail),
                JobSpec("notify.sweep", self._sweep, cron="37 3 * * *"),
            ]
        )

    def register(self, kinds: Sequence[NotificationKind]) -> None:
        """Make kinds known. Only while the house is built."""
        for kind in kinds:
            if kind.name in self._kinds:
                raise ValueError(f"Two kinds of notifications are called {kind.name}.")
            self._kinds[kind.name] = kind

    def bind_recipients(self, recipients: Recipients) -> None:
        """Say who knows where mail to people goes."""
        self._recipients = recipients

    @property
    def kinds(self) -> tuple[NotificationKind, ...]:
        return tuple(self._kinds.values())

    @property
    def mails(self) -> bool:
        """Whether this installation sends mail at all."""
        return self._mail.configured

    async def notify(
        self,
        connection: AsyncConnection,
        person: PersonId,
        space: SpaceId,
        organisation: OrganisationId,
        kind: str,
        params: Mapping[str, Param],
        link: str,
        dedupe_key: str | None = None,
    ) -> UUID | None:
        """Tell `person`, in the caller's transaction; see `NewNotification` for the arguments.

        Returns the notification's id, or None when the person wants to hear nothing of this kind or was told before.
        """
        new = NewNotification(person, space, organisation, kind, params, link, dedupe_key)
        known = self._kinds.get(kind)
        if known is None:
            raise ValueError(f"No kind of notification is called {kind}.")
        _require_sound(new)
        chosen = await store.preferences(connection, person)
        bell, mail = chosen.wants_bell(known), chosen.wants_mail(known) and self._mail.configured
        if not bell and not mail:
            return None
        notification, now = new_id(), self._clock.now()
        if not await store.add(connection, notification, new, bell=bell, now=now):
            return None
        if bell:
            await self._jobs.defer(connection, "notify.announce", person=str(person))
        if mail:
            due = None if known.urgent else due_at(now, chosen.quiet)
            await self._jobs.defer(connection, "notify.mail", at=due, notification=str(notification))
        return notification

    async def page(
        self, principal: Principal, *, cursor: UUID | None = None, unread: bool = False, limit: int = 50
    ) -> Page[Notification]:
        """The bell in the principal's space, the newest first. `cursor` is the id of the last one seen."""
        size = max(1, min(limit, PAGE_MAX))
        async with self._database.transaction() as connection:
            found = await store.page(
                connection, principal.person, principal.space, before=cursor, unread=unread, limit=size + 1
            )
        more = len(found) > size
        return Page(tuple(found[:size]), found[size - 1].id.hex if more else None)

    async def unread_count(self, principal: Principal) -> tuple[int, int]:
        """How many are unread in the principal's space, and in the person's other spaces together."""
        async with self._database.transaction() as connection:
            counts = await store.unread(connection, principal.person)
        here = counts.pop(principal.space, 0)
        return here, sum(counts.values())

    async def mark_read(self, principal: Principal, ids: Sequence[UUID] | None = None) -> int:
        """Mark these of the principal's space, or all, as read. Returns how many were unread.

        Raises:
            BadRequest: more than MARKED_MAX at once.
        """
        if ids is not None and len(ids) > MARKED_MAX:
            raise BadRequest("notify.too_many_ids", f"At most {MARKED_MAX} at once.", params={"limit": MARKED_MAX})
        async with self._database.transaction() as connection:
            marked = await store.mark_read(connection, principal.person, principal.space, ids, self._clock.now())
        if marked:
            await self._bus.publish(person_channel(principal.person), FRAME)
        return marked

    async def preferences(self, principal: Principal) -> Preferences:
        async with self._database.transaction() as connection:
            return await store.preferences(connection, principal.person)

    async def set_preferences(self, principal: Principal, chosen: Preferences) -> None:
        """Replace what the person chose.

        Raises:
            Unprocessable: an unknown kind, time zone or time of day.
        """
        unknown = ({*chosen.bell, *chosen.mail} - {store.ANY}) - self._kinds.keys()
        if unknown:
            name = min(unknown)[:80]
            raise Unprocessable("notify.kind_unknown", f"There is no kind {name}.", params={"kind": name})
        quiet = chosen.quiet
        if quiet is not None:
            if not is_zone(quiet.timezone):
                zone = quiet.timezone[:64]
                raise Unprocessable("notify.zone_unknown", f"There is no time zone {zone}.", params={"timezone": zone})
            if not (0 <= quiet.from_minute < 1440 and 0 <= quiet.to_minute < 1440):
                raise Unprocessable("notify.time_unknown", "A time of day lies between 00:00 and 23:59.")
        async with self._database.transaction() as connection:
            await store.set_preferences(connection, principal.person, chosen)

    async def erase(self, connection: AsyncConnection, person: PersonId) -> None:
        """Remove everything about `person`, in the caller's transaction."""
        await store.erase(connection, person)

    async def export(self, person: PersonId) -> Mapping[str, object]:
        """Everything about `person`, as values that JSON knows: notifications of all spaces and preferences."""
        async with self._database.transaction() as connection:
            notifications = await store.everything(connection, person)
            chosen = await store.preferences(connection, person)
        return {"notifications": [_exported(each) for each in notifications], "preferences": asdict(chosen)}

    async def _announce(self, person: str) -> None:
        await self._bus.publish(person_channel(PersonId(UUID(person))), FRAME)

    async def _send_mail(self, notification: str) -> None:
        async with self._database.transaction() as connection:
            found = await store.to_mail(connection, UUID(notification))
        if found is None or not self._mail.configured:
            return  # Read in the bell meanwhile, mailed before, erased, or the mail server was taken away.
        person, told = found
        recipient = await self._recipients(person)
        kind = self._kinds.get(told.kind)
        if recipient is None or not (recipient.proven or (kind is not None and kind.urgent)):
            return
        message = self._message(recipient.address, recipient.locale, told)
        async with self._database.transaction() as connection:
            if await store.to_mail(connection, told.id) is not None:
                await self._mail.send(connection, message)
                await store.mark_mailed(connection, told.id, self._clock.now())

    def _message(self, address: str, locale: str, told: Notification) -> Message:
        title = self._i18n.text(locale, f"notification.{told.kind}.title", **told.params)
        body = self._i18n.text(locale, f"notification.{told.kind}.body", **told.params)
        settings = f"{self._public_url}{PREFERENCES_PATH}"
        footer = self._i18n.text(locale, "notification.mail.footer", link=settings)
        return Message(address, title, f"{body}\n\n{self._public_url}{told.link}\n\n-- \n{footer}\n")

    async def _sweep(self) -> None:
        async with self._database.transaction() as connection:
            await store.forget(connection, self._clock.now() - self._kept)


def _require_sound(new: NewNotification) -> None:
    """A notification that breaks these is a mistake of the room that sends it."""
    if not new.link.startswith("/") or new.link.startswith(("//", "/\\")) or len(new.link) > LINK_CHARS_MAX:
        raise ValueError("A notification leads to a path of this installation.")
    if len(json.dumps(dict(new.params)).encode()) > PARAMS_BYTES_MAX:
        raise ValueError(f"The parameters of a notification have at most {PARAMS_BYTES_MAX} bytes.")


def _exported(told: Notification) -> Mapping[str, object]:
    return {
        "kind": told.kind,
        "params": dict(told.params),
        "link": told.link,
        "space_id": str(told.space),
        "created_at": told.created_at.isoformat(),
        "read_at": told.read_at.isoformat() if told.read_at else None,
    }

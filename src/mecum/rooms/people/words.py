"""What the room writes to people: letters by mail, and notices to the operators."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Literal, get_args
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.db import AsyncConnection
from mecum.kit.errors import Param
from mecum.kit.i18n import I18n
from mecum.kit.ids import encode
from mecum.kit.mail import Mail, Message
from mecum.kit.notify import NotificationKind, Notify
from mecum.rooms.people import Person
from mecum.rooms.people.store import persons

LetterKind = Literal[
    "account_there",
    "address_asked",
    "address_changed",
    "invitation",
    "reset",
    "sign_up",
    "verification",
    "welcome",
]
LETTERS: tuple[LetterKind, ...] = get_args(LetterKind)


class Letters:
    """Without a mail server nothing is sent: then operators hand links over themselves."""

    def __init__(self, mail: Mail, i18n: I18n, installation_name: str) -> None:
        self._mail = mail
        self._i18n = i18n
        self._installation_name = installation_name

    @property
    def can_send(self) -> bool:
        return self._mail.configured

    async def send(
        self,
        connection: AsyncConnection,
        to: tuple[str, str],
        kind: LetterKind,
        until: dt.datetime | None = None,
        **params: Param,
    ) -> None:
        """Put a letter on its way, in the caller's transaction.

        Args:
            to: address and language.
            until: when what it says is over: then it is not sent any more.
        """
        if not self.can_send:
            return
        address, locale = to
        values = {**params, "installation": self._installation_name}
        subject = self._i18n.text(locale, f"people.mail.{kind}.subject", **values)
        text = self._i18n.text(locale, f"people.mail.{kind}.body", **values)
        await self._mail.send(connection, Message(address, subject, text), expires_at=until)


KINDS = (
    NotificationKind("people.reset_wanted"),
    NotificationKind("people.session_stolen", mail=True, urgent=True),
    NotificationKind("people.sign_in_changed", mail=True, urgent=True),
)
OPERATORS_TOLD = 50


class Notices:
    """What people are told in the bell. Others are named by id alone, so that erasing them needs no search here."""

    def __init__(self, notify: Notify, clock: Clock) -> None:
        self._notify = notify
        self._clock = clock

    async def reset_wanted(self, connection: AsyncConnection, person: Person) -> None:
        """Tell those who run the installation, once a day, that somebody can't sign in and no mail can be sent."""
        for operator in await persons.operators(connection, OPERATORS_TOLD):
            if operator.id != person.id:
                subject = encode("prs", person.id)
                link = f"/admin/people?person={subject}"
                key = f"{subject}:{self._clock.now():%Y-%m-%d}"
                await self._tell(connection, operator, "people.reset_wanted", {"person": subject}, link, key)

    async def session_stolen(self, connection: AsyncConnection, person: Person) -> None:
        """Tell a person that a session was ended because two parties held it."""
        await self._tell(connection, person, "people.session_stolen", {}, "/?panel=security")

    async def sign_in_changed(self, connection: AsyncConnection, person_id: UUID) -> None:
        """Tell a person that there is another way to sign in, or one less."""
        person = await persons.known_person(connection, person_id)
        await self._tell(connection, person, "people.sign_in_changed", {}, "/?panel=security")

    async def _tell(
        self,
        connection: AsyncConnection,
        person: Person,
        kind: str,
        params: Mapping[str, Param],
        link: str,
        dedupe_key: str | None = None,
    ) -> None:
        space = await persons.personal_space(connection, person.id)
        place = (person.id, space.id, space.organisation)
        await self._notify.notify(connection, *place, kind, params, link, dedupe_key)

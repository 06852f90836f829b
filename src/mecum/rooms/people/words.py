"""What the room writes to people: letters by mail, and notices to the operators."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from mecum.kit.db import AsyncConnection
from mecum.kit.errors import Param
from mecum.kit.i18n import I18n
from mecum.kit.mail import Mail, Message

LetterKind = Literal["reset", "welcome", "invitation", "address_changed"]
LETTERS: tuple[LetterKind, ...] = ("reset", "welcome", "invitation", "address_changed")


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

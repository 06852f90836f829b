"""What a notification is, and what a person prefers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from mecum.kit.errors import Param
from mecum.kit.types import OrganisationId, PersonId, SpaceId


@dataclass(frozen=True, slots=True)
class NotificationKind:
    """A kind of thing that people are told about.

    Args:
        name: `room.what_happened`, stable: rows and clients name it.
        bell: shown in the bell unless the person says otherwise.
        mail: sent by mail unless the person says otherwise.
        urgent: mail does not wait for the end of the quiet hours (a sign-in from a new place, not a finished task).
    """

    name: str
    bell: bool = True
    mail: bool = False
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class NewNotification:
    """Something to tell.

    Args:
        params: for the words; ids, names, counts. At most 4 KiB.
        link: where it leads, a path of this installation that begins with `/`.
        dedupe_key: the same person is told of the same kind and key only once.
    """

    person: PersonId
    space: SpaceId
    organisation: OrganisationId
    kind: str
    params: Mapping[str, Param]
    link: str
    dedupe_key: str | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """A line in the bell."""

    id: UUID
    space: SpaceId
    kind: str
    params: Mapping[str, Param]
    link: str
    created_at: dt.datetime
    read_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When no mail is sent: minutes after midnight in `timezone` (IANA name), over midnight when from is after to."""

    from_minute: int
    to_minute: int
    timezone: str


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person chose; what is missing here is as the kind has it."""

    bell: Mapping[str, bool] = field(default_factory=dict[str, bool])
    mail: Mapping[str, bool] = field(default_factory=dict[str, bool])
    quiet: QuietHours | None = None

    def wants_bell(self, kind: NotificationKind) -> bool:
        return self.bell.get(kind.name, self.bell.get("*", kind.bell))

    def wants_mail(self, kind: NotificationKind) -> bool:
        return self.mail.get(kind.name, self.mail.get("*", kind.mail))


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where mail to a person goes, and in which language.

    Args:
        proven: it is known that the person reads mail there. To another address only what is urgent goes: it may be a
            stranger's, and what a person works on is nobody else's business.
    """

    address: str
    locale: str
    proven: bool


Recipients: TypeAlias = Callable[[PersonId], Awaitable[Recipient | None]]
"""What notifying needs of whoever knows people; None for somebody who gets no mail."""


async def nobody(person: PersonId) -> Recipient | None:
    """The recipients while nobody knows any."""
    return None

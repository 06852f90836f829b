"""A bell for tests: kinds of notifications, fixtures, a way to tell. Import the fixtures you use."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from uuid import UUID

import pytest

from mecum.kit.bus import LocalBus
from mecum.kit.clock import ManualClock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import Database
from mecum.kit.errors import Param
from mecum.kit.i18n import I18n
from mecum.kit.mail import SmtpMail, SmtpServer
from mecum.kit.notify import NotificationKind, Notify, Recipient
from mecum.kit.types import PersonId, Principal
from tests.support.jobs import HandJobs
from tests.support.principals import principal
from tests.support.smtp import FakeSmtp, fake_smtp

DONE = NotificationKind("test.done", mail=True)
QUIET_ONLY = NotificationKind("test.seen")
ALARM = NotificationKind("test.alarm", mail=True, urgent=True)
MAIL_ONLY = NotificationKind("test.letter", bell=False, mail=True)

WORDS = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"

msgid "notification.test.done.title"
msgstr "{title} is done"

msgid "notification.test.done.body"
msgstr "Mecum finished {title} after {count} steps."

msgid "notification.mail.footer"
msgstr "Choose at {link}"
"""


@pytest.fixture
def ada() -> Principal:
    return principal()


@pytest.fixture
async def smtp() -> AsyncGenerator[FakeSmtp]:
    async with fake_smtp() as fake:
        yield fake


@pytest.fixture
def bus(clock: ManualClock) -> LocalBus:
    return LocalBus(clock)


@pytest.fixture
def notify(
    database: Database, jobs: HandJobs, bus: LocalBus, clock: ManualClock, smtp: FakeSmtp, tmp_path: Path
) -> Notify:
    (tmp_path / "en.po").write_text(WORDS)
    server = SmtpServer.from_url(f"smtp://127.0.0.1:{smtp.port}")
    mail = SmtpMail(server, "m@example.org", database, jobs, SecretBox({"k": secrets.token_bytes(32)}), clock)
    built = Notify(database, jobs, bus, mail, I18n(tmp_path), clock, public_url="https://mecum.test")
    built.register([DONE, QUIET_ONLY, ALARM, MAIL_ONLY])
    built.bind_recipients(ada_lovelace)
    return built


async def ada_lovelace(person: PersonId) -> Recipient | None:
    return Recipient("ada@example.org", "en", proven=True)


async def tell(
    notify: Notify,
    database: Database,
    to: Principal,
    kind: NotificationKind = DONE,
    params: Mapping[str, Param] | None = None,
    link: str = "/threads/1",
    dedupe_key: str | None = None,
) -> UUID | None:
    words = params or {"title": "Report", "count": 3}
    async with database.transaction() as connection:
        return await notify.notify(connection, to.person, to.space, to.organisation, kind.name, words, link, dedupe_key)

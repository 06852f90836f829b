"""Mail: written in the caller's transaction, sent by a durable job, sealed while it waits.

Without a mail server (`MECUM_SMTP_URL`) `Mail.configured` is False: whoever wants to send a link shows it to the
operator instead, who hands it over.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import smtplib
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

from sqlalchemy import Column, LargeBinary, Table, delete, insert, select

from mecum.kit.clock import Clock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import TIMESTAMP, AsyncConnection, Database, room_metadata
from mecum.kit.db import UUID as PgUuid
from mecum.kit.errors import StartError, Unavailable, Unprocessable
from mecum.kit.ids import new_id
from mecum.kit.jobs import Jobs, JobSpec
from mecum.kit.sealed import SealedColumn
from mecum.kit.settings import is_loopback

logger = logging.getLogger(__name__)

TEXT_CHARS_MAX = 100_000
SUBJECT_CHARS_MAX = 200
ADDRESS_CHARS_MAX = 254
KEPT = dt.timedelta(days=3)
ATTEMPTS_MAX = 14
TIMEOUT_S = 20.0
CONCURRENT_MAX = 4
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}

metadata = room_metadata("kit")
mail_queue = Table(
    "mail_queue",
    metadata,
    Column("id", PgUuid, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
)

SEALED = SealedColumn("kit.mail", mail_queue.c.sealed, lambda mail: f"kit.mail:{mail}")


@dataclass(frozen=True, slots=True)
class Message:
    """A mail to one person, already worded in that person's language. `html` says the same as `text`."""

    to: str
    subject: str
    text: str
    html: str | None = None


class Mail(Protocol):
    @property
    def configured(self) -> bool:
        """Whether mail can be sent at all."""
        ...

    async def send(
        self, connection: AsyncConnection, message: Message, *, expires_at: dt.datetime | None = None
    ) -> None:
        """Put `message` on its way, in the caller's transaction.

        Args:
            expires_at: after this it is not sent any more (three days by default): for links that stop working.

        Raises:
            Unavailable: there is no mail server. Unprocessable: no usable address, or too long.
        """
        ...

    async def check(self) -> None:
        """Talk to the mail server without sending anything.

        Raises:
            Unavailable: it can't be reached or does not let us in; says why.
        """
        ...


class NullMail:
    """No mail server."""

    configured = False

    async def send(
        self, connection: AsyncConnection, message: Message, *, expires_at: dt.datetime | None = None
    ) -> None:
        raise _not_configured()

    async def check(self) -> None:
        raise _not_configured()


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over: `smtp://` in the clear, `smtp+starttls://`, or `smtps://`."""

    scheme: str
    host: str
    port: int
    user: str
    password: str

    @classmethod
    def from_url(cls, url: str) -> SmtpServer:
        """`url` taken apart.

        Raises:
            StartError: it names no host, or would send a password in the clear over a network.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise StartError("mail_url", "MECUM_SMTP_URL is not of the form smtps://user:password@host:port.")
        if parts.scheme == "smtp" and parts.password and not is_loopback(parts.hostname):
            hint = "Use smtp+starttls:// or smtps://"
            raise StartError("mail_clear_password", "MECUM_SMTP_URL would send a password unencrypted.", hint)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme], user, password)


class SmtpMail:
    """Mail through an SMTP server (RFC 5321), with one connection per message and a few at a time.

    Args:
        sender: an address, or `Name <address>`.
        ssl_context: whom to trust; the system's certificate authorities by default.
    """

    configured = True

    def __init__(
        self,
        server: SmtpServer,
        sender: str,
        database: Database,
        jobs: Jobs,
        secrets: SecretBox,
        clock: Clock,
        *,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        name, address = parseaddr(sender)
        self._sender = _address(address, name)
        self._database = database
        self._jobs = jobs
        self._secrets = secrets
        self._clock = clock
        self._ssl = ssl_context or ssl.create_default_context()
        self._slots = asyncio.Semaphore(CONCURRENT_MAX)
        jobs.add(
            [
                JobSpec("mail.send", self._send, attempts_max=ATTEMPTS_MAX),
                JobSpec("mail.sweep", self._sweep, cron="11 * * * *"),
            ]
        )

    async def send(
        self, connection: AsyncConnection, message: Message, *, expires_at: dt.datetime | None = None
    ) -> None:
        mail_id, now = new_id(), self._clock.now()
        self._composed(mail_id, message)
        sealed = await SEALED.seal(connection, self._secrets, mail_id, json.dumps(asdict(message)).encode())
        values = {"id": mail_id, "sealed": sealed, "created_at": now, "expires_at": expires_at or now + KEPT}
        await connection.execute(insert(mail_queue).values(values))
        await self._jobs.defer(connection, "mail.send", mail=str(mail_id))

    async def check(self) -> None:
        try:
            await asyncio.to_thread(self._try)
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable("mail_server_failed", f"The mail server does not let us in: {_reason(error)}.") from error

    async def _send(self, mail: str) -> None:
        mail_id = UUID(mail)
        async with self._database.transaction() as connection:
            row = (await connection.execute(select(mail_queue).where(mail_queue.c.id == mail_id))).one_or_none()
        if row is None:
            return  # It went out before; only the note about the job was lost.
        if row.expires_at > self._clock.now():
            message = Message(**json.loads(SEALED.open(self._secrets, mail_id, row.sealed)))
            try:
                async with self._slots:
                    await asyncio.to_thread(self._deliver, self._composed(mail_id, message))
            except (smtplib.SMTPException, OSError) as error:
                if not _is_permanent(error):
                    raise Unavailable("mail_server_failed", f"The mail server failed: {_reason(error)}.") from error
                logger.warning("A mail was refused for good: %s", _reason(error))
        async with self._database.transaction() as connection:
            await connection.execute(delete(mail_queue).where(mail_queue.c.id == mail_id))

    async def _sweep(self) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(delete(mail_queue).where(mail_queue.c.expires_at < self._clock.now()))

    def _composed(self, mail_id: UUID, message: Message) -> EmailMessage:
        """The message on the wire. Its id stays the same when it is sent again, so that a second copy can be told."""
        if len(message.text) > TEXT_CHARS_MAX or len(message.html or "") > TEXT_CHARS_MAX:
            raise Unprocessable("mail_too_long", f"A mail may have {TEXT_CHARS_MAX} characters.")
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._sender
        mail["To"] = _address(message.to)
        mail["Subject"] = " ".join(message.subject.split())[:SUBJECT_CHARS_MAX]
        mail["Date"] = format_datetime(self._clock.now())
        mail["Message-ID"] = f"<{mail_id.hex}@{self._sender.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        if message.html is not None:
            mail.add_alternative(message.html, subtype="html")
        return mail

    def _deliver(self, mail: EmailMessage) -> None:
        with self._connected() as smtp:
            smtp.send_message(mail)

    def _try(self) -> None:
        with self._connected() as smtp:
            smtp.noop()

    @contextmanager
    def _connected(self) -> Generator[smtplib.SMTP]:
        server = self._server
        if server.scheme == "smtps":
            smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=self._ssl)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
        with smtp:
            if server.scheme == "smtp+starttls":
                smtp.starttls(context=self._ssl)
            if server.user:
                smtp.login(server.user, server.password)
            yield smtp


def _address(text: str, name: str = "") -> Address:
    try:
        if len(text) > ADDRESS_CHARS_MAX:
            raise ValueError("too long")
        found = Address(display_name=name, addr_spec=text)
        if not found.username or not found.domain:
            raise ValueError("no address")
    except (ValueError, MessageError, IndexError):
        raise Unprocessable("mail_address", "This is not a mail address.", "It looks like name@example.org.") from None
    return found


def _is_permanent(error: Exception) -> bool:
    """Whether trying again is of no use: the receiver or the content is refused, not we."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500


def _reason(error: Exception) -> str:
    """What went wrong, without addresses: those of the server's replies may name the person."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"recipient refused {sorted(code for code, _ in error.recipients.values())}"
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def _not_configured() -> Unavailable:
    return Unavailable(
        "mail_not_configured",
        "This installation sends no mail.",
        "The operator can set MECUM_SMTP_URL and MECUM_MAIL_FROM.",
        retryable=False,
    )

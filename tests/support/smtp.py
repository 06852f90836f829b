"""A mail server for tests: enough of SMTP (RFC 5321, STARTTLS, AUTH PLAIN) for a real client, over loopback."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

MAIL_WITHIN_S = 30


@dataclass
class FakeSmtp:
    """What came in, and how the next messages are answered."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list[EmailMessage])
    recipients: list[str] = field(default_factory=list[str])
    logins: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    encrypted: list[bool] = field(default_factory=list[bool])
    refuse_rcpt: list[str] = field(default_factory=list[str])
    refuse_data: list[str] = field(default_factory=list[str])
    password: str | None = None
    tls: ssl.SSLContext | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, secure: bool = False) -> None:
        try:
            await self._say(writer, "220 fake ready")
            while line := await reader.readline():
                verb, _, rest = line.decode().strip().partition(" ")
                if verb.upper() == "STARTTLS" and self.tls is not None:
                    await self._say(writer, "220 go ahead")
                    await writer.start_tls(self.tls)
                    secure = True
                elif verb.upper() == "DATA":
                    await self._data(reader, writer, secure)
                elif verb.upper() == "QUIT":
                    await self._say(writer, "221 bye")
                    break
                else:
                    await self._say(writer, self._reply(verb.upper(), rest, secure))
        finally:
            writer.close()

    def _reply(self, verb: str, rest: str, secure: bool) -> str:
        match verb:
            case "EHLO":
                offers = ["250-fake", *(["250-STARTTLS"] if self.tls and not secure else [])]
                return "\r\n".join([*offers, "250 AUTH PLAIN"])
            case "AUTH":
                _, user, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
                self.logins.append((user, password))
                return "235 welcome" if self.password in (None, password) else "535 no"
            case "RCPT":
                if self.refuse_rcpt:
                    return self.refuse_rcpt.pop(0)
                self.recipients.append(rest.partition(":")[2].strip("<> "))
                return "250 ok"
            case _:
                return "250 ok"

    async def _data(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, secure: bool) -> None:
        if self.refuse_data:
            await self._say(writer, self.refuse_data.pop(0))
            return
        await self._say(writer, "354 go on")
        body = await reader.readuntil(b"\r\n.\r\n")
        message = message_from_bytes(body[:-3].replace(b"\r\n..", b"\r\n."), policy=default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.encrypted.append(secure)
        await self._say(writer, "250 kept")
        self.arrived.set()

    async def _say(self, writer: asyncio.StreamWriter, reply: str) -> None:
        writer.write(f"{reply}\r\n".encode())
        await writer.drain()


@asynccontextmanager
async def fake_smtp(*, tls: ssl.SSLContext | None = None, implicit_tls: bool = False) -> AsyncGenerator[FakeSmtp]:
    """A mail server until the end of the block."""
    fake = FakeSmtp(tls=tls)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await fake.talk(reader, writer, secure=implicit_tls)

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls if implicit_tls else None)
    fake.port = server.sockets[0].getsockname()[1]
    async with server:
        yield fake


class Mailbox:
    """A mail server in a thread of its own, and the mails that arrive there, for tests that don't await."""

    def __init__(self, smtp: FakeSmtp, loop: asyncio.AbstractEventLoop) -> None:
        self._smtp = smtp
        self._loop = loop

    @property
    def settings(self) -> dict[str, str]:
        return {"MECUM_SMTP_URL": f"smtp://127.0.0.1:{self._smtp.port}", "MECUM_MAIL_FROM": "mecum@example.org"}

    def link(self, to: str, kind: str) -> str:
        """The one-time link of that kind in the mail that comes next for `to`; others are laid aside."""

        async def arrived() -> str:
            while True:
                while not self._smtp.messages:
                    self._smtp.arrived.clear()
                    await self._smtp.arrived.wait()
                message = self._smtp.messages.pop(0)
                if message["To"] == to:
                    return message.get_content()

        text = asyncio.run_coroutine_threadsafe(arrived(), self._loop).result(MAIL_WITHIN_S)
        found = re.search(rf"https?://\S+/{kind}/\S+", text)
        assert found, text
        return found[0]


@contextmanager
def mailbox() -> Generator[Mailbox]:
    """A mail server until the end of the block."""
    loop, ready, ended, made = asyncio.new_event_loop(), threading.Event(), asyncio.Event(), list[Mailbox]()

    async def serve() -> None:
        async with fake_smtp() as smtp:
            made.append(Mailbox(smtp, loop))
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(MAIL_WITHIN_S)
    yield made[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(MAIL_WITHIN_S)
    loop.close()

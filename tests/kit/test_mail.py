"""Mail: durable, sealed while it waits, over a real SMTP connection."""

from __future__ import annotations

import datetime as dt
import secrets
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from sqlalchemy import text

from mecum.kit.clock import ManualClock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import Database
from mecum.kit.errors import StartError, Unavailable, Unprocessable
from mecum.kit.jobs import Jobs
from mecum.kit.mail import Message, NullMail, SmtpMail, SmtpServer
from tests.support.certificates import contexts
from tests.support.jobs import HandJobs
from tests.support.smtp import FakeSmtp, fake_smtp

SENDER = "Mecum <mecum@example.org>"
HELLO = Message("ada@example.org", "Your link", "Open https://mecum.example.org/reset\n", "<p>Open it</p>")


@pytest.fixture
async def smtp() -> AsyncGenerator[FakeSmtp]:
    async with fake_smtp() as fake:
        yield fake


@pytest.fixture
def mail(smtp: FakeSmtp, database: Database, jobs: HandJobs, clock: ManualClock) -> SmtpMail:
    return build(f"smtp://127.0.0.1:{smtp.port}", database, jobs, clock)


def build(
    url: str, database: Database, jobs: Jobs, clock: ManualClock, trust: ssl.SSLContext | None = None
) -> SmtpMail:
    box = SecretBox({"k": secrets.token_bytes(32)})
    return SmtpMail(SmtpServer.from_url(url), SENDER, database, jobs, box, clock, ssl_context=trust)


async def send(
    mail: SmtpMail, database: Database, message: Message = HELLO, expires_at: dt.datetime | None = None
) -> None:
    async with database.transaction() as connection:
        await mail.send(connection, message, expires_at=expires_at)


async def queued(database: Database) -> list[bytes]:
    async with database.transaction() as connection:
        return [bytes(row.sealed) for row in await connection.execute(text("SELECT sealed FROM kit.mail_queue"))]


async def test_a_mail_arrives_as_it_was_written(
    mail: SmtpMail, smtp: FakeSmtp, database: Database, jobs: HandJobs, clock: ManualClock
) -> None:
    await send(mail, database)
    await jobs.run_due(clock.now())
    (message,) = smtp.messages
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, "ada@example.org", "Your link")
    assert message["Auto-Submitted"] == "auto-generated"
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None and plain.get_content().strip() == "Open https://mecum.example.org/reset"
    assert html is not None and "<p>Open it</p>" in html.get_content()
    assert await queued(database) == []


async def test_a_mail_is_sent_by_a_worker_of_its_own_accord(
    smtp: FakeSmtp, database: Database, database_url: str, clock: ManualClock
) -> None:
    jobs = Jobs(database, database_url)
    mail = build(f"smtp://127.0.0.1:{smtp.port}", database, jobs, clock)
    await jobs.start()
    await send(mail, database)
    await smtp.arrived.wait()
    await jobs.stop()
    assert smtp.recipients == ["ada@example.org"]


async def test_words_in_any_script_arrive(
    mail: SmtpMail, smtp: FakeSmtp, database: Database, jobs: HandJobs, clock: ManualClock
) -> None:
    await send(mail, database, Message("ada@example.org", "您的链接\r\nBcc: x@y", "打开\n.\n完"))
    await jobs.run_due(clock.now())
    assert smtp.messages[0]["Subject"] == "您的链接 Bcc: x@y"
    assert smtp.messages[0]["Bcc"] is None
    assert smtp.messages[0].get_content().split() == ["打开", ".", "完"]


async def test_a_mail_is_sent_only_if_the_transaction_was_committed(
    mail: SmtpMail, smtp: FakeSmtp, database: Database, jobs: HandJobs, clock: ManualClock
) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await mail.send(connection, HELLO)
            raise RuntimeError
    assert await jobs.run_due(clock.now()) == []
    assert smtp.messages == []


async def test_a_waiting_mail_can_not_be_read_in_the_database(mail: SmtpMail, database: Database) -> None:
    await send(mail, database)
    (sealed,) = await queued(database)
    assert b"ada@example.org" not in sealed and b"reset" not in sealed


async def test_a_job_that_runs_again_sends_nothing_twice(
    mail: SmtpMail, smtp: FakeSmtp, database: Database, jobs: HandJobs, clock: ManualClock
) -> None:
    await send(mail, database)
    async with database.transaction() as connection:
        row = (await connection.execute(text("SELECT id FROM kit.mail_queue"))).one()
    await jobs.run_due(clock.now())
    await jobs.specs["mail.send"].run(mail=str(row.id))
    assert len(smtp.messages) == 1


async def test_a_server_that_fails_for_now_gets_the_same_mail_again(
    mail: SmtpMail, smtp: FakeSmtp, database: Database, jobs: HandJobs, clock: ManualClock
) -> None:
    smtp.refuse_data = ["451 later"]
    await send(mail, database)
    with pytest.raises(Unavailable):
        await jobs.run_due(clock.now())
    await jobs.run_due(clock.now())
    assert len(smtp.messages) == 1


@pytest.mark.parametrize("kind", ["refuse_rcpt", "refuse_data"])
async def test_a_mail_that_is_refused_for_good_is_dropped_without_naming_the_person(
    mail: SmtpMail,
    smtp: FakeSmtp,
    database: Database,
    jobs: HandJobs,
    clock: ManualClock,
    kind: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    setattr(smtp, kind, ["550 no such user ada@example.org"])
    await send(mail, database)
    await jobs.run_due(clock.now())
    assert smtp.messages == [] and await queued(database) == []
    assert "550" in caplog.text and "ada" not in caplog.text


async def test_a_receiver_who_is_refused_for_now_is_tried_again(
    mail: SmtpMail, smtp: FakeSmtp, database: Database, jobs: HandJobs, clock: ManualClock
) -> None:
    smtp.refuse_rcpt = ["450 greylisted"]
    await send(mail, database)
    with pytest.raises(Unavailable):
        await jobs.run_due(clock.now())
    assert len(await queued(database)) == 1


async def test_a_mail_whose_link_has_expired_is_not_sent(
    mail: SmtpMail, smtp: FakeSmtp, database: Database, jobs: HandJobs, clock: ManualClock
) -> None:
    await send(mail, database, expires_at=clock.now() + dt.timedelta(hours=1))
    clock.advance(3600)
    await jobs.run_due(clock.now())
    assert smtp.messages == [] and await queued(database) == []


async def test_a_mail_that_could_not_be_sent_is_forgotten_after_three_days(
    mail: SmtpMail, database: Database, jobs: HandJobs, clock: ManualClock
) -> None:
    await send(mail, database)
    clock.advance(3 * 86400 - 1)
    await jobs.specs["mail.sweep"].run()
    assert len(await queued(database)) == 1
    clock.advance(2)
    await jobs.specs["mail.sweep"].run()
    assert await queued(database) == []


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
async def test_mail_is_encrypted_on_the_way_and_signs_in(
    scheme: str, tmp_path: Path, database: Database, jobs: HandJobs, clock: ManualClock
) -> None:
    server, client = contexts(tmp_path, "localhost")
    async with fake_smtp(tls=server, implicit_tls=scheme == "smtps") as smtp:
        mail = build(f"{scheme}://me:p%40ss@localhost:{smtp.port}", database, jobs, clock, client)
        await mail.check()
        await send(mail, database)
        await jobs.run_due(clock.now())
        assert smtp.encrypted == [True]
        assert set(smtp.logins) == {("me", "p@ss")}


async def test_a_server_without_starttls_gets_no_mail(
    smtp: FakeSmtp, database: Database, jobs: HandJobs, clock: ManualClock
) -> None:
    mail = build(f"smtp+starttls://127.0.0.1:{smtp.port}", database, jobs, clock)
    await send(mail, database)
    with pytest.raises(Unavailable):
        await jobs.run_due(clock.now())
    assert smtp.messages == []


async def test_a_check_says_what_is_wrong(
    smtp: FakeSmtp, mail: SmtpMail, database: Database, clock: ManualClock
) -> None:
    await mail.check()
    smtp.password = "right"
    wrong = build(f"smtp://me:wrong@127.0.0.1:{smtp.port}", database, HandJobs(database), clock)
    with pytest.raises(Unavailable, match="535"):
        await wrong.check()
    gone = build("smtp://127.0.0.1:1", database, HandJobs(database), clock)
    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        await gone.check()


@pytest.mark.parametrize(
    "to", ["", "ada", "ada@", "@example.org", "a@b, c@d", "a b@c", "a@b\r\nBcc: c@d", "Ada <ada@b>", "a" * 300 + "@b"]
)
async def test_what_is_no_address_is_refused_at_once(mail: SmtpMail, database: Database, to: str) -> None:
    with pytest.raises(Unprocessable):
        await send(mail, database, Message(to, "Hello", "Hello"))


async def test_an_enormous_mail_is_refused_at_once(mail: SmtpMail, database: Database) -> None:
    with pytest.raises(Unprocessable):
        await send(mail, database, Message("a@b.org", "Hello", "x" * 100_001))


@pytest.mark.parametrize("url", ["smtps://", "https://mail.example.org", "smtp://me:secret@mail.example.org"])
def test_an_unusable_server_is_refused_at_start(url: str) -> None:
    with pytest.raises(StartError) as caught:
        SmtpServer.from_url(url)
    assert "secret" not in str(caught.value)


async def test_without_a_server_mail_says_so(database: Database) -> None:
    mail = NullMail()
    assert not mail.configured
    async with database.transaction() as connection:
        with pytest.raises(Unavailable, match="MECUM_SMTP_URL"):
            await mail.send(connection, HELLO)
    with pytest.raises(Unavailable):
        await mail.check()

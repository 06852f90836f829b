"""Notifications: bell, mail, quiet hours, preferences, erasure."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from mecum.kit.bus import LocalBus
from mecum.kit.clock import ManualClock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import Database
from mecum.kit.errors import BadRequest, Param, Unprocessable
from mecum.kit.http import Credentials, install_errors
from mecum.kit.i18n import I18n
from mecum.kit.mail import NullMail, SmtpMail, SmtpServer
from mecum.kit.notify import NotificationKind, Notify, Preferences, QuietHours, Recipient
from mecum.kit.notify.quiet import due_at
from mecum.kit.notify.service import channel
from mecum.kit.notify_api import router
from mecum.kit.types import PersonId, Principal, SpaceId
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
    return Recipient("ada@example.org", "en")


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


async def test_a_notification_stands_in_the_bell_of_its_person_and_space(
    notify: Notify, database: Database, ada: Principal
) -> None:
    told = await tell(notify, database, ada)
    page = await notify.page(ada)
    assert [(each.id, each.kind, dict(each.params), each.link) for each in page.items] == [
        (told, "test.done", {"title": "Report", "count": 3}, "/threads/1")
    ]
    assert (await notify.page(principal())).items == ()
    elsewhere = replace(ada, space=SpaceId(uuid4()))
    assert (await notify.page(elsewhere)).items == ()
    assert await notify.unread_count(ada) == (1, 0)
    assert await notify.unread_count(elsewhere) == (0, 1)


async def test_a_notification_exists_only_if_the_transaction_was_committed(
    notify: Notify, database: Database, ada: Principal, jobs: HandJobs
) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await notify.notify(connection, ada.person, ada.space, ada.organisation, "test.done", {}, "/")
            raise RuntimeError
    assert (await notify.page(ada)).items == ()
    assert await jobs.waiting() == []


async def test_surfaces_hear_that_the_bell_changed(
    notify: Notify, database: Database, ada: Principal, jobs: HandJobs, clock: ManualClock, bus: LocalBus
) -> None:
    async with bus.subscribe(channel(ada.person)) as frames:
        await tell(notify, database, ada)
        await jobs.run_due(clock.now())
        assert json.loads(await anext(frames)) == {"type": "notification"}
        await notify.mark_read(ada)
        assert json.loads(await anext(frames)) == {"type": "notification"}


async def test_the_same_thing_is_told_once(notify: Notify, database: Database, ada: Principal, jobs: HandJobs) -> None:
    assert await tell(notify, database, ada, dedupe_key="run-1") is not None
    assert await tell(notify, database, ada, dedupe_key="run-1") is None
    assert await tell(notify, database, ada, kind=QUIET_ONLY, dedupe_key="run-1") is not None
    assert await tell(notify, database, principal(), dedupe_key="run-1") is not None
    assert len((await notify.page(ada)).items) == 2
    assert [name for name, _ in await jobs.waiting()].count("notify.mail") == 2


async def test_pages_follow_one_another_without_gap(notify: Notify, database: Database, ada: Principal) -> None:
    told = [await tell(notify, database, ada) for _ in range(5)]
    first = await notify.page(ada, limit=2)
    assert first.next is not None
    second = await notify.page(ada, limit=2, cursor=UUID(first.next))
    third = await notify.page(ada, limit=2, cursor=UUID(second.next or ""))
    assert [each.id for each in (*first.items, *second.items, *third.items)] == told[::-1]
    assert third.next is None


async def test_reading_some_or_all(notify: Notify, database: Database, ada: Principal) -> None:
    told = [await tell(notify, database, ada) for _ in range(3)]
    assert told[0] is not None
    assert await notify.mark_read(ada, [told[0]]) == 1
    assert await notify.mark_read(ada, [told[0]]) == 0
    assert [each.id for each in (await notify.page(ada, unread=True)).items] == [told[2], told[1]]
    assert await notify.mark_read(ada) == 2
    assert await notify.unread_count(ada) == (0, 0)
    with pytest.raises(BadRequest):
        await notify.mark_read(ada, [uuid4()] * 501)


async def test_nobody_marks_what_belongs_to_somebody_else(notify: Notify, database: Database, ada: Principal) -> None:
    told = await tell(notify, database, ada)
    assert told is not None
    assert await notify.mark_read(principal(), [told]) == 0
    assert await notify.mark_read(replace(ada, space=SpaceId(uuid4())), [told]) == 0
    assert await notify.unread_count(ada) == (1, 0)


async def test_mail_says_what_happened_and_where_to_look(
    notify: Notify, database: Database, ada: Principal, jobs: HandJobs, clock: ManualClock, smtp: FakeSmtp
) -> None:
    await tell(notify, database, ada)
    await jobs.run_due(clock.now())
    (mail,) = smtp.messages
    assert (mail["To"], mail["Subject"]) == ("ada@example.org", "Report is done")
    assert mail.get_content().replace("\r\n", "\n") == (
        "Mecum finished Report after 3 steps.\n\nhttps://mecum.test/threads/1\n\n"
        "-- \nChoose at https://mecum.test/settings/notifications\n"
    )


async def test_a_mail_job_that_runs_again_sends_nothing_twice(
    notify: Notify, database: Database, ada: Principal, jobs: HandJobs, clock: ManualClock, smtp: FakeSmtp
) -> None:
    told = await tell(notify, database, ada)
    await jobs.run_due(clock.now())
    await jobs.specs["notify.mail"].run(notification=str(told))
    await jobs.run_due(clock.now())
    assert len(smtp.messages) == 1


async def test_what_was_read_meanwhile_is_not_mailed(
    notify: Notify, database: Database, ada: Principal, jobs: HandJobs, clock: ManualClock, smtp: FakeSmtp
) -> None:
    await tell(notify, database, ada)
    await notify.mark_read(ada)
    await jobs.run_due(clock.now())
    assert smtp.messages == []


async def test_a_person_without_an_address_gets_no_mail(
    notify: Notify, database: Database, ada: Principal, jobs: HandJobs, clock: ManualClock, smtp: FakeSmtp
) -> None:
    async def unknown(person: PersonId) -> Recipient | None:
        return None

    notify.bind_recipients(unknown)
    await tell(notify, database, ada)
    assert await jobs.run_due(clock.now()) == ["notify.announce", "notify.mail"]
    assert smtp.messages == []


async def test_mail_waits_for_the_end_of_the_quiet_hours_unless_it_is_urgent(
    notify: Notify, database: Database, ada: Principal, jobs: HandJobs, clock: ManualClock, smtp: FakeSmtp
) -> None:
    await notify.set_preferences(ada, Preferences(quiet=QuietHours(22 * 60, 7 * 60, "Asia/Shanghai")))
    clock.advance(6 * 3600)  # 15:00 UTC is 23:00 in Shanghai
    await tell(notify, database, ada)
    assert ("notify.mail", clock.now() + dt.timedelta(hours=8)) in await jobs.waiting()
    await tell(notify, database, ada, kind=ALARM)
    await jobs.run_due(clock.now())
    assert len(smtp.messages) == 1
    clock.advance(8 * 3600)
    await jobs.run_due(clock.now())
    assert len(smtp.messages) == 2


async def test_channels_are_as_the_person_chose(
    notify: Notify, database: Database, ada: Principal, jobs: HandJobs
) -> None:
    await notify.set_preferences(
        ada, Preferences(bell={"test.done": False, "test.seen": False}, mail={"*": False, "test.alarm": True})
    )
    assert await tell(notify, database, ada) is None
    assert await tell(notify, database, ada, kind=QUIET_ONLY) is None
    assert await tell(notify, database, ada, kind=ALARM) is not None
    assert await tell(notify, database, ada, kind=MAIL_ONLY) is None
    assert [name for name, _ in await jobs.waiting()] == ["notify.announce", "notify.mail"]


async def test_what_is_mailed_only_is_not_in_the_bell(notify: Notify, database: Database, ada: Principal) -> None:
    assert await tell(notify, database, ada, kind=MAIL_ONLY) is not None
    assert (await notify.page(ada)).items == ()
    assert await notify.unread_count(ada) == (0, 0)


async def test_without_a_mail_server_the_bell_works_alone(
    database: Database, jobs: HandJobs, bus: LocalBus, clock: ManualClock, ada: Principal
) -> None:
    notify = Notify(database, jobs, bus, NullMail(), I18n(), clock, public_url="https://mecum.test")
    notify.register([DONE, MAIL_ONLY])
    assert await tell(notify, database, ada) is not None
    assert await tell(notify, database, ada, kind=MAIL_ONLY) is None
    assert [name for name, _ in await jobs.waiting()] == ["notify.announce"]


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        (Preferences(bell={"no.such": True}), "notify.kind_unknown"),
        (Preferences(quiet=QuietHours(0, 60, "Middle/Earth")), "notify.zone_unknown"),
        (Preferences(quiet=QuietHours(0, 60, "../../etc/passwd")), "notify.zone_unknown"),
        (Preferences(quiet=QuietHours(0, 60, "Europe")), "notify.zone_unknown"),
        (Preferences(quiet=QuietHours(0, 1440, "UTC")), "notify.time_unknown"),
    ],
)
async def test_impossible_preferences_are_refused(
    notify: Notify, ada: Principal, chosen: Preferences, code: str
) -> None:
    with pytest.raises(Unprocessable) as caught:
        await notify.set_preferences(ada, chosen)
    assert caught.value.code == code
    assert await notify.preferences(ada) == Preferences()


@pytest.mark.parametrize(
    "link", ["https://evil.example/", "//evil.example", "/\\evil.example", "threads/1", "/" + "x" * 500]
)
async def test_a_notification_leads_nowhere_but_here(
    notify: Notify, database: Database, ada: Principal, link: str
) -> None:
    with pytest.raises(ValueError, match="path"):
        await tell(notify, database, ada, link=link)


async def test_mistakes_of_a_room_are_found_at_once(notify: Notify, database: Database, ada: Principal) -> None:
    with pytest.raises(ValueError, match=r"no\.such"):
        await tell(notify, database, ada, kind=NotificationKind("no.such"))
    with pytest.raises(ValueError, match="bytes"):
        await tell(notify, database, ada, params={"title": "x" * 5000})
    with pytest.raises(ValueError, match="Two kinds"):
        notify.register([DONE])


async def test_everything_of_a_person_can_be_taken_along_and_erased(
    notify: Notify, database: Database, ada: Principal, jobs: HandJobs, clock: ManualClock, smtp: FakeSmtp
) -> None:
    other = principal()
    await tell(notify, database, ada)
    await tell(notify, database, other)
    await notify.set_preferences(ada, Preferences(bell={"test.seen": False}))
    exported = await notify.export(ada.person)
    assert json.loads(json.dumps(exported)) == {
        "notifications": [
            {
                "kind": "test.done",
                "params": {"title": "Report", "count": 3},
                "link": "/threads/1",
                "space_id": str(ada.space),
                "created_at": clock.now().isoformat(),
                "read_at": None,
            }
        ],
        "preferences": {"bell": {"test.seen": False}, "mail": {}, "quiet": None},
    }
    async with database.transaction() as connection:
        await notify.erase(connection, ada.person)
    assert await notify.export(ada.person) == {
        "notifications": [],
        "preferences": {"bell": {}, "mail": {}, "quiet": None},
    }
    await jobs.run_due(clock.now())
    assert len(smtp.messages) == 1
    assert len((await notify.page(other)).items) == 1


async def test_the_bell_forgets_after_ninety_days(
    notify: Notify, database: Database, ada: Principal, jobs: HandJobs, clock: ManualClock
) -> None:
    await tell(notify, database, ada)
    clock.advance(89 * 86400)
    await jobs.specs["notify.sweep"].run()
    assert len((await notify.page(ada)).items) == 1
    clock.advance(2 * 86400)
    await jobs.specs["notify.sweep"].run()
    assert (await notify.page(ada)).items == ()


@pytest.mark.parametrize(
    ("now", "quiet", "due"),
    [
        ("2026-03-02T21:59", (22, 7, "UTC"), None),
        ("2026-03-02T22:00", (22, 7, "UTC"), "2026-03-03T07:00"),
        ("2026-03-02T03:00", (22, 7, "UTC"), "2026-03-02T07:00"),
        ("2026-03-02T07:00", (22, 7, "UTC"), None),
        ("2026-03-02T13:30", (13, 14, "UTC"), "2026-03-02T14:00"),
        ("2026-03-02T12:59", (13, 14, "UTC"), None),
        ("2026-03-02T12:00", (12, 12, "UTC"), None),
        ("2026-03-28T23:30", (22, 7, "Europe/Vienna"), "2026-03-29T05:00"),
        ("2026-03-29T00:30", (22, 2.5, "Europe/Vienna"), "2026-03-29T01:30"),
        ("2026-10-25T00:10", (22, 2.5, "Europe/Vienna"), "2026-10-25T00:30"),
    ],
)
def test_quiet_hours_end_where_the_person_is(now: str, quiet: tuple[float, float, str], due: str | None) -> None:
    hours = QuietHours(int(quiet[0] * 60), int(quiet[1] * 60), quiet[2])
    found = due_at(dt.datetime.fromisoformat(f"{now}+00:00"), hours)
    assert found == (dt.datetime.fromisoformat(f"{due}+00:00") if due else None)


class Door:
    """An app with the notification routes, and somebody who is signed in."""

    def __init__(self, notify: Notify, caller: Principal) -> None:
        async def authenticate(credentials: Credentials) -> Principal:
            return self.caller

        self.caller = caller
        app = FastAPI()
        app.include_router(router(notify))
        app.state.authenticate = authenticate
        install_errors(app)
        self.app = app


@pytest.fixture
def door(notify: Notify, ada: Principal) -> Door:
    return Door(notify, ada)


async def call(door: Door, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    from httpx2 import ASGITransport, AsyncClient

    async with AsyncClient(transport=ASGITransport(app=door.app), base_url="http://localhost") as client:
        answer = await client.request(method, f"/api/notifications{path}", json=body)
        return answer.status_code, answer.json()


async def test_the_bell_over_http(notify: Notify, database: Database, ada: Principal, door: Door) -> None:
    for _ in range(3):
        await tell(notify, database, ada)
    status, page = await call(door, "GET", "?limit=2")
    items = page["items"]
    assert status == 200 and len(items) == 2 and page["unread"] == 3
    status, rest = await call(door, "GET", f"?limit=2&cursor={page['next']}")
    assert status == 200 and len(rest["items"]) == 1 and rest["next"] is None
    first = items[0]["id"]
    assert first.startswith("ntf_")
    assert await call(door, "POST", "/read", {"ids": [first]}) == (200, {"marked": 1, "unread": 2})
    assert await call(door, "POST", "/read", {"all": True}) == (200, {"marked": 2, "unread": 0})


@pytest.mark.parametrize(
    "body", [{}, {"ids": ["ntf_x"], "all": True}, {"ids": ["thr_" + "0" * 32]}, {"ids": "all"}, {"everything": True}]
)
async def test_a_request_that_makes_no_sense_is_refused(door: Door, body: object) -> None:
    status, problem = await call(door, "POST", "/read", body)
    assert status == 400, problem


async def test_preferences_over_http(door: Door) -> None:
    quiet = {"start": "22:00", "end": "07:30", "timezone": "Europe/Vienna"}
    status, answer = await call(door, "PUT", "/preferences", {"kinds": {"test.done": {"mail": False}}, "quiet": quiet})
    assert status == 200 and answer["quiet"] == quiet and answer["mail_available"] is True
    assert (await call(door, "GET", "/preferences"))[1] == answer
    kinds = answer["kinds"]
    assert {"kind": "test.done", "bell": True, "mail": False, "default_bell": True, "default_mail": True} in kinds
    status, problem = await call(door, "PUT", "/preferences", {"kinds": {"no.such": {"bell": True}}})
    assert (status, problem["code"]) == (422, "notify.kind_unknown")
    status, problem = await call(door, "PUT", "/preferences", {"quiet": {**quiet, "start": "25:00"}})
    assert status == 400


async def test_a_key_for_models_alone_reads_no_notifications(door: Door, ada: Principal) -> None:
    door.caller = replace(ada, scopes=frozenset({"models"}))
    for method, path in (("GET", ""), ("POST", "/read"), ("GET", "/preferences"), ("PUT", "/preferences")):
        status, _ = await call(door, method, path, {"all": True} if path == "/read" else {})
        assert status == 403, path

"""Notifications: bell, mail, quiet hours, preferences, erasure."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from mecum.kit.bus import LocalBus, person_channel
from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import BadRequest, Unprocessable
from mecum.kit.i18n import I18n
from mecum.kit.mail import NullMail
from mecum.kit.notify import NotificationKind, Notify, Preferences, QuietHours, Recipient
from mecum.kit.notify.quiet import due_at
from mecum.kit.types import PersonId, Principal, SpaceId
from tests.support.bell import ALARM, DONE, MAIL_ONLY, QUIET_ONLY, tell
from tests.support.jobs import HandJobs
from tests.support.principals import principal
from tests.support.smtp import FakeSmtp


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
    async with bus.subscribe(person_channel(ada.person)) as frames:
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
        "-- \nChoose at https://mecum.test/?panel=notifications\n"
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


async def test_to_an_address_that_nobody_proved_only_what_is_urgent_goes(
    notify: Notify, database: Database, ada: Principal, jobs: HandJobs, clock: ManualClock, smtp: FakeSmtp
) -> None:
    async def unproven(person: PersonId) -> Recipient | None:
        return Recipient("perhaps@example.org", "en", proven=False)

    notify.bind_recipients(unproven)
    await tell(notify, database, ada)
    await tell(notify, database, ada, kind=ALARM)
    await jobs.run_due(clock.now())
    assert [mail["Subject"] for mail in smtp.messages] == ["notification.test.alarm.title"]


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

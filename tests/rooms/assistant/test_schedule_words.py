"""Schedules as people say them: read as they are meant, or refused."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mecum.kit.errors import Unprocessable
from mecum.rooms.assistant.schedule_words import When, check_when, next_time, read_when

NOW = dt.datetime(2026, 11, 23, 18, 0, tzinfo=dt.UTC)
HERE = "Europe/Brussels"

REPEATED = {
    "every day": "0 9 * * *",
    "daily at 7:15": "15 7 * * *",
    "at 9 every day": "0 9 * * *",
    "every morning": "0 9 * * *",
    "every evening at 8": "0 20 * * *",
    "every night at 2": "0 2 * * *",
    "every Monday at 9": "0 9 * * 1",
    "every Monday morning": "0 9 * * 1",
    "every monday, wednesday and friday at 6pm": "0 18 * * 1,3,5",
    "every Monday to Friday at 9": "0 9 * * 1-5",
    "every Friday to Monday at 9": "0 9 * * 0,1,5,6",
    "Mondays and Thursdays every week at 7pm": "0 19 * * 1,4",
    "weekly on Friday": "0 9 * * 5",
    "once a week on Tuesday": "0 9 * * 2",
    "every week": "0 9 * * 1",
    "every weekday at 8:30": "30 8 * * 1-5",
    "every working day at 8:30": "30 8 * * 1-5",
    "weekends at 10am": "0 10 * * 0,6",
    "every 30 minutes": "*/30 * * * *",
    "every half hour": "*/30 * * * *",
    "every two hours": "0 */2 * * *",
    "hourly": "0 * * * *",
    "every month": "0 9 1 * *",
    "every month on the 15th at noon": "0 12 15 * *",
    "on the first of every month": "0 9 1 * *",
    "every 15th at 9": "0 9 15 * *",
    "every month on the last day": "0 9 L * *",
    "last day of every month at 18:00": "0 18 L * *",
    "every first Monday of the month": "0 9 * * 1#1",
    "every second Monday of the month at 9": "0 9 * * 1#2",
    "the last Friday of every month at 16:00": "0 16 * * L5",
    "every quarter": "0 9 1 1,4,7,10 *",
    "every year on 3 May": "0 9 3 5 *",
    "every May 3rd": "0 9 3 5 *",
    "yearly on 1 January": "0 9 1 1 *",
    "every 29 February": "0 9 29 2 *",
    "Remind me every Monday at 9 to water the plants": "0 9 * * 1",
    "remind me to water the plants every Monday at 9": "0 9 * * 1",
    "每天早上八点": "0 8 * * *",
    "每晚十点": "0 22 * * *",
    "每天晚上": "0 20 * * *",
    "每周五下午三点": "0 15 * * 5",
    "每周一和周四晚上七点": "0 19 * * 1,4",
    "每周一到周五早上八点半": "30 8 * * 1-5",
    "每个工作日早上九点": "0 9 * * 1-5",
    "每月1号": "0 9 1 * *",
    "每月最后一天": "0 9 L * *",
    "每月第一个星期一": "0 9 * * 1#1",
    "每月最后一个周五": "0 9 * * L5",
    "每季度": "0 9 1 1,4,7,10 *",
    "每年5月3日": "0 9 3 5 *",
    "每年五月三日早上十点": "0 10 3 5 *",
    "每30分钟": "*/30 * * * *",
    "每隔两小时": "0 */2 * * *",
    "每周一早上九点提醒我浇花": "0 9 * * 1",
    "提醒我每周一早上九点浇花": "0 9 * * 1",
}


@pytest.mark.parametrize(("words", "cron"), REPEATED.items())
def test_what_repeats_is_read_as_cron(words: str, cron: str) -> None:
    when = read_when(words, NOW, HERE)
    assert when == When(cron, None)
    check_when(when, HERE)


@pytest.mark.parametrize(
    ("words", "at"),
    [
        ("on Friday at 10", "2026-11-27 10:00"),
        ("in 20 minutes", "2026-11-23 19:20"),
        ("in 3 weeks", "2026-12-14 09:00"),
        ("tomorrow", "2026-11-24 09:00"),
        ("tomorrow evening at 8", "2026-11-24 20:00"),
        ("tonight at 8", "2026-11-23 20:00"),
        ("on 3 May", "2027-05-03 09:00"),
        ("on 3 May 2028", "2028-05-03 09:00"),
        ("on 29 February 2028 at noon", "2028-02-29 12:00"),
        ("remind me on Friday to pay the 3rd invoice", "2026-11-27 09:00"),
        ("2028年5月3日上午九点", "2028-05-03 09:00"),
        ("明年5月3日", "2027-05-03 09:00"),
        ("12月24日下午三点", "2026-12-24 15:00"),
        ("下个月3号", "2026-12-03 09:00"),
        ("明天晚上八点", "2026-11-24 20:00"),
    ],
)
def test_what_is_done_once_is_a_moment_with_its_year(words: str, at: str) -> None:
    when = read_when(words, NOW, HERE)
    assert when.once and when.at is not None
    here = dt.timezone(dt.timedelta(hours=2 if "-05-" in at else 1))
    assert when.at.astimezone(here).strftime("%Y-%m-%d %H:%M") == at


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("every 2 days", "schedule_interval"),
        ("every other day", "schedule_interval"),
        ("every second Monday", "schedule_interval"),
        ("every 2 weeks on Friday", "schedule_interval"),
        ("every three months", "schedule_interval"),
        ("每隔一天", "schedule_interval"),
        ("每两周", "schedule_interval"),
        ("every 45 minutes", "schedule_uneven"),
        ("every 5 hours", "schedule_uneven"),
        ("every 1 minutes", "schedule_often"),
        ("every month on the 44th", "schedule_day"),
        ("every 30 February", "schedule_day"),
        ("every year", "schedule_unread"),
        ("every blue moon", "schedule_unread"),
        ("every day until Friday", "schedule_unread"),
        ("every day in May", "schedule_unread"),
        ("every day at 9 and 17", "schedule_unread"),
        ("every hour at 9", "schedule_unread"),
        ("every Monday except holidays", "schedule_unread"),
        ("every", "schedule_unread"),
        ("twice a day", "schedule_unread"),
        ("biweekly on Monday", "schedule_unread"),
        ("jeden Montag um 9", "schedule_unread"),
        ("Monday and Thursday at 9", "schedule_unread"),
        ("next month on the 3rd", "schedule_unread"),
        ("每周三次", "schedule_unread"),
        ("每年", "schedule_unread"),
        ("blue", "schedule_unread"),
        ("", "schedule_unread"),
        ("yesterday at 9", "schedule_past"),
    ],
)
def test_what_is_not_understood_as_a_whole_is_refused(words: str, code: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        read_when(words, NOW, HERE)
    assert caught.value.code == f"assistant.{code}"


WORDS = st.sampled_from(
    ["every", "day", "Monday", "at", "9", "3rd", "month", "³", "٣", "④", "½", "每", "十", "号", "\x00"]
)


@settings(max_examples=60)
@given(st.lists(WORDS | st.text(max_size=6), max_size=8).map(" ".join))
@example("every ³ days")
@example("every " + "9" * 190)
def test_whatever_is_said_is_read_or_refused(words: str) -> None:
    try:
        check_when(read_when(words, NOW, HERE), HERE)
    except Unprocessable:
        return


def test_a_refusal_names_what_was_not_understood_and_says_how_to_say_it() -> None:
    with pytest.raises(Unprocessable, match="until friday") as caught:
        read_when("Every day at 9 until Friday.", NOW, HERE)
    assert "every Monday at 9" in caught.value.hint


@pytest.mark.parametrize("zone", ["Nowhere/X", "Europe", "../../etc/passwd", ""])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    for ask in (
        lambda: read_when("every Monday", NOW, zone),
        lambda: read_when("tomorrow", NOW, zone),
        lambda: check_when(When("0 9 * * 1", None), zone),
        lambda: check_when(When(None, NOW), zone),
    ):
        with pytest.raises(Unprocessable) as caught:
            ask()
        assert caught.value.code == "zone_unknown"


@pytest.mark.parametrize(
    ("cron", "code"),
    [
        ("* * * * *", "schedule_often"),
        ("0,1 9 * * 1", "schedule_often"),
        ("bad", "schedule_cron"),
        ("", "schedule_cron"),
        ("0 9 * * * *", "schedule_cron"),
        ("R R * * *", "schedule_cron"),
        ("0 9 * * 1 " + "," * 100, "schedule_cron"),
        ("0 0 30 2 *", "schedule_never"),
        ("0 0 31 4,6 *", "schedule_never"),
    ],
)
def test_cron_fields_that_can_not_be_are_refused(cron: str, code: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        check_when(When(cron, None), "UTC")
    assert caught.value.code == f"assistant.{code}"


def test_nine_o_clock_stays_nine_o_clock_when_the_clocks_change() -> None:
    before = dt.datetime(2026, 3, 28, 12, 0, tzinfo=dt.UTC)
    first = next_time("0 9 * * *", HERE, before)
    assert first is not None and first == dt.datetime(2026, 3, 29, 7, 0, tzinfo=dt.UTC)
    assert next_time("0 9 * * *", HERE, first) == dt.datetime(2026, 3, 30, 7, 0, tzinfo=dt.UTC)

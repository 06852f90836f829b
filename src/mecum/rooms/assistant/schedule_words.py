"""Schedules in words: "every Monday at 9", "每天早上八点", "on Friday at 10" as cron fields and a time zone."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter

from mecum.kit.dates import chinese_number, read_date, take_time
from mecum.kit.errors import Unprocessable

WORDS_MAX = 200
DEFAULT_TIME = dt.time(9)
SHORTEST_MINUTES = 5

_DAYS = {"monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6, "sunday": 0}
_ZH_DAYS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "日": 0, "天": 0}
_EVERY = re.compile(r"\b(every|each|daily|weekly|monthly|hourly|weekdays?)\b", re.IGNORECASE)
_ENGLISH_DAY = re.compile(r"\b(" + "|".join(_DAYS) + r")s?\b", re.IGNORECASE)
_INTERVAL = re.compile(r"\bevery\s+(\d{1,3})\s+(minute|hour)s?\b", re.IGNORECASE)
_MONTH_DAY = re.compile(
    r"\bmonth(?:ly)?\b.*?\b(?:on\s+)?(?:the\s+)?(\d{1,2})(?:st|nd|rd|th)\b|\b(\d{1,2})(?:st|nd|rd|th)\b.*\bmonth",
    re.IGNORECASE,
)
_ZH_INTERVAL = re.compile(r"每隔?(\d{1,3})(?:个)?(分钟|小时)")
_ZH_WEEK = re.compile(r"每(?:个)?(?:周|星期|礼拜)([一二三四五六日天])")
_ZH_MONTH = re.compile(r"每(?:个)?月([\d一二三四五六七八九十]{1,3})[号日]")


@dataclass(frozen=True, slots=True)
class When:
    """When a task is due. `once`: only the first time counts."""

    cron: str
    once: bool


def read_when(words: str, now: dt.datetime, timezone: str) -> When:
    """What `words` mean for somebody who says them at `now` in `timezone`.

    Raises:
        Unprocessable: they can't be read, or mean a time that is over, or are due too often.
    """
    text = words.strip()[:WORDS_MAX]
    found = _interval(text) or _repeated(text)
    if found is not None:
        return When(found, once=False)
    moment = read_date(text, now, timezone)
    clock, _ = take_time(text)
    if clock is None and not re.search(r"\b(in|after)\b.*\b(minute|hour)s?\b|分钟|小时", text, re.IGNORECASE):
        moment = moment.replace(hour=DEFAULT_TIME.hour, minute=0)
    if moment <= now:
        raise Unprocessable("assistant.schedule_past", f"{words[:60]!r} is over already.", "Name a time to come.")
    return When(f"{moment.minute} {moment.hour} {moment.day} {moment.month} *", once=True)


def _interval(text: str) -> str | None:
    found = _INTERVAL.search(text) or _ZH_INTERVAL.search(text)
    if found is None:
        return "0 * * * *" if re.search(r"\b(hourly|every hour)\b|每小时", text, re.IGNORECASE) else None
    number = int(found[1])
    minutes = found[2].lower() in ("minute", "分钟")
    if number < (SHORTEST_MINUTES if minutes else 1) or number > (59 if minutes else 23):
        raise _often()
    return f"*/{number} * * * *" if minutes else f"0 */{number} * * *"


def _often() -> Unprocessable:
    return Unprocessable("assistant.schedule_often", f"The shortest time between two is {SHORTEST_MINUTES} minutes.")


def _repeated(text: str) -> str | None:
    clock, rest = take_time(text)
    at = clock or DEFAULT_TIME
    if (found := _ZH_WEEK.search(rest)) is not None:
        return f"{at.minute} {at.hour} * * {_ZH_DAYS[found[1]]}"
    if (found := _ZH_MONTH.search(rest)) is not None:
        return _monthly(at, chinese_number(found[1]))
    if re.search(r"每(个)?工作日", rest):
        return f"{at.minute} {at.hour} * * 1-5"
    if re.search(r"每天|每日|天天", rest):
        return f"{at.minute} {at.hour} * * *"
    if not _EVERY.search(rest):
        return None
    if re.search(r"\bweekdays?\b|\bworking days?\b", rest, re.IGNORECASE):
        return f"{at.minute} {at.hour} * * 1-5"
    if re.search(r"\bweekends?\b", rest, re.IGNORECASE):
        return f"{at.minute} {at.hour} * * 0,6"
    days = sorted({_DAYS[day.lower()] for day in _ENGLISH_DAY.findall(rest)})
    if days:
        return f"{at.minute} {at.hour} * * {','.join(map(str, days))}"
    if (found := _MONTH_DAY.search(rest)) is not None:
        return _monthly(at, int(found[1] or found[2]))
    if re.search(r"\bmonth", rest, re.IGNORECASE):
        return _monthly(at, 1)
    if re.search(r"\bweek", rest, re.IGNORECASE):
        return f"{at.minute} {at.hour} * * 1"
    return f"{at.minute} {at.hour} * * *"


def _monthly(at: dt.time, day: int) -> str:
    if not 1 <= day <= 31:
        raise Unprocessable("assistant.schedule_day", "A month has no such day.")
    return f"{at.minute} {at.hour} {day} * *"


def check_cron(cron: str, timezone: str) -> None:
    """Raises Unprocessable for fields that are not cron, run too often, or a time zone that is not known."""
    if len(cron.split()) != 5 or len(cron) > 100 or not croniter.is_valid(cron):
        raise Unprocessable("assistant.schedule_cron", f"{cron[:60]!r} is not a schedule (five cron fields).")
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise Unprocessable("assistant.schedule_zone", f"{timezone[:60]!r} is not a time zone.") from None
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    times = croniter(cron, start)
    first: dt.datetime = times.get_next(dt.datetime)
    for _ in range(12):
        following: dt.datetime = times.get_next(dt.datetime)
        if following - first < dt.timedelta(minutes=SHORTEST_MINUTES):
            raise _often()
        first = following


def next_time(cron: str, timezone: str, after: dt.datetime) -> dt.datetime | None:
    """When `cron` is due next in `timezone`, as UTC; None when never within the next years."""
    try:
        local = after.astimezone(ZoneInfo(timezone))
        found: dt.datetime = croniter(cron, local).get_next(dt.datetime)
    except ValueError:
        return None
    return found.astimezone(dt.UTC)

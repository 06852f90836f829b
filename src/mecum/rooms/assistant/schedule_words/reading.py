"""From words to a `When`, and from a `When` to the next time."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from itertools import pairwise

from croniter import CroniterError, croniter

from mecum.kit.dates import chinese_number, read_date, take_time, zone
from mecum.kit.errors import Unprocessable
from mecum.rooms.assistant.schedule_words.chinese import repeats_in_chinese
from mecum.rooms.assistant.schedule_words.cron import DEFAULT_TIME, HINT, SHORTEST_MINUTES, too_often, unread
from mecum.rooms.assistant.schedule_words.english import MONTHS, plain, repeats_in_english

WORDS_MAX = 200
CRON_MAX = 100
CHECKED_TIMES = 13

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_SAME_DAY = re.compile(r"\b(?:in|after)\b.*\b(?:minute|min|hour)s?\b|分钟|小时")
_MORE_THAN_ONCE = re.compile(
    r"\b(?:until|till|except|between|starting|twice|times|fortnight(?:ly)?|biweekly|bimonthly|alternate|other)\b"
    r"|\b(?:jed(?:e|en|er|es)|täglich|wöchentlich|monatlich|jährlich|chaque|tou(?:s|tes) les|cada|todos|ogni|elke)\b"
    r"|毎|直到|除了"
)
_WEEKDAY = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|(?:周|星期|礼拜)[一二三四五六日天]")
_DAY = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)\b|([\d一二三四五六七八九十]{1,3})[号日]")
_MONTH = re.compile(r"\b(" + "|".join(MONTHS) + r")\b|([\d一二三四五六七八九十]{1,3})月")
_YEAR = re.compile(r"\b(20\d\d)\b|(20\d\d)年")
_NAMED = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT"
_CRON = re.compile(rf"(?:(?:[\d*/,#-]|L|W|{_NAMED})+ ?){{5}}", re.IGNORECASE)
"""Without the random times that croniter adds: those would be others each time they are asked for."""


@dataclass(frozen=True, slots=True)
class When:
    """When a task is due: again and again by `cron` fields, or once `at` a moment. One of the two is None."""

    cron: str | None
    at: dt.datetime | None

    @property
    def once(self) -> bool:
        return self.cron is None


def read_when(words: str, now: dt.datetime, timezone: str) -> When:
    """What `words` mean for somebody who says them at `now` in `timezone`.

    Raises:
        Unprocessable: they can't be read, or mean a time that is over, or are due too often; or no such time zone.
    """
    zone(timezone)
    text = " ".join(words.split())[:WORDS_MAX].rstrip(".!。！ ")
    cron = repeats_in_chinese(text) if _CHINESE.search(text) else repeats_in_english(text)
    return When(cron, None) if cron is not None else When(None, _once(plain(text), now, timezone))


def _once(text: str, now: dt.datetime, timezone: str) -> dt.datetime:
    if (found := _MORE_THAN_ONCE.search(text)) is not None:
        raise unread(found[0])
    if len(set(_WEEKDAY.findall(text))) > 1:
        raise unread(text)
    try:
        moment = read_date(text, now, timezone)
    except Unprocessable:
        raise unread(text) from None
    clock, _ = take_time(text)
    if clock is None and not _SAME_DAY.search(text):
        moment = moment.replace(hour=DEFAULT_TIME.hour, minute=DEFAULT_TIME.minute)
    _require_said(text, moment)
    moment = moment.replace(second=0, microsecond=0).astimezone(dt.UTC)
    if moment <= now:
        raise Unprocessable("assistant.schedule_past", f"{text[:60]!r} is over already.", "Name a time to come.")
    return moment


def _require_said(text: str, moment: dt.datetime) -> None:
    """A day, month or year that was said is in the moment that was read, or it was read wrongly."""
    for pattern, read in ((_DAY, moment.day), (_MONTH, moment.month), (_YEAR, moment.year)):
        for latin, chinese in pattern.findall(text):
            said = MONTHS.get(latin) or (int(latin) if latin else chinese_number(chinese))
            if said != read:
                raise unread(text)


def check_when(when: When, timezone: str) -> None:
    """Raises Unprocessable for fields that are not cron, never due or due too often, or for no time zone."""
    zone(timezone)
    if when.cron is None:
        return
    cron = when.cron
    if len(cron) > CRON_MAX or not _CRON.fullmatch(cron) or not croniter.is_valid(cron):
        raise Unprocessable("assistant.schedule_cron", f"{cron[:60]!r} is not a schedule (five cron fields).", HINT)
    times = croniter(cron, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    try:
        due: list[dt.datetime] = [times.get_next(dt.datetime) for _ in range(CHECKED_TIMES)]
    except CroniterError:
        raise Unprocessable(
            "assistant.schedule_never", f"{cron[:60]!r} is never due.", "Name a day that a month has."
        ) from None
    shortest = dt.timedelta(minutes=SHORTEST_MINUTES)
    if any(later - sooner < shortest for sooner, later in pairwise(due)):
        raise too_often()


def next_time(cron: str, timezone: str, after: dt.datetime) -> dt.datetime | None:
    """When `cron` is due next in `timezone`, as UTC; None when never within the next years."""
    try:
        found: dt.datetime = croniter(cron, after.astimezone(zone(timezone))).get_next(dt.datetime)
    except CroniterError:
        return None
    return found.astimezone(dt.UTC)

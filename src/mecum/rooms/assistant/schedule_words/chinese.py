"""What repeats, in Chinese: 每天, 每周一, 每月15号, 每年5月3日, 每30分钟."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence

from mecum.kit.dates import chinese_number, take_time
from mecum.rooms.assistant.schedule_words import cron
from mecum.rooms.assistant.schedule_words.cron import DEFAULT_TIME, LAST, uncountable, unread

WEEKDAYS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "日": 0, "天": 0}

_EVERY = re.compile(r"每|天天|隔")
_ASKED = re.compile(r"^(?:请|麻烦)?你?(?:提醒|告诉|叫|通知)我")
_TASK = re.compile(r"(?:请|帮我|给我|提醒|告诉|叫我|通知).*$")
_NIGHTLY = re.compile(r"每(?:个)?([早晚])(?:上)?")
_NUMBER = r"([\d一二两三四五六七八九十]{1,3})"
_WEEK = r"(?:周|星期|礼拜)"
_DAYS = rf"(?P<days>[一二三四五六日天](?:[、,，和及与]?(?:每个?)?{_WEEK}?[一二三四五六日天])*)"
_DAY_RANGE = rf"(?P<first>[一二三四五六日天])[到至-]{_WEEK}?(?P<last>[一二三四五六日天])"

Form = tuple[re.Pattern[str], Callable[[dt.time, re.Match[str]], str]]


def _form(pattern: str, build: Callable[[dt.time, re.Match[str]], str]) -> Form:
    return re.compile(pattern), build


_FORMS: Sequence[Form] = (
    _form(r"每一?天|每日|天天", lambda at, _: cron.daily(at)),
    _form(r"每个?工作日", lambda at, _: cron.weekly(at, cron.WORKING_DAYS)),
    _form(r"每个?周末", lambda at, _: cron.weekly(at, cron.WEEKEND)),
    _form(
        rf"每个?{_WEEK}{_DAY_RANGE}",
        lambda at, found: cron.weekly(at, cron.days_between(WEEKDAYS[found["first"]], WEEKDAYS[found["last"]])),
    ),
    _form(rf"每个?{_WEEK}{_DAYS}", lambda at, found: cron.weekly(at, _days(found["days"]))),
    _form(rf"每个?{_WEEK}", lambda at, _: cron.weekly(at, (1,))),
    _form(r"每个?月", lambda at, _: cron.monthly(at, 1)),
    _form(rf"每个?月的?{_NUMBER}[号日]", lambda at, found: cron.monthly(at, chinese_number(found[1]))),
    _form(r"每个?月的?最后一天|每个?月[底末]", lambda at, _: cron.last_of_month(at)),
    _form(
        rf"每个?月的?第([一二三四五1-5])个?{_WEEK}([一二三四五六日天])",
        lambda at, found: cron.weekday_of_month(at, str(chinese_number(found[1])), WEEKDAYS[found[2]]),
    ),
    _form(
        rf"每个?月的?最后一?个?{_WEEK}([一二三四五六日天])",
        lambda at, found: cron.weekday_of_month(at, LAST, WEEKDAYS[found[1]]),
    ),
    _form(r"每个?季度?", lambda at, _: cron.quarterly(at)),
    _form(r"每个?季度?的?最后一天|每个?季度?[底末]", lambda at, _: cron.quarterly(at, last_day=True)),
    _form(
        rf"每年的?{_NUMBER}月{_NUMBER}[号日]",
        lambda at, found: cron.yearly(at, chinese_number(found[1]), chinese_number(found[2])),
    ),
)
_MINUTES = re.compile(rf"每隔?{_NUMBER}分钟")
_HOURS = re.compile(rf"每隔?{_NUMBER}个?(?:小时|钟头)")
_HOURLY = re.compile(r"每(?:一|隔一)?个?(?:小时|钟头)")
_HALF_HOURLY = re.compile(r"每隔?半个?(?:小时|钟头)")
_COUNTED = re.compile(rf"隔|每(?:{_NUMBER}|半)个?(?:天|日|周|星期|礼拜|月|季|年)")


def repeats_in_chinese(text: str) -> str | None:
    """Cron fields for what repeats; None for what does not. Raises Unprocessable for what is not understood."""
    if not _EVERY.search(text):
        return None
    said = _ASKED.sub("", text)
    clock, rest = take_time(_NIGHTLY.sub(r"每天\1上", said))
    parts = rest.split()
    if said != text and clock is not None:
        parts = parts[:1]  # "Remind me" before, then what follows the time of day is the task.
    words = _TASK.sub("", "".join(parts)).strip("，,。的都")
    found = _interval(words)
    if found is not None and clock is None:
        return found
    for form, build in _FORMS:
        if (match := form.fullmatch(words)) is not None:
            return build(clock or DEFAULT_TIME, match)
    raise uncountable(text) if _COUNTED.search(words) and found is None else unread(text)


def _interval(words: str) -> str | None:
    if (found := _MINUTES.fullmatch(words)) is not None:
        return cron.every_minutes(chinese_number(found[1]))
    if (found := _HOURS.fullmatch(words)) is not None:
        return cron.every_hours(chinese_number(found[1]))
    if _HALF_HOURLY.fullmatch(words):
        return cron.every_minutes(30)
    return cron.every_hours(1) if _HOURLY.fullmatch(words) else None


def _days(said: str) -> list[int]:
    return [WEEKDAYS[char] for char in said if char in WEEKDAYS]

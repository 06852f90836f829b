"""A phrase as a moment: "Friday 10:30", "in two hours", "下周五上午十点"."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from mecum.kit.dates.clock_words import chinese_number, take_time
from mecum.kit.dates.zones import zone
from mecum.kit.errors import Unprocessable
from mecum.kit.lazy import LazyModule

PHRASE_CHARS_MAX = 200
parser: Any = LazyModule("dateparser")
parser_search: Any = LazyModule("dateparser.search")
LANGUAGES = ["en", "zh", "de", "fr", "es", "it", "nl", "pt", "ja"]
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_NEXT = re.compile(r"\b(?:(next|this|on|coming)\s+)?(" + "|".join(_WEEKDAYS) + r")\b", re.IGNORECASE)
_ZH_NUMBER = r"([\d一二三四五六七八九十]{1,3})"
_ZH_DATE = re.compile(rf"(?:(今|明|后|\d{{4}})年)?{_ZH_NUMBER}月{_ZH_NUMBER}[号日]")
_ZH_DAY = re.compile(rf"(?:(下|这|本)个?月)?{_ZH_NUMBER}[号日]")
_ZH_WEEKDAYS = re.compile(r"(下下|下|这|本)?(?:个)?(?:周|星期|礼拜)([一二三四五六日天])")


def read_date(phrase: str, now: dt.datetime, timezone: str) -> dt.datetime:
    """The moment that `phrase` means for somebody who says it at `now` in `timezone`; the future is preferred.

    Raises:
        Unprocessable: it can't be read as a date, or there is no such time zone.
    """
    here = zone(timezone)
    local = now.astimezone(here)
    clock, rest = take_time(phrase[:PHRASE_CHARS_MAX].strip())
    day = _read_day(_weekday_words(_chinese_dates(rest, local), local), local) if rest.strip(" ,.") else None
    if clock is None and day is None:
        raise Unprocessable("date_unread", f"I can't read {phrase[:60]!r} as a date.", "Say it another way.")
    if clock is None:
        assert day is not None
        return day.replace(tzinfo=here)
    moment = dt.datetime.combine(day or local, clock, here)
    return moment + dt.timedelta(days=1) if day is None and moment <= local else moment


def _read_day(words: str, local: dt.datetime) -> dt.datetime | None:
    settings: Any = {"RELATIVE_BASE": local.replace(tzinfo=None), "PREFER_DATES_FROM": "future"}
    found: dt.datetime | None = parser.parse(words, languages=LANGUAGES, settings=settings)
    if found is None:
        several: list[tuple[str, dt.datetime]] | None = parser_search.search_dates(
            words, languages=["en", "zh"], settings=settings
        )
        found = several[0][1] if several else None
    return None if found is None else found.replace(tzinfo=None)


def _chinese_dates(phrase: str, local: dt.datetime) -> str:
    """`phrase` with Chinese dates and days of a month as ISO dates; those without year or month are the next ones."""

    def dated(found: re.Match[str]) -> str:
        ahead = {"今": 0, "明": 1, "后": 2}.get(found[1] or "")
        year = local.year if found[1] is None else int(found[1]) if ahead is None else local.year + ahead
        day = _date(year, chinese_number(found[2]), chinese_number(found[3]))
        if found[1] is None and day is not None and day < local.date():
            day = _date(year + 1, day.month, day.day)
        return f"{day} " if day else found[0]

    def day_of_month(found: re.Match[str]) -> str:
        number = chinese_number(found[2])
        following = found[1] == "下" or (found[1] is None and number < local.day)
        month = local.year * 12 + local.month - 1 + following
        day = _date(month // 12, month % 12 + 1, number)
        return f"{day} " if day else found[0]

    return _ZH_DAY.sub(day_of_month, _ZH_DATE.sub(dated, phrase))


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _weekday_words(phrase: str, local: dt.datetime) -> str:
    """`phrase` with weekdays as dates: which Friday is meant must not depend on a parser's mood.

    "Friday", "this Friday" and "on Friday" are the coming one, never today; "next Friday" too, unless that is tomorrow.
    """

    def english(found: re.Match[str]) -> str:
        ahead = (_WEEKDAYS.index(found[2].lower()) - local.weekday()) % 7 or 7
        if (found[1] or "").lower() == "next" and ahead < 2:
            ahead += 7
        return (local + dt.timedelta(days=ahead)).strftime("%Y-%m-%d")

    def chinese(found: re.Match[str]) -> str:
        weekday = "一二三四五六日".index(found[2].replace("天", "日"))
        weeks = {"下下": 2, "下": 1}.get(found[1] or "", 0)
        ahead = weekday - local.weekday() + 7 * weeks
        if not found[1] and ahead <= 0:
            ahead += 7
        return (local + dt.timedelta(days=ahead)).strftime("%Y-%m-%d ")

    return _ZH_WEEKDAYS.sub(chinese, _NEXT.sub(english, phrase))

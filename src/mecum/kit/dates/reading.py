"""A phrase as a moment: "Friday 10:30", "in two hours", "下周五上午十点"."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mecum.kit.dates.clock_words import take_time
from mecum.kit.errors import Unprocessable
from mecum.kit.lazy import LazyModule

PHRASE_CHARS_MAX = 200
parser: Any = LazyModule("dateparser")
parser_search: Any = LazyModule("dateparser.search")
LANGUAGES = ["en", "zh", "de", "fr", "es", "it", "nl", "pt", "ja"]
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_NEXT = re.compile(r"\b(?:(next|this|on|coming)\s+)?(" + "|".join(_WEEKDAYS) + r")\b", re.IGNORECASE)
_ZH_WEEKDAYS = re.compile(r"(下下|下|这|本)?(?:个)?(?:周|星期|礼拜)([一二三四五六日天])")


def zone(name: str) -> dt.tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return dt.UTC


def read_date(phrase: str, now: dt.datetime, timezone: str) -> dt.datetime:
    """The moment that `phrase` means for somebody who says it at `now` in `timezone`; the future is preferred.

    Raises:
        Unprocessable: it can't be read as a date.
    """
    local = now.astimezone(zone(timezone))
    clock, rest = take_time(phrase[:PHRASE_CHARS_MAX].strip())
    day = _read_day(_weekday_words(rest, local), local) if rest.strip(" ,.") else None
    if clock is None and day is None:
        raise Unprocessable("date_unread", f"I can't read {phrase[:60]!r} as a date.", "Say it another way.")
    if clock is None:
        assert day is not None
        return day.replace(tzinfo=zone(timezone))
    moment = dt.datetime.combine(day or local, clock, zone(timezone))
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

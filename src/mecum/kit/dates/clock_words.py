"""Times of day in words: "at 9", "10:30 pm", "noon", "下午三点半"."""

from __future__ import annotations

import datetime as dt
import re

_ENGLISH = (
    re.compile(
        r"\b(?:at\s+)?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?:\s*(?P<half>am|pm|a\.m\.|p\.m\.))?(?!\d)", re.IGNORECASE
    ),
    re.compile(r"\b(?:at\s+)?(?P<hour>\d{1,2})\s*(?P<half>am|pm|a\.m\.|p\.m\.)(?!\w)", re.IGNORECASE),
    re.compile(r"\bat\s+(?P<hour>\d{1,2})(?:\s*o'?clock)?\b(?![-/.:]\d)", re.IGNORECASE),
)
_NAMED = {
    "noon": dt.time(12),
    "midday": dt.time(12),
    "midnight": dt.time(0),
    "in the morning": dt.time(9),
    "in the afternoon": dt.time(15),
    "in the evening": dt.time(19),
    "tonight": dt.time(20),
}
_NAMES = re.compile(r"\b(?:at\s+)?(" + "|".join(_NAMED) + r")\b", re.IGNORECASE)
_DIGITS = "〇零一二三四五六七八九十两\\d"
_CHINESE = re.compile(
    rf"(?P<part>凌晨|早上|早晨|上午|中午|下午|傍晚|晚上|今晚)?\s*(?P<hour>[{_DIGITS}]{{1,3}})(?:点钟|点|时)(?P<minute>半|一刻|三刻|[{_DIGITS}]{{1,3}}分?)?"
)
_AFTER_NOON = ("下午", "傍晚", "晚上", "今晚")
_VALUES = {"〇": 0, "零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}


def take_time(phrase: str) -> tuple[dt.time | None, str]:
    """The time of day that `phrase` names, and the phrase without it. None when it names none that exists."""
    for pattern in _ENGLISH:
        if found := pattern.search(phrase):
            parts = found.groupdict()
            half = (parts.get("half") or "").replace(".", "").lower()
            moment = _time(int(parts["hour"]), int(parts.get("minute") or 0), half == "pm", half == "am")
            return moment, _without(phrase, found) if moment else phrase
    if found := _NAMES.search(phrase):
        return _NAMED[found[1].lower()], _without(phrase, found)
    if found := _CHINESE.search(phrase):
        part = found["part"] or ""
        minute = {"半": 30, "一刻": 15, "三刻": 45, None: 0}.get(found["minute"])
        minute = chinese_number((found["minute"] or "").rstrip("分")) if minute is None else minute
        hour = chinese_number(found["hour"])
        noon = part == "中午" and hour < 3
        moment = _time(hour, minute, part in _AFTER_NOON or noon, False)
        return moment, _without(phrase, found) + (" 今天" if part == "今晚" else "") if moment else phrase
    return None, phrase


def chinese_number(text: str) -> int:
    """Digits or Chinese numerals up to 99; 100 when it is neither, which no time or date accepts."""
    if text.isdigit():
        return int(text)
    if "十" in text:
        tens, _, ones = text.partition("十")
        return 10 * _VALUES.get(tens, 1) + _VALUES.get(ones, 0)
    return _VALUES.get(text, 100)


def _without(phrase: str, found: re.Match[str]) -> str:
    return " ".join(f"{phrase[: found.start()]} {phrase[found.end() :]}".split())


def _time(hour: int, minute: int, after_noon: bool, before_noon: bool) -> dt.time | None:
    if after_noon and hour < 12:
        hour += 12
    if before_noon and hour == 12:
        hour = 0
    return dt.time(hour, minute) if hour < 24 and minute < 60 else None

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
_NAMED = {"noon": dt.time(12), "midday": dt.time(12), "midnight": dt.time(0), "tonight": dt.time(20)}
_NAMES = re.compile(r"\b(?:at\s+)?(" + "|".join(_NAMED) + r")\b", re.IGNORECASE)
_PARTS = {"morning": dt.time(9), "afternoon": dt.time(15), "evening": dt.time(19), "night": dt.time(20)}
_PART = re.compile(
    r"(?<!last )\b(?:(?:in|on|at)\s+(?:the\s+)?|this\s+)?(" + "|".join(_PARTS) + r")s?\b|\b(tonight)\b", re.IGNORECASE
)
_DIGITS = "〇零一二三四五六七八九十两\\d"
_CHINESE = re.compile(
    rf"(?P<part>凌晨|早上|早晨|上午|中午|下午|傍晚|晚上|今晚)?\s*(?P<hour>[{_DIGITS}]{{1,3}})(?:点钟|点|时)(?P<minute>半|一刻|三刻|[{_DIGITS}]{{1,3}}分?)?"
)
_AFTER_NOON = ("下午", "傍晚", "晚上", "今晚")
_CHINESE_PARTS = {
    "早上": dt.time(9),
    "早晨": dt.time(9),
    "上午": dt.time(9),
    "中午": dt.time(12),
    "下午": dt.time(15),
    "傍晚": dt.time(18),
    "晚上": dt.time(20),
    "今晚": dt.time(20),
}
_CHINESE_PART = re.compile("|".join(_CHINESE_PARTS))
_VALUES = {"〇": 0, "零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}


def take_time(phrase: str) -> tuple[dt.time | None, str]:
    """The time of day that `phrase` names, and the phrase without it. None when it names none that exists."""
    for pattern in _ENGLISH:
        if found := pattern.search(phrase):
            parts = found.groupdict()
            half = (parts.get("half") or "").replace(".", "").lower()
            moment = _time(int(parts["hour"]), int(parts.get("minute") or 0), half == "pm", half == "am")
            if moment is None:
                return None, phrase
            rest = _without(phrase, found)
            return _in_part_of_day(moment, rest, said_half=bool(half))
    if found := _NAMES.search(phrase):
        return _NAMED[found[1].lower()], _without(phrase, found)
    if found := _PART.search(phrase):
        return _PARTS[found[1].lower()], _without(phrase, found)
    return _take_chinese(phrase)


def _in_part_of_day(moment: dt.time, rest: str, *, said_half: bool) -> tuple[dt.time, str]:
    """What "at 8" is "in the evening", or "tonight"."""
    found = _PART.search(rest)
    if found is None:
        return moment, rest
    part = (found[1] or found[2]).lower()
    rest = _without(rest, found) + (" today" if part == "tonight" else "")
    hour = moment.hour
    if said_half or hour > 12:
        return moment, rest
    if part in ("night", "tonight"):
        hour = 0 if hour == 12 else hour if hour < 6 else hour + 12
    elif part == "morning":
        hour %= 12
    elif hour < 12:
        hour += 12
    return moment.replace(hour=hour), rest


def _take_chinese(phrase: str) -> tuple[dt.time | None, str]:
    if found := _CHINESE.search(phrase):
        part = found["part"] or ""
        minute = {"半": 30, "一刻": 15, "三刻": 45, None: 0}.get(found["minute"])
        minute = chinese_number((found["minute"] or "").rstrip("分")) if minute is None else minute
        hour = chinese_number(found["hour"])
        noon = part == "中午" and hour < 3
        moment = _time(hour, minute, part in _AFTER_NOON or noon, False)
        return moment, _without(phrase, found) + (" 今天" if part == "今晚" else "") if moment else phrase
    if found := _CHINESE_PART.search(phrase):
        return _CHINESE_PARTS[found[0]], _without(phrase, found) + (" 今天" if found[0] == "今晚" else "")
    return None, phrase


def chinese_number(text: str) -> int:
    """Digits or Chinese numerals up to 99; 100 when it is neither, which no time or date accepts."""
    if text.isdecimal():
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

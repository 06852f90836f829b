"""What repeats, in English: words become symbols, and the whole line of symbols has to be one of a few forms."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence

from mecum.kit.dates import take_time
from mecum.rooms.assistant.schedule_words import cron
from mecum.rooms.assistant.schedule_words.cron import DEFAULT_TIME, LAST, uncountable, unread

MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sept sep", "october oct", "november nov", "december dec"),
        1,
    )
    for name in names.split()
}  # fmt: skip
"""Number of each month, by its names."""
WEEKDAYS = {
    name: number
    for number, names in enumerate(
        ("sunday sun", "monday mon", "tuesday tues tue", "wednesday wed", "thursday thurs thur thu", "friday fri",
         "saturday sat")
    )
    for name in names.split()
}  # fmt: skip
_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_ORDINALS = ["first", "second", "third", "fourth", "fifth"]
_UNITS = {"minute": "min", "hour": "hr", "day": "", "week": "", "month": "", "quarter": "", "year": ""}

_SYMBOLS: dict[str, str] = {
    **{name: f"D{number}" for name, number in WEEKDAYS.items()},
    **{f"{name}s": f"EVERY D{number}" for name, number in WEEKDAYS.items()},
    **{name: f"M{number}" for name, number in MONTHS.items()},
    **{name: f"N{number}" for number, name in enumerate(_NUMBERS, 1)},
    **{name: f"O{number}" for number, name in enumerate(_ORDINALS, 1)},
    **{
        form: unit for unit, short in _UNITS.items() for form in (unit, f"{unit}s", short, f"{short}s") if len(form) > 1
    },
    "last": f"O{LAST}",
    "every": "EVERY",
    "each": "EVERY",
    "daily": "EVERY day",
    "weekly": "EVERY week",
    "monthly": "EVERY month",
    "quarterly": "EVERY quarter",
    "yearly": "EVERY year",
    "annually": "EVERY year",
    "hourly": "EVERY hour",
    "weekday": "WORKING",
    "weekdays": "EVERY WORKING",
    "weekend": "WEEKEND",
    "weekends": "EVERY WEEKEND",
    "other": "OTHER",
    "alternate": "OTHER",
    "to": "-",
    "through": "-",
    "-": "-",
    "–": "-",
    **dict.fromkeys(("on", "the", "of", "at", "in", "and", "&", ","), ""),
}
_REWORDED = tuple(
    (re.compile(rf"\b(?:{pattern})\b"), instead)
    for pattern, instead in (
        (r"nightly", "every day at night"),
        (r"(?:every|each) (morning|afternoon|evening|night)s?", r"every day in the \1"),
        (r"once (?:a|an|per|every|each)", "every"),
        (r"(?:working|business|work) ?day", "weekday"),
        (r"(?:working|business|work) ?days", "weekdays"),
        (r"(every|each) half (?:an )?hour", r"\1 30 minutes"),
        (r"(every|each) quarter (?:of an )?hour", r"\1 15 minutes"),
    )
)
_WORD = re.compile(r"[a-z]+|\d+(?:st|nd|rd|th)?|\S")
_NAMES = "|".join((*WEEKDAYS, *MONTHS))
_REPEATS = r"every|each|daily|weekly|monthly|quarterly|yearly|annually|hourly|nightly|once an?"
_ASKED = r"^(?:please )?(?:remind|tell|ask|notify|wake|message) me\b(?: (?:to|about|of|that)\b.*?)? "
_LEADS = (
    re.compile(rf"{_ASKED}(?=(?:on )?(?:{_REPEATS})\b)"),
    re.compile(rf"{_ASKED}(?=(?:on|at|in|tomorrow|today|tonight|next|this)\b)"),
)
_TAIL = re.compile(rf"(?<=\S) (?:to|about) (?!(?:{_NAMES})s?\b|the \d|\d).*$")

_DAYS = r"(?P<days>(?:EVERY )?D\d(?: (?:- )?(?:EVERY )?D\d)*)"
_DATE = r"(?:M(?P<month>\d+) [NO](?P<day>\d+)|[NO](?P<day_first>\d+) M(?P<month_last>\d+))"
_NTH = rf"O(?P<nth>[1-5{LAST}]) D(?P<weekday>\d)"

Form = tuple[re.Pattern[str], Callable[[dt.time, re.Match[str]], str]]


def _form(pattern: str, build: Callable[[dt.time, re.Match[str]], str]) -> Form:
    return re.compile(pattern), build


_FORMS: Sequence[Form] = (
    _form(r"EVERY day", lambda at, _: cron.daily(at)),
    _form(rf"(?:EVERY week )?{_DAYS}", lambda at, found: cron.weekly(at, _days(found["days"]))),
    _form(rf"{_DAYS} EVERY week", lambda at, found: cron.weekly(at, _days(found["days"]))),
    _form(r"EVERY week", lambda at, _: cron.weekly(at, (1,))),
    _form(r"EVERY WORKING", lambda at, _: cron.weekly(at, cron.WORKING_DAYS)),
    _form(r"EVERY WEEKEND", lambda at, _: cron.weekly(at, cron.WEEKEND)),
    _form(r"EVERY month", lambda at, _: cron.monthly(at, 1)),
    _form(
        r"EVERY month(?: day)? [NO](\d+)(?: day)?|[NO](\d+)(?: day)? EVERY month|EVERY O(\d+)(?: day)? month"
        r"|EVERY O(\d+)",
        lambda at, found: cron.monthly(at, _number(found)),
    ),
    _form(
        rf"EVERY month O{LAST} day|O{LAST} day EVERY month|EVERY O{LAST} day month",
        lambda at, _: cron.last_of_month(at),
    ),
    *(
        _form(pattern, lambda at, found: cron.weekday_of_month(at, found["nth"], int(found["weekday"])))
        for pattern in (rf"EVERY {_NTH} month", rf"{_NTH} EVERY month", rf"EVERY month {_NTH}")
    ),
    _form(r"EVERY quarter(?: O1 day)?|O1 day EVERY quarter", lambda at, _: cron.quarterly(at)),
    _form(rf"EVERY quarter O{LAST} day|O{LAST} day EVERY quarter", lambda at, _: cron.quarterly(at, last_day=True)),
    *(
        _form(pattern, lambda at, found: cron.yearly(at, *_date(found)))
        for pattern in (rf"EVERY year {_DATE}", rf"{_DATE} EVERY year", rf"EVERY {_DATE}")
    ),
)
_INTERVAL = re.compile(r"EVERY(?: N(?P<number>\d+))? (?P<unit>minute|hour)")
_COUNTED = re.compile(r"\bEVERY (?:N\d+|O\d|OTHER) (?:day|week|month|quarter|year|WORKING|WEEKEND|D\d)\b")


def plain(text: str) -> str:
    """`text` without what is to be done: "remind me on Friday to call" is "on friday"."""
    rest = text.lower()
    for lead in _LEADS:
        rest = lead.sub("", rest)
    return _TAIL.sub("", rest)


def repeats_in_english(text: str) -> str | None:
    """Cron fields for what repeats; None for what does not. Raises Unprocessable for what is not understood."""
    words = plain(text)
    for pattern, instead in _REWORDED:
        words = pattern.sub(instead, words)
    clock, rest = take_time(words)
    line, unknown = _symbols(rest)
    if "EVERY" not in line:
        return None
    if unknown:
        raise unread(rest[rest.index(unknown) :])
    if (found := _INTERVAL.fullmatch(line)) is not None and clock is None:
        number = int(found["number"] or 1)
        return cron.every_minutes(number) if found["unit"] == "minute" else cron.every_hours(number)
    for form, build in _FORMS:
        if (found := form.fullmatch(line)) is not None:
            return build(clock or DEFAULT_TIME, found)
    raise uncountable(text) if _COUNTED.search(line) else unread(text)


def _symbols(text: str) -> tuple[str, str]:
    """The line of symbols for `text`, and the first word that has none."""
    found: list[str] = []
    unknown = ""
    for word in _WORD.findall(text):
        if word[0].isdecimal():
            digits = word.rstrip("stndrh")
            found.append(f"{'N' if digits == word else 'O'}{int(digits)}")
        elif word in _SYMBOLS:
            found.append(_SYMBOLS[word])
        else:
            unknown = unknown or word
    line = " ".join(symbol for symbol in found if symbol)
    return re.sub(r"EVERY N1 (day|week|month|quarter|year)", r"EVERY \1", line), unknown


def _days(line: str) -> list[int]:
    days: list[int] = []
    ranged = False
    for symbol in line.split():
        if symbol[0] == "D":
            day = int(symbol[1:])
            days += cron.days_between(days[-1], day) if ranged else [day]
        ranged = symbol == "-" or (ranged and symbol == "EVERY")
    return days


def _number(found: re.Match[str]) -> int:
    return next(int(group) for group in found.groups() if group)


def _date(found: re.Match[str]) -> tuple[int, int]:
    return int(found["month"] or found["month_last"]), int(found["day"] or found["day_first"])

"""Cron fields for what people say, and the refusals that both languages share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from mecum.kit.errors import Unprocessable

DEFAULT_TIME = dt.time(9)
SHORTEST_MINUTES = 5
LAST = "L"
WORKING_DAYS, WEEKEND = (1, 2, 3, 4, 5), (0, 6)
HINT = (
    'Say it like "every Monday at 9", "every month on the 15th", "every year on 3 May", "every 30 minutes" or '
    '"on Friday at 10".'
)
_DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def unread(words: str) -> Unprocessable:
    return Unprocessable(
        "assistant.schedule_unread", f"I can't read {words[:60]!r} as a time.", HINT, params={"words": words[:60]}
    )


def uncountable(words: str) -> Unprocessable:
    """Every second day, every three weeks: cron has no memory of the last time."""
    return Unprocessable(
        "assistant.schedule_interval",
        f"I can't count {words[:60]!r} from one time to the next.",
        'Name the days, like "every Monday and Thursday at 9" or "every month on the 15th".',
        params={"words": words[:60]},
    )


def too_often() -> Unprocessable:
    return Unprocessable(
        "assistant.schedule_often",
        f"The shortest time between two is {SHORTEST_MINUTES} minutes.",
        params={"minutes": SHORTEST_MINUTES},
    )


def every_minutes(number: int) -> str:
    if number < SHORTEST_MINUTES:
        raise too_often()
    if 60 % number:
        raise uneven()
    return "0 * * * *" if number == 60 else f"*/{number} * * * *"


def every_hours(number: int) -> str:
    if number < 1 or 24 % number:
        raise uneven()
    return f"0 */{number} * * *" if 1 < number < 24 else "0 * * * *" if number == 1 else "0 0 * * *"


def uneven() -> Unprocessable:
    return Unprocessable(
        "assistant.schedule_uneven",
        "These do not divide an hour or a day evenly.",
        "Take 5, 10, 15, 20 or 30 minutes, or 1, 2, 3, 4, 6, 8 or 12 hours.",
    )


def daily(at: dt.time) -> str:
    return f"{at.minute} {at.hour} * * *"


def weekly(at: dt.time, days: Iterable[int]) -> str:
    """`days` from 0, Sunday, to 6."""
    chosen = tuple(sorted(set(days)))
    field = "1-5" if chosen == WORKING_DAYS else ",".join(map(str, chosen))
    return f"{at.minute} {at.hour} * * {field}"


def days_between(first: int, last: int) -> list[int]:
    """The days of the week from `first` to `last`, both included."""
    return [(first + ahead) % 7 for ahead in range((last - first) % 7 + 1)]


def monthly(at: dt.time, day: int) -> str:
    if not 1 <= day <= 31:
        raise no_such_day()
    return f"{at.minute} {at.hour} {day} * *"


def last_of_month(at: dt.time) -> str:
    return f"{at.minute} {at.hour} {LAST} * *"


def weekday_of_month(at: dt.time, number: str, day: int) -> str:
    """`number`: which one of the month, 1 to 5 or `LAST`."""
    return f"{at.minute} {at.hour} * * " + (f"L{day}" if number == LAST else f"{day}#{number}")


def quarterly(at: dt.time, *, last_day: bool = False) -> str:
    return f"{at.minute} {at.hour} " + (f"{LAST} 3,6,9,12 *" if last_day else "1 1,4,7,10 *")


def yearly(at: dt.time, month: int, day: int) -> str:
    if not 1 <= month <= 12 or not 1 <= day <= _DAYS_OF_MONTH[month - 1]:
        raise no_such_day()
    return f"{at.minute} {at.hour} {day} {month} *"


def no_such_day() -> Unprocessable:
    return Unprocessable("assistant.schedule_day", "A month has no such day.")

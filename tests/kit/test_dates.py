"""Dates as people say them."""

from __future__ import annotations

import datetime as dt

import pytest

from mecum.kit.dates import read_date
from mecum.kit.errors import Unprocessable

NOW = dt.datetime(2026, 11, 23, 18, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("phrase", "moment"),
    [
        ("Friday 10:30", "2026-11-27 10:30"),
        ("on Friday to call the dentist", "2026-11-27 00:00"),
        ("next Monday", "2026-11-30 00:00"),
        ("tomorrow at 9", "2026-11-24 09:00"),
        ("9pm tomorrow", "2026-11-24 21:00"),
        ("15:00", "2026-11-24 15:00"),
        ("in two hours", "2026-11-23 21:00"),
        ("3 May 2027", "2027-05-03 00:00"),
        ("下周五上午十点", "2026-12-04 10:00"),
        ("后天下午三点半", "2026-11-25 15:30"),
        ("今晚八点", "2026-11-23 20:00"),
    ],
)
def test_dates_are_read_as_people_say_them(phrase: str, moment: str) -> None:
    assert read_date(phrase, NOW, "Europe/Brussels").strftime("%Y-%m-%d %H:%M") == moment


def test_a_phrase_that_is_no_date_is_a_clear_error() -> None:
    with pytest.raises(Unprocessable, match="can't read"):
        read_date("purple elephants", NOW, "UTC")

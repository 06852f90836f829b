"""Dates and times as people say them, read in code, because models invent dates."""

from mecum.kit.dates.clock_words import chinese_number, take_time
from mecum.kit.dates.reading import PHRASE_CHARS_MAX, read_date, zone

__all__ = ["PHRASE_CHARS_MAX", "chinese_number", "read_date", "take_time", "zone"]

"""Dates and times as people say them, read in code, because models invent dates."""

from mecum.kit.dates.clock_words import chinese_number, take_time
from mecum.kit.dates.reading import PHRASE_CHARS_MAX, read_date
from mecum.kit.dates.worker import in_worker
from mecum.kit.dates.zones import is_zone, zone, zone_or_utc

__all__ = [
    "PHRASE_CHARS_MAX",
    "chinese_number",
    "in_worker",
    "is_zone",
    "read_date",
    "take_time",
    "zone",
    "zone_or_utc",
]

"""Schedules in words: "every Monday at 9", "每天早上八点", "on Friday at 10".

What repeats is cron fields in a time zone, what is done once is a moment. What is not understood as a whole is refused:
a schedule that runs at other times than the person meant is noticed when it is too late.
"""

from mecum.rooms.assistant.schedule_words.reading import CRON_MAX, WORDS_MAX, When, check_when, next_time, read_when

__all__ = ["CRON_MAX", "WORDS_MAX", "When", "check_when", "next_time", "read_when"]

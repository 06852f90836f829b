"""The tool that reads dates: the person's words, understood in code."""

from __future__ import annotations

import datetime as dt

from mecum.kit.clock import Clock
from mecum.kit.dates import PHRASE_CHARS_MAX, in_worker, read_date
from mecum.kit.tools import Tool, ToolCall, ToolResult


def describe(moment: dt.datetime, now: dt.datetime) -> str:
    """`moment` in full, and how far it is from `now`."""
    local = now.astimezone(moment.tzinfo)
    days = (moment.date() - local.date()).days
    distance = "today" if days == 0 else f"in {days} days" if days > 0 else f"{-days} days ago"
    year, week, _ = moment.isocalendar()
    return f"{moment.strftime('%A, %Y-%m-%d %H:%M')} ({moment.tzname()}), {distance}, ISO week {year}-W{week:02d}"


def between(start: dt.datetime, end: dt.datetime) -> str:
    span = end - start
    days = (end.date() - start.date()).days
    hours = span.total_seconds() / 3600
    return f"{days} days ({days / 7:.1f} weeks), or {hours:,.1f} hours"


def date_tool(clock: Clock) -> Tool:
    """The tool `date_time`."""

    async def call(request: ToolCall) -> ToolResult:
        now = clock.now()
        timezone = str(request.arguments.get("timezone") or request.principal.timezone)
        moment = await in_worker(read_date, str(request.arguments["phrase"]), now, timezone)
        text = describe(moment, now)
        if until := request.arguments.get("until"):
            end = await in_worker(read_date, str(until), now, timezone)
            text += f"\nUntil {describe(end, now)}: {between(moment, end)}."
        return ToolResult(text)

    return Tool(
        name="date_time",
        description=(
            "Finds the date, weekday and time that a phrase means, and the time between two. Copy the phrase from the "
            "person's words, e.g. 'now', 'Friday 10:30', 'in 3 weeks', '3 May 2027'. Never compute dates yourself."
        ),
        parameters={
            "type": "object",
            "properties": {
                "phrase": {"type": "string", "maxLength": PHRASE_CHARS_MAX, "description": "a date or time as said"},
                "until": {"type": "string", "maxLength": PHRASE_CHARS_MAX, "description": "the end, for a difference"},
                "timezone": {
                    "type": "string",
                    "maxLength": 60,
                    "description": "IANA name, if not the person's own",
                },
            },
            "required": ["phrase"],
            "additionalProperties": False,
        },
        call=call,
        cues=(
            r"\b(date|days?|weeks?|weekday|month|year|time|today|tomorrow|yesterday|tonight|now|when|how long|until)\b"
            r"|\b(mon|tues|wednes|thurs|fri|satur|sun)days?\b|o'clock"
            r"|今天|明天|后天|昨天|星期|礼拜|周[一二三四五六日天]|日期|几点|几号|多久|什么时候|现在"
        ),
    )

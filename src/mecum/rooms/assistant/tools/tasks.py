"""Doing things later: scheduled tasks and reminders, made in the conversation."""

from __future__ import annotations

from mecum.kit.clock import Clock
from mecum.kit.dates import in_worker, zone
from mecum.kit.tools import Tool, ToolCall, ToolResult
from mecum.rooms.assistant.schedule_words import WORDS_MAX, read_when
from mecum.rooms.assistant.scheduling import TITLE_MAX, Scheduling
from mecum.rooms.assistant.tools.dates import describe


def schedule_tool(scheduling: Scheduling, clock: Clock, chars_max: int) -> Tool:
    """The tool `schedule_task`. Nothing leaves Mecum and the person can undo it, so it needs no confirmation."""

    async def call(request: ToolCall) -> ToolResult:
        principal = request.principal
        when = await in_worker(read_when, str(request.arguments["when"]), clock.now(), principal.timezone)
        made = await scheduling.add(
            principal,
            title=str(request.arguments.get("title", ""))[:TITLE_MAX],
            text=str(request.arguments["task"]),
            when=when,
            timezone=principal.timezone,
        )
        first = "" if made.next_at is None else describe(made.next_at.astimezone(zone(made.timezone)), clock.now())
        kind = "once" if made.once else f"again and again (cron {made.cron})"
        return ToolResult(f"Scheduled {kind}. First: {first}.", data={"schedule": made.id.hex, "cron": made.cron})

    return Tool(
        name="schedule_task",
        description=(
            "Does something later or again and again: reminders, reports, checks. Copy `when` from the person's words, "
            "e.g. 'every Monday at 9' or 'on Friday at 10:30'. `task` is what you will be asked to do at that time."
        ),
        parameters={
            "type": "object",
            "properties": {
                "when": {"type": "string", "maxLength": WORDS_MAX},
                "task": {"type": "string", "maxLength": chars_max},
                "title": {"type": "string", "maxLength": TITLE_MAX},
            },
            "required": ["when", "task"],
            "additionalProperties": False,
        },
        call=call,
        effects=frozenset({"writes"}),
        idempotent=False,
        cues=(
            r"\b(remind|reminder|schedule|every|each|daily|weekly|monthly|hourly|later|tell me when)\b"
            r"|\bin \d+ (minutes?|hours?|days?)\b"
            r"|提醒|每天|每周|每月|每隔|定时|安排|到时候"
        ),
    )

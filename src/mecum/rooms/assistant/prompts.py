"""What the entity is told about itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mecum.kit.i18n import I18n
from mecum.kit.types import Principal
from mecum.rooms.models import Message, TextPart


def local_time(now: dt.datetime, timezone: str) -> dt.datetime:
    try:
        return now.astimezone(ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError):
        return now.astimezone(dt.UTC)


def system_message(
    i18n: I18n, principal: Principal, now: dt.datetime, recalled: Sequence[str], instructions: str
) -> Message:
    """The system message of a run: who it is, when it is, what memory gave, what the caller asked for."""
    here = local_time(now, principal.timezone)
    parts = [
        i18n.text(
            principal.locale, "assistant.prompt", when=here.strftime("%A %Y-%m-%d %H:%M"), timezone=principal.timezone
        )
    ]
    if recalled:
        parts.append(
            i18n.text(principal.locale, "assistant.prompt_memory") + "\n" + "\n".join(f"- {line}" for line in recalled)
        )
    if instructions:
        parts.append(instructions)
    return Message("system", (TextPart("\n\n".join(parts)),))

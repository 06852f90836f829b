"""What the entity is told about itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from mecum.kit.dates import zone_or_utc
from mecum.kit.i18n import I18n
from mecum.kit.types import Principal
from mecum.rooms.models import Message, TextPart


def system_message(
    i18n: I18n, principal: Principal, now: dt.datetime, recalled: Sequence[str], instructions: str
) -> Message:
    """The system message of a run: who it is, what the caller asked for, which day it is, what memory gave.

    What changes stands last and is coarse: a server reads again all that follows the first difference, and a small
    machine reads a long conversation for a minute. The exact time is a tool's to give.
    """
    parts = [i18n.text(principal.locale, "assistant.prompt")]
    if instructions:
        parts.append(instructions)
    today = now.astimezone(zone_or_utc(principal.timezone)).strftime("%A %Y-%m-%d")
    parts.append(i18n.text(principal.locale, "assistant.prompt_day", today=today, timezone=principal.timezone))
    if recalled:
        parts.append(
            i18n.text(principal.locale, "assistant.prompt_memory") + "\n" + "\n".join(f"- {line}" for line in recalled)
        )
    return Message("system", (TextPart("\n\n".join(parts)),))

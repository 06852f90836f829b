"""Quiet hours: when a mail may go out."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from mecum.kit.notify.types import QuietHours

MINUTES_PER_DAY = 24 * 60


def due_at(now: dt.datetime, quiet: QuietHours | None) -> dt.datetime | None:
    """The end of the quiet hours that `now` lies in, in UTC; None when it may go at once.

    An end that the clocks skip in spring is when they have jumped; one that comes twice in autumn is the first.
    """
    if quiet is None or quiet.from_minute == quiet.to_minute:
        return None
    local = now.astimezone(ZoneInfo(quiet.timezone))
    since_start = (local.hour * 60 + local.minute - quiet.from_minute) % MINUTES_PER_DAY
    if since_start >= (quiet.to_minute - quiet.from_minute) % MINUTES_PER_DAY:
        return None
    end = local.replace(hour=quiet.to_minute // 60, minute=quiet.to_minute % 60, second=0, microsecond=0, fold=0)
    if local.hour * 60 + local.minute >= quiet.to_minute:
        end += dt.timedelta(days=1)
    return max(now, end.astimezone(dt.UTC))

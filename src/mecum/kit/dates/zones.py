"""Time zones by their IANA names."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from mecum.kit.errors import Unprocessable


def is_zone(name: str) -> bool:
    """Whether `name` is an IANA time zone that is known here."""
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):  # Malformed, not found, or the name of a folder of zones.
        return False
    return True


def zone(name: str) -> ZoneInfo:
    """Raises Unprocessable for what is no time zone."""
    if not is_zone(name):
        raise Unprocessable("zone_unknown", f"There is no time zone {name[:64]}.", params={"timezone": name[:64]})
    return ZoneInfo(name)


def zone_or_utc(name: str) -> dt.tzinfo:
    """For what goes on without a person who could name another one: zones come and go."""
    return zone(name) if is_zone(name) else dt.UTC

"""What this surface says, in the person's language."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mecum.kit.errors import MecumError, Param
from mecum.kit.i18n import I18n


class Words:
    """Words by code, from the catalogues of the house.

    Args:
        locale: a language or language tag.
    """

    def __init__(self, locale: str) -> None:
        self._i18n = I18n()
        self.locale = self._i18n.supported(locale)

    def __call__(self, code: str, **params: Param) -> str:
        return self._i18n.text(self.locale, code, **params)

    def error(self, error: MecumError) -> str:
        """What happened and what to do, in one or two sentences."""
        return " ".join(part for part in self._i18n.error(self.locale, error) if part)

    def problem(self, data: Mapping[str, Any]) -> str:
        """The same for an error that is kept or part of an answer; "" for none."""
        if not data:
            return ""
        params = data.get("params")
        return self.error(
            MecumError(
                str(data.get("code") or ""),
                str(data.get("detail") or ""),
                str(data.get("hint") or ""),
                params=params if isinstance(params, dict) else {},  # pyright: ignore[reportUnknownArgumentType]
            )
        )

    def size(self, count: int) -> str:
        """Bytes for people."""
        value, units = float(count), ("B", "kB", "MB", "GB")
        for unit in units[:-1]:
            if value < 1000:
                return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
            value /= 1000
        return f"{value:.1f} {units[-1]}"

    def duration(self, seconds: float) -> str:
        """A length of time for people: "40 s", "3 min", "2 h"."""
        if seconds < 60:
            return f"{max(1, round(seconds))} s"
        return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"


def environment_locale(environment: Mapping[str, str] = os.environ) -> str:
    """The language of messages as POSIX has it (XBD 8.2): the first of LC_ALL, LC_MESSAGES and LANG that is set."""
    found = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name))), "en")
    return found.split(".")[0]

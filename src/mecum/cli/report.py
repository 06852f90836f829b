"""What `mecum up` says: calm sentences for people, JSON lines for programs."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from mecum.cli.link import Event, encode

if TYPE_CHECKING:
    from mecum.kit.i18n import I18n


class Report:
    """Writes events to standard output.

    Args:
        json: events as they are, one JSON object per line.
        locale: a language or language tag; the environment's by default.
    """

    def __init__(self, *, json: bool = False, locale: str | None = None) -> None:
        self._json = json
        self._locale = locale if locale is not None else locale_of_environment()

    def say(self, event: Event) -> None:
        """Events that people need not know about are left out for them."""
        line = encode(event).decode() if self._json else self._sentence(event)
        if line:
            # Whoever read this has gone; that is no reason to stop serving.
            with suppress(BrokenPipeError, ValueError):
                sys.stdout.write(line if line.endswith("\n") else f"{line}\n")
                sys.stdout.flush()

    @cached_property
    def _i18n(self) -> I18n:
        from mecum.kit.i18n import I18n

        return I18n()

    def _sentence(self, event: Event) -> str:
        i18n, locale = self._i18n, self._locale
        match event:
            case {"event": "starting", "data": str(data)}:
                return i18n.text(locale, "up.starting", data=data)
            case {"event": "database_created"}:
                return i18n.text(locale, "up.database_created")
            case {"event": "ready", "address": str(address), "setup_url": setup_url}:
                ready = i18n.text(locale, "up.ready", address=address)
                return f"{ready}\n{i18n.text(locale, 'up.set_up', url=str(setup_url))}" if setup_url else ready
            case {"event": "server_stopped", "how": str(how), "restart_in_s": float(seconds)}:
                return i18n.text(locale, "up.server_stopped", how=how, seconds=f"{seconds:g}")
            case {"event": "server_hung", "silent_s": float(seconds)}:
                return i18n.text(locale, "up.server_hung", seconds=f"{seconds:.0f}")
            case {"event": "database_stopped"}:
                return i18n.text(locale, "up.database_stopped")
            case {"event": "waiting_for", "purpose": str(purpose)}:
                return i18n.text(locale, "up.waiting_for", purpose=purpose)
            case {"event": "draining"}:
                return i18n.text(locale, "up.draining")
            case {"event": "stopped"}:
                return i18n.text(locale, "up.stopped")
            case {"event": "refused" | "database_failed"}:
                return self._refusal(event)
            case _:
                return ""

    def _refusal(self, event: Event) -> str:
        """In words of this language where there are some, otherwise in those that came with it."""
        from mecum.kit.errors import Param, StartError

        params = event.get("params")
        known: dict[str, Param] = {}
        if isinstance(params, dict):
            for name, value in params.items():  # pyright: ignore[reportUnknownVariableType]
                known[str(name)] = value if isinstance(value, str | int | float) else None  # pyright: ignore[reportUnknownArgumentType]
        code, detail, hint = (str(event.get(name, "")) for name in ("code", "detail", "hint"))
        return "\n".join(
            part for part in self._i18n.error(self._locale, StartError(code, detail, hint, params=known)) if part
        )


def locale_of_environment() -> str:
    """The language of messages as POSIX has it (XBD 8.2): the first of LC_ALL, LC_MESSAGES and LANG that is set."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return value.split(".")[0]
    return "en"

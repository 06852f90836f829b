"""When a server process that lives but does nothing is ended: its event loop has been silent for too long.

The loop says on the line to the supervisor that it turns (`link.BEAT`). Pure: time comes in, signals come out.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass

DUMP_S = 5.0  # to write where every thread stands; a process on a slow disk needs a moment


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the event loop may be silent, in seconds, before the process counts as hung.

    Nothing may hold the loop for even a second: what takes longer has a thread or a process of its own. A machine that
    is far too busy delays the loop by seconds, one that swaps by tens of seconds; a minute is above both, and short
    enough that people come back. While the process starts, libraries are loaded from a disk that may be slow, and no
    one is served yet: there it costs little to wait longer.
    """

    running_s: float = 60
    starting_s: float = 300

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Patience:
        """As the settings say. What is no number is left at its default: the server says so, and refuses it."""

        def seconds(name: str, default: float) -> float:
            value = environment.get(name, "")
            return float(value) if value.isdecimal() else default

        default = cls()
        return cls(
            seconds("MECUM_HANG_SECONDS", default.running_s),
            seconds("MECUM_HANG_STARTING_SECONDS", default.starting_s),
        )


class Watch:
    """Counts the silence of one server process after another.

    Silence is counted in turns of the watcher, each for `turn_s` at most: time in which the watcher itself did not run
    (a laptop asleep, a machine frozen or far too busy, a clock that jumped) is not the server's silence.
    """

    def __init__(self, patience: Patience, turn_s: float) -> None:
        self._patience = patience
        self._turn_s = turn_s
        self._limit_s = patience.starting_s
        self._turned_at: float | None = None
        self._silent_s = 0.0
        self._given_up = False

    @property
    def silent_s(self) -> float:
        return self._silent_s

    def process_started(self) -> None:
        self._limit_s = self._patience.starting_s
        self._silent_s = 0.0
        self._given_up = False

    def process_ready(self) -> None:
        self._limit_s = self._patience.running_s

    def beat(self) -> None:
        """The loop turns. Too late once its end was asked for: half a process serves nobody."""
        if not self._given_up:
            self._silent_s = 0.0

    def turn(self, now: float) -> signal.Signals | None:
        """Count one turn of a running process.

        Args:
            now: of a monotonic clock, in seconds.

        Returns:
            What to send it: SIGABRT once, upon which it writes where it hangs; SIGKILL when it is still there later.
        """
        passed = 0.0 if self._turned_at is None else now - self._turned_at
        self._turned_at = now
        self._silent_s += min(max(passed, 0.0), self._turn_s)
        if self._given_up:
            return signal.SIGKILL if self._silent_s >= self._limit_s + DUMP_S else None
        self._given_up = self._silent_s >= self._limit_s
        return signal.SIGABRT if self._given_up else None

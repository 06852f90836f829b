"""Tokens in a minute, where an account has such a limit: a bucket that fills steadily. Pure: time is given."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Stated:
    """What the operator states of an account; None: nothing."""

    calls_max: int | None = None
    tokens_per_minute: int | None = None


NOTHING_STATED = Stated()


class Rate:
    """
    Args:
        tokens_per_minute: so many in a minute; a minute's worth at once at most.
    """

    def __init__(self, tokens_per_minute: int, now: float) -> None:
        self._per_s = tokens_per_minute / MINUTE_S
        self._most = float(tokens_per_minute)
        self._left = self._most
        self._at = now

    def left(self, now: float) -> float:
        """Tokens that may be asked for now; less than nothing while more was used than there was."""
        self._left = min(self._most, self._left + (now - self._at) * self._per_s)
        self._at = now
        return self._left

    def take(self, tokens: int, now: float) -> None:
        """So many are used; fewer than nothing gives back."""
        self._left = min(self._most, self.left(now) - tokens)

    def follow(self, left: float, now: float) -> None:
        """So many are left, as somebody else has counted."""
        self._left, self._at = min(self._most, left), now

    def wait_s(self, now: float) -> float:
        """Seconds until there is anything left."""
        return max(0.0, -self.left(now) / self._per_s)

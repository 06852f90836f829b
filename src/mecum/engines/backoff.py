"""Growing pauses between attempts that fail."""

from __future__ import annotations


class Backoff:
    """Counts failures in a row; the pause after each is twice the last one, up to a bound."""

    def __init__(self, first_s: float, most_s: float) -> None:
        self._first = first_s
        self._most = most_s
        self.failures = 0

    def next_s(self) -> float:
        self.failures += 1
        return min(self._most, self._first * 2 ** (self.failures - 1))

    def reset(self) -> None:
        self.failures = 0

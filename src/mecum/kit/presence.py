"""Whether who asked is still there, as the edge knows it; see `mecum.kit.leaving`. Light: the edge comes first."""

from __future__ import annotations

from collections.abc import Callable

EXTENSION = "mecum.presence"
"""Under this name a request's scope has the presence of its client, among `extensions` (ASGI 3.0, HTTP scope)."""


class Presence:
    """The client of one connection."""

    __slots__ = ("_told", "has_left")

    def __init__(self) -> None:
        self.has_left = False
        self._told: set[Callable[[], None]] = set()

    def tell(self, told: Callable[[], None]) -> None:
        """Call `told` when the client leaves; at once when it has left."""
        if self.has_left:
            told()
        else:
            self._told.add(told)

    def forget(self, told: Callable[[], None]) -> None:
        self._told.discard(told)

    def leave(self) -> None:
        """The connection is gone."""
        self.has_left = True
        waiting, self._told = self._told, set()
        for told in waiting:
            told()

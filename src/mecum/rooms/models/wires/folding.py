"""What folds the messages of an answer into model events: one for each wire."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from mecum.rooms.models import ReasoningDelta, TextDelta, ToolCallDelta

Part: TypeAlias = TextDelta | ReasoningDelta | ToolCallDelta


class Reader(Protocol):
    """Folds the messages of one answer into model events, in one wire.

    `feed` and `end` raise MecumError where it is no answer, or one that was cut.
    """

    @property
    def done(self) -> bool:
        """Whether the answer has said that it is over."""
        ...

    def feed(self, data: bytes) -> list[Part]: ...

    def end(self) -> list[Part]: ...

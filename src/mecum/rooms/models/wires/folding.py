"""What folds the messages of an answer into model events: one for each wire."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from mecum.kit.types import Tokens
from mecum.rooms.models import FinishReason, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from mecum.rooms.models.wires.keeping import Keeping

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

    @property
    def finish(self) -> FinishReason | None:
        """How the answer ended; known after `end`."""
        ...

    @property
    def kept(self) -> Keeping:
        """What the model wants back with its answer."""
        ...

    def usage(self, input_tokens: Tokens) -> Usage:
        """What the call took; where the provider did not say, `input_tokens` and the length of the answer."""
        ...

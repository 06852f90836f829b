"""What is taken away before a call is refused: first the thinking, then the larger model. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from mecum.rooms.models.router.rules import Effort

Lowered: TypeAlias = Literal["effort", "smaller"]

WORTH_WAITING: Final = 0.5
"""A thought answer that nobody asked for is worth so much of the patience; whoever asked for it gets the whole."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds until there is a place, about, and how long a call of its band may wait.

    Args:
        fast: None where there is no other model than the thinking one.
    """

    thinking: float
    fast: float | None
    patience: float


@dataclass(frozen=True, slots=True)
class Step:
    """
    Args:
        on_thinking: asks the thinking target. lowered: what was taken away.
    """

    effort: Effort
    on_thinking: bool
    lowered: Lowered | None = None


def stepped(effort: Effort, waits: Waits, *, is_wish: bool) -> Step:
    """Where an answer of that effort is asked for, as things are."""
    if effort == "fast":
        # Where the fast model can't answer in time the other one does, as fast as it can: nothing is taken away.
        return Step("fast", on_thinking=waits.fast is None or waits.fast > waits.patience >= waits.thinking)
    if waits.thinking <= waits.patience * (1.0 if is_wish else WORTH_WAITING):
        return Step("think", on_thinking=True)
    if waits.thinking <= waits.patience or waits.fast is None or waits.fast >= waits.thinking:
        return Step("fast", on_thinking=True, lowered="effort")
    return Step("fast", on_thinking=False, lowered="smaller")

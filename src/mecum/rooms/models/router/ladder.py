"""What is taken away before a call is refused: first the thinking, then the larger model, then what can
be spared of what it reads. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from mecum.rooms.models.router.rules import Effort

Lowered: TypeAlias = Literal["effort", "smaller"]

NEAR_REFUSAL: Final = 0.75
"""Whoever would wait for longer than this part of the patience reads less."""
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
        lighter: even so it might be refused: it is to read no more than it must.
    """

    effort: Effort
    on_thinking: bool
    lowered: Lowered | None = None
    lighter: bool = False


def stepped(effort: Effort, waits: Waits, *, is_wish: bool) -> Step:
    """Where an answer of that effort is asked for, as things are."""
    step = _stepped(effort, waits, is_wish=is_wish)
    wait_s = waits.thinking if step.on_thinking or waits.fast is None else waits.fast
    return replace(step, lighter=True) if wait_s > waits.patience * NEAR_REFUSAL else step


def _stepped(effort: Effort, waits: Waits, *, is_wish: bool) -> Step:
    if effort == "fast":
        # Where the fast model can't answer in time the other one does, as fast as it can: nothing is taken away.
        return Step("fast", on_thinking=waits.fast is None or waits.fast > waits.patience >= waits.thinking)
    if waits.thinking <= waits.patience * (1.0 if is_wish else WORTH_WAITING):
        return Step("think", on_thinking=True)
    if waits.thinking <= waits.patience or waits.fast is None or waits.fast >= waits.thinking:
        return Step("fast", on_thinking=True, lowered="effort")
    return Step("fast", on_thinking=False, lowered="smaller")

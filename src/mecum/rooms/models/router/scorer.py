"""Does thinking help? An online logistic regression over a few dozen weights. Pure.

Stochastic gradient descent on the log loss, with a pull back to the prior: without any outcome it decides by that, and
one loud person moves it little.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp
from typing import Final, TypeAlias

from mecum.rooms.models.router.features import Features

Weights: TypeAlias = Mapping[str, float]

PRIOR: Final[Weights] = {
    "bias": -2.1,
    "length": 1.0,
    "context": 0.2,
    "lists": 0.6,
    "constraints": 1.2,
    "sentences": 0.5,
    "turns": 0.1,
    "tools": 0.2,
    "digits": 0.5,
    "code": 1.6,
    "maths": 1.8,
    "attachments": 0.8,
    "schema": -0.2,
    "why": 1.2,
    "what": -0.4,
    "for:relay.chat": 0.1,
    "for:relay.responses": 0.1,
    "for:assistant.background": 0.6,
}
"""Long, bound by conditions and asking why: think; whoever asks in the background waits for nothing."""
RATE: Final = 0.08
PULL: Final = 0.002
WEIGHT_MAX: Final = 8.0
STEP_MAX: Final = 4.0
"""The most that one outcome counts, however seldom its decision is taken."""


def gain(weights: Weights, features: Features) -> float:
    """How likely thinking helps, between 0 and 1."""
    score = sum(weights.get(name, 0.0) * value for name, value in features.items())
    return 1.0 / (1.0 + exp(-max(-30.0, min(30.0, score))))


def learned(weights: Weights, features: Features, helped: bool, counts: float) -> dict[str, float]:
    """`weights` after an outcome.

    Args:
        helped: thinking helped, or would have. counts: how much, at most `STEP_MAX`.
    """
    error = float(helped) - gain(weights, features)
    step = RATE * min(STEP_MAX, counts)
    after = dict(weights)
    for name, value in features.items():
        before = weights.get(name, 0.0)
        moved = before + step * (error * value - PULL * (before - PRIOR.get(name, 0.0)))
        after[name] = max(-WEIGHT_MAX, min(WEIGHT_MAX, moved))
    return after

"""What became of an answer, as something to learn from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mecum.rooms.models.router.features import Features
from mecum.rooms.models.router.rules import Effort
from mecum.rooms.models.router.scorer import Weights, learned

TELLS: Final[Mapping[tuple[str, str], tuple[bool, float]]] = {
    ("fast", "think_longer"): (True, 1.0),
    ("fast", "regenerated"): (True, 0.5),
    ("fast", "down"): (True, 0.5),
    ("fast", "up"): (False, 0.5),
    ("fast", "settled"): (False, 0.05),
    ("think", "stopped"): (False, 0.5),
    ("think", "answer_fast"): (False, 1.0),
    ("think", "down"): (False, 0.25),
    ("think", "up"): (True, 0.5),
}
"""By what was done and what came of it: whether thinking helps there, and how much that says. A fast answer that
nobody minded says a little: only complaints would teach to think ever more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    effort: Effort
    what: str
    features: Features
    propensity: float


def taught(weights: Weights, outcomes: Sequence[Outcome]) -> Weights:
    """`weights` after `outcomes`, in this order. What is seldom tried counts for all the times that it was not."""
    for each in outcomes:
        told = TELLS.get((each.effort, each.what))
        if told is not None:
            helped, counts = told
            weights = learned(weights, each.features, helped, counts / max(0.01, each.propensity))
    return weights

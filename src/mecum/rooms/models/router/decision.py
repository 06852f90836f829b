"""Fast or thinking: a wish, else a rule, else the score against a price. Pure and without chance: the id decides."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from math import inf
from typing import Final
from uuid import UUID

from mecum.rooms.models.router.features import Features, features, look
from mecum.rooms.models.router.question import Question
from mecum.rooms.models.router.rules import Effort, ruled, wish_in_words
from mecum.rooms.models.router.scorer import Weights, gain

EXTRA_KTOKENS: Final = 1.5
"""What thinking takes more, in thousands of tokens, about."""
IDLE_PRICE: Final = 0.3
CROWD_PRICE: Final = 0.4
FULLNESS_COUNTED: Final = 3.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What an installation says of the router.

    Args:
        worth: of an answer that thinking made better, in the unit of prices. explored: share of scored decisions that
            are turned round, to learn what the other would have been.
    """

    worth: float = 1.0
    explored: float = 0.03


@dataclass(frozen=True, slots=True)
class Decision:
    """
    Args:
        why: `asked`, `words`, the name of a rule, `score` or `explored`.
        score: how likely thinking helps. price: of a thousand tokens. propensity: how likely this very decision was.
    """

    effort: Effort
    why: str
    features: Features
    score: float
    price: float
    propensity: float

    @property
    def is_wish(self) -> bool:
        return self.why in ("asked", "words")


def price(fullness: float) -> float:
    """What a thousand tokens of a pool cost that is so full; it only grows."""
    return IDLE_PRICE + CROWD_PRICE * min(FULLNESS_COUNTED, max(0.0, fullness)) ** 2


def decide(
    question: Question, wish: Effort | None, weights: Weights, price: float, id_: UUID, terms: Terms = Terms()
) -> Decision:
    """What is to be done with `question`.

    Args:
        wish: what the person or program chose; it always wins.
        id_: of the request: the same one is decided in the same way.
    """
    seen = look(question)
    found = features(seen)
    score = gain(weights, found)
    if wish is not None:
        return Decision(wish, "asked", found, score, price, 1.0)
    said = wish_in_words(seen)
    if said is not None:
        return Decision(said, "words", found, score, price, 1.0)
    rule = ruled(seen)
    if rule is not None:
        return Decision(*rule, found, score, price, 1.0)
    needed = threshold(price, terms)
    effort: Effort = "think" if score > needed else "fast"
    if needed >= 1.0 or terms.explored <= 0:
        return Decision(effort, "score", found, score, price, 1.0)
    if chance(id_) < terms.explored:
        other: Effort = "fast" if effort == "think" else "think"
        return Decision(other, "explored", found, score, price, terms.explored)
    return Decision(effort, "score", found, score, price, 1.0 - terms.explored)


def threshold(price: float, terms: Terms) -> float:
    """How likely thinking must help to be worth its price."""
    return price * EXTRA_KTOKENS / terms.worth if terms.worth > 0 else inf


def chance(id_: UUID) -> float:
    """A number from 0 to 1 that belongs to `id_`."""
    return int.from_bytes(blake2b(id_.bytes, digest_size=8, person=b"mecum.explore").digest()) / 2.0**64

"""What the scorer looks at: how a message is built. Pure.

Plain structure does as well as anything else that is small, and speaks of no subject: words of subjects do not carry
over to others (RouteLLM's data: hashed n-grams fell to chance on unseen subjects, length did not).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log1p
from typing import TypeAlias

from mecum.kit.text import normalise
from mecum.rooms.models.router import words
from mecum.rooms.models.router.question import ENDS_CHARS, Question

Features: TypeAlias = Mapping[str, float]

CJK_WEIGHT = 2.5
"""A Chinese character says as much as so many letters."""
LONG_CHARS, LONG_TOKENS = 2_000, 16_000
MANY_LISTED, MANY_CONSTRAINTS, MANY_SENTENCES, MANY_TURNS, MANY_TOOLS = 8, 6, 20, 20, 16
DIGITS = 3
SAID_CHARS = 2 * ENDS_CHARS + 1
"""Some characters are many once they are normalised."""
PIECE_CHARS = 100


@dataclass(frozen=True, slots=True)
class Look:
    """A message that was looked at once, for the rules and the scorer.

    Args:
        said: normalised. length: in letters, Chinese ones counted for what they say.
    """

    question: Question
    said: str
    length: float
    listed: int
    constraints: int
    has_code: bool
    has_maths: bool


def look(question: Question) -> Look:
    said = _said(question.text)
    cjk = 0 if said.isascii() else sum(1 for character in said if ord(character) >= 0x3000)
    return Look(
        question=question,
        said=said,
        length=question.chars + (CJK_WEIGHT - 1) * cjk,
        listed=len(words.LIST_ITEM.findall(said)),
        constraints=len(words.CONSTRAINT.findall(said)),
        has_code=bool(words.CODE.search(said) or len(words.CODE_SHAPE.findall(said)) > 1 or "```" in said),
        has_maths=bool(words.MATHS.search(said) or words.MATHS_SHAPE.search(said)),
    )


def _said(text: str) -> str:
    """`text` normalised, piece by piece, so that nothing is made only to be cut off."""
    said = ""
    for start in range(0, len(text), PIECE_CHARS):
        said += normalise(text[start : start + PIECE_CHARS])
        if len(said) >= SAID_CHARS:
            break
    return said.strip()[:SAID_CHARS]


def features(look: Look) -> Features:
    """Each between 0 and 1, or a little above; the last one says for what it is asked."""
    question, said = look.question, look.said
    digits = sum(1 for character in said if character.isdigit())
    found = {
        "bias": 1.0,
        "length": _share(look.length, LONG_CHARS),
        "context": _share(question.tokens, LONG_TOKENS),
        "lists": _share(look.listed, MANY_LISTED),
        "constraints": _share(look.constraints, MANY_CONSTRAINTS),
        "sentences": _share(len(words.SENTENCE.findall(said)), MANY_SENTENCES),
        "turns": _share(question.turns - 1, MANY_TURNS),
        "tools": _share(question.tools, MANY_TOOLS),
        "digits": 1.0 if digits >= DIGITS else 0.0,
        "code": float(look.has_code),
        "maths": float(look.has_maths),
        "attachments": float(question.attachments > 0),
        "schema": float(question.wants_schema),
        "why": float(words.WHY.search(said) is not None),
        "what": float(words.WHAT.search(said) is not None),
        f"for:{question.purpose}": 1.0,
    }
    return {name: round(value, 4) for name, value in found.items() if value}


def _share(value: float, much: float) -> float:
    """`value` on a scale that grows ever slower and is 1 at `much`."""
    return log1p(max(0.0, value)) / log1p(much)

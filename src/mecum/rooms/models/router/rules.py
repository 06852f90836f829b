"""What is plain without reckoning: a wish in the person's words, and kinds of messages. Pure."""

from __future__ import annotations

from typing import Literal, TypeAlias

from mecum.rooms.models.router import words
from mecum.rooms.models.router.features import Look

Effort: TypeAlias = Literal["fast", "think"]
Ruled: TypeAlias = tuple[Effort, str]
"""What is to be done, and why."""

WISH_CHARS = 400
"""A wish stands at one end of a message; in the middle it is part of what the message is about."""
LONG, MANY_CONSTRAINTS, MANY_LISTED = 600, 4, 4
LOOKUP_CHARS, GREETING_CHARS = 90, 60


def wish_in_words(look: Look) -> Effort | None:
    """What the person asks for in so many words; the last word counts."""
    ends = (look.said[:WISH_CHARS], look.said[-WISH_CHARS:])
    for said in reversed(ends):
        found = [(match.start(), "think") for match in words.WANTS_THINKING.finditer(said)]
        found += [(match.start(), "fast") for match in words.WANTS_FAST.finditer(said)]
        if found:
            return "think" if max(found)[1] == "think" else "fast"
    return None


def ruled(look: Look) -> Ruled | None:
    """What needs no score; None: it is not plain."""
    if look.question.attachments:
        return "think", "attachments"
    if look.has_code:
        return "think", "code"
    if look.has_maths:
        return "think", "maths"
    if look.length <= GREETING_CHARS and words.GREETING.fullmatch(look.said):
        return "fast", "greeting"
    if words.TRANSLATE.match(look.said):
        return "fast", "translate"
    if words.REWRITE.match(look.said) and look.constraints < MANY_CONSTRAINTS:
        return "fast", "rewrite"
    many = look.constraints >= MANY_CONSTRAINTS or (look.listed >= MANY_LISTED and look.constraints > 1)
    if many and look.length >= LONG:
        return "think", "constraints"
    is_short = look.length <= LOOKUP_CHARS and not look.constraints and words.WHY.search(look.said) is None
    if is_short and words.LOOKUP.match(look.said):
        return "fast", "lookup"
    return None

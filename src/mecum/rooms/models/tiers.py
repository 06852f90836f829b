"""Service tiers: how soon a call of a program is to be served, in OpenAI's words. Pure.

`flex` waits with the work in the background, `priority` goes with the people who wait at a screen, where the operator
allows it. Whoever may not have it is served as usual and hears so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from mecum.kit.errors import TooMany
from mecum.kit.types import Principal
from mecum.rooms.models.gate.fair import Band

Tier: TypeAlias = Literal["default", "flex", "priority", "batch"]
ForWhom: TypeAlias = Literal["nobody", "operators", "everybody"]
BANDS: dict[Tier, Band] = {"flex": "background", "priority": "interactive", "batch": "bulk"}


QUEUE_FULL = frozenset(("models.busy", "models.local_line_full"))
"""Codes of who was turned away at the gate."""


def offering_flex(error: TooMany) -> TooMany:
    """`error`, by which a program was turned away, with a way that is open: to wait with the work in the background."""
    return TooMany(
        error.code,
        error.detail,
        f"{error.hint} Or ask with service_tier flex, which waits for as long as it takes.".strip(),
        params={**error.params, "offer": "flex"},
        retryable=error.retryable,
        retry_after=error.retry_after,
    )


def tier_of(values: Mapping[str, Any], principal: Principal, priority_for: ForWhom) -> Tier:
    """The tier in which a request is served; what it says beside ours, as `auto`, is the usual one."""
    asked = values.get("service_tier")
    if asked == "flex":
        return "flex"
    may = priority_for == "everybody" or (priority_for == "operators" and principal.role != "member")
    return "priority" if asked == "priority" and may else "default"


def is_asked(values: Mapping[str, Any]) -> bool:
    """Whether a request names a tier, and so hears in its answer which one it got."""
    return values.get("service_tier") is not None

"""Between what the router chooses. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from mecum.kit.types import Principal
from mecum.rooms.models import CatalogueModel
from mecum.rooms.models.service import ROUTER
from mecum.rooms.models.snapshot import Named, Snapshot

KEY = "router"
"""The setting in which operators say it: `{"fast": name, "thinking": name}`, `{"off": true}`, or nothing."""
FAST_ALIAS, THINKING_ALIAS = "mecum-fast", "mecum-thinking"


@dataclass(frozen=True, slots=True)
class Targets:
    """Two models, or one that reasons, twice."""

    fast: Named
    thinking: Named

    @property
    def is_one(self) -> bool:
        return self.fast.name == self.thinking.name

    def shown(self) -> CatalogueModel:
        """How it stands in the catalogue: it promises no more than the least of the two."""
        fast, thinking = self.fast.shown, self.thinking.shown
        return replace(
            thinking,
            name=ROUTER,
            provider="",
            upstream_model="",
            context_tokens=min(fast.context_tokens, thinking.context_tokens),
            vision=fast.vision and thinking.vision,
            native_tools=fast.native_tools and thinking.native_tools,
            reasoning=fast.reasoning or thinking.reasoning,
            default=True,
            hidden=False,
            alias=True,
            licence=thinking.licence if fast.licence == thinking.licence else "",
            note="",
        )


def targets(known: Snapshot, principal: Principal | None, default: str | None) -> Targets | None:
    """Between what is chosen for `principal`: what the operator said, else the two aliases, else the default model
    where it reasons. None: there is nothing to choose.
    """
    said: Mapping[str, Any] = cast("Mapping[str, Any]", known.chosen.get(KEY) or {})
    if said.get("off"):
        return None
    pairs = [(said.get("fast"), said.get("thinking")), (FAST_ALIAS, THINKING_ALIAS), (default, default)]
    for fast_name, thinking_name in pairs:
        fast, thinking = _chat(known, principal, fast_name), _chat(known, principal, thinking_name)
        if fast is not None and thinking is not None and (fast is not thinking or thinking.shown.reasoning):
            return Targets(fast, thinking)
    return None


def _chat(known: Snapshot, principal: Principal | None, name: object) -> Named | None:
    found = known.find(name) if isinstance(name, str) else None
    return found if found is not None and found.kind == "chat" and found.allows(principal) else None

"""What operators say of the router: between which models it chooses, or that it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from mecum.kit.db import Database
from mecum.kit.errors import NotFound, Unprocessable
from mecum.kit.types import Principal
from mecum.rooms.models.catalogue import Catalogue
from mecum.rooms.models.ports import Audit
from mecum.rooms.models.router.targets import KEY, targets
from mecum.rooms.models.store import catalogue as store

Mode: TypeAlias = Literal["itself", "chosen", "off"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """
    Args:
        mode: `itself`: the two aliases, or a default model that reasons.
        fast, thinking: who answers now; "" where there is nothing to choose.
    """

    mode: Mode
    fast: str
    thinking: str


class Choosing:
    def __init__(self, db: Database, audit: Audit, catalogue: Catalogue) -> None:
        self._db = db
        self._audit = audit
        self._catalogue = catalogue

    async def now(self) -> Chosen:
        """Between what is chosen for somebody who may use everything."""
        self._catalogue.forget()
        known = await self._catalogue.snapshot()
        said = cast("dict[str, Any]", known.chosen.get(KEY) or {})
        found = targets(known, None, await self._catalogue.default("chat"))
        mode: Mode = "off" if said.get("off") else "chosen" if said.get("fast") else "itself"
        return Chosen(mode, found.fast.name if found else "", found.thinking.name if found else "")

    async def choose(self, principal: Principal | None, fast: str, thinking: str) -> None:
        """Choose between two models or aliases; the same one twice, which reasons: its effort alone.

        Raises:
            NotFound: one is not there. Unprocessable: it is one that does not reason.
        """
        self._catalogue.forget()
        known = await self._catalogue.snapshot()
        for name in (fast, thinking):
            found = known.find(name)
            if found is None or found.kind != "chat":
                raise NotFound("models.model_unknown", "There is no such model.")
            reasons = found.shown.reasoning
        if fast == thinking and not reasons:
            raise Unprocessable(
                "models.router_one", "One model that does not reason leaves nothing to choose.", "Choose two models."
            )
        await self._put(principal, {"fast": fast, "thinking": thinking})

    async def off(self, principal: Principal | None) -> None:
        """Whoever names no model gets the default one."""
        await self._put(principal, {"off": True})

    async def by_itself(self, principal: Principal | None) -> None:
        """The aliases `mecum-fast` and `mecum-thinking`, or the default model where it reasons."""
        await self._put(principal, None)

    async def _put(self, principal: Principal | None, value: dict[str, object] | None) -> None:
        async with self._db.transaction() as connection:
            if value is None:
                await store.unchoose(connection, KEY)
            else:
                await store.choose(connection, KEY, value)
            names = "/".join(str(each) for each in (value or {}).values())
            await self._audit.record(connection, principal, "models.router_chosen", names or "itself")
        self._catalogue.forget()

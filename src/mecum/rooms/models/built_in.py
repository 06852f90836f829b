"""Who may use the built-in model: what operators say of it. It has no row; its name and abilities are its own."""

from __future__ import annotations

from dataclasses import dataclass

from mecum.kit.db import Database
from mecum.kit.types import Principal
from mecum.rooms.models import access as rules
from mecum.rooms.models.access import EVERYBODY, Access
from mecum.rooms.models.catalogue import Catalogue
from mecum.rooms.models.ports import Audit
from mecum.rooms.models.service import LOCAL_CHAT
from mecum.rooms.models.snapshot import BUILT_IN_KEY, allowed_of
from mecum.rooms.models.store import catalogue as store


@dataclass(frozen=True, slots=True)
class BuiltInUse:
    """Who may use it by its own name, and whether it is offered; an alias has rules of its own."""

    access: Access
    hidden: bool


class BuiltInAccess:
    def __init__(self, db: Database, audit: Audit, catalogue: Catalogue) -> None:
        self._db = db
        self._audit = audit
        self._catalogue = catalogue

    async def now(self) -> BuiltInUse:
        self._catalogue.forget()
        return BuiltInUse(*allowed_of((await self._catalogue.snapshot()).chosen))

    async def put(self, principal: Principal | None, access: Access | None, hidden: bool | None) -> None:
        """None keeps a value. Raises Unprocessable."""
        before = await self.now()
        now = BuiltInUse(
            before.access if access is None else access.checked(), before.hidden if hidden is None else hidden
        )
        async with self._db.transaction() as connection:
            if now == BuiltInUse(EVERYBODY, hidden=False):
                await store.unchoose(connection, BUILT_IN_KEY)
            else:
                value = {"access": rules.kept(now.access), "hidden": now.hidden}
                await store.choose(connection, BUILT_IN_KEY, value)
            details = {"access": now.access.kind, "hidden": now.hidden}
            await self._audit.record(connection, principal, "models.model_changed", LOCAL_CHAT, details)
        self._catalogue.forget()

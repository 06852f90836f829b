"""`/api` routes of aliases: parse, call, render."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from mecum.kit.http import Operator
from mecum.kit.ids import decode
from mecum.rooms.models.aliases import AliasChange, Aliases
from mecum.rooms.models.bodies import LIMIT, AccessBody, Body, Cursor, Limit, Name, problems
from mecum.rooms.models.out import alias_out, page_out

Tiers = Annotated[list[Annotated[list[Name], Field(max_length=200)]], Field(max_length=200)]


class AliasChangeBody(Body):
    """What is absent stays. `tiers` are names of models: those of one tier share the load, a later tier stands by."""

    name: Name | None = None
    tiers: Tiers | None = None
    note: Name | None = None
    enabled: bool | None = None
    hidden: bool | None = None
    access: AccessBody | None = None

    def change(self) -> AliasChange:
        access = self.access.access() if self.access is not None else None
        return AliasChange(self.name, self.tiers, self.note, self.enabled, self.hidden, access)


class NewAliasBody(Body):
    """`tiers` are names of models: those of one tier share the load, a later tier stands by."""

    name: Name
    tiers: Tiers
    note: Name = ""
    hidden: bool = False
    access: AccessBody | None = None

    def new(self) -> AliasChange:
        access = self.access.access() if self.access is not None else None
        return AliasChange(tiers=self.tiers, note=self.note, hidden=self.hidden, access=access)


def build_alias_router(aliases: Aliases) -> APIRouter:
    router = APIRouter()

    @router.get("/api/aliases", responses=problems(401, 403))
    async def list_aliases(caller: Operator, cursor: Cursor = None, limit: Limit = LIMIT) -> dict[str, Any]:
        """Names that stand for several models, oldest first."""
        return page_out([alias_out(each) for each in await aliases.all()], cursor, limit)

    @router.post("/api/aliases", status_code=201, responses=problems(401, 403, 404, 409, 413, 422))
    async def add_alias(caller: Operator, body: NewAliasBody) -> dict[str, Any]:
        """Let a name stand for models."""
        return alias_out(await aliases.one(await aliases.add(caller, body.name, body.new())))

    @router.patch("/api/aliases/{alias}", responses=problems(401, 403, 404, 409, 413, 422))
    async def change_alias(caller: Operator, alias: str, body: AliasChangeBody) -> dict[str, Any]:
        """Change an alias: its name, its models, who may use it."""
        alias_id = decode("als", alias)
        await aliases.change(caller, alias_id, body.change())
        return alias_out(await aliases.one(alias_id))

    @router.delete("/api/aliases/{alias}", status_code=204, responses=problems(401, 403, 404))
    async def remove_alias(caller: Operator, alias: str) -> None:
        """Take a name away. Its models stay."""
        await aliases.remove(caller, decode("als", alias))

    return router

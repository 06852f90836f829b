"""Aliases: names that stand for several models, in tiers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from mecum.kit.db import AsyncConnection
from mecum.rooms.models import access
from mecum.rooms.models.access import Access
from mecum.rooms.models.store.catalogue import ModelKind
from mecum.rooms.models.store.tables import alias, alias_member

BUILT_IN: Final = UUID(int=0)
"""Stands for the built-in model, which has no row."""


@dataclass(frozen=True, slots=True)
class AliasRow:
    """An alias. `tiers`: ids of its models; those of one tier share the load, a later one stands by.

    The built-in model is `BUILT_IN`, in a tier of its own.
    """

    id: UUID
    name: str
    kind: ModelKind
    note: str
    enabled: bool
    hidden: bool
    access: Access
    created_at: dt.datetime
    tiers: tuple[tuple[UUID, ...], ...]


async def aliases(connection: AsyncConnection) -> tuple[AliasRow, ...]:
    """All aliases, oldest first."""
    # bounded: by the settings MECUM_ALIASES_MAX and MECUM_ALIAS_MODELS_MAX
    members = await connection.execute(select(alias_member).order_by(alias_member.c.tier, alias_member.c.place))
    tiers: dict[UUID, dict[int, list[UUID]]] = {}
    for row in members:
        tiers.setdefault(row.alias_id, {}).setdefault(row.tier, []).append(row.model_id)
    # bounded: by the setting MECUM_ALIASES_MAX
    rows = await connection.execute(select(alias).order_by(alias.c.id))
    return tuple(_alias(dict(row), tiers.get(row["id"], {})) for row in rows.mappings())


def _alias(values: dict[str, Any], tiers: Mapping[int, Sequence[UUID]]) -> AliasRow:
    values["access"] = access.read(values["access"])
    built_in = values.pop("built_in_tier")
    found = {tier: tuple(models) for tier, models in tiers.items()}
    if built_in is not None:
        found[built_in] = (BUILT_IN,)
    return AliasRow(**values, tiers=tuple(found[tier] for tier in sorted(found)))


async def count(connection: AsyncConnection) -> int:
    return await connection.scalar(select(func.count()).select_from(alias)) or 0


async def add(connection: AsyncConnection, row: AliasRow) -> None:
    values = {name: getattr(row, name) for name in AliasRow.__slots__ if name != "tiers"}
    await connection.execute(insert(alias).values({**values, "access": access.kept(row.access)}))
    await put_members(connection, row.id, row.tiers)


async def change(connection: AsyncConnection, alias_id: UUID, **values: object) -> None:
    await connection.execute(update(alias).where(alias.c.id == alias_id).values(**values))


async def put_members(connection: AsyncConnection, alias_id: UUID, tiers: Sequence[Sequence[UUID]]) -> None:
    """These models in this order instead of those that it had."""
    await connection.execute(delete(alias_member).where(alias_member.c.alias_id == alias_id))
    rows = [
        {"alias_id": alias_id, "model_id": model_id, "tier": tier, "place": place}
        for tier, models in enumerate(tiers)
        for place, model_id in enumerate(models)
        if model_id != BUILT_IN
    ]
    built_in = next((tier for tier, models in enumerate(tiers) if BUILT_IN in models), None)
    await change(connection, alias_id, built_in_tier=built_in)
    if rows:
        await connection.execute(insert(alias_member), rows)


async def remove(connection: AsyncConnection, alias_id: UUID) -> bool:
    return (await connection.execute(delete(alias).where(alias.c.id == alias_id))).rowcount == 1

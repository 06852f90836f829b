"""Providers, their models, and the operator's choices among them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from mecum.kit.db import AsyncConnection
from mecum.kit.errors import Problem
from mecum.kit.sealed import SealedColumn
from mecum.rooms.models.store.tables import model, provider, setting

ProviderState: TypeAlias = Literal["ok", "failing", "unknown"]
ProviderKind: TypeAlias = Literal["openai", "anthropic", "gemini"]
ModelKind: TypeAlias = Literal["chat", "embedding"]

KEY = SealedColumn("models.provider", provider.c.key_sealed, lambda provider_id: f"models.provider:{provider_id.hex}")


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """A provider as stored: its key is sealed. `kind`: the wire that it speaks.

    `speaks_responses`: whether it has `/responses`; None before the first try.
    """

    id: UUID
    name: str
    name_key: str
    kind: ProviderKind
    base_url: str
    key_sealed: bytes | None
    speaks_responses: bool | None
    state: ProviderState
    fault: Problem | None
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class ModelRow:
    id: UUID
    provider_id: UUID
    name: str
    upstream_model: str
    kind: ModelKind
    context_tokens: int
    vision: bool
    native_tools: bool
    enabled: bool
    created_at: dt.datetime


async def providers(connection: AsyncConnection) -> tuple[ProviderRow, ...]:
    """All providers, oldest first."""
    # bounded: by the setting MECUM_PROVIDERS_MAX
    rows = await connection.execute(select(provider).order_by(provider.c.id))
    return tuple(ProviderRow(**row) for row in rows.mappings())


async def models(connection: AsyncConnection) -> tuple[ModelRow, ...]:
    """All models, oldest first."""
    # bounded: by the setting MECUM_MODELS_MAX
    rows = await connection.execute(select(model).order_by(model.c.id))
    return tuple(ModelRow(**row) for row in rows.mappings())


async def choices(connection: AsyncConnection) -> dict[str, Any]:
    """All settings by key."""
    # bounded: one row per kind of choice
    rows = await connection.execute(select(setting))
    return {row.key: row.value for row in rows}


async def count(connection: AsyncConnection) -> tuple[int, int]:
    """How many providers and models there are."""
    row = (await connection.execute(select(_count(provider), _count(model)))).one()
    return int(row[0]), int(row[1])


def _count(table: Any) -> Any:
    return select(func.count()).select_from(table).scalar_subquery()


async def add_provider(connection: AsyncConnection, row: ProviderRow) -> bool:
    """False when another provider has the name."""
    values = {name: getattr(row, name) for name in ProviderRow.__slots__}
    statement = insert(provider).values(values).on_conflict_do_nothing(index_elements=["name_key"])
    return (await connection.execute(statement)).rowcount == 1


async def change_provider(connection: AsyncConnection, provider_id: UUID, **values: object) -> None:
    await connection.execute(update(provider).where(provider.c.id == provider_id).values(**values))


async def remove_provider(connection: AsyncConnection, provider_id: UUID) -> bool:
    """Its models go with it."""
    return (await connection.execute(delete(provider).where(provider.c.id == provider_id))).rowcount == 1


async def add_model(connection: AsyncConnection, row: ModelRow) -> bool:
    """False when another model has the name."""
    values = {name: getattr(row, name) for name in ModelRow.__slots__}
    statement = insert(model).values(values).on_conflict_do_nothing(index_elements=["name"])
    return (await connection.execute(statement)).rowcount == 1


async def change_model(connection: AsyncConnection, model_id: UUID, **values: object) -> None:
    await connection.execute(update(model).where(model.c.id == model_id).values(**values))


async def remove_model(connection: AsyncConnection, model_id: UUID) -> bool:
    return (await connection.execute(delete(model).where(model.c.id == model_id))).rowcount == 1


async def name_taken(connection: AsyncConnection, name: str, but: UUID) -> bool:
    """Whether another model than `but` is called `name`."""
    found = await connection.execute(select(model.c.id).where(model.c.name == name, model.c.id != but).limit(1))
    return found.first() is not None


async def provider_name_taken(connection: AsyncConnection, name_key: str, but: UUID) -> bool:
    wanted = (provider.c.name_key == name_key) & (provider.c.id != but)
    return (await connection.execute(select(provider.c.id).where(wanted).limit(1))).first() is not None


async def choose(connection: AsyncConnection, key: str, value: Any) -> None:
    statement = insert(setting).values(key=key, value=value)
    statement = statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value})
    await connection.execute(statement)


async def unchoose(connection: AsyncConnection, key: str) -> None:
    await connection.execute(delete(setting).where(setting.c.key == key))

"""Providers, their models, and the operator's choices among them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import delete, func, select, text, union_all, update
from sqlalchemy.dialects.postgresql import insert

from mecum.kit.db import AsyncConnection
from mecum.rooms.models import access
from mecum.rooms.models.access import Access
from mecum.rooms.models.store.tables import alias, model, provider, setting

ProviderKind: TypeAlias = Literal["openai", "responses", "anthropic", "gemini"]
ModelKind: TypeAlias = Literal["chat", "embedding"]
_NAMES = text("SELECT pg_advisory_xact_lock(hashtextextended('models.names', 0))")


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """A provider as stored.

    Args:
        kind: the wire that it speaks. speaks_responses: whether it has `/responses`; None before the first try.
        first_byte_s, silence_s, total_s: waits of its own; None: as the settings have it.
    """

    id: UUID
    name: str
    name_key: str
    kind: ProviderKind
    base_url: str
    speaks_responses: bool | None
    first_byte_s: float | None
    silence_s: float | None
    total_s: float | None
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
    reasoning: bool
    licence: str
    hidden: bool
    access: Access
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
    return tuple(_model(dict(row)) for row in rows.mappings())


def _model(values: dict[str, Any]) -> ModelRow:
    values["access"] = access.read(values["access"])
    return ModelRow(**values)


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
    values = {name: getattr(row, name) for name in ModelRow.__slots__} | {"access": access.kept(row.access)}
    statement = insert(model).values(values).on_conflict_do_nothing(index_elements=["name"])
    return (await connection.execute(statement)).rowcount == 1


async def change_model(connection: AsyncConnection, model_id: UUID, **values: object) -> None:
    await connection.execute(update(model).where(model.c.id == model_id).values(**values))


async def remove_model(connection: AsyncConnection, model_id: UUID) -> bool:
    return (await connection.execute(delete(model).where(model.c.id == model_id))).rowcount == 1


async def lock_names(connection: AsyncConnection) -> None:
    """Nobody else gives a name to a model or an alias until the transaction ends: they share their names."""
    await connection.execute(_NAMES)


async def name_taken(connection: AsyncConnection, name: str, but: UUID) -> bool:
    """Whether another model or alias than `but` is called `name`."""
    found = union_all(
        select(model.c.id).where(model.c.name == name, model.c.id != but),
        select(alias.c.id).where(alias.c.name == name, alias.c.id != but),
    )
    return (await connection.execute(found.limit(1))).first() is not None


async def names(connection: AsyncConnection) -> set[str]:
    """What models and aliases are called."""
    # bounded: by the settings MECUM_MODELS_MAX and MECUM_ALIASES_MAX
    return set(await connection.scalars(union_all(select(model.c.name), select(alias.c.name))))


async def provider_name_taken(connection: AsyncConnection, name_key: str, but: UUID) -> bool:
    wanted = (provider.c.name_key == name_key) & (provider.c.id != but)
    return (await connection.execute(select(provider.c.id).where(wanted).limit(1))).first() is not None


async def choose(connection: AsyncConnection, key: str, value: Any) -> None:
    statement = insert(setting).values(key=key, value=value)
    statement = statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value})
    await connection.execute(statement)


async def unchoose(connection: AsyncConnection, key: str) -> None:
    await connection.execute(delete(setting).where(setting.c.key == key))

"""Accounts at providers: a key each, with its limits and how it fared. A provider has one at least."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from mecum.kit.db import AsyncConnection
from mecum.kit.errors import Problem
from mecum.kit.sealed import SealedColumn
from mecum.rooms.models.store.tables import account

AccountState: TypeAlias = Literal["ok", "failing", "unknown"]

KEY = SealedColumn("models.account", account.c.key_sealed, lambda account_id: f"models.provider:{account_id.hex}")
"""The context has its name from when a provider had one key: such keys are sealed by it, and the first account of a
provider has the provider's id."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as stored: its key is sealed.

    Args:
        name: "" while it needs none to be told from others. key_sealed: None: the provider is asked without a key.
        calls_max, tokens_per_minute: limits that the operator stated; None: measured alone.
        used_at, failed_at: about when it was asked last, and when that failed last.
    """

    id: UUID
    provider_id: UUID
    name: str
    key_sealed: bytes | None
    paused: bool
    calls_max: int | None
    tokens_per_minute: int | None
    state: AccountState
    fault: Problem | None
    used_at: dt.datetime | None
    failed_at: dt.datetime | None
    created_at: dt.datetime


async def accounts(connection: AsyncConnection) -> tuple[AccountRow, ...]:
    """All accounts, oldest first."""
    # bounded: by the settings MECUM_PROVIDERS_MAX and MECUM_PROVIDER_KEYS_MAX
    rows = await connection.execute(select(account).order_by(account.c.created_at, account.c.id))
    return tuple(AccountRow(**row) for row in rows.mappings())


async def of_provider(connection: AsyncConnection, provider_id: UUID) -> tuple[AccountRow, ...]:
    """The accounts of a provider, oldest first, locked until the transaction ends."""
    # bounded: by the setting MECUM_PROVIDER_KEYS_MAX
    mine = select(account).where(account.c.provider_id == provider_id).order_by(account.c.created_at, account.c.id)
    return tuple(AccountRow(**row) for row in (await connection.execute(mine.with_for_update())).mappings())


async def add(connection: AsyncConnection, row: AccountRow) -> bool:
    """False when another account of the provider has the name."""
    values = {name: getattr(row, name) for name in AccountRow.__slots__}
    statement = insert(account).values(values).on_conflict_do_nothing(index_elements=["provider_id", "name"])
    return (await connection.execute(statement)).rowcount == 1


async def change(connection: AsyncConnection, account_id: UUID, **values: object) -> None:
    await connection.execute(update(account).where(account.c.id == account_id).values(**values))


async def remove(connection: AsyncConnection, account_id: UUID) -> None:
    await connection.execute(delete(account).where(account.c.id == account_id))


async def forget_keys(connection: AsyncConnection, provider_id: UUID) -> None:
    """Every account of a provider loses its key, all but the oldest go."""
    mine = account.c.provider_id == provider_id
    oldest = select(account.c.id).where(mine).order_by(account.c.created_at, account.c.id).limit(1).scalar_subquery()
    await connection.execute(delete(account).where(mine, account.c.id != oldest))
    values = {"key_sealed": None, "name": "", "paused": False, "state": "unknown", "fault": None}
    await connection.execute(update(account).where(mine).values(**values))

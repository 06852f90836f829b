"""Values that an installation draws once and keeps, such as the random part of its cookies' name."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, select
from sqlalchemy.dialects.postgresql import insert

from mecum.kit.db import JSONB, AsyncConnection, room_metadata

installation_table = Table(
    "installation",
    room_metadata("kit"),
    Column("key", String(100), primary_key=True),
    Column("value", JSONB, nullable=False),
)


async def kept(connection: AsyncConnection, key: str, fresh: str) -> str:
    """The value of `key`; `fresh` becomes it where there is none. All processes get the same."""
    statement = insert(installation_table).values(key=key, value=fresh)
    await connection.execute(statement.on_conflict_do_nothing())
    found = await value_of(connection, key)
    assert found is not None
    return found


async def value_of(connection: AsyncConnection, key: str) -> str | None:
    """The value of `key`; None where there is none."""
    query = select(installation_table.c.value).where(installation_table.c.key == key)
    return (await connection.execute(query)).scalar_one_or_none()


async def replace(connection: AsyncConnection, key: str, value: str) -> None:
    """Give `key` another value, for all processes."""
    statement = insert(installation_table).values(key=key, value=value)
    statement = statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value})
    await connection.execute(statement)

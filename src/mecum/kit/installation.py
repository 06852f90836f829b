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
    query = select(installation_table.c.value).where(installation_table.c.key == key)
    return (await connection.execute(query)).scalar_one()

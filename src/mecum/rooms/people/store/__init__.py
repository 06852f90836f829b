"""All SQL of the room, one module per noun.

Every function takes the caller's connection: the caller owns the transaction.
"""

from __future__ import annotations

from sqlalchemy import text

from mecum.kit.db import AsyncConnection


async def lock(connection: AsyncConnection, name: str) -> None:
    """Wait until nobody else holds the lock `name`; held to the end of the transaction."""
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"people.{name}"}
    )

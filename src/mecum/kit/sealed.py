"""Where sealed secrets stand, and under which key new ones are sealed.

The database names the key (`kit.sealing_key` of the installation), so all processes agree at once, and who seals holds
a lock that is shared until the secret is committed. The rotation names another key under the same lock, alone: after
that everything that was sealed before can be seen, and nothing more comes under the old key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Column, func, select, text, update

from mecum.kit.crypto import SecretBox, wrong_key
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.errors import StartError
from mecum.kit.installation import replace, value_of

SEALING_KEY = "kit.sealing_key"
KEY_IDS_MAX = 100
BATCH = 100
_SHARED = text("SELECT pg_advisory_xact_lock_shared(hashtextextended('kit.sealing', 0))")
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('kit.sealing', 0))")


@dataclass(frozen=True, slots=True)
class Resealed:
    """What a step of a rotation did.

    Args:
        anew: secrets that are sealed under the new key now. stuck: such as no key opens; they stay as they are.
    """

    anew: int
    stuck: int = 0


class SealedPlace(Protocol):
    """A place where sealed secrets stand, as the rotation of keys sees it."""

    @property
    def name(self) -> str:
        """`room.what`."""
        ...

    async def census(self, database: Database, box: SecretBox) -> Mapping[str, int]:
        """How many secrets are sealed under each key, by key id."""
        ...

    def reseal(self, database: Database, box: SecretBox, key_id: str) -> AsyncIterator[Resealed]:
        """Seal everything under `key_id`, step by step. After a kill at any moment every secret can be opened, and the
        next call does what is left."""
        ...


class SealedColumn:
    """A column with sealed secrets, in a table whose primary key is one UUID.

    Args:
        column: where the sealed bytes stand; NULL is no secret.
        context: what the secret of a row is bound to.
    """

    def __init__(self, name: str, column: Column[Any], context: Callable[[UUID], str]) -> None:
        self.name = name
        self._column = column
        self._context = context
        (self._id,) = column.table.primary_key.columns
        self._key_id = func.split_part(func.encode(column, "escape"), ".", 1)

    async def seal(self, connection: AsyncConnection, box: SecretBox, row: UUID, plain: bytes) -> bytes:
        """What to write for `row`, in the transaction of `connection`."""
        return box.seal(plain, self._context(row), await sealing_key(connection, box))

    def open(self, box: SecretBox, row: UUID, sealed: bytes) -> bytes:
        """Raises StartError: sealed under a key that is missing, or altered."""
        return box.open(sealed, self._context(row))

    async def census(self, database: Database, box: SecretBox) -> Mapping[str, int]:
        query = select(self._key_id, func.count()).where(self._column.isnot(None)).group_by(self._key_id)
        async with database.transaction() as connection:
            return {row[0]: row[1] for row in await connection.execute(query.limit(KEY_IDS_MAX))}

    async def reseal(self, database: Database, box: SecretBox, key_id: str) -> AsyncIterator[Resealed]:
        after, some = UUID(int=0), True
        while some:
            anew = stuck = 0
            async with database.transaction() as connection:
                rows = await self._sealed_otherwise(connection, key_id, after)
                for row, sealed in rows:
                    if await self._reseal_one(connection, box, key_id, row, sealed):
                        anew += 1
                    else:
                        stuck += 1
            some = bool(rows)
            if some:
                after = rows[-1][0]
                yield Resealed(anew, stuck)

    async def _sealed_otherwise(
        self, connection: AsyncConnection, key_id: str, after: UUID
    ) -> Sequence[tuple[UUID, bytes]]:
        """Some rows under other keys, locked until the transaction ends."""
        other = self._column.isnot(None) & (self._key_id != key_id) & (self._id > after)
        query = select(self._id, self._column).where(other).order_by(self._id).limit(BATCH).with_for_update()
        return [(row[0], bytes(row[1])) for row in await connection.execute(query)]

    async def _reseal_one(
        self, connection: AsyncConnection, box: SecretBox, key_id: str, row: UUID, sealed: bytes
    ) -> bool:
        try:
            fresh = box.seal(self.open(box, row, sealed), self._context(row), key_id)
        except StartError:
            return False  # It is counted as stuck, and the rotation says so.
        statement = update(self._column.table).where(self._id == row)
        await connection.execute(statement.values({self._column.name: fresh}))
        return True


async def sealing_key(connection: AsyncConnection, box: SecretBox) -> str:
    """The id of the key to seal under. It stays in force until the transaction of `connection` ends.

    Raises:
        StartError: the key file lacks the key.
    """
    await connection.execute(_SHARED)
    named = await value_of(connection, SEALING_KEY)
    if named is not None and not box.knows(named):
        raise wrong_key()
    return named or box.newest


async def name_sealing_key(connection: AsyncConnection, key_id: str) -> None:
    """Seal under `key_id` from now on. Waits for the transactions that seal under another key right now."""
    await connection.execute(_ALONE)
    await replace(connection, SEALING_KEY, key_id)


async def require_key_file(database: Database, box: SecretBox) -> None:
    """Raises StartError when the key file is not that of this database: nothing that is sealed could be opened.

    A database that names no key yet takes this file for its own.
    """
    async with database.transaction() as connection:
        named = await value_of(connection, SEALING_KEY)
        if named is None:
            await name_sealing_key(connection, box.newest)
        elif not box.knows(named):
            raise StartError(
                "crypto.foreign_key_file",
                "The key file is not the one of this database: it lacks the key that secrets are sealed under.",
                "Put the key file back. If it is lost for good: mecum secrets rotate --leave-lost",
            )

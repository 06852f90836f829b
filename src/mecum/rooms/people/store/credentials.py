"""What people sign in with: passwords, passkeys, authenticator apps, recovery codes; and the challenges of passkeys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Row

from mecum.kit.db import AsyncConnection
from mecum.kit.sealed import SealedColumn
from mecum.rooms.people.store.tables import challenges, passkeys, passwords, recovery_codes, totp

TOTP_SECRET = SealedColumn("people.totp", totp.c.secret, lambda person: f"people.totp:{person}")


@dataclass(frozen=True, slots=True)
class Passkey:
    """Args: rp_id: the host name that it is bound to; None until the installation first knows its own."""

    id: UUID
    person_id: UUID
    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    transports: Sequence[str]
    backed_up: bool
    rp_id: str | None
    created_at: dt.datetime
    last_used_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Totp:
    """An authenticator app. `secret` is sealed; `last_timecode` is the newest step whose code was taken."""

    secret: bytes
    confirmed_at: dt.datetime | None
    last_timecode: int


async def password_hash(connection: AsyncConnection, person_id: UUID) -> str | None:
    return (
        await connection.execute(select(passwords.c.hash).where(passwords.c.person_id == person_id))
    ).scalar_one_or_none()


async def set_password(connection: AsyncConnection, person_id: UUID, hashed: str, now: dt.datetime) -> None:
    values = {"hash": hashed, "changed_at": now}
    statement = upsert(passwords).values(person_id=person_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["person_id"], set_=values))


async def remove_password(connection: AsyncConnection, person_id: UUID) -> bool:
    return await _remove(connection, passwords, person_id)


async def _remove(connection: AsyncConnection, table: Table, person_id: UUID) -> bool:
    return (await connection.execute(delete(table).where(table.c.person_id == person_id))).rowcount > 0


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(**{name: getattr(row, name) for name in Passkey.__dataclass_fields__})


async def add_passkey(connection: AsyncConnection, passkey: Passkey) -> bool:
    """False when the credential is registered already."""
    values = {name: getattr(passkey, name) for name in Passkey.__dataclass_fields__}
    statement = upsert(passkeys).values({**values, "transports": list(passkey.transports)})
    return (await connection.execute(statement.on_conflict_do_nothing())).rowcount > 0


async def list_passkeys(connection: AsyncConnection, person_id: UUID, limit: int) -> tuple[Passkey, ...]:
    query = select(passkeys).where(passkeys.c.person_id == person_id).order_by(passkeys.c.id).limit(limit)
    return tuple(_passkey(row) for row in await connection.execute(query))


async def count_passkeys(connection: AsyncConnection, person_id: UUID) -> int:
    return (await connection.execute(select(func.count()).where(passkeys.c.person_id == person_id))).scalar_one()


async def passkey_by_credential(connection: AsyncConnection, credential_id: bytes) -> Passkey | None:
    """The row is locked to the end of the transaction, so that two answers are counted one after the other."""
    query = select(passkeys).where(passkeys.c.credential_id == credential_id).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    return _passkey(row) if row else None


async def passkey_used(
    connection: AsyncConnection, passkey_id: UUID, sign_count: int, backed_up: bool, rp_id: str, now: dt.datetime
) -> None:
    """It has just worked under the host `rp_id`, whatever was known about it."""
    values = {"sign_count": sign_count, "backed_up": backed_up, "rp_id": rp_id, "last_used_at": now}
    await connection.execute(update(passkeys).where(passkeys.c.id == passkey_id).values(values))


async def rename_passkey(connection: AsyncConnection, person_id: UUID, passkey_id: UUID, name: str) -> Passkey | None:
    statement = update(passkeys).where(passkeys.c.person_id == person_id, passkeys.c.id == passkey_id)
    row = (await connection.execute(statement.values(name=name).returning(passkeys))).one_or_none()
    return _passkey(row) if row else None


async def remove_passkey(connection: AsyncConnection, person_id: UUID, passkey_id: UUID) -> bool:
    statement = delete(passkeys).where(passkeys.c.person_id == person_id, passkeys.c.id == passkey_id)
    return (await connection.execute(statement)).rowcount > 0


async def add_challenge(
    connection: AsyncConnection,
    challenge_id: UUID,
    purpose: Literal["register", "sign_in"],
    challenge: bytes,
    expires_at: dt.datetime,
    person_id: UUID | None = None,
) -> None:
    values = {
        "id": challenge_id,
        "purpose": purpose,
        "challenge": challenge,
        "expires_at": expires_at,
        "person_id": person_id,
    }
    await connection.execute(insert(challenges).values(values))


async def take_challenge(
    connection: AsyncConnection,
    challenge_id: UUID,
    purpose: Literal["register", "sign_in"],
    now: dt.datetime,
    person_id: UUID | None = None,
) -> bytes | None:
    """The challenge, once: it is gone afterwards."""
    statement = delete(challenges).where(
        challenges.c.id == challenge_id,
        challenges.c.purpose == purpose,
        challenges.c.expires_at > now,
        challenges.c.person_id.is_not_distinct_from(person_id),
    )
    return (await connection.execute(statement.returning(challenges.c.challenge))).scalar_one_or_none()


async def totp_of(connection: AsyncConnection, person_id: UUID) -> Totp | None:
    """The row is locked to the end of the transaction, so that one code is taken once."""
    row = (await connection.execute(select(totp).where(totp.c.person_id == person_id).with_for_update())).one_or_none()
    return Totp(row.secret, row.confirmed_at, row.last_timecode) if row else None


async def begin_totp(connection: AsyncConnection, person_id: UUID, secret: bytes, now: dt.datetime) -> None:
    values = {"secret": secret, "confirmed_at": None, "last_timecode": 0, "created_at": now}
    statement = upsert(totp).values(person_id=person_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["person_id"], set_=values))


async def totp_used(connection: AsyncConnection, person_id: UUID, timecode: int, confirmed_at: dt.datetime) -> None:
    values = {"last_timecode": timecode, "confirmed_at": func.coalesce(totp.c.confirmed_at, confirmed_at)}
    await connection.execute(update(totp).where(totp.c.person_id == person_id).values(values))


async def remove_totp(connection: AsyncConnection, person_id: UUID) -> None:
    """The authenticator app with its recovery codes."""
    await _remove(connection, recovery_codes, person_id)
    await _remove(connection, totp, person_id)


async def replace_recovery_codes(connection: AsyncConnection, person_id: UUID, hashes: Sequence[bytes]) -> None:
    await _remove(connection, recovery_codes, person_id)
    await connection.execute(
        insert(recovery_codes).values([{"person_id": person_id, "code_hash": each} for each in hashes])
    )


async def take_recovery_code(connection: AsyncConnection, person_id: UUID, code_hash: bytes, now: dt.datetime) -> bool:
    """False when there is no such code or it was used."""
    statement = update(recovery_codes).where(
        recovery_codes.c.person_id == person_id,
        recovery_codes.c.code_hash == code_hash,
        recovery_codes.c.used_at.is_(None),
    )
    return (await connection.execute(statement.values(used_at=now))).rowcount > 0


async def forget_person(connection: AsyncConnection, person_id: UUID) -> None:
    for table in (passwords, passkeys, totp, recovery_codes, challenges):
        await _remove(connection, table, person_id)


async def sweep(connection: AsyncConnection, now: dt.datetime) -> None:
    """Remove challenges that nobody answered."""
    await connection.execute(delete(challenges).where(challenges.c.expires_at < now))

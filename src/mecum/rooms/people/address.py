"""The address of the installation, which is remembered: passkeys are bound to its host name for ever.

A start under another host is refused while anybody has a passkey of the one before, until `mecum public-url set` has
said what breaks. Scheme and port may change freely, since passkeys know neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from mecum.kit.db import AsyncConnection
from mecum.kit.installation import replace, value_of
from mecum.rooms.people import Person, errors
from mecum.rooms.people.audit import Audit, Who
from mecum.rooms.people.ground import Ground
from mecum.rooms.people.service import rp_id_of
from mecum.rooms.people.store import addresses as store
from mecum.rooms.people.store import lock

ADDRESS = "people.public_url"
PAGE = 200


@dataclass(frozen=True, slots=True)
class Move:
    """What another address does.

    Args:
        old: the address until now; None where none is known.
        passkeys: how many stop working. persons: how many people have them.
        locked_out: those of them who have nothing else to sign in with.
        signed_out: whether browsers lose their sessions.
    """

    old: str | None
    new: str
    passkeys: int
    persons: int
    locked_out: tuple[Person, ...]
    signed_out: bool


class Address:
    def __init__(self, ground: Ground, audit: Audit) -> None:
        self._ground = ground
        self._audit = audit

    async def known(self) -> str | None:
        """The address that the installation was run under last, or is to be run under."""
        async with self._ground.db.transaction() as connection:
            return await value_of(connection, ADDRESS)

    async def settle(self) -> None:
        """Remember the address at a start.

        Raises:
            StartError: its host is another one, and there are passkeys that would stop working.
        """
        new = self._ground.public_url
        async with self._ground.db.transaction() as connection:
            await lock(connection, "address")
            old = await value_of(connection, ADDRESS)
            if old is None:
                await store.bind_unbound(connection, rp_id_of(new))
            elif rp_id_of(old) != rp_id_of(new):
                passkeys, _ = await store.count_bound(connection, rp_id_of(old))
                if passkeys:
                    raise errors.address_changed(old, new, passkeys)
            if old != new:
                await replace(connection, ADDRESS, new)

    async def foresee(self, new: str) -> Move:
        """What the address `new` would do. Raises Conflict when the one until now is not known yet."""
        async with self._ground.db.transaction() as connection:
            return await self._foreseen(connection, new)

    async def move(self, new: str, by: Who) -> Move:
        """Remember `new`: the next start is to be under it. Raises like `foresee`."""
        async with self._ground.db.transaction() as connection:
            await lock(connection, "address")
            move = await self._foreseen(connection, new)
            await replace(connection, ADDRESS, new)
            details = {"from": move.old or "", "to": new, "passkeys": move.passkeys}
            await self._audit.record(connection, by, "people.address_changed", "public_url", details)
        return move

    async def _foreseen(self, connection: AsyncConnection, new: str) -> Move:
        old = await value_of(connection, ADDRESS)
        if old is None:
            if await store.count_unbound(connection):
                raise errors.address_unknown()
            return Move(None, new, 0, 0, (), signed_out=False)
        before, after = rp_id_of(old), rp_id_of(new)
        same_cookies = before == after and urlsplit(old).scheme == urlsplit(new).scheme
        if before == after:
            return Move(old, new, 0, 0, (), signed_out=not same_cookies)
        passkeys, persons = await store.count_bound(connection, before)
        locked_out = await self._locked_out(connection, before, after)
        return Move(old, new, passkeys, persons, locked_out, signed_out=True)

    async def _locked_out(self, connection: AsyncConnection, before: str, after: str) -> tuple[Person, ...]:
        found: list[Person] = []
        while True:
            last = found[-1].id if found else UUID(int=0)
            page = await store.without_another_way(connection, before, after, after=last, limit=PAGE)
            found.extend(page)
            if len(page) < PAGE:
                return tuple(found)

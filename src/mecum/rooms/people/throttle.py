"""Slowing down those who guess: counters in the database, so that all processes count together."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from mecum.kit.db import AsyncConnection
from mecum.rooms.people import errors
from mecum.rooms.people.ground import Ground, mac
from mecum.rooms.people.service import Throttle, ThrottlePolicy, network_of, next_throttle
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.store import links as store

HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Counted:
    kind: str
    key_hash: bytes
    after: Throttle
    wait: float


class Throttling:
    """A try is counted before it is checked, so that many at once count as many."""

    def __init__(self, ground: Ground, settings: PeopleSettings) -> None:
        self._ground = ground
        self._key = ground.secrets.derive("people.throttle")
        longest = dt.timedelta(seconds=settings.throttle_max_seconds)
        forget = dt.timedelta(minutes=settings.throttle_forget_minutes)
        per_account = ThrottlePolicy(settings.throttle_free_attempts, longest, forget)
        per_address = ThrottlePolicy(settings.throttle_free_attempts_address, longest, forget)
        by_passkey = ThrottlePolicy(settings.passkey_tries_per_address, longest, forget)
        self._policies = {
            "account": per_account,
            "device": per_account,
            "session": per_account,
            "factor": per_account,
            "device_factor": per_account,
            "address": per_address,
            "link_address": per_address,
            "challenge_address": by_passkey,
            "passkey_address": by_passkey,
            "sign_up_address": ThrottlePolicy(settings.sign_ups_per_address, HOUR, HOUR),
            "mail_account": ThrottlePolicy(settings.verifications_per_account, HOUR, HOUR),
            "reset_account": ThrottlePolicy(settings.resets_per_account, HOUR, HOUR),
            "reset_address": ThrottlePolicy(settings.resets_per_address, HOUR, HOUR),
        }

    async def attempt(self, **keys: str) -> None:
        """Count one try per counter, in a transaction of its own.

        Args:
            keys: counter kind to whom it counts for; `*address` counters take a network address.

        Raises:
            TooMany: one of them has to wait.
        """
        async with self._ground.db.transaction() as connection:
            wait = await self._counted(connection, keys)
        if wait > 0:
            raise errors.wait(wait)

    async def allowed(self, connection: AsyncConnection, **keys: str) -> bool:
        """The same within the caller's transaction, as a yes or no."""
        return await self._counted(connection, keys) <= 0

    async def succeeded(self, connection: AsyncConnection, **keys: str) -> None:
        """Take the try back: it was the person's own. An address keeps its earlier ones, others may share it."""
        for kind, key in sorted(keys.items()):
            if _is_shared(kind):
                await store.undo_throttle(connection, kind, self._hash(kind, key))
            else:
                await store.clear_throttle(connection, kind, self._hash(kind, key))

    async def _counted(self, connection: AsyncConnection, keys: dict[str, str]) -> float:
        """For how many seconds the try has to wait. Only a try that goes on is counted, with all its counters."""
        counted = [await self._count(connection, kind, key) for kind, key in sorted(keys.items())]
        wait = max(each.wait for each in counted)
        for each in counted if wait <= 0 else ():
            await store.set_throttle(connection, each.kind, each.key_hash, each.after)
        return wait

    async def _count(self, connection: AsyncConnection, kind: str, key: str) -> _Counted:
        now = self._ground.clock.now()
        hashed = self._hash(kind, key)
        before = await store.throttle_of(connection, kind, hashed, now)
        after, wait = next_throttle(before, now, self._policies[kind])
        return _Counted(kind, hashed, after, wait)

    def _hash(self, kind: str, key: str) -> bytes:
        counted = network_of(key) if _is_shared(kind) else key
        return mac(self._key, kind.encode(), counted.encode())


def _is_shared(kind: str) -> bool:
    """Whether it counts by network address, behind which there may be many."""
    return kind.endswith("address")

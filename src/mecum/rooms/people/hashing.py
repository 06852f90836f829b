"""Passwords: argon2id (RFC 9106) with OWASP's parameters, in threads, so many at a time and no more.

A hash takes about 20 ms of a core. Without a bound a burst of sign-ins would fill the memory, and in the event loop it
would
stall every stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from mecum.kit.errors import Unavailable
from mecum.rooms.people.service import prepared_password

TIME_COST = 2
MEMORY_KIB = 19_456
PARALLELISM = 1
T = TypeVar("T")


class Hashing:
    """Args: at_once: hashes computed at the same time; waiting: callers that may wait for their turn."""

    def __init__(self, *, at_once: int, waiting: int, time_cost: int = TIME_COST, memory_kib: int = MEMORY_KIB) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=PARALLELISM)
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="argon2")
        self._most = at_once + waiting
        self._now = 0
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        """Raises Unavailable when too many wait already."""
        return await self._run(self._hasher.hash, prepared_password(password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether `password` has the hash. Without a hash it takes the same time and is False.

        Raises:
            Unavailable: too many wait already.
        """
        return await self._run(self._verify, hashed, prepared_password(password))

    def outdated(self, hashed: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, hashed: str | None, password: str) -> bool:
        self._dummy = self._dummy or self._hasher.hash("nobody has this password")
        try:
            self._hasher.verify(hashed or self._dummy, password)
        except (VerificationError, InvalidHashError):
            return False
        return hashed is not None

    async def _run(self, work: Callable[..., T], *arguments: str | None) -> T:
        if self._now >= self._most:
            raise Unavailable(
                "people.sign_in_busy", "Too many people sign in right now.", "Try again.", retry_after=2.0
            )
        self._now += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)
        finally:
            self._now -= 1

"""A request's body as it arrives: not too large, and not too slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mecum.kit.cutting import Within
from mecum.kit.errors import MecumError, TooLarge, TooSlow

LENGTH_DIGITS_MAX = 18

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How slowly a body may come.

    Args:
        idle_s: longest silence in the middle of it.
        bytes_per_s: what has to come on average, beyond the first `idle_s`: who sends a byte now and then holds a
            connection for ever otherwise. 0: however little.
    """

    idle_s: float
    bytes_per_s: float

    def left_s(self, received: int, waited_s: float) -> float:
        """How long the next bytes are waited for."""
        if not self.bytes_per_s:
            return self.idle_s
        return min(self.idle_s, self.idle_s + received / self.bytes_per_s - waited_s)


class Arrival:
    """Stands between the app and the body of one request. Only waiting for the client counts, not the app's own pace.

    Args:
        limit_bytes: None where the route has a limit of its own.
    """

    def __init__(self, receive: Receive, pace: Pace, limit_bytes: int | None) -> None:
        self.refusal: MecumError | None = None
        self._receive = receive
        self._pace = pace
        self._limit_bytes = limit_bytes
        self._received = 0
        self._waited_s = 0.0
        self._complete = False

    async def receive(self) -> Message:
        """The next part of the body; once it was refused, only that the client has left.

        Raises:
            TooSlow, TooLarge: and `refusal` is set.
        """
        if self.refusal is not None:
            return await self._departure()
        if self._complete:
            return await self._receive()
        message = await self._next()
        self._complete = not message.get("more_body", False)
        self._received += len(message.get("body", b""))
        if self._limit_bytes is not None and self._received > self._limit_bytes:
            self.refusal = too_large(self._limit_bytes)
            raise self.refusal
        return message

    async def _departure(self) -> Message:
        while (message := await self._receive())["type"] != "http.disconnect":
            pass
        return message

    async def _next(self) -> Message:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            with Within(self._pace.left_s(self._received, self._waited_s)):
                return await self._receive()
        except TimeoutError:
            self.refusal = too_slow()
            raise self.refusal from None
        finally:
            self._waited_s += loop.time() - began


def declared_bytes(scope: Scope) -> int | None:
    """How long the body is, as the headers say (RFC 9110, section 8.6); None where they don't."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) <= LENGTH_DIGITS_MAX else None
    return None


def too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(
        "body_too_large", f"The request is larger than {limit_bytes:,} bytes.", params={"limit_bytes": limit_bytes}
    )


def too_slow() -> TooSlow:
    return TooSlow("body_too_slow", "The request came too slowly.", "Check the connection, then try again.")

"""HTTP to providers: one pooled aiohttp session, a limit on every wait, and failures as errors of the tree.

aiohttp sets TCP_NODELAY on its connections (a test looks): without it small requests wait 40 ms for an acknowledgement.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import aiohttp
from aiohttp.payload import BytesPayload

from mecum.kit.clock import Clock
from mecum.kit.cutting import Within
from mecum.kit.errors import MecumError
from mecum.kit.settings import KIB, is_loopback
from mecum.kit.telemetry import failed
from mecum.rooms.models import failures
from mecum.rooms.models.metrics import SEND, call_of
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store.catalogue import ProviderKind

ERROR_BODY_LIMIT = 64 * KIB
DRAIN_S = 0.05
ADDRESSES_KEPT = 1_000
USER_AGENT = "Mecum"
OPENAI = ("api.openai.com", ".openai.azure.com")
ANTHROPIC_HEADERS = {"anthropic-version": "2023-06-01"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider's API is, and its wire.

    Args:
        provider: its name for people. base_url: without a slash at the end.
        pool: the account whose limits count, as the gate knows it.
        first_byte_s, silence_s, total_s: waits of this provider; None: as the settings have it.
    """

    provider: str
    base_url: str
    key: str = field(default="", repr=False)
    kind: ProviderKind = "openai"
    pool: str = ""
    first_byte_s: float | None = None
    silence_s: float | None = None
    total_s: float | None = None

    def headers(self) -> dict[str, str]:
        """What every request to it carries."""
        if self.kind == "anthropic":
            return ANTHROPIC_HEADERS | ({"x-api-key": self.key} if self.key else {})
        if self.kind == "gemini":
            return {"x-goog-api-key": self.key} if self.key else {}
        return {"authorization": f"Bearer {self.key}"} if self.key else {}


@dataclass(frozen=True, slots=True)
class Target:
    """Which model of which provider, and what the catalogue calls it.

    Args:
        is_alone: nobody else can be asked, so a failure before the first byte is tried again here.
    """

    endpoint: Endpoint
    upstream_model: str
    name: str
    is_alone: bool = True


Pressed: TypeAlias = Callable[[str, float | None], None]
"""Told of an account at which a provider says that it is too much, and of its Retry-After in seconds."""


def _nobody(pool: str, retry_after_s: float | None) -> None:
    return None


class Upstream:
    """Calls providers. `start` inside the event loop, `close` at the end."""

    def __init__(self, settings: ModelsSettings, clock: Clock, pressed: Pressed = _nobody) -> None:
        self._settings = settings
        self._clock = clock
        self._pressed = pressed
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        limit = self._settings.provider_connections_max
        connector = aiohttp.TCPConnector(limit=limit, ttl_dns_cache=60, keepalive_timeout=30, family=socket.AF_UNSPEC)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, connect=self._settings.provider_connect_timeout_s),
            headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(
        self,
        endpoint: Endpoint,
        method: Literal["GET", "POST"],
        path: str,
        body: bytes | None = None,
        *,
        streamed: bool = True,
    ) -> Answer:
        """Send a request. The answer has its headers, whatever its status; the caller closes it.

        Args:
            streamed: whether the answer comes in pieces; one that comes all at once is waited for longer.

        Raises:
            ProviderError: it can't be reached, does not answer in time, or is beyond loopback with the network off.
        """
        settings = self._settings
        if streamed:
            first_byte_s = endpoint.first_byte_s or settings.provider_first_byte_timeout_s
        else:
            first_byte_s = endpoint.total_s or settings.provider_whole_timeout_s
        about = {"http.request.method": method, "gen_ai.provider.name": endpoint.provider}
        span = SEND.begin(about, call_of.get())
        try:
            response = await self._headers(endpoint, method, path, body, first_byte_s)
            span.set_attribute("http.response.status_code", response.status)
        except MecumError as error:
            failed(span, error)
            raise
        finally:
            span.end()
        answer = Answer(response, endpoint, settings, self._clock, first_byte_s)
        if answer.status in failures.OVERLOADED:
            self._pressed(endpoint.pool or endpoint.provider, answer.retry_after)
        return answer

    @asynccontextmanager
    async def open(
        self, endpoint: Endpoint, method: Literal["GET", "POST"], path: str, body: bytes | None = None
    ) -> AsyncGenerator[Answer, None]:
        """`send`; leaving the block before the answer's end closes the connection at once."""
        answer = await self.send(endpoint, method, path, body)
        try:
            yield answer
        except MecumError as error:
            if answer.ok and error.code in failures.TOO_MUCH:
                # Some say it only in their stream, which began well.
                self._pressed(endpoint.pool or endpoint.provider, error.retry_after)
            raise
        finally:
            answer.close()

    async def _headers(
        self,
        endpoint: Endpoint,
        method: Literal["GET", "POST"],
        path: str,
        body: bytes | None,
        first_byte_s: float,
    ) -> aiohttp.ClientResponse:
        if not self._settings.allow_network and not _is_here(endpoint.base_url):
            raise failures.network_off(endpoint.provider)
        assert self._session is not None, "start() comes first"
        headers, data = endpoint.headers(), None
        if body is not None:
            headers["content-type"] = "application/json"
            data = BytesPayload(body)  # aiohttp would look through all kinds of payloads for it.
        try:
            with Within(first_byte_s):
                return await self._session.request(
                    method, endpoint.base_url + path, data=data, headers=headers, allow_redirects=False
                )
        except aiohttp.ConnectionTimeoutError as error:
            connect_s = self._settings.provider_connect_timeout_s
            raise failures.timed_out(endpoint.provider, "connect", connect_s) from error
        except TimeoutError as error:
            raise failures.timed_out(endpoint.provider, "first_byte", first_byte_s) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _not_connected(endpoint.provider, error) from error


@lru_cache(ADDRESSES_KEPT)
def is_openais(base_url: str) -> bool:
    """Whether OpenAI's own API is at that address, and not one that is only like it."""
    return (urlsplit(base_url).hostname or "").endswith(OPENAI)


@lru_cache(ADDRESSES_KEPT)
def _is_here(base_url: str) -> bool:
    return is_loopback(urlsplit(base_url).hostname or "")


class Answer:
    """An answer whose headers have come."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        endpoint: Endpoint,
        settings: ModelsSettings,
        clock: Clock,
        first_byte_s: float,
    ) -> None:
        self.status = response.status
        self.content_type = response.content_type if "content-type" in response.headers else ""
        self.retry_after = failures.retry_after_of(response.headers.get("retry-after"), clock.now())
        self.provider = endpoint.provider
        self._endpoint = endpoint
        self.refusal = b""
        self._response = response
        self._settings = settings
        self._first_byte_s = first_byte_s
        self._left_bytes = settings.provider_answer_limit_bytes
        self._watch: _Watch | None = None
        self._first = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def close(self) -> None:
        """Close the connection, unless the answer was read to its end: then it serves the next call."""
        if self._watch is not None:
            self._watch.stop()
        self._response.close()

    async def drain(self) -> None:
        """Read what is left after the last event, so that the connection can be used again; not for long."""
        try:
            async with asyncio.timeout(DRAIN_S):
                await self._response.content.readany()
        except (aiohttp.ClientError, OSError):
            pass  # The answer is complete; the connection is closed instead of reused.

    @property
    def streams(self) -> bool:
        return self.ok and self.content_type == "text/event-stream"

    async def begin(self) -> None:
        """Wait for the first bytes of the body; `next` gives them again. Raises as `next`."""
        self._first = await self.next()

    async def next(self) -> bytes:
        """What of the body has come meanwhile, or comes next; nothing at its end.

        Raises:
            ProviderError: silence for too long, too slow or too large altogether, or closed in the middle.
        """
        if self._first:
            first, self._first = self._first, b""
            return first
        watch = self._watch
        if watch is None:
            watch = self._watch = _Watch(self._response, self._endpoint, self._settings, self._first_byte_s)
        try:
            chunk = await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            if watch.expired is not None:
                phase, seconds = watch.expired
                raise failures.timed_out(self.provider, phase, seconds) from error
            raise failures.closed(self.provider) from error
        if not chunk:
            watch.stop()
            return chunk
        watch.alive()
        self._left_bytes -= len(chunk)
        if self._left_bytes < 0:
            raise failures.too_long(self.provider, self._settings.provider_answer_limit_bytes)
        return chunk

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes. Raises as `next`."""
        while chunk := await self.next():
            yield chunk

    async def read(self, limit_bytes: int | None = None) -> bytes:
        """The whole body, or its first `limit_bytes`. Raises as `next`."""
        parts: list[bytes] = []
        length = 0
        while (limit_bytes is None or length < limit_bytes) and (chunk := await self.next()):
            parts.append(chunk)
            length += len(chunk)
        return b"".join(parts)[:limit_bytes]

    async def read_refusal(self) -> None:
        """Keep what a body that is no answer says, as much of it as is looked at. Raises as `next`."""
        if not self.refusal:
            self.refusal = await self.read(ERROR_BODY_LIMIT)

    async def error(self) -> MecumError:
        """The error that this answer is; its body is read for what the provider says."""
        try:
            await self.read_refusal()
        except MecumError:
            pass  # The status says enough.
        return failures.refused(self.provider, self.status, self.retry_after, self.refusal)


class _Watch:
    """Closes a response that is silent or slow for too long.

    One timer for the whole answer, moved only when it fires: a timer per chunk costs more than reading the chunk.
    """

    def __init__(
        self, response: aiohttp.ClientResponse, endpoint: Endpoint, settings: ModelsSettings, first_byte_s: float
    ) -> None:
        self.expired: tuple[str, float] | None = None
        self._response = response
        self._loop = asyncio.get_running_loop()
        self._started = self._last = self._loop.time()
        self._silence_s = first_byte_s
        self._phase = "first_byte"
        self._later_silence_s = endpoint.silence_s or settings.provider_chunk_timeout_s
        self._total_s = endpoint.total_s or settings.provider_total_timeout_s
        self._timer = self._loop.call_at(self._due(), self._look)

    def alive(self) -> None:
        if self._phase == "first_byte":
            self._phase, self._silence_s = "silence", self._later_silence_s
            self._timer.cancel()
            self._last = self._loop.time()
            self._timer = self._loop.call_at(self._due(), self._look)
        self._last = self._loop.time()

    def stop(self) -> None:
        self._timer.cancel()

    def _due(self) -> float:
        return min(self._last + self._silence_s, self._started + self._total_s)

    def _look(self) -> None:
        if self._loop.time() < self._due():
            self._timer = self._loop.call_at(self._due(), self._look)
            return
        total = self._started + self._total_s <= self._last + self._silence_s
        self.expired = ("total", self._total_s) if total else (self._phase, self._silence_s)
        self._response.close()


def _not_connected(provider: str, error: Exception) -> MecumError:
    """What to say of an error before the headers. Never its text: that holds addresses, and keys where URLs do."""
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError):
        return failures.closed(provider)
    if isinstance(error, aiohttp.ClientConnectorDNSError | socket.gaierror):
        return failures.unreachable(provider, "its name is not known")
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return failures.unreachable(provider, "no secure connection")
    if isinstance(error, aiohttp.ClientConnectorError):
        refused = isinstance(error.os_error, ConnectionRefusedError)
        return failures.unreachable(provider, "connection refused" if refused else "no connection")
    if isinstance(error, aiohttp.ClientResponseError):
        return failures.garbage(provider, "no HTTP answer")
    return failures.unreachable(provider, "no connection")

"""The one way out to addresses that somebody else named."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from mecum.kit.errors import BadRequest, Forbidden, MecumError, Unavailable, Unprocessable
from mecum.kit.fetch.addresses import (
    Address,
    Pinned,
    Resolve,
    is_disguised_number,
    is_public,
    literal,
    resolve_by_system,
)
from mecum.kit.fetch.bodies import ACCEPTED_ENCODINGS, read_capped, too_large
from mecum.kit.origins import origin_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

REDIRECTS_MAX = 5
URL_CHARS_MAX = 4096
CONCURRENT_MAX = 32
CHUNK_BYTES = 64 * 1024
REDIRECTS = frozenset((301, 302, 303, 307, 308))
USER_AGENT = "Mecum/0.1"
ANYTHING = ("*/*",)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back. `url` is where it was after redirects, header names are lower case, `media_type` is bare."""

    url: str
    status: int
    headers: Mapping[str, str]
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Limits:
    max_bytes: int
    accept: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Target:
    """A URL that may be asked, and the addresses it may be asked at."""

    url: URL
    addresses: Sequence[Address]


class Fetcher:
    """Fetches untrusted URLs.

    Args:
        private_origins: exceptions by purpose: canonical origins that may be http, on any port, at private addresses.
        allow_network: off, nothing but exceptions on this machine is fetched.
        resolve: how names become addresses.
        ssl_context: whom to trust; the system's certificate authorities by default.
    """

    def __init__(
        self,
        private_origins: Mapping[str, frozenset[str]] | None = None,
        *,
        allow_network: bool = True,
        resolve: Resolve = resolve_by_system,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._private_origins = private_origins or {}
        self._allow_network = allow_network
        self._resolve = resolve
        self._ssl: ssl.SSLContext | bool = ssl_context or True
        self._slots = asyncio.Semaphore(CONCURRENT_MAX)

    async def fetch_untrusted(
        self,
        url: str,
        *,
        purpose: str,
        max_bytes: int,
        timeout_s: float,
        accept: Sequence[str] = ANYTHING,
    ) -> Fetched:
        """GET `url`, following at most REDIRECTS_MAX redirects, each checked like the first address.

        Args:
            purpose: what for, e.g. `page`: exceptions of the operator are per purpose.
            max_bytes: largest body, on the wire and decompressed.
            timeout_s: for everything together, waiting for a free slot included.
            accept: media types that are useful, `type/*` and `*/*` included; another one is refused before its body.

        Raises:
            BadRequest: not a URL that is ever fetched. Forbidden: an address that is not public.
            TooLarge: over `max_bytes`. Unprocessable: another media type, or redirects without end.
            Unavailable: no such host, no answer in time, a broken answer.
        """
        try:
            async with asyncio.timeout(timeout_s), self._slots:
                return await self._follow(parse(url), purpose, _Limits(max_bytes, tuple(accept)))
        except TimeoutError:
            raise Unavailable("fetch.timeout", "The server took too long.", "Try again later.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            kind = type(error).__name__
            raise Unavailable(
                "fetch.unreachable", f"The server can't be reached ({kind}).", "Check the address."
            ) from error

    async def _follow(self, url: URL, purpose: str, limits: _Limits) -> Fetched:
        for _ in range(REDIRECTS_MAX + 1):
            async with self._ask(await self._checked(url, purpose), limits.accept) as answer:
                location = answer.headers.get("location", "")
                if answer.status not in REDIRECTS or not location:
                    return await _fetched(answer, limits)
            url = _joined(url, location)
        raise Unprocessable(
            "fetch.too_many_redirects",
            f"The address leads on more than {REDIRECTS_MAX} times.",
            params={"limit": REDIRECTS_MAX},
        )

    async def _checked(self, url: URL, purpose: str) -> _Target:
        excepted = origin_of(url) in self._private_origins.get(purpose, frozenset())
        if not excepted:
            if not self._allow_network:
                raise Forbidden("fetch.network_off", "Nothing is fetched from the net on this installation.")
            if url.scheme != "https" or url.port != 443:
                raise BadRequest(
                    "fetch.url_refused", "Only https on its usual port is fetched.", "Use an https:// address."
                )
        host = url.raw_host or ""
        allowed = [
            address for address in await self._addresses(host, url.port or 443) if self._may_go(address, excepted)
        ]
        if not allowed:
            raise Forbidden("fetch.private_address", "This address leads to a private network, which is not fetched.")
        return _Target(url, allowed)

    async def _addresses(self, host: str, port: int) -> list[Address]:
        own = literal(host)
        if own is not None:
            return [own]
        if is_disguised_number(host):
            raise BadRequest("fetch.url_refused", "The host of this address is a number in disguise.", "Use its name.")
        found = [literal(text) for text in await self._resolve(host, port)]
        return [address for address in found if address is not None]

    def _may_go(self, address: Address, excepted: bool) -> bool:
        if excepted:
            return self._allow_network or address.is_loopback
        return is_public(address)

    @asynccontextmanager
    async def _ask(self, target: _Target, accept: Sequence[str]) -> AsyncGenerator[aiohttp.ClientResponse]:
        connector = aiohttp.TCPConnector(
            resolver=Pinned(target.url.raw_host or "", target.addresses),
            use_dns_cache=False,
            force_close=True,
            ssl=self._ssl,
            limit=1,
        )
        headers = {"accept": ", ".join(accept), "accept-encoding": ACCEPTED_ENCODINGS, "user-agent": USER_AGENT}
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=10),
        )
        async with session, session.get(target.url, headers=headers, allow_redirects=False) as answer:
            yield answer


def parse(url: str) -> URL:
    """`url` as one that may be fetched, without its fragment.

    Raises:
        BadRequest: too long, of another scheme, with credentials, or not a URL.
    """
    if len(url) > URL_CHARS_MAX or any(character <= " " or character in "\\\x7f" for character in url):
        raise _malformed()
    try:
        parsed = URL(url)
        origin_of(parsed)
    except ValueError:
        raise _malformed() from None
    if "@" in urlsplit(url).netloc:
        raise BadRequest(
            "fetch.url_refused", "An address with a user name or password is not fetched.", "Leave them out."
        )
    return parsed.with_fragment(None)


def _joined(base: URL, location: str) -> URL:
    try:
        return parse(str(base.join(URL(location.strip()))))
    except ValueError:
        raise _malformed() from None


def _malformed() -> MecumError:
    return BadRequest("fetch.url_malformed", "This is not a complete web address.", "It begins with https://")


async def _fetched(answer: aiohttp.ClientResponse, limits: _Limits) -> Fetched:
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    fetched = Fetched(str(answer.url), answer.status, _flat(answer), media_type, b"")
    if answer.status < 300 and not _acceptable(media_type, limits.accept):
        raise Unprocessable(
            "fetch.wrong_type", f"The address gives {media_type[:80] or 'an unnamed type'}, which is of no use here."
        )
    if answer.content_length is not None and answer.content_length > limits.max_bytes:
        raise too_large(limits.max_bytes)
    encoding = answer.headers.get("content-encoding", "")
    return replace(fetched, body=await read_capped(_chunks(answer), encoding, limits.max_bytes))


async def _chunks(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
        yield chunk


def _flat(answer: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in answer.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def _acceptable(media_type: str, accept: Sequence[str]) -> bool:
    kind = media_type.partition("/")[0]
    return any(wanted in ("*/*", media_type, f"{kind}/*") for wanted in accept)

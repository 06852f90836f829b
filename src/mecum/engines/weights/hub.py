"""The publisher's file on its hub, over HTTP; continued where it stopped (RFC 9110, 14: range requests)."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mecum.engines.weights.catalogue import MIB, HubFile, Model
from mecum.engines.weights.errors import SourceFailed, unwritable
from mecum.engines.weights.progress import Meter
from mecum.engines.weights.store import size_of

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

logger = logging.getLogger(__name__)

# Networks without a way out often drop packets instead of refusing them: the next source should not wait long for that.
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
CHUNK_BYTES = MIB
ATTEMPTS_WITHOUT_PROGRESS = 3


def url_of(hub_url: str, file: HubFile) -> str:
    return f"{hub_url.rstrip('/')}/{file.repository}/resolve/main/{file.file}"


async def complete_from_hub(model: Model, partial: Path, url: str, meter: Meter, *, retry_delay_s: float) -> None:
    """Bring `partial` to its full size.

    Raises:
        SourceFailed: the hub can't be reached, offers something else, or broke off several times without a new byte.
        EngineUnavailable: the disk is full or can't be written.
    """
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S, sock_read=READ_TIMEOUT_S)
    fruitless = 0
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True, auto_decompress=False) as session:
        while (before := size_of(partial)) < model.file_bytes:
            try:
                await _continue(session, url, model, partial, meter)
            except aiohttp.ClientConnectorError as error:
                raise SourceFailed(f"the publisher's hub is out of reach ({type(error).__name__})") from error
            except (aiohttp.ClientError, TimeoutError) as error:
                fruitless = 0 if size_of(partial) > before else fruitless + 1
                if size_of(partial) == 0 or fruitless >= ATTEMPTS_WITHOUT_PROGRESS:
                    raise SourceFailed(f"the publisher's hub broke off ({type(error).__name__})") from error
                logger.info("The hub broke off at %d of %d bytes; going on", size_of(partial), model.file_bytes)
                await asyncio.sleep(retry_delay_s * 2**fruitless)


async def _continue(session: ClientSession, url: str, model: Model, partial: Path, meter: Meter) -> None:
    have = size_of(partial)
    headers = {"range": f"bytes={have}-"} if have else {}
    async with session.get(url, headers=headers | {"accept-encoding": "identity"}) as response:
        start = _start_of(response, have, model)
        meter.at("hub", start)
        with await asyncio.to_thread(_open_at, partial, start) as file:
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                if file.tell() + len(chunk) > model.file_bytes:
                    raise SourceFailed("the publisher's hub sends more than the file has")
                await _write(file, chunk, partial.parent)
                meter.at("hub", file.tell())


def _start_of(response: ClientResponse, have: int, model: Model) -> int:
    """Where the body of `response` belongs in the file."""
    length = response.content_length
    if response.status == 206:
        # A body of another length or range would be written to the wrong place.
        if response.headers.get("content-range") == f"bytes {have}-{model.file_bytes - 1}/{model.file_bytes}":
            return have
        raise SourceFailed("the publisher's hub has another file under this name")
    if response.status != 200:
        raise SourceFailed(f"the publisher's hub answers {response.status}")
    if length != model.file_bytes:
        raise SourceFailed("the publisher's hub has another file under this name")
    return 0


def _open_at(partial: Path, start: int) -> BinaryIO:
    """`partial`, cut to `start` bytes and open for appending.

    Raises:
        EngineUnavailable: it can't be written.
    """
    try:
        file = partial.open("r+b" if partial.exists() else "w+b")
        file.truncate(start)
        file.seek(start)
    except OSError as error:
        raise unwritable(partial.parent, error) from error
    return file


async def _write(file: BinaryIO, chunk: bytes, directory: Path) -> None:
    try:
        await asyncio.to_thread(file.write, chunk)
    except OSError as error:
        raise unwritable(directory, error) from error

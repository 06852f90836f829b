"""Reading a body that may lie about its size: capped before and after decompression."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

from mecum.kit.errors import TooLarge, Unavailable

ACCEPTED_ENCODINGS = "gzip, deflate"
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


def too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(
        "fetch.too_large", f"The page is larger than {limit_bytes} bytes.", params={"limit_bytes": limit_bytes}
    )


async def read_capped(chunks: AsyncIterator[bytes], encoding: str, limit_bytes: int) -> bytes:
    """The decoded body.

    Args:
        chunks: the body as it came over the wire.
        encoding: the Content-Encoding header, "" for none.

    Raises:
        TooLarge: more than `limit_bytes`, on the wire or decompressed; reading stops there.
        Unavailable: encoded in a way that was not asked for, or damaged.
    """
    decode = _decoder(encoding)
    body = bytearray()
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        if received > limit_bytes:
            raise too_large(limit_bytes)
        body += decode(chunk, limit_bytes - len(body) + 1)
        if len(body) > limit_bytes:
            raise too_large(limit_bytes)
    return bytes(body)


class _Inflate:
    """gzip and deflate, never more than `room` bytes out of one chunk."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)

    def __call__(self, chunk: bytes, room: int) -> bytes:
        try:
            if self._stream.eof:
                return b""  # Trailing bytes or further members: no server that means well sends them.
            return self._stream.decompress(chunk, room)
        except zlib.error:
            raise _undecodable() from None


def _decoder(encoding: str) -> _Inflate | _Identity:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _Identity()
    if name in ("gzip", "x-gzip", "deflate"):
        return _Inflate()
    raise _undecodable()


class _Identity:
    def __call__(self, chunk: bytes, room: int) -> bytes:
        return chunk


def _undecodable() -> Unavailable:
    return Unavailable("fetch.undecodable", "The server sent something that can't be decoded.", retryable=False)

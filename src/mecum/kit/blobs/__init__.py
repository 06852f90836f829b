"""Files: attachments, exports, clips, icons. Content-addressed, encrypted, owned by a room and a space, with quotas.

A blob is a reference to content. Blobs with the same bytes share one file when they belong to the same room and the
same space, never across spaces: whether somebody else has a file can't be found out by storing it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from mecum.kit.db import AsyncConnection
from mecum.kit.types import OrganisationId, SpaceId

__all__ = ["BlobRef", "Blobs"]


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A stored file. `sha256` is that of its plain bytes, in hex."""

    id: UUID
    sha256: str
    size_bytes: int
    media_type: str


class Blobs(Protocol):
    """Where files are kept. `room` is the name of the room that asks: it sees its own files only."""

    async def put(
        self,
        room: str,
        space: SpaceId,
        organisation: OrganisationId,
        content: bytes | AsyncIterator[bytes],
        media_type: str,
        limit_bytes: int | None = None,
        *,
        expires_at: dt.datetime | None = None,
    ) -> BlobRef:
        """Store a file. When this returns it survives a power cut.

        Args:
            limit_bytes: largest size; the installation's own limit holds as well.
            expires_at: after this the file is gone, unless `keep` was called: for uploads that something must still
                refer to, and for archives that are offered for a while.

        Raises:
            TooLarge: over the limit, or the space would have more than its quota.
            Unavailable: the disk is full.
        """
        ...

    async def stat(self, blob: UUID, room: str, space: SpaceId) -> BlobRef:
        """What is known about a file.

        Raises:
            NotFound: there is none, it was released, or it belongs to another room or space.
        """
        ...

    async def open(
        self, blob: UUID, room: str, space: SpaceId, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes from `start` up to, not including, `end` (cut at the end of the file), in pieces.

        Raises:
            NotFound: as `stat`; from the iterator when it is released meanwhile.
            Unavailable: the file is damaged or missing.
        """
        ...

    async def read(self, blob: UUID, room: str, space: SpaceId) -> bytes:
        """All bytes of a file that is known to be small. Raises as `open`."""
        ...

    async def keep(self, connection: AsyncConnection, blob: UUID) -> None:
        """Take away the expiry, in the caller's transaction.

        Raises:
            NotFound: it has expired already.
        """
        ...

    async def release(self, connection: AsyncConnection, blob: UUID) -> None:
        """Give a file up, in the caller's transaction; its bytes are removed soon after. Harmless when repeated."""
        ...

    async def release_space(self, connection: AsyncConnection, room: str, space: SpaceId) -> int:
        """Give up all files of `room` in `space`: for erasure. Returns how many."""
        ...

    async def used_bytes(self, space: SpaceId) -> int:
        """What counts against the quota of `space`: shared files once."""
        ...

"""Blobs as files below the data directory.

    data/blobs/ab/abcdef...   one encrypted file per content, room and space; its name tells nothing about the content
    data/blobs/new/...        files that are being written

A file is complete and on the disk before its row exists; the sweeper removes what a crash left without a row.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import errno
import hmac
import logging
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar
from uuid import UUID

from mecum.kit.blobs import BlobRef, header, store
from mecum.kit.blobs.frames import FRAME_BYTES, Damaged, FrameReader, FrameWriter, sealed_size
from mecum.kit.clock import Clock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.errors import NotFound, StartError, TooLarge, Unavailable
from mecum.kit.ids import new_id
from mecum.kit.jobs import JobSpec
from mecum.kit.sealed import sealing_key
from mecum.kit.types import OrganisationId, SpaceId

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)

FOLDER = "blobs"
WRITE_BYTES = 1024 * 1024
READ_BYTES = 4 * FRAME_BYTES
ORPHAN_AFTER = dt.timedelta(hours=1)
UNFINISHED_AFTER = dt.timedelta(hours=24)
UNKNOWN_MEDIA_TYPE = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,48}/[a-z0-9][a-z0-9!#$&^_.+-]{0,48}")
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))


@dataclass(frozen=True, slots=True)
class _Owner:
    room: str
    space: SpaceId

    @property
    def context(self) -> str:
        return store.context_of(self.room, self.space)


@dataclass(frozen=True, slots=True)
class _Allowance:
    """How many bytes may still come, and why not more."""

    bytes_max: int
    reason: TooLarge


class FileBlobs:
    """`Blobs` on a disk that all processes of the installation share.

    Args:
        data: the data directory.
        limit_bytes: largest single file. quota_bytes: what one space may keep altogether.
    """

    def __init__(
        self,
        data: Path,
        database: Database,
        secrets_box: SecretBox,
        clock: Clock,
        *,
        limit_bytes: int,
        quota_bytes: int,
    ) -> None:
        self._folder = data / FOLDER
        self._new = self._folder / "new"
        self._database = database
        self._box = secrets_box
        self._clock = clock
        self._limit_bytes = limit_bytes
        self._quota_bytes = quota_bytes
        self._name_key = secrets_box.derive("kit.blob.name")
        self._new.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)

    @property
    def jobs(self) -> tuple[JobSpec, ...]:
        return (
            JobSpec("blobs.sweep", self.sweep, cron="*/10 * * * *"),
            JobSpec("blobs.sweep_orphans", self.sweep_orphans, cron="23 4 * * *"),
        )

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
        owner = _Owner(room, space)
        limit = min(self._limit_bytes, limit_bytes if limit_bytes is not None else self._limit_bytes)
        allowance = await self._allowance(space, limit)
        path = self._new / secrets.token_hex(16)
        writer = await _on_disk(FrameWriter, path, self._box, owner.context)
        try:
            await _write(writer, content, allowance)
            digest = await _on_disk(writer.finish)
            ref = BlobRef(new_id(), digest.hex(), writer.size_bytes, _clean(media_type))
            await self._record(path, owner, organisation, ref, expires_at)
        except BaseException:
            writer.abort()
            raise
        return ref

    async def stat(self, blob: UUID, room: str, space: SpaceId) -> BlobRef:
        return (await self._find(blob, _Owner(room, space)))[0]

    async def open(
        self, blob: UUID, room: str, space: SpaceId, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        owner = _Owner(room, space)
        ref, name = await self._find(blob, owner)
        reader = FrameReader(self._path(name), self._box, owner.context, ref.size_bytes)
        stop = ref.size_bytes if end is None else min(end, ref.size_bytes)
        return _pieces(reader, blob, max(0, start), stop)

    async def read(self, blob: UUID, room: str, space: SpaceId) -> bytes:
        return b"".join([piece async for piece in await self.open(blob, room, space)])

    async def keep(self, connection: AsyncConnection, blob: UUID) -> None:
        if not await store.keep(connection, blob, self._clock.now()):
            raise _not_there()

    async def release(self, connection: AsyncConnection, blob: UUID) -> None:
        await store.release(connection, store.blob.c.id == blob, self._clock.now())

    async def release_space(self, connection: AsyncConnection, room: str, space: SpaceId) -> int:
        theirs = (store.blob.c.room == room) & (store.blob.c.space_id == space)
        return await store.release(connection, theirs, self._clock.now())

    async def used_bytes(self, space: SpaceId) -> int:
        async with self._database.transaction() as connection:
            return await store.used_bytes(connection, space, self._clock.now())

    async def sweep(self) -> None:
        """Remove what was released or has expired: rows, and files that no other blob shares."""
        while True:
            async with self._database.transaction() as connection:
                gone = await store.given_up(connection, self._clock.now())
            for blob, name in gone:
                async with self._database.transaction() as connection:
                    await store.lock(connection, name)
                    await store.remove(connection, blob)
                    await self._remove_unnamed(connection, name)
            if len(gone) < store.SWEEP_BATCH:
                return

    async def sweep_orphans(self) -> None:
        """Remove files that a crash left: complete ones without a row, and unfinished ones."""
        now = self._clock.now()
        for path in await asyncio.to_thread(_older, self._new, now - UNFINISHED_AFTER):
            await _on_disk(path.unlink, missing_ok=True)
        for folder in await asyncio.to_thread(lambda: sorted(self._folder.glob("[0-9a-f][0-9a-f]"))):
            old = {path.name for path in await asyncio.to_thread(_older, folder, now - ORPHAN_AFTER)}
            if not old:
                continue
            async with self._database.transaction() as connection:
                known = await store.named(connection, old)
            for name in sorted(old - known):
                async with self._database.transaction() as connection:
                    await store.lock(connection, name)
                    await self._remove_unnamed(connection, name)

    async def _allowance(self, space: SpaceId, limit: int) -> _Allowance:
        left = self._quota_bytes - await self.used_bytes(space)
        if left < limit:
            return _Allowance(max(0, left), self._over_quota())
        return _Allowance(limit, _over_limit(limit))

    async def _record(
        self, path: Path, owner: _Owner, organisation: OrganisationId, ref: BlobRef, expires_at: dt.datetime | None
    ) -> None:
        """Move the file to its place and write its row, in one step for the sweeper and for others who store."""
        name = hmac.digest(self._name_key, f"{owner.context}:{ref.sha256}".encode(), "sha256").hex()
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await store.lock(connection, str(owner.space))
            await store.lock(connection, name)
            shared = bool(await store.named(connection, [name]))
            used = await store.used_bytes(connection, owner.space, now)
            if not shared and used + ref.size_bytes > self._quota_bytes:
                raise self._over_quota()
            key_id = await sealing_key(connection, self._box)
            await _on_disk(self._place, path, self._path(name), owner.context, key_id, sealed_size(ref.size_bytes))
            values = {"room": owner.room, "space_id": owner.space, "organisation_id": organisation, "file": name}
            values |= {"id": ref.id, "sha256": bytes.fromhex(ref.sha256), "size_bytes": ref.size_bytes}
            values |= {"media_type": ref.media_type, "created_at": now, "expires_at": expires_at}
            await store.add(connection, values)

    async def _find(self, blob: UUID, owner: _Owner) -> tuple[BlobRef, str]:
        async with self._database.transaction() as connection:
            found = await store.find(connection, blob, owner.room, owner.space, self._clock.now())
        if found is None:
            raise _not_there()
        return found

    async def _remove_unnamed(self, connection: AsyncConnection, name: str) -> None:
        if not await store.named(connection, [name]):
            await _on_disk(self._path(name).unlink, missing_ok=True)

    def _place(self, path: Path, target: Path, context: str, key_id: str, size_on_disk: int) -> None:
        """Move a finished file to its place, where the same content may stand already. What stands there in the end is
        sealed under `key_id`: the upload may have begun under another key, or a crash have left a file under one."""
        try:
            if target.stat().st_size == size_on_disk:
                header.reseal(target, self._box, context, key_id)
                path.unlink()
                return
        except (FileNotFoundError, header.Damaged):
            pass  # Ours takes the place.
        header.reseal(path, self._box, context, key_id)
        if not target.parent.exists():
            target.parent.mkdir(exist_ok=True)
            _sync(target.parent.parent)
        path.replace(target)
        _sync(target.parent)

    def _path(self, name: str) -> Path:
        return file_path(self._folder, name)

    def _over_quota(self) -> TooLarge:
        return TooLarge(
            "blob_quota",
            f"All files of this space together may have {self._quota_bytes} bytes.",
            "Delete files that are not needed any more.",
            params={"quota_bytes": self._quota_bytes},
        )


def file_path(folder: Path, name: str) -> Path:
    """Where the file `name` lies below the folder of all files."""
    return folder / name[:2] / name


async def _write(writer: FrameWriter, content: bytes | AsyncIterator[bytes], allowance: _Allowance) -> None:
    waiting = bytearray()
    async for piece in _cut(content) if isinstance(content, bytes) else content:
        if writer.size_bytes + len(waiting) + len(piece) > allowance.bytes_max:
            raise allowance.reason
        waiting += piece
        if len(waiting) >= WRITE_BYTES:
            await _on_disk(writer.write, bytes(waiting))
            waiting.clear()
    await _on_disk(writer.write, bytes(waiting))


async def _cut(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), WRITE_BYTES):
        yield content[at : at + WRITE_BYTES]


async def _pieces(reader: FrameReader, blob: UUID, start: int, stop: int) -> AsyncIterator[bytes]:
    at = start
    while at < stop:
        end = min(stop, (at // READ_BYTES + 1) * READ_BYTES)
        try:
            piece = await asyncio.to_thread(reader.read, at, end)
        except FileNotFoundError:
            raise _not_there() from None
        except (Damaged, StartError, OSError) as error:
            logger.error("The file of blob %s can't be read: %s", blob, type(error).__name__)  # noqa: TRY400
            raise Unavailable("blob_damaged", "The stored file is damaged.", retryable=False) from None
        yield piece
        at = end


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _older(folder: Path, than: dt.datetime) -> list[Path]:
    found: list[Path] = []
    for path in folder.iterdir():
        try:
            if path.stat().st_mtime < than.timestamp():
                found.append(path)
        except FileNotFoundError:
            continue  # Moved to its place, or swept, meanwhile.
    return found


async def _on_disk(function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Run in a thread. What the disk says becomes an error that a person can read, and none of the database."""
    try:
        return await asyncio.to_thread(function, *arguments, **named)
    except OSError as error:
        if error.errno in _FULL:
            hint = "Ask the operator to make room."
            raise Unavailable("disk_full", "The disk of this installation is full.", hint, retryable=False) from error
        name = errno.errorcode.get(error.errno or 0, type(error).__name__)
        raise Unavailable("disk_failed", f"The disk of this installation does not take files ({name}).") from error


def _clean(media_type: str) -> str:
    """`media_type` without parameters; whatever is not of that form is bytes of unknown kind."""
    bare = media_type.partition(";")[0].strip().lower()
    return bare if _MEDIA_TYPE.fullmatch(bare) else UNKNOWN_MEDIA_TYPE


def _over_limit(limit_bytes: int) -> TooLarge:
    return TooLarge("blob_too_large", f"A file may have {limit_bytes} bytes.", params={"limit_bytes": limit_bytes})


def _not_there() -> NotFound:
    return NotFound("blob_not_found", "There is no such file.")

"""An installation as the rotation of keys sees it: a database, files, a key file, and a server that seals."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import insert, select

from mecum.kit.blobs import BlobRef
from mecum.kit.blobs.local import FileBlobs
from mecum.kit.blobs.sealing import SealedFiles
from mecum.kit.clock import Clock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.ids import new_id
from mecum.kit.key_file import add_key
from mecum.kit.mail import SEALED, mail_queue
from mecum.kit.rotation import Census, Rotation
from mecum.kit.sealed import BATCH, name_sealing_key
from mecum.kit.types import OrganisationId, SpaceId

SPACE, HOME = SpaceId(uuid4()), OrganisationId(uuid4())
MAILS = BATCH + 5
FILES = 3


class Installation:
    """A database, files and a key file. Every process opens the key file for itself: `opened` is one more of them."""

    def __init__(self, data: Path, database: Database, clock: Clock) -> None:
        self.data, self.file, self.db, self.clock = data, data / "keys", database, clock
        self.server = SecretBox.from_file(self.file)
        self.mails: dict[UUID, bytes] = {}
        self.refs: list[tuple[BlobRef, bytes]] = []

    def rotation(self, box: SecretBox | None = None) -> Rotation:
        box = box or SecretBox.from_file(self.file)
        return Rotation(self.db, box, self.file, (SEALED, SealedFiles(self.data)))

    def blobs(self, box: SecretBox | None = None) -> FileBlobs:
        return FileBlobs(self.data, self.db, box or self.server, self.clock, limit_bytes=10**7, quota_bytes=10**8)

    async def mail(self, connection: AsyncConnection | None = None) -> UUID:
        """A sealed mail, written by the server."""
        if connection is None:
            async with self.db.transaction() as own:
                return await self.mail(own)
        mail, plain = new_id(), secrets.token_bytes(20)
        sealed = await SEALED.seal(connection, self.server, mail, plain)
        times = {"created_at": self.clock.now(), "expires_at": self.clock.now()}
        await connection.execute(insert(mail_queue).values(id=mail, sealed=sealed, **times))
        self.mails[mail] = plain
        return mail

    async def store(self, content: bytes | AsyncIterator[bytes], plain: bytes) -> BlobRef:
        ref = await self.blobs().put("assistant", SPACE, HOME, content, "text/plain")
        self.refs.append((ref, plain))
        return ref

    async def fill(self, mails: int = MAILS) -> None:
        for _ in range(mails):
            await self.mail()
        for size in (8, 100, 70_000)[:FILES]:
            plain = secrets.token_bytes(size)
            await self.store(plain, plain)

    async def new_key(self) -> str:
        """The beginning of a rotation, without what follows."""
        key = add_key(self.file)
        async with self.db.transaction() as connection:
            await name_sealing_key(connection, key)
        return key

    async def rotate(self) -> tuple[Census, tuple[str, ...]]:
        """A whole rotation. Returns: what is sealed under which key afterwards, and which keys were removed."""
        rotation = self.rotation()
        key = await rotation.begin(await rotation.census())
        async for _ in rotation.reseal(key):
            pass
        after = await rotation.census()
        return after, rotation.retire(after)

    async def require_all_open(self) -> None:
        """Everything can be opened by the server, and by whoever starts now."""
        for box in (self.server, SecretBox.from_file(self.file)):
            async with self.db.transaction() as connection:
                rows = {row.id: row.sealed for row in await connection.execute(select(mail_queue))}
            assert {mail: SEALED.open(box, mail, sealed) for mail, sealed in rows.items()} == self.mails
            for ref, plain in self.refs:
                assert await self.blobs(box).read(ref.id, "assistant", SPACE) == plain

"""Files as a place of sealed secrets: each has a key of its own, and that one is sealed by the installation's."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mecum.kit.blobs import header, store
from mecum.kit.blobs.local import FOLDER, file_path
from mecum.kit.blobs.store import File
from mecum.kit.crypto import SecretBox
from mecum.kit.db import Database
from mecum.kit.sealed import Resealed

FILES_AT_ONCE = 200


class SealedFiles:
    """The files of all rooms. Only what a row names counts: the rest is swept, not sealed anew.

    Args:
        data: the data directory.
    """

    name = "kit.blob"

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER

    async def census(self, database: Database, box: SecretBox) -> Mapping[str, int]:
        counts: Counter[str] = Counter()
        async for files in self._files(database):
            counts += await asyncio.to_thread(self._counted, files, box)
        return counts

    async def reseal(self, database: Database, box: SecretBox, key_id: str) -> AsyncIterator[Resealed]:
        async for files in self._files(database):
            yield await asyncio.to_thread(self._resealed, files, box, key_id)

    async def _files(self, database: Database) -> AsyncIterator[Sequence[File]]:
        after, more = "", True
        while more:
            async with database.transaction() as connection:
                files = await store.some_files(connection, after, FILES_AT_ONCE)
            more = len(files) == FILES_AT_ONCE
            if files:
                after = files[-1].name
                yield files

    def _counted(self, files: Sequence[File], box: SecretBox) -> Counter[str]:
        counts: Counter[str] = Counter()
        for file in files:
            with suppress(FileNotFoundError):  # swept meanwhile
                counts[header.named_key(self._path(file), box, file.context)] += 1
        return counts

    def _resealed(self, files: Sequence[File], box: SecretBox, key_id: str) -> Resealed:
        anew = stuck = 0
        for file in files:
            try:
                anew += header.reseal(self._path(file), box, file.context, key_id)
            except header.Damaged:
                stuck += 1
            except FileNotFoundError:
                continue  # swept meanwhile
        return Resealed(anew, stuck)

    def _path(self, file: File) -> Path:
        return file_path(self._folder, file.name)

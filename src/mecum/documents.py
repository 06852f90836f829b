"""The documents engine as the assistant's reader: one of the bindings of `mecum.app`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from mecum.engines.documents import DocumentPart, DocumentReader, Kind, sniff


class Documents:
    """Implements `Reader` of the assistant's attachments."""

    def __init__(self) -> None:
        self._reader = DocumentReader()

    def sniff(self, data: bytes, name: str) -> tuple[str, str]:
        return sniff(data, name)

    async def read(self, kind: str, data: bytes) -> Sequence[DocumentPart]:
        return (await self._reader.read(cast(Kind, kind), data)).parts

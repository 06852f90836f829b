"""Bindings of `mecum.app`: what one part offers, in the shape that another one asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from mecum.engines.documents import DocumentPart, DocumentReader, Kind, sniff
from mecum.engines.documents.settings import DocumentSettings


class Documents:
    """The documents engine as the assistant's reader of files and pages."""

    def __init__(self, settings: DocumentSettings) -> None:
        self._reader = DocumentReader(settings)

    def sniff(self, data: bytes, name: str) -> tuple[str, str]:
        return sniff(data, name)

    async def read(self, kind: str, data: bytes) -> Sequence[DocumentPart]:
        return (await self._reader.read(cast(Kind, kind), data)).parts

    async def read_page(self, data: bytes, *, html: bool, charset: str, url: str) -> str:
        read = await self._reader.read("html" if html else "text", data, charset=charset, url=url)
        return "\n".join(part.text for part in read.parts)

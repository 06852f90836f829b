"""What a file really is: by its first bytes, never by what its sender says."""

from __future__ import annotations

import io
import zipfile
from typing import Literal, TypeAlias

from mecum.engines.documents.encodings import decode

Kind: TypeAlias = Literal["pdf", "docx", "xlsx", "html", "csv", "text", "image", "unknown"]

HEAD_BYTES = 8_192
ENTRIES_MAX = 5_000

_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_OFFICE = {
    "word/document.xml": ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xl/workbook.xml": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


def sniff(data: bytes, name: str) -> tuple[Kind, str]:
    """Kind and media type of a file. `name` only tells one kind of text from another."""
    if data.startswith(b"%PDF-"):
        return "pdf", "application/pdf"
    for start, media_type in _IMAGES:
        if data.startswith(start):
            return "image", media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image", "image/webp"
    if data.startswith(b"PK\x03\x04"):
        return _office(data)
    return _text(data, name.lower())


def _office(data: bytes) -> tuple[Kind, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist()[:ENTRIES_MAX])
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return "unknown", "application/zip"
    for entry, found in _OFFICE.items():
        if entry in names:
            return found[0], found[1]  # pyright: ignore[reportReturnType]
    return "unknown", "application/zip"


def _text(data: bytes, name: str) -> tuple[Kind, str]:
    if decode(data[:HEAD_BYTES], partial=True) is None:
        return "unknown", "application/octet-stream"
    head = data[:HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")) or name.endswith((".html", ".htm")):
        return "html", "text/html"
    if name.endswith((".csv", ".tsv")):
        return "csv", "text/csv"
    if name.endswith((".md", ".markdown")):
        return "text", "text/markdown"
    return "text", "text/plain"

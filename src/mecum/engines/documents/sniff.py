"""What a file really is: by its first bytes, never by what its sender says."""

from __future__ import annotations

import io
import zipfile
from typing import Literal, TypeAlias

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


def decode(data: bytes, *, partial: bool = False) -> str | None:
    """Text of `data`: UTF-8, UTF-16 with its mark, else GB 18030 when that fits; None when it is not text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _try(data, "utf-16")
    if b"\x00" in data:
        return None
    for cut in range(4 if partial else 1):
        found = _try(data[: len(data) - cut], "utf-8-sig")
        if found is not None:
            return found
    chinese = _try(data, "gb18030") or (_try(data[:-1], "gb18030") if partial else None)
    return chinese if chinese is not None else _try(data, "latin-1") if _mostly_words(data) else None


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _mostly_words(data: bytes) -> bool:
    odd = sum(byte < 9 or 13 < byte < 32 or byte == 127 for byte in data)
    return odd * 50 < len(data)

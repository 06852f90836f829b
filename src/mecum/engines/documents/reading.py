"""From a file's bytes to text in parts, each with the place it stands at. Runs in the child process only.

PDF    a part per page              {"page": 3}
DOCX   a part per heading           {"heading": "Costs", "paragraph": 12}
XLSX   a part per sheet             {"sheet": "2025", "range": "1:40"}  (rows)
HTML   the main text as Markdown    {}
CSV, text, source code              {"line": 1}
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mecum.engines.documents.encodings import decode, decode_as, decode_page
from mecum.engines.documents.errors import Fault
from mecum.engines.documents.sniff import Kind

PAGES_MAX = 2_000
ROWS_MAX = 20_000
COLUMNS_MAX = 200
CHARS_MAX = 2_000_000
LINES_PER_PART = 200


class Unreadable(Exception):
    """The file can't be read."""

    def __init__(self, fault: Fault) -> None:
        self.fault: Fault = fault
        super().__init__(fault)


@dataclass(frozen=True, slots=True)
class Part:
    text: str
    anchor: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes, and what is known about them: `charset` as their sender says, `url` where they are from; "" for not."""

    data: bytes
    charset: str = ""
    url: str = ""


def read(kind: Kind, source: Source) -> tuple[list[Part], bool]:
    """The parts of a file, and whether it was cut at CHARS_MAX.

    Raises:
        Unreadable: it is damaged, protected, or has no text.
    """
    reader = _READERS.get(kind)
    if reader is None:
        raise Unreadable("kind")
    parts: list[Part] = []
    room = CHARS_MAX
    for part in reader(source):
        text = part.text.strip()
        if not text:
            continue
        parts.append(Part(text[:room], part.anchor))
        room -= len(text)
        if room <= 0:
            return parts, True
    if not parts:
        raise Unreadable("scan" if kind == "pdf" else "no_text")
    return parts, False


def _pdf(source: Source) -> Iterator[Part]:
    import pypdfium2  # pyright: ignore[reportMissingTypeStubs]
    from pypdfium2 import PdfiumError  # pyright: ignore[reportMissingTypeStubs]

    try:
        document = pypdfium2.PdfDocument(source.data)
    except PdfiumError as error:
        raise Unreadable("pdf") from error
    for number in range(min(len(document), PAGES_MAX)):
        text: str = document[number].get_textpage().get_text_bounded()  # pyright: ignore[reportUnknownMemberType]
        # pdfium marks a hyphen at the end of a line with U+FFFE: the word goes on.
        yield Part(text.replace("\ufffe\r\n", "").replace("\ufffe", "").replace("\r\n", "\n"), {"page": number + 1})


def _docx(source: Source) -> Iterator[Part]:
    import docx
    from docx.table import Table

    document = docx.Document(io.BytesIO(source.data))
    lines: list[str] = []
    anchor: dict[str, Any] = {"heading": "", "paragraph": 1}
    for number, block in enumerate(document.iter_inner_content(), 1):
        if isinstance(block, Table):
            lines += [" | ".join(cell.text.strip() for cell in row.cells) for row in block.rows[:ROWS_MAX]]
        elif ((block.style and block.style.name) or "").startswith(("Heading", "Title")) and block.text.strip():
            yield Part("\n".join(lines), anchor)
            lines, anchor = [block.text], {"heading": block.text.strip()[:200], "paragraph": number}
        else:
            lines.append(block.text)
    yield Part("\n".join(lines), anchor)


def _xlsx(source: Source) -> Iterator[Part]:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(source.data), read_only=True, data_only=True)
    for sheet in book.worksheets:
        lines: list[str] = []
        for row in sheet.iter_rows(max_row=ROWS_MAX, max_col=COLUMNS_MAX, values_only=True):
            cells = ["" if value is None else str(value) for value in row]
            while cells and not cells[-1]:
                cells.pop()
            lines.append("\t".join(cells))
        yield Part("\n".join(lines).rstrip(), {"sheet": sheet.title, "range": f"1:{len(lines)}"})


def _html(source: Source) -> Iterator[Part]:
    import trafilatura

    text = decode_page(source.data, source.charset)
    if text is None:
        raise Unreadable("not_text")
    found = trafilatura.extract(
        text, url=source.url or None, output_format="markdown", include_links=True, favor_precision=True
    )
    yield Part(found or "", {})


def _lines(source: Source) -> Iterator[Part]:
    text = decode_as(source.data, source.charset) or decode(source.data)
    if text is None:
        raise Unreadable("not_text")
    lines = text.splitlines()
    for start in range(0, len(lines), LINES_PER_PART):
        yield Part("\n".join(lines[start : start + LINES_PER_PART]), {"line": start + 1})


_READERS: dict[Kind, Callable[[Source], Iterator[Part]]] = {
    "pdf": _pdf,
    "docx": _docx,
    "xlsx": _xlsx,
    "html": _html,
    "csv": _lines,
    "text": _lines,
}

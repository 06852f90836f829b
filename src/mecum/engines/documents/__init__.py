"""Reading documents: PDF, Office, HTML, Markdown, CSV, source code, each in a guarded child process."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mecum
from mecum.engines.documents.errors import known, unreadable
from mecum.engines.documents.settings import DocumentSettings
from mecum.engines.documents.sniff import Kind, sniff
from mecum.kit.process import guarded

__all__ = ["Document", "DocumentPart", "DocumentReader", "Kind", "sniff"]

OUTPUT_BYTES_MAX = 16_000_000
NICE = 10


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """A piece of text and where it stands in the file, e.g. `{"page": 3}`."""

    text: str
    anchor: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """`cut`: the file had more text than is kept."""

    parts: tuple[DocumentPart, ...]
    cut: bool


class DocumentReader:
    """Reads files, some at once; a file that is too much for its child becomes a clear error."""

    def __init__(self, settings: DocumentSettings) -> None:
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.documents_at_once)

    async def read(self, kind: Kind, data: bytes, *, charset: str = "", url: str = "") -> Document:
        """The text of a file.

        Args:
            charset: how a text is encoded, as its sender says; "" for not said.
            url: where a page is from.

        Raises:
            Unprocessable: it is damaged, protected, without text, or too much to read; the code says which.
        """
        seconds = math.ceil(self._settings.document_seconds)
        about = json.dumps({"kind": kind, "charset": charset, "url": url, "cpu_seconds": seconds}).encode()
        async with self._slots:
            answer = await _in_child(about + b"\n" + data, self._settings)
        if fault := answer.get("fault"):
            raise unreadable(known(fault), seconds=self._settings.document_seconds)
        parts = tuple(DocumentPart(part["text"], part["anchor"]) for part in answer["parts"])
        return Document(parts, bool(answer["cut"]))


async def _in_child(order: bytes, settings: DocumentSettings) -> dict[str, Any]:
    seconds = settings.document_seconds
    command = guarded(
        [sys.executable, "-P", "-m", "mecum.engines.documents"],
        death_signal=signal.SIGKILL,
        memory_bytes=settings.document_memory_bytes,
        nice=NICE,
        oom_score=800,
    )
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": str(Path(mecum.__file__).parent.parent)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        limit=OUTPUT_BYTES_MAX,
    )
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate(order)
    except TimeoutError:
        return {"fault": "too_slow"}
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0 or len(output) > OUTPUT_BYTES_MAX:
        return {"fault": "too_much"}
    return json.loads(output)

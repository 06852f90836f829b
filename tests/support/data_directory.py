"""A data directory that the database's user can reach: pytest's own temporary folders are closed to others."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_folder() -> Generator[Path]:
    """A short-lived folder below /tmp that everybody may walk through."""
    folder = Path(tempfile.mkdtemp(prefix="mecum-t-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

"""The server's log file. The server appends through a descriptor of ours, so it needs no folder of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LOG_BYTES_MAX = 5_000_000
TAIL_BYTES = 4_000


class LogFile:
    """`postgres.log` and, once it was full, `postgres.log.1`: together at most about twice `bytes_max`."""

    def __init__(self, path: Path, bytes_max: int = LOG_BYTES_MAX) -> None:
        self.path = path
        self._bytes_max = bytes_max

    def open(self) -> int:
        """A descriptor to append with; the caller closes it."""
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def trim(self) -> None:
        """Move a full log aside by copying: the server keeps writing to the same file, from its new beginning."""
        try:
            if self.path.stat().st_size <= self._bytes_max:
                return
        except FileNotFoundError:
            return
        shutil.copyfile(self.path, self.path.with_name(f"{self.path.name}.1"))
        os.truncate(self.path, 0)

    def tail(self, since: int = 0) -> str:
        """The last lines, written after position `since`."""
        with self.path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(min(since, end), end - TAIL_BYTES))
            return file.read().decode("utf-8", "replace").strip()

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

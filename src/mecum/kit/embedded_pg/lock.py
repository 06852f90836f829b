"""One process at a time on a data directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from mecum.kit.errors import StartError


class DirectoryLock:
    """An advisory lock on a file that the kernel releases when its holder dies.

    Args:
        path: the lock file; it stays, empty or not, when the lock is released.
        purpose: what the holder does, named to whoever is refused.
        shared: others may hold it too, if they share it.
    """

    def __init__(self, path: Path, purpose: str, *, shared: bool = False) -> None:
        self.path = path
        self.purpose = purpose
        self._how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def acquire(self, *, wait: bool = False) -> None:
        """Take the lock; taking it twice is harmless.

        Args:
            wait: until it is free, instead of at once or not at all.

        Raises:
            StartError: another process has it, or the folder is not ours to write.
        """
        if self._descriptor is not None:
            return
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise not_writable(self.path.parent, error) from error
        try:
            fcntl.flock(descriptor, self._how if wait else self._how | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").split("\n")
            os.close(descriptor)
            raise self._in_use(holder) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n{self.purpose}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def _in_use(self, holder: list[str]) -> StartError:
        pid = int(holder[0]) if holder[0].isdigit() else 0
        purpose = holder[1] if len(holder) > 1 else ""
        who = f"`{purpose}` (process {pid})" if pid else "another process"
        return StartError(
            "data_in_use",
            f"The data directory {self.path.parent} is in use by {who}.",
            "Stop it first, or give this one a data directory of its own with --data.",
            params={"pid": pid, "purpose": purpose, "data": str(self.path.parent), "who": who},
        )


def not_writable(folder: Path, error: OSError) -> StartError:
    return StartError(
        "data_not_writable",
        f"{folder} can't be made or written ({error.strerror}).",
        "Use a data directory of your own with --data.",
        params={"folder": str(folder), "reason": error.strerror or type(error).__name__},
    )

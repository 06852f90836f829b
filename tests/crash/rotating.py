"""A rotation of keys that kills itself: `python -m tests.crash.rotating DATA DATABASE_URL STEP`.

It dies with SIGKILL right before its step of that number, a step being whatever it makes durable: a commit, an fsync,
a file that takes another's place. Exit code 0 when it has fewer steps.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event

from mecum.kit.blobs.sealing import SealedFiles
from mecum.kit.crypto import SecretBox
from mecum.kit.db import Database
from mecum.kit.mail import SEALED
from mecum.kit.rotation import Rotation


class Steps:
    """Counts, and dies when it is time."""

    def __init__(self, last: int) -> None:
        self._left = last

    def step(self, *_: Any) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            self.step()
            return function(*arguments)

        return counted


async def rotate(data: Path, url: str, steps: Steps) -> None:
    database = Database(url, pool_size=1)
    event.listen(database.engine.sync_engine, "commit", steps.step)
    file = data / "keys"
    rotation = Rotation(database, SecretBox.from_file(file), file, (SEALED, SealedFiles(data)))
    key = await rotation.begin(await rotation.census())
    async for _ in rotation.reseal(key):
        pass
    rotation.retire(await rotation.census())
    await database.close()


def main() -> None:
    data, url, number = sys.argv[1:]
    steps = Steps(int(number))
    os.fsync = steps.before(os.fsync)
    Path.replace = steps.before(Path.replace)  # type: ignore[method-assign]
    asyncio.run(rotate(Path(data), url, steps))


if __name__ == "__main__":
    main()

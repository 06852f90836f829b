"""A child process of an engine: pipes, a lifeline, and its last words.

Its stdin is the lifeline: it ends when that closes, so that a parent on any system takes it along. Its stdout is for
messages to the parent, its stderr is kept in part, to say why it ended.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import mecum
from mecum.kit.process import guarded

NICE = 10
# When memory runs out, an engine is what can be spared and started again.
OOM_SCORE = 500
GRACE_S = 2.0
LINES_KEPT = 20
LINE_BYTES = 64 * 1024
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")


class Child:
    """A running `python -m MODULE`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self.stdin = process.stdin
        self.stdout = process.stdout
        self._said: deque[str] = deque(maxlen=LINES_KEPT)
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, module: str, *, environment: Mapping[str, str], memory_bytes: int, limit: int) -> Child:
        """Run `python -m module` with nothing of our environment but what a program needs.

        Args:
            memory_bytes: of private memory.
            limit: the longest line or frame that `stdout` buffers, in bytes.
        """
        command = guarded(
            [sys.executable, "-P", "-m", module],
            death_signal=signal.SIGKILL,
            memory_bytes=memory_bytes,
            nice=NICE,
            oom_score=OOM_SCORE,
        )
        process = await asyncio.create_subprocess_exec(
            *command,
            env=_environment() | dict(environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=limit,
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def gone(self) -> bool:
        return self._process.returncode is not None

    async def wait(self) -> str:
        """Wait until it has ended. Returns how, for the operator: the signal or code, and its last words."""
        code = await self._process.wait()
        await self._listener
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"{how}: {self._said[-1]}" if self._said else how

    async def stop(self) -> None:
        """Close the lifeline; end it by force when it does not end by itself."""
        self.stdin.close()
        try:
            async with asyncio.timeout(GRACE_S):
                await self._process.wait()
        except TimeoutError:
            self.kill()
        await self.wait()

    def kill(self) -> None:
        send(self._process, signal.SIGKILL)

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while chunk := await self._process.stderr.read(LINE_BYTES):
            lines = chunk.decode("utf-8", "replace").splitlines()
            self._said.extend(line.strip()[:500] for line in lines if line.strip())


def send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended.

    Not `process.kill()`: that looks for the exit code first, takes it away from asyncio and leaves it with a guess.
    """
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


def _environment() -> dict[str, str]:
    """What every child gets. No setting or secret of ours is among it."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed_on | {"PYTHONPATH": str(Path(mecum.__file__).parent.parent), "PYTHONUNBUFFERED": "1"}

"""The server process as the supervisor sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

from mecum.cli.link import LINE_BYTES_MAX, SUPERVISED, Event, decode, encode
from mecum.kit.process import guarded, spawn


class Server:
    """The server process and the line to it. After it ended it can be started again."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = command
        self._environment = {**environment, SUPERVISED: "1"}
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._output_ended = True
        self.started_at = 0.0

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def output(self) -> int | None:
        """Where its events come from, to wait for."""
        return None if self._process is None or self._output_ended else self._stdout.fileno()

    @property
    def _stdout(self) -> IO[bytes]:
        assert self._process is not None and self._process.stdout is not None
        return self._process.stdout

    def start(self) -> None:
        self._buffer = b""
        self.started_at = time.monotonic()
        self._process = spawn(
            guarded(self._command, death_signal=signal.SIGTERM),
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._output_ended = False
        os.set_blocking(self._stdout.fileno(), False)

    def tell(self, message: Event) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.write(encode(message))
                self._process.stdin.flush()

    def events(self) -> list[Event]:
        """What it has reported since the last call. Anything else it printed goes to standard error."""
        found: list[Event] = []
        while not self._output_ended:
            chunk = read_some(self._stdout.fileno())
            if chunk is None:
                break
            self._output_ended = chunk == b""
            *lines, self._buffer = (self._buffer + chunk).split(b"\n")
            self._buffer = self._buffer[-LINE_BYTES_MAX:]
            for line in lines:
                event = decode(line)
                if event is None:
                    sys.stderr.buffer.write(line + b"\n")
                else:
                    found.append(event)
        return found

    def ended(self) -> int | None:
        """Its exit code when it has ended; negative: the signal that ended it."""
        return None if self._process is None else self._process.poll()

    def forget(self) -> None:
        """After it has ended and its last words were read."""
        if self._process is not None:
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with suppress(BrokenPipeError):
                        stream.close()
        self._process = None
        self._output_ended = True

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


def read_some(descriptor: int) -> bytes | None:
    """What a descriptor that does not block has. None: nothing is there yet; empty: the other end is closed."""
    with suppress(BlockingIOError):
        return os.read(descriptor, LINE_BYTES_MAX)
    return None

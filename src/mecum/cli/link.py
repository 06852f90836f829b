"""The line between the supervisor and the server process: JSON lines, events up and the database's address down.

server -> supervisor   {"event": "listening", "port": 8080}
                       {"event": "ready", "setup_url": null, "seconds": 1.7}
                       {"event": "refused", "code": ..., "detail": ..., "hint": ..., "params": {...}}  and exit code 78
                       {"event": "draining"}
                       {"event": "beat"}  the event loop turns; one that is silent for too long is ended (watch.py)
supervisor -> server   {"database_url": "postgresql://..."}
"""

from __future__ import annotations

import json
import os
import select
from collections.abc import Mapping
from contextlib import suppress
from typing import TypeAlias, cast

from mecum.kit.errors import MecumError

Event: TypeAlias = Mapping[str, object]

EXIT_REFUSED = 78  # EX_CONFIG in sysexits.h: starting again changes nothing
EXIT_ORPHANED = 70
LINE_BYTES_MAX = 64 * 1024
SUPERVISED = "MECUM_SUPERVISED"
BEAT = "beat"
BEAT_S = 2.0


def encode(message: Event) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Event | None:
    """None: not a message (something printed a line of its own)."""
    with suppress(ValueError):
        found: object = json.loads(line)
        if isinstance(found, dict):
            return cast("dict[str, object]", found)
    return None


def refusal(error: MecumError) -> Event:
    return {
        "event": "refused",
        "code": error.code,
        "detail": error.detail,
        "hint": error.hint,
        "params": dict(error.params),
    }


class Events:
    """Writes events to a descriptor of its own. Whatever else is printed goes to standard error."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def on_stdout(cls) -> Events:
        descriptor = os.dup(1)
        os.dup2(2, 1)
        return cls(descriptor)

    def send(self, event: Event) -> None:
        # A supervisor that is gone is noticed on the other line.
        with suppress(BrokenPipeError):
            os.write(self._descriptor, encode(event))

    def beat(self) -> None:
        """A sign of life; left out rather than waited for when the supervisor, does not read."""
        room = select.poll()
        room.register(self._descriptor, select.POLLOUT)
        if room.poll(0):
            self.send({"event": BEAT})

"""Server-sent events (WHATWG HTML, section 9.2), read incrementally and written.

More tolerant than the standard in one thing: an event at the end of the stream counts without its blank line.
"""

from __future__ import annotations

from dataclasses import dataclass

BOM = b"\xef\xbb\xbf"


class LineTooLong(ValueError):
    """A line, or the data of one event, is longer than the limit."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: its `data` (lines joined by newlines) and the name of its type, "" for the default."""

    data: bytes
    event: str = ""


class SseReader:
    """Bytes in, events out; where the bytes are cut makes no difference.

    Args:
        limit_bytes: longest line, and longest data of one event.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._open: list[bytes] = []
        self._open_bytes = 0
        self._after_cr = False
        self._first = True
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._event = b""

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """The events that `chunk` completes.

        Raises:
            LineTooLong: over the limit.
        """
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        head, newline, rest = chunk.partition(b"\n")
        self._open.append(head)
        self._open_bytes += len(head)
        if not newline:
            self._check(self._open_bytes)
            return []
        lines = [b"".join(self._open), *rest.split(b"\n")]
        last = lines.pop()
        self._open, self._open_bytes = [last], len(last)
        self._check(self._open_bytes)
        return [event for line in lines if (event := self._line(line)) is not None]

    def close(self) -> list[ServerEvent]:
        """The event that the end of the stream completes, if any."""
        last = b"".join(self._open)
        self._open, self._open_bytes = [], 0
        found = self._line(last) if last else None
        ended = self._line(b"")
        return [event for event in (found, ended) if event is not None]

    def _line(self, line: bytes) -> ServerEvent | None:
        self._check(len(line))
        if self._first:
            line, self._first = line.removeprefix(BOM), False
        if not line:
            return self._dispatch()
        name, colon, value = line.partition(b":")
        if colon and value.startswith(b" "):
            value = value[1:]
        if name == b"data":
            self._data.append(value)
            self._data_bytes += len(value) + 1
            self._check(self._data_bytes - 1)
        elif name == b"event":
            self._event = value
        return None

    def _dispatch(self) -> ServerEvent | None:
        data, event = self._data, self._event
        self._data, self._data_bytes, self._event = [], 0, b""
        if not data:
            return None
        return ServerEvent(b"\n".join(data), event.decode("utf-8", "replace"))

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise LineTooLong(f"more than {self._limit} bytes in one line of an event stream")


def frame(data: bytes, event: str = "") -> bytes:
    """An event as bytes. `data` has no line breaks."""
    name = b"event: " + event.encode() + b"\n" if event else b""
    return name + b"data: " + data + b"\n\n"

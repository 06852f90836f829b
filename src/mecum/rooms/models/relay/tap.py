"""Reading along while bytes pass: whole lines go on untouched, the usage in them is noted."""

from __future__ import annotations

from mecum.rooms.models import failures
from mecum.rooms.models.wires.chat_stream import read_usage
from mecum.rooms.models.wires.jsons import JsonObject, loads, obj

DATA = b"data:"
FIELDS = (DATA, b"event:", b"id:", b"retry:", b":")
"""How a line of an event stream begins."""
CHAT_ENDS = (b"[DONE]", b'"finish_reason":"', b'"finish_reason": "')
RESPONSE_ENDS = (b"response.completed", b"response.incomplete", b"response.failed", b'"error"')
BOM = b"\xef\xbb\xbf"


class Tap:
    """Passes an event stream on, line by line.

    A line that is cut is no use to a client and is held back: so an error can always follow on a line of its own.

    Args:
        ends: what stands in a stream that came to its end.
        hide_usage: leave out the chunk with the usage: we asked for it, the caller did not.
    """

    def __init__(self, provider: str, limit_bytes: int, ends: tuple[bytes, ...], *, hide_usage: bool = False) -> None:
        self.lines = 0
        self._provider = provider
        self._limit = limit_bytes
        self._ends = ends
        self._has_begun = self._has_ended = False
        self._hide_usage = hide_usage
        self._open: list[bytes] = []
        self._open_bytes = 0
        self._last_usage = b""

    def feed(self, chunk: bytes) -> bytes:
        """What can go on.

        Raises:
            ProviderError: a line is over the limit, or this is no event stream.
        """
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            return self._hold(chunk)
        lines = chunk[:cut]
        if self._open_bytes:
            lines = b"".join((*self._open, lines))
        self._open.clear()
        self._open_bytes = 0
        if cut < len(chunk):
            self._hold(chunk[cut:])
        return self._seen(lines)

    def end(self) -> bytes:
        """What is left when the provider has closed the stream.

        Raises:
            ProviderError: the answer had not come to its end.
        """
        rest = b"".join(self._open)
        self._open.clear()
        seen = self._seen(rest)
        if not self._has_ended:
            raise failures.closed(self._provider)
        return seen

    @property
    def usage(self) -> JsonObject:
        """The last `usage` that passed; empty when there was none."""
        return obj(obj(loads(self._last_usage[len(DATA) :])).get("usage")) if self._last_usage else {}

    def _hold(self, piece: bytes) -> bytes:
        self._open.append(piece)
        self._open_bytes += len(piece)
        if self._open_bytes > self._limit:
            raise failures.too_long(self._provider, self._limit)
        return b""

    def _seen(self, lines: bytes) -> bytes:
        self._check(lines)
        self.lines += lines.count(DATA)
        if b'"prompt_tokens"' not in lines:
            return lines
        kept: list[bytes] = []
        for line in lines.splitlines(keepends=True):
            if b'"prompt_tokens"' in line and line.startswith(DATA):
                self._last_usage = line
                if self._hide_usage and _only_usage(line):
                    continue
            kept.append(line)
        return b"".join(kept)

    def _check(self, lines: bytes) -> None:
        """No client can read what is not UTF-8, nor lines that are no events."""
        if not self._has_begun and (first := lines.removeprefix(BOM).lstrip()):
            self._has_begun = True
            if not first.startswith(FIELDS):
                raise failures.garbage(self._provider, "lines that are no events")
        try:
            lines.decode()
        except UnicodeDecodeError as error:
            raise failures.garbage(self._provider, "bytes that are no text") from error
        if not self._has_ended:
            self._has_ended = any(mark in lines for mark in self._ends)


def _only_usage(line: bytes) -> bool:
    chunk = obj(loads(line[len(DATA) :]))
    return chunk.get("choices") == [] and read_usage(chunk.get("usage")) is not None

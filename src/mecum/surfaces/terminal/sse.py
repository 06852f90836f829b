"""Server-sent events (WHATWG HTML, section 9.2): reading a stream."""

from __future__ import annotations

from dataclasses import dataclass

FRAME_BYTES_MAX = 32 * 2**20
_TOO_LONG = f"a frame is longer than {FRAME_BYTES_MAX} bytes"


@dataclass(frozen=True, slots=True)
class SseFrame:
    """One frame. `id` is "" where it has none."""

    event: str
    id: str
    data: str


class SseParser:
    """Takes bytes as they come and gives whole frames."""

    def __init__(self) -> None:
        self._rest = b""
        self._event = ""
        self._id = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[SseFrame]:
        """The frames that `chunk` completes.

        Raises:
            ValueError: a frame is longer than we take.
        """
        frames: list[SseFrame] = []
        text = self._rest + chunk
        held = b""
        if text.endswith(b"\r"):  # its line feed may come with the next chunk
            text, held = text[:-1], b"\r"
        *lines, rest = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = rest + held
        if len(self._rest) > FRAME_BYTES_MAX:
            raise ValueError(_TOO_LONG)
        for line in lines:
            frame = self._line(line)
            if frame is not None:
                frames.append(frame)
        return frames

    def _line(self, line: bytes) -> SseFrame | None:
        if not line:
            return self._end()
        self._size += len(line)
        if self._size > FRAME_BYTES_MAX:
            raise ValueError(_TOO_LONG)
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._event = value
        elif name == "id":
            self._id = value
        elif name == "data":
            self._data.append(value)
        return None

    def _end(self) -> SseFrame | None:
        frame = SseFrame(self._event or "message", self._id, "\n".join(self._data)) if self._data else None
        self._event, self._id, self._data, self._size = "", "", [], 0
        return frame

"""Server-sent events (WHATWG HTML, section 9.2): encoding a frame."""

from __future__ import annotations

SSE_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def encode_frame(event: str, data: bytes, position: str = "") -> bytes:
    """One frame. `data` has no line breaks (compact JSON); `position` becomes the `id:` when it is not empty."""
    head = f"event: {event}\n" if event else ""
    mark = f"id: {position}\n" if position else ""
    return f"{head}{mark}data: ".encode() + data + b"\n\n"

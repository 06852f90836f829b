"""The wire between the embedder and its parent: frames of a 4-byte length (big-endian) and as many bytes.

The child's first frame is `Ready` as JSON. Then each question is a frame of JSON, `{"kind", "texts"}`, and each answer
a frame of two 4-byte numbers (rows, tokens) followed by the rows as 32-bit floats, little-endian.
"""

from __future__ import annotations

import json
import struct
import sys
from array import array
from dataclasses import dataclass
from typing import BinaryIO

LENGTH = struct.Struct(">I")
COUNTS = struct.Struct(">II")
FRAME_BYTES_MAX = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Ready:
    """What the child serves."""

    dimensions: int

    def to_bytes(self) -> bytes:
        return json.dumps({"dimensions": self.dimensions}).encode()

    @classmethod
    def from_bytes(cls, body: bytes) -> Ready:
        return cls(dimensions=int(json.loads(body)["dimensions"]))


def frame(body: bytes) -> bytes:
    return LENGTH.pack(len(body)) + body


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame of a blocking stream; None at its end."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = stream.read(length)
    return body if len(body) == length else None


def question(kind: str, texts: list[str]) -> bytes:
    return json.dumps({"kind": kind, "texts": texts}).encode()


def answer(rows: int, tokens: int, floats: bytes) -> bytes:
    """Args: floats: `rows` vectors one after the other, 32 bit, little-endian."""
    return COUNTS.pack(rows, tokens) + floats


def read_answer(body: bytes, dimensions: int) -> tuple[list[list[float]], int]:
    """The vectors and how many tokens they took.

    Raises:
        ValueError: not an answer with vectors of `dimensions` numbers.
    """
    if len(body) < COUNTS.size:
        raise ValueError("the answer is cut")
    rows, tokens = COUNTS.unpack_from(body)
    if len(body) != COUNTS.size + rows * dimensions * 4:
        raise ValueError(f"the answer has {len(body)} bytes for {rows} vectors")
    numbers = array("f")
    numbers.frombytes(body[COUNTS.size :])
    if sys.byteorder == "big":
        numbers.byteswap()
    flat = numbers.tolist()
    return [flat[start : start + dimensions] for start in range(0, len(flat), dimensions)], tokens

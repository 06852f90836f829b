"""The encrypted form of a file: AES-256-GCM in frames of 64 KiB, so that any range can be read without the rest.

    header, 256 bytes: magic, then twice the file's own key sealed by the installation's (see `header`)
    frame i: 65,536 plain bytes (the last one fewer) encrypted under the file's key with nonce i, and 16 bytes of tag

Each frame authenticates its place, whether it is the last one, and the room and space of the file: frames can't be
swapped, cut off or moved to another file. The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015)
with random access.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mecum.kit.blobs.header import HEADER_BYTES, Damaged, made_header, opened_key
from mecum.kit.crypto import KEY_BYTES, NONCE_BYTES, SecretBox

FRAME_BYTES = 64 * 1024
TAG_BYTES = 16
SEALED_FRAME_BYTES = FRAME_BYTES + TAG_BYTES


class FrameWriter:
    """Writes one file, which must not exist. Not for use from several threads at once."""

    def __init__(self, path: Path, box: SecretBox, context: str) -> None:
        self._path = path
        self._context = context.encode()
        key = secrets.token_bytes(KEY_BYTES)
        self._cipher = AESGCM(key)
        self._hash = hashlib.sha256()
        self._waiting = bytearray()
        self._frames = 0
        self.size_bytes = 0
        # Buffered, because closing a buffered file waits for a write in another thread.
        self._file = open(path, "xb", opener=_private)  # noqa: SIM115  closed by finish and abort
        self._file.write(made_header(key, box, context))

    def write(self, plain: bytes | memoryview) -> None:
        self._hash.update(plain)
        self.size_bytes += len(plain)
        self._waiting += plain
        # A full frame waits until more comes: only then it is known not to be the last.
        while len(self._waiting) > FRAME_BYTES:
            self._emit(bytes(self._waiting[:FRAME_BYTES]), last=False)
            del self._waiting[:FRAME_BYTES]

    def finish(self) -> bytes:
        """Everything to the disk. Returns the SHA-256 of the plain bytes."""
        self._emit(bytes(self._waiting), last=True)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._hash.digest()

    def abort(self) -> None:
        """Leave nothing behind."""
        try:
            self._file.close()
        except OSError:
            pass  # Closing flushes, which fails on a full disk; the file goes all the same.
        finally:
            self._path.unlink(missing_ok=True)

    def _emit(self, plain: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._frames), plain, _place(self._context, self._frames, last=last))
        self._file.write(sealed)
        self._frames += 1


class FrameReader:
    """Reads ranges of one file; it holds no open file in between.

    Args:
        size_bytes: of the plain file, as it was when written.
    """

    def __init__(self, path: Path, box: SecretBox, context: str, size_bytes: int) -> None:
        self._path = path
        self._box = box
        self._context = context
        self._size_bytes = size_bytes
        self._cipher: AESGCM | None = None

    def read(self, start: int, end: int) -> bytes:
        """Plain bytes of a range that lies in the file.

        Raises:
            Damaged: altered, cut off, or sealed under a key that is missing. FileNotFoundError: it is gone.
        """
        first, last = start // FRAME_BYTES, max(0, end - 1) // FRAME_BYTES
        final = max(0, self._size_bytes - 1) // FRAME_BYTES
        plain = bytearray()
        with self._path.open("rb") as file:
            if self._cipher is None:
                self._cipher = AESGCM(opened_key(file.read(HEADER_BYTES), self._box, self._context).key)
            file.seek(HEADER_BYTES + first * SEALED_FRAME_BYTES)
            for index in range(first, last + 1):
                place = _place(self._context.encode(), index, last=index == final)
                try:
                    plain += self._cipher.decrypt(_nonce(index), file.read(SEALED_FRAME_BYTES), place)
                except InvalidTag:
                    raise Damaged from None
        offset = first * FRAME_BYTES
        return bytes(plain[start - offset : end - offset])


def sealed_size(size_bytes: int) -> int:
    """Bytes on disk of a file with `size_bytes` plain bytes."""
    frames = max(1, -(-size_bytes // FRAME_BYTES))
    return HEADER_BYTES + size_bytes + frames * TAG_BYTES


def _nonce(index: int) -> bytes:
    return index.to_bytes(NONCE_BYTES)


def _place(context: bytes, index: int, *, last: bool) -> bytes:
    return context + index.to_bytes(8) + bytes([last])


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

"""The header of a file: its own key, sealed by the installation's, and how that is sealed anew in place.

    magic, 8 bytes | slot, 120 bytes | 8 bytes, zero | slot, 120 bytes
    slot: length of the sealed key, 2 bytes; the sealed key; zeros

A new file has the first slot alone. Sealing anew writes the second slot, waits for the disk, and then writes the first:
whenever it is cut off, one of them opens.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mecum.kit.crypto import SecretBox, key_id_of
from mecum.kit.errors import StartError

MAGIC = b"MECUMB01"
HEADER_BYTES = 256
SLOT_BYTES = 120
SLOTS = (len(MAGIC), HEADER_BYTES - SLOT_BYTES)


class Damaged(Exception):
    """The file is not what was written, or sealed under a key that is missing."""


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """Args: key: the file's own; key_id: what it is sealed under; in_first: whether it came from the first slot."""

    key: bytes
    key_id: str
    in_first: bool


def made_header(key: bytes, box: SecretBox, context: str) -> bytes:
    """The header of a new file, under the newest key that is known."""
    return (MAGIC + _slot(box.seal(key, _bound(context)))).ljust(HEADER_BYTES, b"\0")


def opened_key(header: bytes, box: SecretBox, context: str) -> OpenedKey:
    """The file's own key. Raises Damaged."""
    if len(header) != HEADER_BYTES or not header.startswith(MAGIC):
        raise Damaged
    for at in SLOTS:
        sealed = header[at + 2 : at + 2 + int.from_bytes(header[at : at + 2])]
        try:
            return OpenedKey(box.open(sealed, _bound(context)), key_id_of(sealed), at == SLOTS[0])
        except StartError:
            continue  # The other slot decides.
    raise Damaged


def read_header(path: Path, box: SecretBox, context: str) -> OpenedKey:
    """Raises Damaged; FileNotFoundError when the file is gone."""
    with path.open("rb") as file:
        return opened_key(file.read(HEADER_BYTES), box, context)


def named_key(path: Path, box: SecretBox, context: str) -> str:
    """The id of the key that the file is sealed under, whether it is there or not; `?` for a damaged header.

    Raises FileNotFoundError when the file is gone.
    """
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    try:
        return opened_key(header, box, context).key_id
    except Damaged:
        at = SLOTS[0] + 2
        named = key_id_of(header[at : at + int.from_bytes(header[SLOTS[0] : at])])
        return named if header.startswith(MAGIC) and named.isalnum() else "?"


def reseal(path: Path, box: SecretBox, context: str, key_id: str) -> bool:
    """Seal the file's key under `key_id`, durably. False when it is already.

    Raises:
        Damaged: no key opens it. FileNotFoundError: it is gone.
    """
    found = read_header(path, box, context)
    if found.key_id == key_id and found.in_first:
        return False
    slot = _slot(box.seal(found.key, _bound(context), key_id))
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        for at in reversed(SLOTS):
            os.pwrite(descriptor, slot, at)
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


def _slot(sealed: bytes) -> bytes:
    assert len(sealed) <= SLOT_BYTES - 2
    return (len(sealed).to_bytes(2) + sealed).ljust(SLOT_BYTES, b"\0")


def _bound(context: str) -> str:
    return f"kit.blob:{context}"

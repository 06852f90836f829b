"""What the room's parts stand on: a subset of the kit, so that commands can use them without a whole house."""

from __future__ import annotations

import hashlib
import hmac
from typing import Protocol

from mecum.kit.bus import Bus
from mecum.kit.clock import Clock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import Database


class Ground(Protocol):
    @property
    def db(self) -> Database: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def secrets(self) -> SecretBox: ...

    @property
    def bus(self) -> Bus: ...

    @property
    def public_url(self) -> str: ...


def mac(key: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA-256 over `parts`, each with its length before it."""
    signed = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        signed.update(len(part).to_bytes(4))
        signed.update(part)
    return signed.digest()

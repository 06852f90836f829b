"""Secrets at rest: AES-256-GCM (NIST SP 800-38D) under keys from a file with mode 600, and hashes of bearer secrets.

The key file holds one key per line, `id base64`, the newest first. New secrets are sealed with the first key, old
ones are still opened with theirs; `mecum doctor --rotate-keys` adds a key and the rooms seal again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mecum.kit.errors import StartError

NONCE_BYTES = 12
KEY_BYTES = 32
KEYS_MAX = 16


class SecretBox:
    """Seals and opens small secrets.

    `context` (e.g. `models.provider:<id>`) is authenticated: a secret can't be moved elsewhere.
    """

    def __init__(self, keys: dict[str, bytes]) -> None:
        if not keys:
            raise StartError("crypto.no_key", "The key file holds no key.", "Restore it from your backup.")
        self._keys = keys
        self._newest = next(iter(keys))

    @classmethod
    def from_file(cls, path: Path) -> SecretBox:
        """Open the key file, made with a fresh key when it is missing.

        Raises:
            StartError: others may read the file, or it is damaged.
        """
        if not path.exists():
            _write_key_file(path, {secrets.token_hex(4): secrets.token_bytes(KEY_BYTES)})
        if path.stat().st_mode & 0o077:
            raise StartError("crypto.key_open", f"Others may read the key file {path}.", f"Run: chmod 600 {path}")
        return cls(_read_key_file(path))

    def seal(self, plain: bytes, context: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self._keys[self._newest]).encrypt(nonce, plain, context.encode())
        return self._newest.encode() + b"." + nonce + sealed

    def open(self, sealed: bytes, context: str) -> bytes:
        """The secret.

        Raises:
            StartError: sealed under a key that is not in the key file, or altered.
        """
        key_id, _, rest = sealed.partition(b".")
        key = self._keys.get(key_id.decode("ascii", "replace"))
        try:
            if key is None:
                raise InvalidTag
            return AESGCM(key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], context.encode())
        except InvalidTag:
            raise StartError(
                "crypto.wrong_key",
                "A stored secret can't be opened with the key file of this installation.",
                "Put the key file back that belongs to this database.",
            ) from None

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for `purpose`, stable as long as the oldest key of the file stays."""
        oldest = list(self._keys.values())[-1]
        return hmac.new(oldest, purpose.encode(), hashlib.sha256).digest()


def rotate(path: Path) -> str:
    """Put a fresh key first in the key file. Returns its id."""
    keys = _read_key_file(path)
    if len(keys) >= KEYS_MAX:
        raise StartError(
            "crypto.too_many_keys", f"The key file already holds {KEYS_MAX} keys.", "Seal again, then remove old keys."
        )
    new = secrets.token_hex(4)
    _write_key_file(path, {new: secrets.token_bytes(KEY_BYTES), **keys})
    return new


def hash_secret(secret: str) -> bytes:
    """SHA-256 of a bearer secret. Enough because ours carry 256 random bits; passwords take argon2id instead."""
    return hashlib.sha256(secret.encode()).digest()


def _read_key_file(path: Path) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for line in path.read_text().split("\n"):
        if not line.strip():
            continue
        key_id, _, encoded = line.partition(" ")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise StartError("crypto.key_damaged", f"The key file {path} is damaged.", "Restore it from your backup.")
        keys[key_id] = key
    return keys


def _write_key_file(path: Path, keys: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{key_id} {base64.b64encode(key).decode()}\n" for key_id, key in keys.items())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)

"""Secrets at rest: AES-256-GCM (NIST SP 800-38D) under keys from the key file, and hashes of bearer secrets.

A sealed secret names its key. New ones are sealed under the installation's key of the time (`mecum.kit.sealed` says
which), old ones are opened with theirs, until `mecum secrets rotate` has sealed them anew and takes their key away.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mecum.kit.errors import StartError
from mecum.kit.key_file import KEY_BYTES, Keys, make_key_file, read_keys

__all__ = ["KEY_BYTES", "NONCE_BYTES", "SecretBox", "hash_secret", "key_id_of"]

NONCE_BYTES = 12


class SecretBox:
    """Seals and opens small secrets.

    `context` (e.g. `models.provider:<id>`) is authenticated: a secret can't be moved elsewhere.

    Args:
        keys: key id to key, the newest first.
        root: what `derive` starts from; the oldest key where there is none.
        file: read again when a secret names a key that is not known yet: another process has put it there.
    """

    def __init__(self, keys: Mapping[str, bytes], root: bytes | None = None, file: Path | None = None) -> None:
        self._keys = dict(keys)
        self._newest = next(iter(keys))
        self._root = root if root is not None else list(keys.values())[-1]
        self._file = file

    @classmethod
    def from_file(cls, path: Path) -> SecretBox:
        """Open the key file, made with a fresh key when it is missing.

        Raises:
            StartError: others may read the file, or it is damaged.
        """
        if not path.exists():
            make_key_file(path)
        keys = read_keys(path)
        return cls(keys.sealing, keys.root, path)

    @property
    def newest(self) -> str:
        """The id of the newest key that is known."""
        return self._newest

    def knows(self, key_id: str) -> bool:
        """Whether there is such a key, in the file as it is now."""
        if key_id not in self._keys and self._file is not None:
            self._learn(read_keys(self._file))
        return key_id in self._keys

    def seal(self, plain: bytes, context: str, key_id: str | None = None) -> bytes:
        """`plain` under the key `key_id`, by default the newest that is known.

        Raises:
            StartError: there is no such key.
        """
        used = key_id or self._newest
        if not self.knows(used):
            raise wrong_key()
        nonce = os.urandom(NONCE_BYTES)
        return used.encode() + b"." + nonce + AESGCM(self._keys[used]).encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """The secret.

        Raises:
            StartError: sealed under a key that is not in the key file, or altered.
        """
        key_id = key_id_of(sealed)
        if not self.knows(key_id):
            raise wrong_key()
        rest = sealed[len(key_id) + 1 :]
        try:
            return AESGCM(self._keys[key_id]).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError):
            raise wrong_key() from None

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for `purpose`: the same for ever, whatever sealing keys come and go."""
        return hmac.new(self._root, purpose.encode(), hashlib.sha256).digest()

    def _learn(self, keys: Keys) -> None:
        """Known keys stay: what was read from the database a moment ago may still name them."""
        self._keys = {**keys.sealing, **self._keys}
        self._newest = keys.newest


def key_id_of(sealed: bytes) -> str:
    """The id of the key that a secret is sealed under."""
    return sealed.partition(b".")[0].decode("latin-1")


def wrong_key() -> StartError:
    return StartError(
        "crypto.wrong_key",
        "A stored secret can't be opened with the key file of this installation.",
        "Put the key file back that belongs to this database.",
    )


def hash_secret(secret: str) -> bytes:
    """SHA-256 of a bearer secret. Enough because ours carry 256 random bits; passwords take argon2id instead."""
    return hashlib.sha256(secret.encode()).digest()

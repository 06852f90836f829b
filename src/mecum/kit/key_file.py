"""The key file: what secrets are sealed under, and the root that other keys are derived from. Mode 600.

    a3f0c1d2 base64      sealing keys, the newest first
    9b1e4477 base64
    root base64          last; written since keys can be retired

A file that is older has no root of its own: its oldest sealing key is the root. The first rotation writes it down as
such, so that the sealing key can go and what was derived stays (recovery codes, the seal of the audit log).
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mecum.kit.errors import StartError

KEY_BYTES = 32
KEYS_MAX = 16
ROOT = "root"


@dataclass(frozen=True, slots=True)
class Keys:
    """Args: sealing: key id to key, the newest first; root: what `SecretBox.derive` starts from."""

    sealing: Mapping[str, bytes]
    root: bytes

    @property
    def newest(self) -> str:
        return next(iter(self.sealing))


def make_key_file(path: Path) -> None:
    """A key file with fresh keys, for a new installation. One that another process has made meanwhile stays."""
    keys = Keys({secrets.token_hex(4): secrets.token_bytes(KEY_BYTES)}, secrets.token_bytes(KEY_BYTES))
    with _written(path.with_suffix(f".{secrets.token_hex(4)}"), keys) as fresh, contextlib.suppress(FileExistsError):
        # A link, unlike a move, never takes the place of another file.
        path.hardlink_to(fresh)


def read_keys(path: Path) -> Keys:
    """The keys in the file.

    Raises:
        StartError: it is missing or damaged, or others may read it.
    """
    if not path.exists():
        hint = "Restore it from your backup: without it nothing that is sealed can be opened."
        raise StartError("crypto.key_missing", f"The key file {path} is missing.", hint, params={"file": str(path)})
    if path.stat().st_mode & 0o077:
        raise StartError("crypto.key_open", f"Others may read the key file {path}.", f"Run: chmod 600 {path}")
    lines = dict(_line(path, line) for line in path.read_text().split("\n") if line.strip())
    root = lines.pop(ROOT, None)
    if not lines:
        raise StartError("crypto.no_key", "The key file holds no key.", "Restore it from your backup.")
    return Keys(lines, root or list(lines.values())[-1])


def add_key(path: Path) -> str:
    """Put a fresh sealing key first. Returns its id.

    Raises:
        StartError: there are as many keys as may be, or the file can't be used.
    """
    keys = read_keys(path)
    if len(keys.sealing) >= KEYS_MAX:
        hint = "Find out with `mecum secrets list` what is still sealed under them."
        raise StartError("crypto.too_many_keys", f"The key file already holds {KEYS_MAX} keys.", hint)
    new = secrets.token_hex(4)
    _replace(path, Keys({new: secrets.token_bytes(KEY_BYTES), **keys.sealing}, keys.root))
    return new


def remove_keys(path: Path, gone: Collection[str]) -> None:
    """Take sealing keys out of the file: for good, and never the newest. The root stays."""
    keys = read_keys(path)
    left = {key_id: key for key_id, key in keys.sealing.items() if key_id not in gone or key_id == keys.newest}
    _replace(path, Keys(left, keys.root))


def _line(path: Path, line: str) -> tuple[str, bytes]:
    key_id, _, encoded = line.partition(" ")
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise StartError("crypto.key_damaged", f"The key file {path} is damaged.", "Restore it from your backup.")
    return key_id, key


def _replace(path: Path, keys: Keys) -> None:
    """All or nothing: whoever reads meanwhile, or after a crash, finds the old file or the new one."""
    with _written(path.with_suffix(".new"), keys) as fresh:
        fresh.replace(path)


@contextlib.contextmanager
def _written(fresh: Path, keys: Keys) -> Generator[Path]:
    """The file `fresh` with `keys`, whole and on the disk. Gone after the block; what was made of it stays."""
    fresh.parent.mkdir(parents=True, exist_ok=True)
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            # The root last: versions that know no root take the last key for it.
            for key_id, key in (*keys.sealing.items(), (ROOT, keys.root)):
                file.write(f"{key_id} {base64.b64encode(key).decode()}\n")
            file.flush()
            os.fsync(file.fileno())
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)
    folder = os.open(fresh.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

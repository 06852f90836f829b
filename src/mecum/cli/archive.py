"""The file that `mecum backup` writes: an uncompressed tar, because what is in it is compressed or encrypted already.

manifest.json    what it is: format, versions, when
database.dump    the database, PostgreSQL's custom format
blobs/...        files, encrypted as they are stored
keys             the key file
SHA256SUMS       of all before it, as `sha256sum --check` reads them
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from mecum.kit.errors import BadRequest, Conflict, Unavailable

FORMAT = 1
MANIFEST, KEYS, DUMP, SUMS = "manifest.json", "keys", "database.dump", "SHA256SUMS"
CHUNK_BYTES = 1 << 20
SMALL_BYTES_MAX = 256 * 2**20
_NAME = re.compile(r"manifest\.json|keys|database\.dump|SHA256SUMS|blobs(/[0-9a-z_-]{1,128}){1,3}")
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Args: mecum: the version that wrote it; migration: the newest one it knew; created_at: ISO 8601."""

    format: int
    mecum: str
    migration: str
    created_at: str


class Writer:
    """Writes a backup. Its files are hashed as they are read."""

    def __init__(self, target: IO[bytes], manifest: Manifest, progress: Progress) -> None:
        self._tar = tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._time = int(dt.datetime.fromisoformat(manifest.created_at).timestamp())
        self._progress = progress
        self._sums: list[str] = []
        self.done = 0
        self.files = 0
        self._put(MANIFEST, json.dumps(asdict(manifest), indent=2).encode())

    def add(self, name: str, path: Path) -> None:
        """Put a file in. One that has gone meanwhile was deleted by somebody, and is left out."""
        try:
            source = path.open("rb")
        except FileNotFoundError:
            return
        with source:
            entry = self._entry(name, os.fstat(source.fileno()).st_size)
            hashing = _Hashing(source, self._advance)
            self._tar.addfile(entry, hashing)
            self._sums.append(f"{hashing.digest}  {name}\n")
            self.files += 1

    def finish(self) -> None:
        self._put(SUMS, "".join(self._sums).encode())
        self._tar.close()

    def _put(self, name: str, content: bytes) -> None:
        self._tar.addfile(self._entry(name, len(content)), io.BytesIO(content))
        if name != SUMS:
            self._sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")

    def _entry(self, name: str, size: int) -> tarfile.TarInfo:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = size, 0o600, self._time
        return entry

    def _advance(self, count: int) -> None:
        self.done += count
        self._progress(self.done)


class _Hashing(io.RawIOBase):
    """A file that is hashed as it is read."""

    def __init__(self, source: IO[bytes], advance: Progress) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self._advance = advance

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def read(self, size: int = -1) -> bytes:
        chunk = self._source.read(size)
        self._hash.update(chunk)
        self._advance(len(chunk))
        return chunk


@contextmanager
def writing(file: Path, manifest: Manifest, progress: Progress, *, replace: bool) -> Generator[Writer]:
    """A writer of `file` (mode 600), which appears when it is complete and on the disk.

    Raises:
        Conflict: it is there, and `replace` is False. Unavailable: it can't be written.
    """
    if file.exists() and not replace:
        raise Conflict(
            "cli.file_exists",
            f"{file} is there already.",
            "Name another file, or say --force.",
            params={"file": str(file)},
        )
    part = file.with_name(f"{file.name}.part")
    with disk_errors(file):
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with open(descriptor, "wb") as target:
                writer = Writer(target, manifest, progress)
                yield writer
                writer.finish()
                target.flush()
                os.fsync(target.fileno())
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)


def unpack(file: Path, into: Path, progress: Progress) -> Manifest:
    """Take a backup apart into the folder `into`, and check every file of it.

    Raises:
        BadRequest: it is no backup, not complete, altered, or of a newer Mecum. Unavailable: the disk is full.
    """
    sums: dict[str, str] = {}
    manifest: Manifest | None = None
    listed = b""
    try:
        with disk_errors(into), file.open("rb") as source, tarfile.open(fileobj=source, mode="r:") as tar:
            for entry in tar:
                _require_known(file, entry)
                content = tar.extractfile(entry)
                assert content is not None
                if manifest is None:
                    manifest = _read_manifest(file, entry, content, sums)
                elif entry.name == SUMS:
                    listed = content.read(SMALL_BYTES_MAX)
                else:
                    sums[entry.name] = _copy(content, into / entry.name)
                progress(source.tell())
    except (tarfile.TarError, EOFError) as error:
        raise _damaged(file, str(error)) from error
    wanted = dict(_read_sums(listed))
    if manifest is None or sums != wanted:
        wrong = sorted(name for name in sums.keys() | wanted.keys() if sums.get(name) != wanted.get(name))
        raise _damaged(file, ", ".join(wrong[:5]) or "it is empty")
    return manifest


def _require_known(file: Path, entry: tarfile.TarInfo) -> None:
    """Only plain files with names of ours: nothing of a backup lands outside its folder."""
    if not entry.isreg() or not _NAME.fullmatch(entry.name):
        raise _damaged(file, f"{entry.name[:100]!r} does not belong there")


def _read_manifest(file: Path, entry: tarfile.TarInfo, content: IO[bytes], sums: dict[str, str]) -> Manifest:
    if entry.name != MANIFEST:
        raise _damaged(file, "it does not begin with its manifest")
    raw = content.read(CHUNK_BYTES)
    sums[MANIFEST] = hashlib.sha256(raw).hexdigest()
    try:
        found: dict[str, Any] = json.loads(raw)
        manifest = Manifest(**{name: found[name] for name in Manifest.__slots__})
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(file, "its manifest can't be read") from error
    if manifest.format != FORMAT:
        raise BadRequest(
            "cli.backup_newer",
            f"{file} was written by Mecum {manifest.mecum}, which this one can't read.",
            "Install that version or a newer one.",
            params={"file": str(file), "version": manifest.mecum},
        )
    return manifest


def _copy(content: IO[bytes], target: Path) -> str:
    """Returns: the SHA-256 of what was copied."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _read_sums(text: bytes) -> Iterator[tuple[str, str]]:
    for line in text.decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        yield name, digest


def _damaged(file: Path, reason: str) -> BadRequest:
    return BadRequest(
        "cli.backup_damaged",
        f"{file} is no complete backup of Mecum: {reason}.",
        "Nothing was changed. Take another copy of it.",
        params={"file": str(file), "reason": reason},
    )


@contextmanager
def disk_errors(place: Path) -> Generator[None]:
    """Words for what the disk says."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        if error.errno in _FULL:
            raise Unavailable(
                "cli.disk_full",
                f"The disk of {place} is full.",
                "Make room, then try again.",
                params={"file": str(place)},
            ) from error
        raise Unavailable(
            "cli.disk_refused",
            f"{error.filename or place}: {reason}.",
            "Check the path and its rights.",
            params={"file": str(error.filename or place), "reason": reason},
        ) from error

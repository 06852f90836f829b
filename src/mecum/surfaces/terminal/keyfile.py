"""The key of this terminal, in a file that nobody else can read.

The file holds `SERVER KEY` lines, one per server, or a key alone on a line, which is for any server:

    https://mecum.example.org mk_...
    http://localhost:8080 mk_...

A key that was made for one server is never sent to another.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mecum.kit.errors import BadRequest, Forbidden

KEY_PREFIX = "mk_"
LINES_MAX = 100
FILE_BYTES_MAX = 64 * 1024


def key_file(environment: Mapping[str, str]) -> Path:
    """`$MECUM_KEY_FILE`, or `mecum/key` in the folder for configuration (XDG base directory specification)."""
    named = environment.get("MECUM_KEY_FILE", "")
    if named:
        return Path(named).expanduser()
    config = environment.get("XDG_CONFIG_HOME", "")
    base = Path(config) if config.startswith("/") else Path(environment.get("HOME", "~")).expanduser() / ".config"
    return base / "mecum" / "key"


def find_key(file: Path, server: str) -> str | None:
    """The key for `server`, or None where the file has none.

    Raises:
        Forbidden: others may read the file. BadRequest: it is no file of keys.
    """
    lines = _read(file)
    for line in lines:
        where, _, key = line.partition(" ")
        if where == server and key.strip():
            return key.strip()
    return next((line for line in lines if line.startswith(KEY_PREFIX)), None)


def keep_key(file: Path, server: str, key: str) -> None:
    """Write the key for `server` into the file, which becomes readable for its owner alone. Other servers' keys stay.

    Raises:
        Forbidden, BadRequest: as `find_key`, or the file can't be written.
    """
    others = [line for line in _read(file) if line.partition(" ")[0] != server]
    fresh = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            target.write("".join(f"{line}\n" for line in (f"{server} {key}", *others)))
            target.flush()
            os.fsync(target.fileno())
        fresh.replace(file)
    except OSError as error:
        raise BadRequest(
            "terminal.key_not_kept",
            f"The key can't be written to {file} ({error.strerror}).",
            "Name another file in MECUM_KEY_FILE.",
            params={"file": str(file), "reason": error.strerror or type(error).__name__},
        ) from error


def _read(file: Path) -> list[str]:
    try:
        with file.open(encoding="utf-8") as source:
            if os.fstat(source.fileno()).st_mode & 0o077:
                raise Forbidden(
                    "terminal.key_open",
                    f"Others may read the key in {file}.",
                    f"Run: chmod 600 {file}",
                    params={"file": str(file)},
                )
            text = source.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, str(error)) from error
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(text) > FILE_BYTES_MAX or len(lines) > LINES_MAX or not all(KEY_PREFIX in line for line in lines):
        raise _unreadable(file, "it holds something else")
    return lines


def _unreadable(file: Path, reason: str) -> BadRequest:
    return BadRequest(
        "terminal.key_unreadable",
        f"{file} can't be read as a file of keys ({reason[:200]}).",
        "Move it away, then run: mecum chat --login",
        params={"file": str(file), "reason": reason[:200]},
    )

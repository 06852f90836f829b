"""`mecum backup`: everything in one file, while the server runs."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mecum import __version__
from mecum.cli.output import DATA, DataOption, JsonOption, Progress, make_app, say, size, words, write_json

if TYPE_CHECKING:
    from mecum.cli.archive import Manifest, Writer

backup = make_app()

BACKUP_LOCK = "backup.lock"
"""Held, shared, while a backup is written: no key is taken out of the key file."""


@backup.command()
def backup_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, e.g. mecum.tar.")],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Write everything into one file.

    The database as it is at one moment, files, and the key file, with SHA-256 of each: keep it as you keep a password.
    Models are not in it, because they can be fetched again. The server may run meanwhile.
    """
    from mecum.cli.archive import disk_errors, writing
    from mecum.cli.ground import database_url, require_installation
    from mecum.kit.dump import dump_database
    from mecum.kit.embedded_pg import DirectoryLock

    require_installation(data)
    keys_stay = DirectoryLock(data / BACKUP_LOCK, "mecum backup", shared=True)
    keys_stay.acquire(wait=True)
    target = file.expanduser().absolute()
    dump = target.with_name(f"{target.name}.dump")
    began = time.monotonic()
    progress = Progress(words("cli.backing_up"))
    try:
        with writing(target, _manifest(), progress, replace=force) as writer:
            try:
                with disk_errors(target), database_url(data, "mecum backup") as url:
                    dump_database(url, dump, progress=progress)
                _fill(writer, data, dump)
            finally:
                dump.unlink(missing_ok=True)
    finally:
        progress.end()
        keys_stay.release()
    written, seconds = target.stat().st_size, round(time.monotonic() - began, 1)
    if json:
        write_json({"file": str(target), "bytes": written, "files": writer.files, "seconds": seconds})
    else:
        say(words("cli.backed_up", file=str(target), size=size(written), seconds=seconds))


def _manifest() -> Manifest:
    from mecum.cli.archive import FORMAT, Manifest
    from mecum.kit.migrate import head

    return Manifest(FORMAT, __version__, head(), dt.datetime.now(dt.UTC).isoformat())


def _fill(writer: Writer, data: Path, dump: Path) -> None:
    """The database is older than the files: what was deleted in between is missing, and nothing else. The keys come
    last: a rotation may have begun meanwhile, while none takes a key away as long as a backup is written."""
    from mecum.cli.archive import DUMP, KEYS
    from mecum.cli.ground import KEY_FILE

    writer.add(DUMP, dump)
    blobs = data / "blobs"
    for path in sorted(blobs.rglob("*")):
        name = path.relative_to(blobs)
        if path.is_file() and name.parts[0] != "new":  # there lie files that are being written
            writer.add(f"blobs/{name.as_posix()}", path)
    writer.add(KEYS, data / KEY_FILE)

"""`mecum restore`: what `mecum backup` wrote, back in place."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mecum.cli.output import DATA, DataOption, JsonOption, Progress, make_app, say, words, write_json
from mecum.kit.errors import BadRequest, Conflict

if TYPE_CHECKING:
    from mecum.cli.archive import Manifest

restore = make_app()

STAGING = "restore.part"


@restore.command()
def restore_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `mecum backup` wrote.")],
    force: Annotated[
        bool, typer.Option("--force", help="Replace an installation that is there: database, files and keys.")
    ] = False,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Bring back what `mecum backup` wrote.

    Into an empty data directory, or over what is there with --force; the server must not run. Every file is checked
    before anything is changed. If it is interrupted, run it again.
    """
    from mecum.cli.archive import disk_errors, unpack
    from mecum.cli.up import LOCK_FILE
    from mecum.kit.embedded_pg import DirectoryLock, make_data_directory

    source = file.expanduser().absolute()
    if not source.is_file():
        raise BadRequest("cli.no_file", f"There is no file {source}.", params={"file": str(source)})
    make_data_directory(data)
    lock = DirectoryLock(data / LOCK_FILE, "mecum restore")
    lock.acquire()
    staging, began = data / STAGING, time.monotonic()
    progress = Progress(words("cli.checking_backup"), source.stat().st_size)
    try:
        _require_empty(data, force)
        with disk_errors(data):
            shutil.rmtree(staging, ignore_errors=True)  # of a restore that was interrupted
            staging.mkdir(mode=0o700)
        manifest = unpack(source, staging, progress)
        _require_known(source, manifest)
        progress.end()
        _put_in_place(staging, data, force)
    finally:
        progress.end()
        shutil.rmtree(staging, ignore_errors=True)
        lock.release()
    if json:
        seconds = round(time.monotonic() - began, 1)
        write_json({"data": str(data), "created_at": manifest.created_at, "mecum": manifest.mecum, "seconds": seconds})
    else:
        say(words("cli.restored", created_at=manifest.created_at[:16].replace("T", " "), data=str(data)))


def _require_empty(data: Path, force: bool) -> None:
    """Raises Conflict where something would be replaced that nobody said may be."""
    from mecum.cli.ground import KEY_FILE

    blobs = data / "blobs"
    there = [data / "pg", data / KEY_FILE, *(blobs.glob("??") if blobs.is_dir() else ())]
    if not force and any(path.exists() for path in there):
        raise _not_empty(str(data))


def _not_empty(place: str) -> Conflict:
    return Conflict(
        "cli.not_empty",
        f"There is an installation in {place} already.",
        "Name an empty directory with --data, or say --force to replace it.",
        params={"data": place},
    )


def _require_known(file: Path, manifest: Manifest) -> None:
    """Raises BadRequest for a database that this version could not read."""
    from mecum.kit.migrate import head

    if manifest.migration > head():
        raise BadRequest(
            "cli.backup_newer",
            f"{file} was written by Mecum {manifest.mecum}, which this one can't read.",
            "Install that version or a newer one.",
            params={"file": str(file), "version": manifest.mecum},
        )


def _put_in_place(staging: Path, data: Path, force: bool) -> None:
    """Files first, which harm nobody; the database in one transaction; right after it the key of its secrets."""
    from mecum.cli.archive import DUMP, KEYS, disk_errors
    from mecum.cli.ground import KEY_FILE, database_url
    from mecum.kit.dump import holds_data, in_use, is_in_use, restore_database

    own = bool(os.environ.get("MECUM_DATABASE_URL"))
    progress = Progress(words("cli.restoring_database"))
    with database_url(data, "mecum restore") as url:
        if own and not force and holds_data(url):
            raise _not_empty("MECUM_DATABASE_URL")
        if own and is_in_use(url):
            raise in_use()  # by a server on another machine, or with another data directory: its lock says nothing here
        with disk_errors(data):
            _merge(staging / "blobs", data / "blobs")
        restore_database(url, staging / DUMP, drop_others=not own, progress=progress)
    progress.end()
    with disk_errors(data):
        (staging / KEYS).replace(data / KEY_FILE)
        descriptor = os.open(data, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _merge(source: Path, target: Path) -> None:
    """Names of blobs come from their content and the key: those of another installation never meet."""
    target.mkdir(mode=0o700, exist_ok=True)
    for path in source.rglob("*") if source.is_dir() else ():
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.replace(place)

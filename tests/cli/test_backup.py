"""`mecum backup` and `mecum restore`: all or nothing, checked before anything changes."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import tarfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mecum.cli.archive import disk_errors, unpack
from mecum.cli.up import LOCK_FILE
from mecum.kit.db import Database
from mecum.kit.embedded_pg import DirectoryLock, EmbeddedPostgres
from mecum.kit.errors import BadRequest, Unavailable
from tests.cli.conftest import OWNER, Mecum
from tests.support.data_directory import open_folder

BLOB = "blobs/ab/abcdef0123"


@pytest.fixture
def folder() -> Generator[Path]:
    with open_folder() as made:
        yield made


@pytest.fixture
def backup(owner: str, data: Path, mecum: Mecum, tmp_path: Path) -> Path:
    """A backup of an installation with an owner and a file."""
    (data / BLOB).parent.mkdir(parents=True)
    (data / BLOB).write_bytes(b"sealed")
    (data / "blobs" / "new").mkdir()
    (data / "blobs" / "new" / "half").write_bytes(b"being written")
    assert mecum("backup", str(tmp_path / "mecum.tar")).code == 0
    return tmp_path / "mecum.tar"


def test_a_backup_of_a_running_installation_comes_back_in_another_directory(
    mecum: Mecum, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MECUM_DATABASE_URL", raising=False)
    old, new, file = str(folder / "old"), str(folder / "new"), str(folder / "mecum.tar")
    assert mecum("people", "add", OWNER, "--role", "owner", "--data", old).code == 0
    key = mecum("keys", "add", "--person", OWNER, "--name", "laptop", "--data", old).out
    with EmbeddedPostgres(folder / "old", purpose="mecum up"):
        done = mecum("backup", file, "--data", old, "--json")
    assert done.code == 0 and done.json["files"] == 2 and done.json["bytes"] == Path(file).stat().st_size
    assert Path(file).stat().st_mode & 0o777 == 0o600
    assert mecum("restore", file, "--data", new).err.endswith(f"is back in {new}. Start it: mecum up\n")
    (found,) = mecum("keys", "list", "--json", "--data", new).json
    assert (
        key.startswith(found["prefix"])
        and (folder / "new" / "keys").read_bytes() == (folder / "old" / "keys").read_bytes()
    )
    assert not (folder / "new" / "restore.part").exists()


def test_it_holds_files_and_keys_with_their_sums(backup: Path, data: Path) -> None:
    with tarfile.open(backup) as tar:
        assert tar.getnames() == ["manifest.json", "database.dump", BLOB, "keys", "SHA256SUMS"]
        assert {entry.mode for entry in tar} == {0o600}
        keys = tar.extractfile("keys")
        assert keys is not None and keys.read() == (data / "keys").read_bytes()
    assert sorted(path.name for path in backup.parent.iterdir()) == ["mecum.tar"]


def test_a_file_that_is_there_is_not_replaced_unless_asked(backup: Path, mecum: Mecum) -> None:
    before = backup.read_bytes()
    assert mecum("backup", str(backup)).code == 1
    assert backup.read_bytes() == before
    assert mecum("backup", str(backup), "--force").code == 0


def test_an_installation_is_not_replaced_unless_asked(backup: Path, data: Path, mecum: Mecum) -> None:
    mecum("people", "add", "bob@example.org")
    (data / BLOB).unlink()
    done = mecum("restore", str(backup))
    assert (done.code, done.err.splitlines()[0]) == (1, f"mecum: There is an installation in {data} already.")
    assert mecum("restore", str(backup), "--force").code == 0
    assert [person["email"] for person in mecum("people", "list", "--json").json] == [OWNER]
    assert (data / BLOB).read_bytes() == b"sealed"


def test_a_database_of_ones_own_that_is_not_empty_is_not_replaced(
    backup: Path, data: Path, mecum: Mecum, tmp_path: Path
) -> None:
    done = mecum("restore", str(backup), "--data", str(tmp_path / "elsewhere"))
    assert done.code == 1 and "MECUM_DATABASE_URL" in done.err


def test_nothing_is_restored_while_the_server_runs(backup: Path, data: Path, mecum: Mecum) -> None:
    lock = DirectoryLock(data / LOCK_FILE, "mecum up")
    lock.acquire()
    done = mecum("restore", str(backup), "--force")
    lock.release()
    assert done.code == 78 and f"in use by `mecum up` (process {os.getpid()})" in done.err


def test_nothing_is_restored_into_a_database_that_a_server_elsewhere_works_on(
    backup: Path, data: Path, database_url: str, mecum: Mecum
) -> None:
    (data / BLOB).unlink()
    with serving_elsewhere(database_url):
        done = mecum("restore", str(backup), "--force")
    assert done.code == 1 and "Stop Mecum" in done.err
    assert not (data / BLOB).exists()
    assert mecum("restore", str(backup), "--force").code == 0


@contextmanager
def serving_elsewhere(url: str) -> Generator[None]:
    """A pool as every server has, with a connection that rests."""
    database, loop = Database(url), asyncio.new_event_loop()

    async def used() -> None:
        async with database.transaction() as connection:
            await connection.exec_driver_sql("SELECT 1")

    loop.run_until_complete(used())
    yield
    loop.run_until_complete(database.close())
    loop.close()


def test_a_backup_that_can_not_be_written_leaves_nothing(owner: str, mecum: Mecum, tmp_path: Path) -> None:
    done = mecum("backup", str(tmp_path / "no" / "mecum.tar"))
    assert done.code == 1 and "No such file or directory" in done.err
    assert mecum("backup", "/dev/full/x").code == 1
    assert not list(tmp_path.iterdir())


def _cut(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def _alter(raw: bytes) -> bytes:
    return raw.replace(b"sealed", b"forged")


def _not_a_tar(raw: bytes) -> bytes:
    return b"hello" * 1000


def _newer(raw: bytes) -> bytes:
    return raw.replace(b'"format": 1', b'"format": 9')


def _escape(raw: bytes) -> bytes:
    return raw.replace(BLOB.encode().ljust(len(BLOB)), b"blobs/../../evil01"[: len(BLOB)].ljust(len(BLOB), b"x"))


@pytest.mark.parametrize("harm", [_cut, _alter, _not_a_tar, _newer, _escape])
def test_a_damaged_backup_changes_nothing(
    backup: Path, data: Path, mecum: Mecum, harm: Callable[[bytes], bytes]
) -> None:
    mecum("people", "add", "bob@example.org")
    backup.write_bytes(harm(backup.read_bytes()))
    done = mecum("restore", str(backup), "--force")
    assert done.code == 1 and done.err.startswith(f"mecum: {backup} ")
    assert len(mecum("people", "list", "--json").json) == 2
    assert (data / BLOB).read_bytes() == b"sealed" and not (data / "restore.part").exists()


def test_links_and_devices_in_an_archive_are_refused(tmp_path: Path) -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        entry = tarfile.TarInfo("keys")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    (tmp_path / "bad.tar").write_bytes(raw.getvalue())
    with pytest.raises(BadRequest):
        unpack(tmp_path / "bad.tar", tmp_path, lambda _: None)


def test_a_full_disk_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="Make room"), disk_errors(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_missing_file_is_said(mecum: Mecum, tmp_path: Path) -> None:
    assert mecum("restore", str(tmp_path / "none.tar"), "--data", str(tmp_path / "data")).code == 1
    assert not (tmp_path / "data").exists()

"""Files: kept encrypted, read in ranges, owned by a room and a space, limited, and swept."""

from __future__ import annotations

import asyncio
import datetime as dt
import errno
import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecum.kit.blobs import BlobRef, Blobs
from mecum.kit.blobs.frames import FRAME_BYTES, Damaged, FrameReader, FrameWriter, sealed_size
from mecum.kit.blobs.local import FileBlobs
from mecum.kit.clock import ManualClock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import Database
from mecum.kit.errors import MecumError, NotFound, TooLarge, Unavailable
from mecum.kit.types import OrganisationId, SpaceId

LIMIT = 2_000_000
QUOTA = 5_000_000
SPACE, OTHER = SpaceId(uuid4()), SpaceId(uuid4())
HOME = OrganisationId(uuid4())


@pytest.fixture
def box() -> SecretBox:
    return SecretBox({"k1": secrets.token_bytes(32)})


@pytest.fixture
def blobs(tmp_path: Path, database: Database, box: SecretBox, clock: ManualClock) -> FileBlobs:
    return FileBlobs(tmp_path, database, box, clock, limit_bytes=LIMIT, quota_bytes=QUOTA)


async def put(blobs: Blobs, content: bytes, *, room: str = "assistant", space: SpaceId = SPACE) -> BlobRef:
    return await blobs.put(room, space, HOME, content, "text/plain")


async def read(blobs: Blobs, ref: BlobRef, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in await blobs.open(ref.id, "assistant", SPACE, start, end)])


def files(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "blobs").rglob("*") if path.is_file())


async def release(blobs: Blobs, database: Database, ref: BlobRef) -> None:
    async with database.transaction() as connection:
        await blobs.release(connection, ref.id)


async def test_a_stored_file_comes_back_as_it_was(blobs: FileBlobs) -> None:
    content = secrets.token_bytes(700_000)
    ref = await put(blobs, content)
    assert (ref.size_bytes, ref.media_type) == (700_000, "text/plain")
    assert ref.sha256 == hashlib.sha256(content).hexdigest()
    assert await read(blobs, ref) == content
    assert await blobs.stat(ref.id, "assistant", SPACE) == ref
    assert await blobs.read(ref.id, "assistant", SPACE) == content


async def test_a_file_may_come_in_pieces_of_any_size(blobs: FileBlobs) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for size in (0, 1, 65_535, 65_536, 131_073, 700_000):
            yield b"x" * size

    ref = await blobs.put("assistant", SPACE, HOME, pieces(), "image/png; charset=binary")
    assert (ref.size_bytes, ref.media_type) == (962_145, "image/png")
    assert await read(blobs, ref) == b"x" * 962_145


async def test_an_empty_file_is_a_file(blobs: FileBlobs) -> None:
    ref = await put(blobs, b"")
    assert ref.size_bytes == 0
    assert await read(blobs, ref) == b""


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, 1),
        (65_535, 65_537),
        (65_536, 131_072),
        (100_000, None),
        (299_999, 300_000),
        (0, 9**9),
        (300_000, None),
        (5, 5),
    ],
)
async def test_a_range_is_what_was_asked_for(blobs: FileBlobs, start: int, end: int | None) -> None:
    content = secrets.token_bytes(300_000)
    ref = await put(blobs, content)
    assert await read(blobs, ref, start, end) == content[start:end]


async def test_a_file_can_not_be_read_on_the_disk_nor_told_by_its_name(blobs: FileBlobs, tmp_path: Path) -> None:
    content = b"my most private words " * 10_000
    ref = await put(blobs, content)
    (path,) = files(tmp_path)
    assert b"private" not in path.read_bytes()
    assert ref.sha256[:16] not in str(path)
    assert path.stat().st_mode & 0o077 == 0
    assert path.stat().st_size == sealed_size(len(content))


@pytest.mark.parametrize(("room", "space"), [("studio", SPACE), ("assistant", OTHER)])
async def test_another_room_or_space_does_not_see_a_file(blobs: FileBlobs, room: str, space: SpaceId) -> None:
    ref = await put(blobs, b"secret")
    with pytest.raises(NotFound):
        await blobs.open(ref.id, room, space)
    with pytest.raises(NotFound):
        await blobs.stat(ref.id, room, space)
    with pytest.raises(NotFound):
        await blobs.stat(uuid4(), "assistant", SPACE)


async def test_the_same_bytes_are_kept_once_per_room_and_space(blobs: FileBlobs, tmp_path: Path) -> None:
    one, two = await put(blobs, b"same"), await put(blobs, b"same")
    assert one.id != two.id
    assert len(files(tmp_path)) == 1
    assert await blobs.used_bytes(SPACE) == 4
    await put(blobs, b"same", space=OTHER)
    await put(blobs, b"same", room="studio")
    assert len(files(tmp_path)) == 3


async def test_a_released_file_is_gone_at_once_and_its_bytes_after_the_sweep(
    blobs: FileBlobs, database: Database, tmp_path: Path
) -> None:
    ref = await put(blobs, b"bytes")
    await release(blobs, database, ref)
    await release(blobs, database, ref)
    with pytest.raises(NotFound):
        await read(blobs, ref)
    await blobs.sweep()
    assert files(tmp_path) == []
    assert await blobs.used_bytes(SPACE) == 0


async def test_a_file_that_another_blob_shares_survives_the_sweep(blobs: FileBlobs, database: Database) -> None:
    one, two = await put(blobs, b"same"), await put(blobs, b"same")
    await release(blobs, database, one)
    await blobs.sweep()
    assert await read(blobs, two) == b"same"


async def test_a_release_that_is_rolled_back_has_not_happened(blobs: FileBlobs, database: Database) -> None:
    ref = await put(blobs, b"bytes")
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await blobs.release(connection, ref.id)
            raise RuntimeError
    await blobs.sweep()
    assert await read(blobs, ref) == b"bytes"


async def test_an_expired_file_is_gone_and_a_kept_one_stays(
    blobs: FileBlobs, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    soon = clock.now() + dt.timedelta(hours=1)
    lost = await blobs.put("assistant", SPACE, HOME, b"lost", "text/plain", expires_at=soon)
    kept = await blobs.put("assistant", SPACE, HOME, b"kept", "text/plain", expires_at=soon)
    async with database.transaction() as connection:
        await blobs.keep(connection, kept.id)
    clock.advance(3601)
    with pytest.raises(NotFound):
        await blobs.stat(lost.id, "assistant", SPACE)
    async with database.transaction() as connection:
        with pytest.raises(NotFound):
            await blobs.keep(connection, lost.id)
    await blobs.sweep()
    assert await read(blobs, kept) == b"kept"
    assert len(files(tmp_path)) == 1


async def test_all_files_of_a_room_in_a_space_are_released_at_once(blobs: FileBlobs, database: Database) -> None:
    mine = [await put(blobs, b"a"), await put(blobs, b"b")]
    other = await put(blobs, b"a", space=OTHER)
    async with database.transaction() as connection:
        assert await blobs.release_space(connection, "assistant", SPACE) == 2
    await blobs.sweep()
    with pytest.raises(NotFound):
        await read(blobs, mine[0])
    assert await blobs.stat(other.id, "assistant", OTHER) == other


async def test_a_file_over_the_limit_is_refused_and_leaves_nothing(blobs: FileBlobs, tmp_path: Path) -> None:
    with pytest.raises(TooLarge) as caught:
        await put(blobs, bytes(LIMIT + 1))
    assert (caught.value.code, caught.value.params) == ("blob_too_large", {"limit_bytes": LIMIT})
    with pytest.raises(TooLarge) as caught:
        await blobs.put("assistant", SPACE, HOME, b"12345", "text/plain", 4)
    assert caught.value.params == {"limit_bytes": 4}
    assert files(tmp_path) == []


async def test_a_stream_without_end_is_cut_off(blobs: FileBlobs, tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(100_000)

    with pytest.raises(TooLarge):
        await blobs.put("assistant", SPACE, HOME, endless(), "text/plain")
    assert files(tmp_path) == []


async def test_a_space_has_a_quota_of_its_own(blobs: FileBlobs, database: Database) -> None:
    first = await put(blobs, secrets.token_bytes(LIMIT))
    await put(blobs, secrets.token_bytes(LIMIT))
    with pytest.raises(TooLarge) as caught:
        await put(blobs, secrets.token_bytes(LIMIT))
    assert caught.value.code == "blob_quota"
    await put(blobs, secrets.token_bytes(LIMIT), space=OTHER)
    await release(blobs, database, first)
    await put(blobs, secrets.token_bytes(LIMIT))


async def test_two_uploads_at_once_do_not_overrun_the_quota(blobs: FileBlobs) -> None:
    results = await asyncio.gather(*(put(blobs, secrets.token_bytes(LIMIT)) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(result, TooLarge) for result in results) == 2
    assert await blobs.used_bytes(SPACE) == 2 * LIMIT


async def test_an_upload_that_breaks_off_leaves_nothing(blobs: FileBlobs, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(1_500_000)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await blobs.put("assistant", SPACE, HOME, broken(), "text/plain")
    assert files(tmp_path) == []


async def test_a_full_disk_is_a_clear_error(blobs: FileBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable) as caught:
        await put(blobs, b"bytes")
    assert caught.value.code == "disk_full"
    assert files(tmp_path) == []


async def test_a_disk_that_fails_while_the_row_is_written_is_not_taken_for_the_database(
    blobs: FileBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Path, target: Path) -> Path:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(Unavailable) as caught:
        await put(blobs, b"bytes")
    assert caught.value.code == "disk_failed"
    assert files(tmp_path) == []


async def test_what_a_crash_left_is_swept_and_nothing_else(
    blobs: FileBlobs, tmp_path: Path, clock: ManualClock
) -> None:
    ref = await put(blobs, b"bytes")
    orphan = tmp_path / "blobs" / "ab" / ("ab" + "0" * 62)
    fresh = tmp_path / "blobs" / "ab" / ("ab" + "1" * 62)
    unfinished = tmp_path / "blobs" / "new" / "unfinished"
    writing = tmp_path / "blobs" / "new" / "writing"
    orphan.parent.mkdir(exist_ok=True)
    hours = {orphan: 2, fresh: 0, unfinished: 25, writing: 23, files(tmp_path)[0]: 100}
    for path, age in hours.items():
        path.touch()
        os.utime(path, times=(0, clock.now().timestamp() - age * 3600))
    await blobs.sweep_orphans()
    assert not orphan.exists() and not unfinished.exists()
    assert fresh.exists() and writing.exists()
    assert await read(blobs, ref) == b"bytes"


@pytest.mark.parametrize("harm", ["flip", "cut", "swap", "foreign", "header", "missing"])
async def test_a_damaged_file_is_an_error_and_never_other_bytes(
    blobs: FileBlobs, tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    ref = await put(blobs, secrets.token_bytes(3 * FRAME_BYTES))
    (path,) = files(tmp_path)
    await put(blobs, secrets.token_bytes(3 * FRAME_BYTES), space=OTHER)
    whole = bytearray(path.read_bytes())
    frame, first = FRAME_BYTES + 16, 256
    match harm:
        case "flip":
            whole[first + 5] ^= 1
        case "cut":
            del whole[first + 2 * frame :]
        case "swap":
            one, two = whole[first : first + frame], whole[first + frame : first + 2 * frame]
            whole[first : first + 2 * frame] = two + one
        case "foreign":
            (stranger,) = (other for other in files(tmp_path) if other != path)
            whole = bytearray(stranger.read_bytes())
        case "header":
            whole[:8] = b"NOTMECUM"
        case _:
            path.unlink()
    if harm != "missing":
        path.write_bytes(whole)
    with pytest.raises(MecumError) as caught:
        await read(blobs, ref)
    assert caught.value.code == ("blob_not_found" if harm == "missing" else "blob_damaged")


async def test_files_are_read_after_a_new_key_came(
    tmp_path: Path, database: Database, clock: ManualClock, box: SecretBox
) -> None:
    old = {"k1": secrets.token_bytes(32)}
    before = FileBlobs(tmp_path, database, SecretBox(old), clock, limit_bytes=LIMIT, quota_bytes=QUOTA)
    ref = await put(before, b"bytes")
    rotated = SecretBox({"k2": secrets.token_bytes(32), **old})
    after = FileBlobs(tmp_path, database, rotated, clock, limit_bytes=LIMIT, quota_bytes=QUOTA)
    assert await read(after, ref) == b"bytes"
    foreign = FileBlobs(tmp_path, database, box, clock, limit_bytes=LIMIT, quota_bytes=QUOTA)
    with pytest.raises(Unavailable):
        await read(foreign, ref)


async def test_a_media_type_that_is_none_becomes_bytes_of_unknown_kind(blobs: FileBlobs) -> None:
    ref = await blobs.put("assistant", SPACE, HOME, b"x", "text/<script>\r\nx: y")
    assert ref.media_type == "application/octet-stream"


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(0, 3 * FRAME_BYTES + 2))
def test_any_range_of_any_length_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, size: int
) -> None:
    content = (bytes(range(256)) * (size // 256 + 1))[:size]
    path = tmp_path_factory.mktemp("frames") / UUID(int=size).hex
    box = SecretBox({"k": b"k" * 32})
    writer = FrameWriter(path, box, "room:space")
    cut = data.draw(st.integers(0, size))
    writer.write(content[:cut])
    writer.write(content[cut:])
    assert writer.finish() == hashlib.sha256(content).digest()
    assert path.stat().st_size == sealed_size(size)
    start = data.draw(st.integers(0, size))
    end = data.draw(st.integers(start, size))
    reader = FrameReader(path, box, "room:space", size)
    if end > start:
        assert reader.read(start, end) == content[start:end]
        with pytest.raises(Damaged):
            FrameReader(path, box, "room:space", size + FRAME_BYTES).read(0, size + FRAME_BYTES)

"""Keys are rotated: everything is sealed anew, at any moment everything can be opened, and old keys can go."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from mecum.kit.blobs import header
from mecum.kit.clock import ManualClock
from mecum.kit.crypto import SecretBox, key_id_of
from mecum.kit.db import Database
from mecum.kit.errors import StartError
from mecum.kit.key_file import add_key, read_keys
from mecum.kit.mail import SEALED, mail_queue
from mecum.kit.sealed import BATCH, require_key_file
from tests.support.sealing import FILES, MAILS, SPACE, Installation


@pytest.fixture
def there(tmp_path: Path, database: Database, clock: ManualClock) -> Installation:
    return Installation(tmp_path, database, clock)


async def test_what_is_sealed_under_three_keys_is_sealed_under_the_newest_alone(there: Installation) -> None:
    first = there.server.newest
    await there.fill()
    second = await there.new_key()
    await there.fill()
    third = await there.new_key()
    await there.fill()
    census = await there.rotation().census()
    assert census.total == {third: MAILS + FILES, second: MAILS + FILES, first: MAILS + FILES} and census.unfinished
    async for _ in there.rotation().reseal(third):
        await there.require_all_open()
    after = await there.rotation().census()
    assert after.total == {third: 3 * (MAILS + FILES), second: 0, first: 0}
    assert there.rotation().retire(after) == (second, first)
    assert tuple(read_keys(there.file).sealing) == (third,)
    await there.require_all_open()


async def test_an_old_key_file_opens_nothing_after_a_rotation(there: Installation, tmp_path: Path) -> None:
    await there.fill()
    stolen = SecretBox(read_keys(there.file).sealing)
    await there.rotate()
    async with there.db.transaction() as connection:
        rows = (await connection.execute(select(mail_queue))).all()
    for row in rows:
        with pytest.raises(StartError):
            SEALED.open(stolen, row.id, row.sealed)
    for path in (tmp_path / "blobs").glob("??/*"):
        assert not any(key_id.encode() in path.read_bytes()[:256] for key_id in stolen._keys)  # pyright: ignore[reportPrivateUsage]


async def test_what_was_derived_stays_when_keys_go(there: Installation) -> None:
    there.file.write_text(there.file.read_text().split("root ")[0])
    before = SecretBox.from_file(there.file)
    oldest = list(read_keys(there.file).sealing.values())[-1]
    derived = before.derive("people.audit")
    assert derived == SecretBox({"old": oldest}).derive("people.audit"), "a file of before has no root of its own"
    await there.rotate()
    assert oldest not in read_keys(there.file).sealing.values()
    assert SecretBox.from_file(there.file).derive("people.audit") == derived
    await there.rotate()
    assert SecretBox.from_file(there.file).derive("people.audit") == derived


async def test_a_rotation_cut_off_before_the_database_knows_goes_on_with_its_key(there: Installation) -> None:
    await there.fill()
    added = add_key(there.file)
    await there.mail()
    assert (await there.rotation().census()).total[added] == 0, "the database names the key, not the file"
    await there.rotate()
    assert tuple(read_keys(there.file).sealing) == (added,)
    await there.require_all_open()


async def test_a_rotation_cut_off_between_two_steps_goes_on_with_its_key(there: Installation) -> None:
    await there.fill()
    rotation = there.rotation()
    key = await rotation.begin(await rotation.census())
    async for _ in rotation.reseal(key):
        break
    census = await there.rotation().census()
    assert census.total[key] == BATCH and census.unfinished
    await there.require_all_open()
    after, _ = await there.rotate()
    assert read_keys(there.file).newest == key and not after.unfinished
    await there.require_all_open()


@pytest.mark.parametrize("cut", [1, 2])
async def test_a_file_whose_header_was_half_written_is_read_and_mended(
    there: Installation, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    await there.store(b"bytes", b"bytes")
    rotation, real, written = there.rotation(), os.pwrite, 0
    key = await rotation.begin(await rotation.census())

    def torn(descriptor: int, content: bytes, at: int) -> int:
        nonlocal written
        written += 1
        if written == cut:
            real(descriptor, content[:30], at)
            raise OSError("the power went")
        return real(descriptor, content, at)

    monkeypatch.setattr("os.pwrite", torn)
    with pytest.raises(OSError, match="the power went"):
        async for _ in rotation.reseal(key):
            pass
    monkeypatch.undo()
    await there.require_all_open()
    _, removed = await there.rotate()
    (newest,) = read_keys(there.file).sealing
    (path,) = (there.data / "blobs").glob("??/*")
    found = header.read_header(path, there.server, f"assistant:{SPACE}")
    assert found.in_first and found.key_id == newest and removed
    await there.require_all_open()


async def test_a_finished_rotation_is_followed_by_one_with_another_key(there: Installation) -> None:
    await there.fill()
    after, removed = await there.rotate()
    first = read_keys(there.file).newest
    assert len(removed) == 1 and not after.unfinished
    _, removed = await there.rotate()
    assert removed == (first,) and first not in read_keys(there.file).sealing


async def test_a_running_server_seals_under_the_new_key_at_once(there: Installation) -> None:
    old = there.server.newest
    key = await there.new_key()
    assert there.server.newest == old, "it has not read the key file again yet"
    mail = await there.mail()
    ref = await there.store(b"x", b"x")
    async with there.db.transaction() as connection:
        sealed = (await connection.execute(select(mail_queue.c.sealed).where(mail_queue.c.id == mail))).scalar_one()
    assert key_id_of(sealed) == key and (await there.rotation().census()).total == {key: 2, old: 0}
    assert await there.blobs(SecretBox.from_file(there.file)).read(ref.id, "assistant", SPACE) == b"x"


async def test_a_rotation_waits_for_those_who_seal_right_now(there: Installation) -> None:
    rotation = there.rotation()
    census = await rotation.census()
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    async with there.db.transaction() as connection:
        await there.mail(connection)
        beginning = asyncio.create_task(rotation.begin(census))
        waits = 0
        while not waits:
            async with there.db.transaction() as watching:
                waits = (await watching.execute(waiting)).scalar_one()
        assert not beginning.done()
    key = await beginning
    async for _ in rotation.reseal(key):
        pass
    assert (await rotation.census()).total == {key: 1, census.sealing: 0}


async def test_a_file_that_arrives_during_a_rotation_is_under_the_new_key(there: Installation) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        yield b"half"
        begun.set()
        await go_on.wait()
        yield b"half"

    storing = asyncio.create_task(there.store(content(), b"halfhalf"))
    await begun.wait()
    _, removed = await there.rotate()
    assert removed
    go_on.set()
    await storing
    assert set((await there.rotation().census()).total) == {read_keys(there.file).newest}
    await there.require_all_open()


async def test_a_file_that_a_crash_left_under_a_retired_key_is_replaced(there: Installation, tmp_path: Path) -> None:
    await there.store(b"content", b"content")
    async with there.db.transaction() as connection:
        await connection.execute(text("DELETE FROM kit.blob"))
    there.refs.clear()
    await there.rotate()
    there.server = SecretBox.from_file(there.file)
    await there.store(b"content", b"content")
    await there.require_all_open()
    assert len(list((tmp_path / "blobs").glob("??/*"))) == 1


async def test_the_key_file_of_another_installation_is_refused_and_nothing_changes(there: Installation) -> None:
    await there.fill()
    await require_key_file(there.db, there.server)
    own = there.file.read_bytes()
    there.file.unlink()
    foreign = SecretBox.from_file(there.file)
    before = there.file.read_bytes()
    with pytest.raises(StartError) as refused:
        await require_key_file(there.db, foreign)
    assert refused.value.code == "crypto.foreign_key_file"
    rotation = there.rotation()
    with pytest.raises(StartError) as refused:
        await rotation.begin(await rotation.census())
    assert (refused.value.code, refused.value.params["count"]) == ("crypto.keys_lost", MAILS + FILES)
    assert there.file.read_bytes() == before
    there.file.write_bytes(own)
    await there.require_all_open()


async def test_secrets_whose_key_is_lost_are_left_alone_when_asked(there: Installation) -> None:
    await there.mail()
    there.file.unlink()
    there.server = SecretBox.from_file(there.file)
    there.mails.clear()
    survivor = await there.mail()
    rotation = there.rotation()
    key = await rotation.begin(await rotation.census(), leave_lost=True)
    steps = [step async for _, step in rotation.reseal(key)]
    assert (sum(step.anew for step in steps), sum(step.stuck for step in steps)) == (1, 1)
    async with there.db.transaction() as connection:
        sealed = await connection.execute(select(mail_queue.c.sealed).where(mail_queue.c.id == survivor))
        assert key_id_of(sealed.scalar_one()) == key


async def test_the_key_of_a_secret_that_was_altered_stays_until_it_is_given_up(there: Installation) -> None:
    old = there.server.newest
    await there.mail()
    async with there.db.transaction() as connection:
        await connection.execute(text("UPDATE kit.mail_queue SET sealed = sealed || 'x'::bytea"))
    after, removed = await there.rotate()
    assert removed == () and after.old == {old: 1}
    rotation = there.rotation()
    assert rotation.retire(await rotation.census(), given_up=1) == (old,)


async def test_a_key_file_that_can_not_be_read_by_others_stays_so(there: Installation) -> None:
    await there.rotate()
    assert there.file.stat().st_mode & 0o777 == 0o600
    there.file.chmod(0o640)
    with pytest.raises(StartError, match="Others may read"):
        add_key(there.file)

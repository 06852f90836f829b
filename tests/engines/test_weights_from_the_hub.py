from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from mecum.engines.weights import Phase, Progress, fetch, is_present
from mecum.kit.errors import EngineUnavailable
from tests.engines.hub import CONTENT, MODEL, Hub, SteppingClock, running_hub


@pytest.fixture
async def hub() -> AsyncGenerator[Hub]:
    async with running_hub() as running:
        yield running


def partial(directory: Path) -> Path:
    return directory / "tiny.gguf.partial"


async def test_a_model_arrives_whole_and_the_way_is_reported(hub: Hub, tmp_path: Path) -> None:
    seen: list[Progress] = []
    path = await fetch(MODEL, tmp_path / "models", on_progress=seen.append, sources=hub.sources())
    assert path.read_bytes() == CONTENT
    phases: list[Phase] = list(dict.fromkeys(each.phase for each in seen))
    assert phases == ["hub", "verifying"]
    assert seen[-1].bytes_done == seen[-1].bytes_total == len(CONTENT)


async def test_what_is_there_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    first = await fetch(MODEL, tmp_path, sources=hub.sources())
    assert is_present(MODEL, tmp_path)
    assert await fetch(MODEL, tmp_path, sources=hub.sources(network=False)) == first
    assert len(hub.ranges) == 1


async def test_a_file_put_there_by_hand_is_verified_instead_of_fetched(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / MODEL.file_name).write_bytes(CONTENT)
    assert not is_present(MODEL, tmp_path)
    await fetch(MODEL, tmp_path, sources=hub.sources(network=False))
    assert is_present(MODEL, tmp_path) and not hub.ranges


async def test_a_file_that_was_changed_is_fetched_anew(hub: Hub, tmp_path: Path) -> None:
    path = await fetch(MODEL, tmp_path, sources=hub.sources())
    path.write_bytes(CONTENT[:-1] + b"?")
    assert not is_present(MODEL, tmp_path)
    assert (await fetch(MODEL, tmp_path, sources=hub.sources())).read_bytes() == CONTENT


async def test_a_transfer_that_breaks_off_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.cut = [600_000, 700_000]
    path = await fetch(MODEL, tmp_path, sources=hub.sources())
    assert path.read_bytes() == CONTENT
    first, second, third = (int((each or "bytes=0-")[6:-1]) for each in hub.ranges)
    assert 0 == first < second < third <= 1_300_000


async def test_a_hub_that_gives_nothing_more_is_given_up(hub: Hub, tmp_path: Path) -> None:
    partial(tmp_path).write_bytes(CONTENT[:1000])
    hub.cut = [0, 0, 0, 0]
    with pytest.raises(EngineUnavailable, match="broke off") as caught:
        await fetch(MODEL, tmp_path, sources=hub.sources())
    assert caught.value.code == "model_unreachable" and len(hub.ranges) == 3
    assert partial(tmp_path).read_bytes() == CONTENT[:1000]


async def test_a_damaged_beginning_is_found_and_everything_fetched_again(hub: Hub, tmp_path: Path) -> None:
    partial(tmp_path).write_bytes(b"?" * 500_000)
    path = await fetch(MODEL, tmp_path, sources=hub.sources())
    assert path.read_bytes() == CONTENT and hub.ranges == ["bytes=500000-", None]


async def test_bytes_of_somebody_else_are_never_kept(hub: Hub, tmp_path: Path) -> None:
    hub.content = b"GGUF" + b"?" * (len(CONTENT) - 4)
    with pytest.raises(EngineUnavailable, match="not the publisher's file"):
        await fetch(MODEL, tmp_path, sources=hub.sources())
    assert not partial(tmp_path).exists() and not (tmp_path / MODEL.file_name).exists()


@pytest.mark.parametrize(("status", "content"), [(404, CONTENT), (None, b"<html>Sign in to this network</html>")])
async def test_another_answer_than_the_file_is_not_written(
    hub: Hub, tmp_path: Path, status: int | None, content: bytes
) -> None:
    hub.status, hub.content = status, content
    with pytest.raises(EngineUnavailable, match="hub"):
        await fetch(MODEL, tmp_path, sources=hub.sources())
    assert not partial(tmp_path).exists()


async def test_a_range_of_another_file_is_not_written(hub: Hub, tmp_path: Path) -> None:
    partial(tmp_path).write_bytes(CONTENT[:1000])
    hub.content = CONTENT + b"more"
    with pytest.raises(EngineUnavailable, match="another file"):
        await fetch(MODEL, tmp_path, sources=hub.sources())
    assert partial(tmp_path).read_bytes() == CONTENT[:1000]


async def test_a_fetch_that_is_cancelled_keeps_what_has_arrived(hub: Hub, tmp_path: Path) -> None:
    hub.stall_after = 1_500_000
    arrived = asyncio.Event()

    def watch(progress: Progress) -> None:
        if progress.bytes_done:
            arrived.set()

    sources = hub.sources(clock=SteppingClock())
    fetching = asyncio.create_task(fetch(MODEL, tmp_path, on_progress=watch, sources=sources))
    await arrived.wait()
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    kept = partial(tmp_path).stat().st_size
    assert 0 < kept <= 1_500_000
    hub.stall_after = None
    assert (await fetch(MODEL, tmp_path, sources=hub.sources())).read_bytes() == CONTENT
    assert hub.ranges[-1] == f"bytes={kept}-"


async def test_two_who_want_the_same_model_fetch_it_once(hub: Hub, tmp_path: Path) -> None:
    seen: list[Progress] = []
    both = await asyncio.gather(
        fetch(MODEL, tmp_path, sources=hub.sources()),
        fetch(MODEL, tmp_path, on_progress=seen.append, sources=hub.sources()),
    )
    assert both[0] == both[1] and len(hub.ranges) == 1
    assert {each.phase for each in seen} == {"waiting"}


async def test_a_full_disk_is_said_before_anything_is_fetched(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="lacks") as caught:
        await fetch(MODEL, tmp_path, sources=hub.sources(free_bytes=lambda _: 10))
    assert caught.value.code == "model_disk_full" and not hub.ranges


async def test_a_directory_that_can_not_be_made_is_named(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineUnavailable, match="file/models") as caught:
        await fetch(MODEL, tmp_path / "file" / "models", sources=hub.sources())
    assert caught.value.code == "model_directory_unusable"


async def test_without_a_network_nobody_is_asked(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="no source is allowed"):
        await fetch(MODEL, tmp_path, sources=hub.sources(network=False, packages=True))
    assert not hub.ranges


@pytest.mark.parametrize(("content", "why"), [(None, "can't be read"), (b"PK\x03\x04", "not a GGUF file")])
async def test_an_own_file_that_is_none_is_refused(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "mine.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EngineUnavailable, match=why) as caught:
        await fetch(path, tmp_path)
    assert caught.value.code == "model_file_unusable"


async def test_an_own_file_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF and more")
    assert await fetch(path, tmp_path / "models") == path
    assert not (tmp_path / "models").exists()

"""Readers of a thread: who may go on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mecum.kit.bus import tell_rights_changed
from mecum.kit.db import Database
from mecum.kit.errors import Unauthenticated
from mecum.kit.types import Principal
from mecum.rooms.assistant import live
from tests.rooms.assistant.world import OnePerson, World

pytestmark = pytest.mark.anyio


class Leaving(OnePerson):
    """Somebody whose session may end."""

    ended = False

    async def recheck(self, caller: Principal) -> None:
        if self.ended:
            raise Unauthenticated("people.signed_out", "signed out")


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path, people=Leaving)


def end_session(world: World) -> None:
    assert isinstance(world.people, Leaving)
    world.people.ended = True


@pytest.mark.parametrize("position", ["³", "1:²:3", "-1", "9" * 400, "", "a:b:c", "1:2"])
async def test_a_position_that_can_not_be_read_starts_from_the_beginning(world: World, position: str) -> None:
    thread = (await world.face.create_thread(world.caller, title="Ours")).id
    async with asyncio.timeout(10):
        frame = await anext(world.face.follow(world.caller, thread, position=position))
    assert (frame.kind, frame.position) == ("event", "1")


async def test_a_reader_is_asked_again_at_each_ping(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PING_EVERY_S", 0.05)
    thread = (await world.face.create_thread(world.caller, title="Ours")).id
    frames = world.face.follow(world.caller, thread)
    async with asyncio.timeout(20):
        assert [(await anext(frames)).kind for _ in range(3)] == ["event", "ping", "ping"]
        end_session(world)
        with pytest.raises(Unauthenticated):
            await anext(frames)


async def test_a_reader_is_asked_again_when_rights_have_changed(world: World) -> None:
    thread = (await world.face.create_thread(world.caller, title="Ours")).id
    frames = world.face.follow(world.caller, thread)
    async with asyncio.timeout(10):
        assert (await anext(frames)).kind == "event"
        end_session(world)
        await tell_rights_changed(world.kit.bus, world.caller.person)
        with pytest.raises(Unauthenticated):
            await anext(frames)

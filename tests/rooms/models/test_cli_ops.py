"""Commands for models work on the database alone, and a running server follows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mecum.kit.clock import SystemClock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import Database
from mecum.kit.errors import Conflict, NotFound, Unprocessable
from mecum.rooms.models.cli_ops import Machine, ModelCommands
from mecum.rooms.models.settings import ModelsSettings
from tests.rooms.models.world import world
from tests.support.fake_anthropic import FakeAnthropic
from tests.support.fake_provider import FakeProvider
from tests.support.jobs import HandJobs


@pytest.fixture
async def commands(database: Database, tmp_path: Path) -> AsyncIterator[ModelCommands]:
    machine = Machine(database, SystemClock(), SecretBox.from_file(tmp_path / "keys"))
    made = ModelCommands(machine, ModelsSettings(allow_network=False))
    await made.start()
    yield made
    await made.close()


async def names(commands: ModelCommands) -> list[tuple[str, str, bool]]:
    return [(model.name, model.provider, model.default) for model in await commands.list()]


async def test_models_are_added_listed_tested_chosen_and_removed(commands: ModelCommands, fake: FakeProvider) -> None:
    assert await names(commands) == [("mecum-local", "built-in", True)]
    await commands.add("smart", fake.base_url, "fake", "sk-1")
    await commands.add("quick", f"{fake.base_url}/chat/completions", "fake-small")
    assert await names(commands) == [
        ("smart", "smart", True),
        ("quick", "smart", False),
        ("mecum-local", "built-in", False),
    ]
    assert (await commands.test("quick")).ok
    assert fake.requests[0].headers["authorization"] == "Bearer sk-1"
    await commands.default("quick")
    assert (await names(commands))[0] == ("quick", "smart", True)
    await commands.remove("quick")
    await commands.remove("smart")
    assert await names(commands) == [("mecum-local", "built-in", True)]


async def test_a_model_of_another_wire_is_added_and_answers_and_is_seen_to_be_reached(commands: ModelCommands) -> None:
    async with FakeAnthropic(key="sk-1") as fake:
        await commands.add("thinker", fake.base_url, "claude-fake", "sk-1", "anthropic")
        await commands.add("second", fake.base_url, "claude-other")
        assert (await commands.test("thinker")).ok
        assert (await commands.test("second")).ok
        assert await commands.reach() == (("thinker", None),)
        assert {sent.path for sent in fake.requests} == {"/v1/messages"}


async def test_mistakes_are_told(commands: ModelCommands, fake: FakeProvider) -> None:
    await commands.add("smart", fake.base_url, "fake")
    with pytest.raises(Conflict):
        await commands.add("smart", fake.base_url, "other")
    with pytest.raises(Unprocessable):
        await commands.add("mecum", fake.base_url, "fake")
    with pytest.raises(Unprocessable):
        await commands.add("x", "nowhere", "fake")
    for lacking in (commands.remove, commands.default, commands.test):
        with pytest.raises(NotFound):
            await lacking("ghost")
    trial = await commands.test("mecum-local")
    assert trial.problem
    assert trial.problem.code == "models.local_in_server"


async def test_a_running_server_sees_what_a_command_changed(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider, commands: ModelCommands
) -> None:
    async with world(database, jobs, tmp_path) as here:
        assert await here.face.catalogue(here.caller) == ()
        await commands.add("smart", fake.base_url, "fake")
        here.parts.catalogue._read_at = float("-inf")
        assert [model.name for model in await here.face.catalogue(here.caller)] == ["smart"]

"""A house with one room: people behind a real HTTP app, on a real database."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.rooms.people import parts
from mecum.rooms.people.hashing import Hashing
from tests.rooms.people.world import KeptMail, World


@pytest.fixture(autouse=True)
def light_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed for real, only with little work; `test_passwords` sees to the real parameters."""
    monkeypatch.setattr(parts, "Hashing", partial(Hashing, time_cost=1, memory_kib=64))


@pytest.fixture
async def world(database: Database, clock: ManualClock, tmp_path: Path) -> AsyncGenerator[World]:
    """A fresh installation without an owner, at http://localhost:8080."""
    made = World(database, clock, tmp_path)
    yield made
    await made.close()


@pytest.fixture
def mail() -> KeptMail:
    return KeptMail()


@pytest.fixture
async def mailing(database: Database, clock: ManualClock, tmp_path: Path, mail: KeptMail) -> AsyncGenerator[World]:
    """An installation with a mail server."""
    made = World(database, clock, tmp_path, mail=mail)
    yield made
    await made.close()

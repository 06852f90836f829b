"""What commands on an installation stand on: settings, database, clock, secrets. No HTTP, no jobs.

It works while the server runs, and without one: then the embedded database is started for as long as the command takes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from mecum.kit.blobs.sealing import SealedFiles
from mecum.kit.clock import Clock, SystemClock
from mecum.kit.crypto import KEY_BYTES, SecretBox
from mecum.kit.db import Database
from mecum.kit.embedded_pg import database_of, make_data_directory
from mecum.kit.errors import StartError
from mecum.kit.key_file import read_keys
from mecum.kit.mail import SEALED as SEALED_MAIL
from mecum.kit.migrate import migrate
from mecum.kit.rotation import Rotation
from mecum.kit.sealed import SealedPlace, require_key_file
from mecum.rooms.assistant.cli_ops import SEALED as SEALED_BY_ASSISTANT
from mecum.rooms.models.cli_ops import SEALED as SEALED_BY_MODELS
from mecum.rooms.models.cli_ops import (
    AccountChange,
    AliasChange,
    Limits,
    ModelChange,
    ModelCommands,
    Timeouts,
    Trial,
    access_of,
)
from mecum.rooms.models.cli_ops import Machine as ModelsMachine
from mecum.rooms.people import AuditCheck, IssuedKey, Person
from mecum.rooms.people.cli_ops import SEALED as SEALED_BY_PEOPLE
from mecum.rooms.people.cli_ops import Key, Machine, MadeLink, Move, PeopleCommands
from mecum.settings import Settings, load

__all__ = [
    "AccountChange",
    "AliasChange",
    "AuditCheck",
    "Ground",
    "IssuedKey",
    "Key",
    "Limits",
    "MadeLink",
    "ModelChange",
    "ModelCommands",
    "Move",
    "PeopleCommands",
    "Person",
    "Timeouts",
    "Trial",
    "access_of",
    "database_url",
    "model_commands",
    "on_ground",
    "people_commands",
    "rotation",
    "sealed_places",
]

KEY_FILE = "keys"
POOL_SIZE = 2

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ground:
    """Args: data: the data directory; public_url: where people find the installation, without a trailing slash: as the
    settings say, or else as it was run last.
    """

    settings: Settings
    db: Database
    clock: Clock
    secrets: SecretBox
    data: Path
    public_url: str


def on_ground(
    data: Path,
    purpose: str,
    work: Callable[[Ground], Awaitable[T]],
    *,
    create: bool = False,
    migrated: bool = True,
    sealed: bool = True,
    any_key: bool = False,
) -> T:
    """Do `work` on the installation in `data`, and give what it gives.

    Args:
        purpose: what others are told who find the data directory in use, e.g. `mecum people add`.
        create: make the installation when there is none: for what one does before the first start.
        migrated: bring the database to this version first.
        sealed: False works without the key file: nothing sealed can be opened, nothing is written.
        any_key: also with a key file that is not the one of this database.

    Raises:
        StartError: there is no installation, or it can't be opened.
    """
    settings = load(data=data)
    if create:
        make_data_directory(data)
    else:
        require_installation(data)
        if sealed and not any_key:
            read_keys(data / KEY_FILE)  # One that is missing here is missed: a fresh one would hide that.
    with database_url(data, purpose) as url:
        return asyncio.run(_work(settings, url, work, migrated, sealed, any_key))


@contextmanager
def people_commands(ground: Ground) -> Generator[PeopleCommands]:
    machine = Machine(ground.db, ground.clock, ground.secrets, ground.public_url)
    commands = PeopleCommands(machine, ground.settings.people)
    try:
        yield commands
    finally:
        commands.close()


@asynccontextmanager
async def model_commands(ground: Ground) -> AsyncGenerator[ModelCommands]:
    settings = ground.settings
    machine = ModelsMachine(ground.db, ground.clock, ground.secrets)
    with people_commands(ground) as people:
        local = settings.llm.local_model != "none"
        commands = ModelCommands(machine, settings.models, local_model=local, audit=people)
        await commands.start()
        try:
            yield commands
        finally:
            await commands.close()


def sealed_places(data: Path) -> tuple[SealedPlace, ...]:
    """Everywhere in the house where sealed secrets stand: the ground floor, then the rooms."""
    return (SEALED_MAIL, *SEALED_BY_PEOPLE, *SEALED_BY_MODELS, *SEALED_BY_ASSISTANT, SealedFiles(data))


def rotation(ground: Ground) -> Rotation:
    return Rotation(ground.db, ground.secrets, ground.data / KEY_FILE, sealed_places(ground.data))


@contextmanager
def database_url(data: Path, purpose: str) -> Generator[str]:
    """The operator's own database, or the embedded one of `data`: the one that runs, else one started for the block."""
    own = os.environ.get("MECUM_DATABASE_URL", "")
    if own:
        yield own
        return
    with database_of(data, purpose) as url:
        yield url


def require_installation(data: Path) -> None:
    """Raises StartError where nothing was ever started: a typing mistake must not make an empty installation."""
    if (data / KEY_FILE).exists() or (data / "pg").is_dir():
        return
    raise StartError(
        "cli.no_installation",
        f"There is no Mecum in {data}.",
        "Name its data directory with --data, or start a new one: mecum up",
        params={"data": str(data)},
    )


async def _work(
    settings: Settings,
    url: str,
    work: Callable[[Ground], Awaitable[T]],
    migrated: bool,
    sealed: bool,
    any_key: bool,
) -> T:
    database = Database(url, pool_size=POOL_SIZE)
    try:
        if migrated:
            await migrate(database)
        kit = settings.kit
        secrets = SecretBox.from_file(kit.data / KEY_FILE) if sealed else SecretBox({"none": bytes(KEY_BYTES)})
        if migrated and sealed and not any_key:
            await require_key_file(database, secrets)
        ground = Ground(settings, database, SystemClock(), secrets, kit.data, kit.address)
        if migrated and not kit.public_url:
            with people_commands(ground) as people:
                ground = replace(ground, public_url=await people.address() or kit.address)
        return await work(ground)
    finally:
        await database.close()

"""What a room is handed, and what it hands back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from mecum.kit.bus import Bus
from mecum.kit.clock import Clock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import Database
from mecum.kit.jobs import Jobs, JobSpec
from mecum.kit.outbox import Outbox, Subscription
from mecum.kit.tools import Tool, ToolRegistry

if TYPE_CHECKING:
    from fastapi import APIRouter
    from starlette.routing import BaseRoute

    from mecum.kit.blobs import Blobs
    from mecum.kit.fetch import Fetcher
    from mecum.kit.i18n import I18n
    from mecum.kit.mail import Mail
    from mecum.kit.notify import Notify
    from mecum.kit.streams import Streams

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Kit:
    """The capabilities of the ground floor. `data` is the data directory, `public_url` has no trailing slash.
    `valkey_url`: what several server processes share; None: there is only one."""

    db: Database
    jobs: Jobs
    outbox: Outbox
    bus: Bus
    clock: Clock
    secrets: SecretBox
    tools: ToolRegistry
    blobs: Blobs
    mail: Mail
    notify: Notify
    i18n: I18n
    fetch: Fetcher
    streams: Streams
    data: Path
    public_url: str
    valkey_url: str | None = None


async def nothing() -> None:
    """The default of `start` and `stop`."""


@dataclass(frozen=True, slots=True)
class Room(Generic[F]):
    """A built room: its face, and what the house has to mount.

    Args:
        router: its `/api` routes; routes: plain Starlette routes for hot paths.
        start: called when jobs run already; stop: called before the database closes.
    """

    name: str
    face: F
    router: APIRouter | None = None
    routes: Sequence[BaseRoute] = ()
    tools: Sequence[Tool] = ()
    jobs: Sequence[JobSpec] = ()
    handlers: Sequence[Subscription] = ()
    start: Callable[[], Awaitable[None]] = nothing
    stop: Callable[[], Awaitable[None]] = nothing

"""A small world for the assistant room: the real database, jobs and bus, a model that answers as told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

from mecum.bindings import Documents
from mecum.engines.documents.settings import DocumentSettings
from mecum.kit.blobs.local import FileBlobs
from mecum.kit.bus import LocalBus
from mecum.kit.clock import Clock, SystemClock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.i18n import I18n
from mecum.kit.ids import new_id
from mecum.kit.jobs import Jobs
from mecum.kit.notify import NewNotification, NotificationKind
from mecum.kit.outbox import Outbox
from mecum.kit.room import Kit, Room
from mecum.kit.streams import Streams
from mecum.kit.tools import Tool, ToolRegistry
from mecum.kit.types import ALL_SCOPES, Actor, OrganisationId, PersonId, Principal, SpaceId, Surface, Tokens
from mecum.rooms.assistant import Event, NoRecall, NoReview, Post
from mecum.rooms.assistant.face import AssistantRoom
from mecum.rooms.assistant.files.attachments import Attachments
from mecum.rooms.assistant.posting import Posting
from mecum.rooms.assistant.room import Ports, Sweeper, build
from mecum.rooms.assistant.searching import Searching
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.stopping import Stopping
from mecum.rooms.models import (
    CatalogueModel,
    Embedded,
    Finish,
    LocalModel,
    ModelEvent,
    ModelRequest,
    Models,
    TextDelta,
    ToolCallDelta,
    ToolUse,
    Usage,
)
from mecum.rooms.people import People

Script = Callable[[ModelRequest], AsyncIterator[ModelEvent]]

MODEL = CatalogueModel("test", "test", "chat", "test", 32_000, True, True, False, False, True, "")


def principal(person: UUID | None = None) -> Principal:
    return Principal(
        person=PersonId(person or uuid4()),
        actor=Actor("session", uuid4()),
        space=SpaceId(uuid4()),
        organisation=OrganisationId(uuid4()),
        role="member",
        scopes=ALL_SCOPES,
        surface="web",
    )


@dataclass(frozen=True)
class Used:
    """What one piece of work took."""

    work: UUID
    calls: int
    input_tokens: int
    output_tokens: int
    cost: int


@dataclass(frozen=True)
class UsedInMonth:
    month: str
    currency: str
    items: tuple[Used, ...]


class ScriptedModels:
    """Answers each request with the next script; the last one stays."""

    def __init__(self) -> None:
        self.scripts: list[Script] = [says("Hello.")]
        self.requests: list[ModelRequest] = []
        self.asked = asyncio.Event()
        self.used: tuple[Used, ...] = ()

    def play(self, *scripts: Script) -> None:
        self.scripts = list(scripts)

    async def stream(self, principal: Principal, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.requests.append(request)
        self.asked.set()
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        async for event in script(request):
            yield event

    async def embed(self, principal: Principal, texts: Sequence[str], model: str | None, kind: str) -> Embedded:
        return Embedded(tuple((1.0,) for _ in texts), "test", Tokens(0))

    async def catalogue(self, principal: Principal) -> tuple[CatalogueModel, ...]:
        return (MODEL,)

    def local(self) -> LocalModel:
        return LocalModel("", "", "", "", "off")

    async def works(self, principal: Principal, month: str | None) -> UsedInMonth:
        return UsedInMonth(month or "2026-03", "EUR", self.used)


def finish(reason: Any = "stop", output: int = 3) -> Finish:
    return Finish(reason, Usage(Tokens(5), Tokens(output)), "test", "test")


def says(*chunks: str, pause_s: float = 0.0, before: asyncio.Event | None = None) -> Script:
    async def script(_: ModelRequest) -> AsyncIterator[ModelEvent]:
        for chunk in chunks:
            if before is not None:
                await before.wait()
            if pause_s:
                await asyncio.sleep(pause_s)
            yield TextDelta(chunk)
        yield finish()

    return script


def calls(*uses: tuple[str, str], text: str = "") -> Script:
    async def script(_: ModelRequest) -> AsyncIterator[ModelEvent]:
        if text:
            yield TextDelta(text)
        for name, arguments in uses:
            yield ToolCallDelta(ToolUse("x", name, arguments))
        yield finish("tool_calls")

    return script


def breaks(error: Exception, *chunks: str) -> Script:
    async def script(_: ModelRequest) -> AsyncIterator[ModelEvent]:
        for chunk in chunks:
            yield TextDelta(chunk)
        raise error

    return script


class OnePerson:
    """Only what runs ask of the people room."""

    def __init__(self, caller: Principal) -> None:
        self.caller = caller

    async def person(self, person: PersonId) -> Any:
        return SimpleNamespace(name="Ines")

    async def record(self, *about: Any) -> None:
        return None

    async def recheck(self, caller: Principal) -> None:
        return None

    async def principal_for_job(
        self, person: PersonId, space: SpaceId, job: UUID, surface: Surface = "none"
    ) -> Principal:
        return self.caller


class HeardNotify:
    """Remembers what is told."""

    def __init__(self) -> None:
        self.told: list[NewNotification] = []

    def register(self, kinds: Sequence[NotificationKind]) -> None:
        return None

    async def notify(self, connection: AsyncConnection, *about: Any) -> None:
        self.told.append(NewNotification(*about))


class World:
    def __init__(
        self,
        database: Database,
        data: Path,
        tools: Sequence[Tool] = (),
        clock: Clock | None = None,
        recall: Any = None,
        people: Callable[[Principal], OnePerson] | None = None,
        jobs: Jobs | None = None,
        **settings: Any,
    ) -> None:
        self.caller = principal()
        self.models = ScriptedModels()
        self.notify = HeardNotify()
        clock = clock or SystemClock()
        jobs = jobs or Jobs(database, database.url)
        registry = ToolRegistry()
        registry.add(tools)
        nothing = cast(Any, None)
        secrets = SecretBox.from_file(data / "keys")
        blobs = FileBlobs(data, database, secrets, clock, limit_bytes=10_000_000, quota_bytes=100_000_000)
        self.kit = Kit(
            db=database,
            jobs=jobs,
            outbox=Outbox(database, jobs, clock),
            bus=LocalBus(clock),
            clock=clock,
            secrets=secrets,
            tools=registry,
            blobs=blobs,
            mail=nothing,
            notify=cast(Any, self.notify),
            i18n=I18n(),
            fetch=nothing,
            streams=Streams(100),
            data=data,
            public_url="http://localhost:8080",
        )
        # Without titles, unless a test is about them: what models are asked is counted.
        chosen = AssistantSettings(**{"thread_titles": False, **settings})
        self.people = cast(People, (people or OnePerson)(self.caller))
        documents = Documents(DocumentSettings())
        self.attachments = Attachments(self.kit, documents, chosen)
        self.searching = Searching(self.kit)
        self.posting = Posting(self.kit, chosen, self.attachments)
        self.room: Room[AssistantRoom] = build(
            self.kit,
            Ports(
                self.people,
                cast(Models, self.models),
                recall or NoRecall(),
                NoReview(),
                documents,
                documents,
                self.models,
            ),
            chosen,
        )
        jobs.add(self.room.jobs)
        self.kit.outbox.subscribe(self.room.handlers)

    def sweeper(self, **settings: Any) -> Sweeper:
        """The room's sweeper, with other settings than the room has."""
        chosen = AssistantSettings(**settings)
        return Sweeper(self.kit, self.attachments, Stopping(self.kit, chosen), chosen)

    @property
    def face(self) -> AssistantRoom:
        return self.room.face

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[World]:
        await self.kit.jobs.start()
        await self.room.start()
        try:
            yield self
        finally:
            await self.kit.jobs.stop(1.0)
            await self.room.stop()

    def message(self, text: str, **options: Any) -> Post:
        return Post(client_id=new_id().hex, text=text, **options)

    async def log(self, thread: UUID) -> list[Event]:
        return list((await self.face.events(self.caller, thread, limit=1000)).items)

    async def until(self, thread: UUID, *types: str, timeout_s: float = 10.0, times: int = 1) -> list[Event]:
        """The log once it holds an event of one of `types` (`times` of them)."""
        async with asyncio.timeout(timeout_s):
            async for frame in self.face.follow(self.caller, thread):
                if frame.kind in ("event", "ping"):
                    log = await self.log(thread)
                    if sum(event.type in types for event in log) >= times:
                        return log
        raise AssertionError("the stream ended")


def texts(log: Sequence[Event], type_: str = "message.assistant") -> list[str]:
    return [str(bodies(event)["text"]) for event in log if event.type == type_]


def bodies(event: Event) -> Mapping[str, Any]:
    assert event.payload is not None
    return event.payload
